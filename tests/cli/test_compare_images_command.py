"""`jaxbragg compare-images`: numbers, limits, exit status, and what it leaves behind."""

import json

import numpy as np
import pytest
import trace_files

from jaxbragg.cli import main
from jaxbragg.io import write_float_image, write_smv


@pytest.fixture
def images(tmp_path):
    paths = []
    for variant in ("c", "fixed"):
        paths.append(str(tmp_path / f"{variant}.bin"))
        write_float_image(paths[-1], trace_files.image("pilatus_vectors", variant))
    return [*paths, "--shape", "75", "70"]


def test_prints_the_numbers(images, capsys):
    assert main(["compare-images", *images]) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    a, b = (trace_files.image("pilatus_vectors", variant).astype(float) for variant in ("c", "fixed"))
    assert lines["pixels"] == "5250 compared"
    assert float(lines["correlation"]) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=1e-9)
    assert lines["sums"].endswith(f"B / A = {b.sum() / a.sum():.9g}")
    assert lines["largest difference, B − A"] == "0.0181 at slow 71, fast 60"
    assert lines["spots"].startswith("100 of the 100 brightest of A are among the 100 of B, 0 pixels apart")


def test_report(images, tmp_path):
    out = tmp_path / "report"
    geometry = ["--center", "30.8", "35.5", "--distance", "131.275", "--pixel", "0.688", "--wavelength", "1.3"]
    assert main(["compare-images", *images, *geometry, "--roi", "10", "60", "20", "70", "--out", str(out)]) == 0
    names = ["comparison.png", "metrics.json", "run_metadata.json", "summary.md"]
    assert sorted(path.name for path in out.iterdir()) == names
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["num_pixels"] == 51 * 51
    assert metrics["radial_profile"]["center"] == {"slow": 30.8, "fast": 35.5}
    assert len(metrics["radial_profile"]["resolution_A"]) == len(metrics["radial_profile"]["ratio"]) == 50
    assert metrics["peaks"]["num_matched"] == len(metrics["peaks"]["matched"])
    assert json.loads((out / "run_metadata.json").read_text())["files"].keys() == {"a", "b"}
    assert "- correlation: 0.99999" in (out / "summary.md").read_text()
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        (["--min-correlation", "0.9999"], 0),
        (["--min-correlation", "0.99999999"], 1),
        (["--sum-tolerance", "0.0003"], 0),
        (["--sum-tolerance", "0.0001"], 1),
        (["--min-correlation", "0.9999", "--sum-tolerance", "0.0001"], 1),
    ],
)
def test_limits(images, limits, status, capsys):
    assert main(["compare-images", *images, *limits]) == status
    assert ("FAIL: " in capsys.readouterr().out) == bool(status)


def test_a_correlation_that_is_no_number_fails(tmp_path):
    for name, value in (("a", 0.0), ("b", 1.0)):
        write_float_image(tmp_path / name, np.full((4, 4), value))
    words = ["compare-images", str(tmp_path / "a"), str(tmp_path / "b")]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["correlation"] == "nan"
    assert main([*words, "--min-correlation", "-1"]) == 1
    assert main([*words, "--sum-tolerance", "1000"]) == 1


def test_nan_is_counted(tmp_path, capsys):
    picture = np.arange(16.0).reshape(4, 4)
    write_float_image(tmp_path / "a", picture)
    picture[1, 2] = np.nan
    write_float_image(tmp_path / "b", picture)
    assert main(["compare-images", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "out")]) == 0
    assert "pixels: 15 compared, 1 not finite and left out (1 in one image alone)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("dark_in_a", "dark_in_b", "words", "fails"),
    [
        (0, 98, [], "only 200 of the 10000 pixels that are finite in A or B are finite in both (0.02 of them"),
        (98, 0, ["--min-correlation", "0.9", "--sum-tolerance", "0.1"], "only 200 of the 10000 pixels"),
        (0, 11, [], "(0.89 of them, less than 0.9)"),
        (0, 9, [], None),
        (0, 98, ["--min-compared", "0.01"], None),
        (60, 60, [], None),  # masked in both
        (98, 98, [], "only 200 of 10000 pixels are finite (0.02 of them)"),
        (98, 98, ["--min-compared", "0.02"], None),
    ],
)
def test_next_to_nothing_compared_fails(tmp_path, capsys, dark_in_a, dark_in_b, words, fails):
    """The lower rows of 100 × 100 pixels hold no number."""
    for name, dark in (("a", dark_in_a), ("b", dark_in_b)):
        image = np.arange(10_000.0).reshape(100, 100)
        image[100 - dark :] = np.nan
        write_float_image(tmp_path / name, image)
    found = main(["compare-images", str(tmp_path / "a"), str(tmp_path / "b"), *words])
    printed = capsys.readouterr().out
    assert found == (fails is not None)
    assert "FAIL: " in printed if fails else "FAIL" not in printed
    if fails:
        assert fails in printed


def test_a_share_is_no_more_than_all(images, capsys):
    assert main(["compare-images", *images, "--min-compared", "1.5"]) == 2
    assert "expected a share from 0 to 1, but got '1.5'" in capsys.readouterr().err


def test_geometry_from_a_header(tmp_path):
    fields = {"PIXEL_SIZE": "0.5", "DISTANCE": "100", "WAVELENGTH": "1.2", "DENZO_X_BEAM": "3", "DENZO_Y_BEAM": "2"}
    picture = np.arange(70, dtype=np.uint16).reshape(10, 7)
    write_smv(tmp_path / "a.img", picture, fields)
    write_float_image(tmp_path / "b.bin", picture)
    words = ["compare-images", str(tmp_path / "b.bin"), str(tmp_path / "a.img"), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    profile = json.loads((tmp_path / "out" / "metrics.json").read_text())["radial_profile"]
    assert profile["center"] == {"slow": 5.5, "fast": 3.5}
    radius, resolution = profile["radius_pixels"][-1], profile["resolution_A"][-1]
    assert resolution == pytest.approx(1.2 / (2.0 * np.sin(np.arctan(radius * 0.5 / 100.0) / 2.0)))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--roi", "0", "70", "0", "3"], "--roi 0 70 0 3 is no region of 70 × 75 pixels (fast × slow), ends included"),
        (["--roi", "5", "4", "0", "3"], "is no region"),
        (["--roi", "0", "1", "2"], "argument --roi: expected 4 arguments"),
        (["--roi", "-1", "1", "2", "3"], "expected a whole number from 0, but got '-1'"),
        (["--shape", "0", "5"], "expected a positive whole number, but got '0'"),
        (["--center", "1", "nan"], "expected a number, but got 'nan'"),
        (["--distance", "100"], "--distance, --pixel and --wavelength go together"),
        (["--distance", "0", "--pixel", "1", "--wavelength", "1"], "expected a positive number, but got '0'"),
        (["--min-corelation", "1"], "unknown flag --min-corelation: did you mean --min-correlation?"),
        (["--sum-tolerance", "-0.1"], "expected a number that is not negative, but got '-0.1'"),
    ],
)
def test_wrong_command_line(images, words, said, capsys):
    assert main(["compare-images", *images, *words]) == 2
    caught = capsys.readouterr()
    assert said in caught.err
    assert caught.err.count("\n") == 1


def test_files_at_fault(images, tmp_path, capsys):
    (tmp_path / "empty").touch()
    write_float_image(tmp_path / "dark", np.full((75, 70), np.nan))
    for other, said in (
        ("none", "no such file"),
        ("empty", "the file is empty"),
        ("dark", "must share a finite pixel"),
    ):
        words = [images[0], str(tmp_path / other), *images[2:]]
        assert main(["compare-images", *words, "--out", str(tmp_path / "out")]) == 3
        caught = capsys.readouterr()
        assert said in caught.err
        assert caught.err.count("\n") == 1
    assert main(["compare-images", *images[:2]]) == 3
    assert "give the shape with --shape SLOW FAST" in capsys.readouterr().err


def test_help(capsys):
    assert main(["compare-images", "--help"]) == 0
    assert "  jaxbragg compare-images nanobragg.bin jaxbragg.bin --shape 2527 2463" in capsys.readouterr().out
