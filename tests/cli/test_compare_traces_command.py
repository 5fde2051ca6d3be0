"""`jaxbragg compare-traces`: verdict, exit status, and what it leaves behind."""

import hashlib
import json
import subprocess
import sys

import pytest
import trace_files

from jaxbragg.cli import main


@pytest.fixture
def traces(tmp_path):
    return [str(trace_files.write(tmp_path, "phi_from_zero", variant)) for variant in ("c", "fixed")]


def test_the_kept_rotation(traces, tmp_path, capsys):
    out = tmp_path / "deep" / "report"
    assert main(["compare-traces", *traces, "--out", str(out)]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("DIFFERENT, first at phi_tic=0\n  First divergence: step phi_tic=0 (φ = 0°), h_frac: ")
    assert "Program A (TRACE_C) keeps the rotation of its last step (phi_tic=9) at φ = 0" in printed
    assert "After it: I_before_scaling +59.41 %, I_pixel_final +59.41 %; the 7 other factors" in printed
    assert sorted(path.name for path in out.iterdir()) == ["metrics.json", "run_metadata.json", "summary.md"]

    metrics = json.loads((out / "metrics.json").read_text())
    assert (metrics["tolerance_rel"], metrics["first_divergence"]) == (1e-6, "phi_tic=0")
    assert metrics["first_divergent_step"]["key"] == "h_frac"
    records = [trace_files.recorded("phi_from_zero", variant)[0] for variant in ("c", "fixed")]
    values = [record["factors"]["I_before_scaling"] for record in records]
    sums = metrics["factors"]["I_before_scaling"]
    assert [sums["a_value"], sums["b_value"]] == values
    assert sums["abs_delta"] == pytest.approx(abs(values[1] - values[0]))
    assert sums["rel_delta"] == pytest.approx((values[1] - values[0]) / values[0])
    assert sums["status"] == "CRITICAL"
    assert sums["description"]
    assert sums["unit"] == "electrons²"
    assert metrics["num_divergent"] == sum(f["status"] not in ("PASS", "MISSING") for f in metrics["factors"].values())
    assert [step["status"] for step in metrics["per_phi"]] == ["CRITICAL"] + ["PASS"] * 9

    metadata = json.loads((out / "run_metadata.json").read_text())
    for key, path in zip("ab", traces, strict=True):
        with open(path, "rb") as file:
            assert metadata["files"][key]["sha256"] == hashlib.sha256(file.read()).hexdigest()
    assert metadata["command"].startswith("jaxbragg compare-traces ")
    assert metadata["device"] == {"a": None, "b": None}
    assert {"python", "numpy", "jax", "jaxbragg"} <= metadata["versions"].keys()

    summary = (out / "summary.md").read_text()
    order = [summary.index(f"| {key} |") for key in ("pix0_vector_meters", "step phi_tic=0: h_frac", "rot_a_angstroms")]
    assert order == sorted(order)


def test_all_pass(traces, tmp_path, capsys):
    out = tmp_path / "report"
    assert main(["compare-traces", traces[0], traces[0], "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith("PASS\n  No divergence: 28 factors and 10 steps agree to 1e-06.\n")
    metrics = json.loads((out / "metrics.json").read_text())
    assert (metrics["first_divergence"], metrics["num_divergent"]) == (None, 0)
    assert "| 10 steps |" in (out / "summary.md").read_text()


def test_tolerance_and_ignore(traces):
    # F_latt of the step that differs is 0.0014 in A, and some hundred times that in B.
    assert main(["compare-traces", *traces, "--tolerance", "1e6"]) == 0
    keys = ["h_frac", "k_frac", "l_frac", "F_latt", "hkl_frac", "rot_a_angstroms", "rot_b_angstroms"]
    keys += ["rot_c_angstroms", "I_before_scaling", "I_pixel_final"]
    assert main(["compare-traces", *traces, "--ignore", *keys]) == 0
    assert main(["compare-traces", *traces, "--ignore", *keys[:-1]]) == 1


def test_values_that_are_no_numbers_still_make_json(tmp_path):
    (tmp_path / "a").write_text("TRACE_C: polar nan\nTRACE_C: F_latt inf\n")
    assert main(["compare-traces", str(tmp_path / "a"), str(tmp_path / "a"), "--out", str(tmp_path / "out")]) == 1
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["first_divergence"] == "polar"
    assert metrics["factors"]["polar"]["a_value"] == "nan"


def test_too_little_in_common_fails(traces, tmp_path, capsys):
    text = (tmp_path / "phi_from_zero_c.log").read_text()
    only = "".join(line for line in text.splitlines(keepends=True) if "_PHI" not in line)
    (tmp_path / "stepless").write_text(only)
    words = ["compare-traces", traces[0], str(tmp_path / "stepless")]
    assert main([*words, "--out", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("INCOMPLETE\n  No divergence in what both traces have: 28 factors and 0 steps agree")
    assert "Too little was compared: one trace alone has steps: 10 steps in A, 0 steps in B." in printed
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["passes"] is False
    assert metrics["gaps"] == ["one trace alone has steps: 10 steps in A, 0 steps in B"]
    assert main([*words, "--partial"]) == 0
    for name, pixel in (("one", "5 6"), ("other", "6 5")):
        (tmp_path / name).write_text(only.replace("TRACE_C: pix0", f"TRACE_C: pixel {pixel}\nTRACE_C: pix0"))
    words = ["compare-traces", str(tmp_path / "one"), str(tmp_path / "other"), "--partial"]
    assert main(words) == 1
    assert "different pixels: slow 5 fast 6 in A, slow 6 fast 5 in B" in capsys.readouterr().out


END = "TRACE_JAX: I_pixel_final 1\n"


def test_several_pixels(tmp_path, capsys):
    paths = []
    for name, shift in (("a", 0.0), ("b", 1.0)):
        paths.append(str(tmp_path / name))
        blocks = (f"TRACE_JAX: pixel {n} 5\nTRACE_JAX: F_latt {n + shift * n}\n{END}" for n in (0, 1))
        (tmp_path / name).write_text("".join(blocks))
    assert main(["compare-traces", *paths]) == 0
    assert "The files hold 2 and 2 traces; these are the first: see --pixel." in capsys.readouterr().out
    assert main(["compare-traces", *paths, "--pixel", "1"]) == 1
    assert main(["compare-traces", *paths, "--pixel", "2"]) == 2
    assert "--pixel must be from 0 to 1" in capsys.readouterr().err
    # the same pixel is found wherever it stands
    (tmp_path / "b").write_text(
        f"TRACE_JAX: pixel 1 5\nTRACE_JAX: F_latt 9\n{END}TRACE_JAX: pixel 0 5\nTRACE_JAX: F_latt 0\n{END}"
    )
    assert main(["compare-traces", *paths]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required: A, B"),
        (["a.log"], "the following arguments are required: B"),
        (["a", "b", "c"], "unrecognized arguments: c"),
        (["a", "b", "--tolerence", "1"], "unknown flag --tolerence: did you mean --tolerance?"),
        (["a", "b", "--tolerance", "-1"], "expected a number that is not negative, but got '-1'"),
        (["a", "b", "--tolerance", "nan"], "expected a number that is not negative, but got 'nan'"),
        (["a", "b", "--pixel", "-1"], "expected a whole number from 0, but got '-1'"),
        (["a", "b", "--out"], "argument --out: expected one argument"),
        (["a", "b", "--ignore"], "argument --ignore: expected at least one argument"),
    ],
)
def test_wrong_command_line(words, said, capsys):
    assert main(["compare-traces", *words]) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert said in caught.err
    assert caught.err.count("\n") == 1


def test_ignoring_what_is_not_there(traces, capsys):
    assert main(["compare-traces", *traces, "--ignore", "F_lat"]) == 2
    assert "--ignore F_lat: neither trace has that key: did you mean F_latt?" in capsys.readouterr().err


def test_unreadable_files(traces, tmp_path, capsys):
    def fails(other, said):
        assert main(["compare-traces", traces[0], str(other), "--out", str(tmp_path / "report")]) == 3
        caught = capsys.readouterr()
        assert said in caught.err
        assert caught.err.count("\n") == 1
        assert not (tmp_path / "report" / "metrics.json").exists()

    text = (tmp_path / "phi_from_zero_c.log").read_text()
    for name, content in {
        "empty": "",
        "none": "max_I\n",
        "broken": "TRACE_C: F_latt abc\nTRACE_C: F_cell 1\n",
        "cut": text[: text.index("F_latt=") + 7],
        "apart": "TRACE_C: other 1\n",
    }.items():
        (tmp_path / name).write_text(content)
    fails(tmp_path / "missing", "no such file")
    fails(tmp_path, "is a folder, not a file")
    fails(tmp_path / "empty", "the file is empty")
    fails(tmp_path / "none", "but found none")
    fails(tmp_path / "broken", "broken, line 1: expected one number after F_latt, but found 'abc'")
    fails(tmp_path / "cut", "cut: the file is cut off in line 20")
    fails(tmp_path / "apart", "the two traces have no factor in common")


def test_a_report_that_cannot_be_written(traces, capsys):
    assert main(["compare-traces", *traces, "--out", traces[0]]) == 3
    assert "expected a folder, but found a file" in capsys.readouterr().err


def test_help_needs_nothing_heavy():
    program = (
        "import sys; from jaxbragg.cli import main; code = main(['compare-traces', '--help']);"
        "print(code, {'jax', 'jaxbragg.compare', 'matplotlib'} & set(sys.modules))"
    )
    path = {"PYTHONPATH": ":".join(entry for entry in sys.path if entry)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=path)
    assert "  jaxbragg compare-traces nanobragg.log mine.log --out report" in done.stdout
    assert done.stdout.splitlines()[-1] == "0 set()"


def test_comparing_needs_no_jax(traces):
    program = (
        "import sys; from jaxbragg.cli import main; code = main(['compare-traces', *sys.argv[1:]]);"
        "print(code, {'jax', 'equinox', 'matplotlib'} & set(sys.modules))"
    )
    path = {"PYTHONPATH": ":".join(entry for entry in sys.path if entry)}
    command = [sys.executable, "-c", program, *traces]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=path)
    assert done.stdout.splitlines()[-1] == "1 set()"
