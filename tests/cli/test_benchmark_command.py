import pytest

from jaxbragg.cli import main

IMAGE = (
    *("-cell", "40", "40", "55", "90", "90", "90", "-default_F", "100", "-N", "10", "-lambda", "1"),
    *("-distance", "100", "-detpixels_f", "24", "-detpixels_s", "16"),
)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "which image?"),
        ([*IMAGE, "--repeats", "0"], "--repeats: expected a positive whole number, but got '0'"),
        ([*IMAGE, "--repeats=two"], "--repeats: expected a positive whole number, but got 'two'"),
        ([*IMAGE, "--repeats"], "--repeats: expected a positive whole number, but got ''"),
        ([*IMAGE, "-phistep"], "-phistep takes 1 value"),
        (["--cases", "yardstick"], "unknown flag --cases"),
    ],
)
def test_a_wrong_command_line_is_one_line(capsys, argv, said):
    assert main(["benchmark", *argv]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err
    assert len(shown.err.splitlines()) == 1


def test_a_missing_file_is_named(capsys):
    assert main(["benchmark", *IMAGE, "-hkl", "/no/such.hkl"]) == 1
    assert "/no/such.hkl" in capsys.readouterr().err


def test_help_has_an_example(capsys):
    assert main(["benchmark", "--help"]) == 0
    assert "jaxbragg benchmark -cell" in capsys.readouterr().out


def test_the_figures_are_those_of_the_flags(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scan = "-oversample 2 -osc 1 -phisteps 3 -mosaic 0.5 -mosaic_domains 5 -dispersion 1 -dispsteps 2 -roi 2 21 0 9"
    assert main(["benchmark", *IMAGE, *scan.split(), "--repeats=2", "-floatfile", "image.bin"]) == 0
    shown = capsys.readouterr()
    lines = dict(line.split(maxsplit=1) for line in shown.out.splitlines())
    assert list(lines) == ["versions", "device", "XLA_FLAGS", "image", "reading", "lowering", "compilation", "run",
                           "memory"]  # fmt: skip
    assert lines["image"].startswith("20 × 10 pixels × 2² sub-pixels × 2 source(s) × 3 φ step(s) × 5 domain(s)")
    assert f"{20 * 10 * 4 * 2 * 3 * 5} steps, mixed" in lines["image"].replace("2.4e+04", "24000")
    assert "in 2 runs" in lines["run"]
    assert "MB planned" in lines["memory"]
    assert "no file is written here: -floatfile without effect" in shown.err
    assert not list(tmp_path.iterdir())
