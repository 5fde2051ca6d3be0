"""No output is an input, whatever names either, and no name promises a format that is not written."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from jaxbragg.cli import main
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.file_names import check_output
from jaxbragg.io import FileError, write_float_image, write_hkl, write_smv

CRYSTAL = "-cell 40 40 55 90 90 90 -N 5 -default_F 100"
SMALL = f"{CRYSTAL} -distance 100 -detpixels 8 -oversample 1"
TRACE = f"trace -trace_pixel 3 4 {SMALL}"
# What a run may read, and the flags that make it.
INPUTS = {
    "table.hkl": "-hkl table.hkl",
    "A.mat": "-mat A.mat",
    "s.txt": "-sourcefile s.txt",
    "w.stol": "-water 5 -stol w.stol",
    "q.txt": "-water 5 -Q q.txt",
    "mask.img": "-mask mask.img",
    "header.img": "-img header.img",
}


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_hkl("table.hkl", [[1, 0, 0], [-1, 0, 0]], [10, 10])
    Path("A.mat").write_text("0.02 0 0\n0 0.02 0\n0 0 0.02\n")
    Path("s.txt").write_text("-10 0 0 1 1e-10\n")
    Path("w.stol").write_text("0 1\n1 2\n")
    Path("q.txt").write_text("0 1\n1 2\n")
    write_smv("mask.img", np.ones((8, 8), np.uint16), {})
    write_smv("header.img", np.ones((8, 8), np.uint16), {})
    write_float_image("a.bin", np.ones((8, 8)))
    write_float_image("b.bin", np.ones((8, 8)))


def contents():
    return {str(path): path.read_bytes() for path in sorted(Path.cwd().rglob("*")) if path.is_file()}


def refused(capsys, line) -> tuple[str, int]:
    """The one line on stderr, without the program's name, and the exit status; every file is as it was."""
    before = contents()
    status = main(line.split())
    (said,) = (text for text in capsys.readouterr().err.splitlines() if not text.startswith("warning: "))
    assert contents() == before
    assert status != 0
    return said.removeprefix("jaxbragg: "), status


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("output", ["-floatfile", "-intfile", "-pgmfile", "-noisefile", "--png", "-dump", "-o"])
def test_no_output_is_an_input(capsys, name, output):
    command = TRACE if output == "-o" else SMALL
    table = "-hkl table.hkl" if output == "-dump" and name != "table.hkl" else ""
    os.symlink(name, "link")
    os.link(name, "hard")
    for path in (name, "./link", "hard"):
        said, status = refused(capsys, f"{command} {table} {INPUTS[name]} {output} {path}")
        flag = INPUTS[name].split()[-2]
        assert (said, status) == (f"{output} {path}: {flag} names the same file", 2)


def test_a_dump_that_is_read_is_no_output(capsys):
    assert main(f"{SMALL} -hkl table.hkl -dump F.bin -floatfile c.bin --quiet".split()) == 0
    said, _ = refused(capsys, f"{SMALL} -dump F.bin -floatfile F.bin")
    assert said == "-floatfile F.bin: -dump names the same file"


@pytest.mark.parametrize("wrong", ["-roi 50 60 0 5", "-printout_pixel 99 0", "-mat missing.mat"])
def test_a_refused_run_leaves_no_dump(capsys, wrong):
    refused(capsys, f"{SMALL} -hkl table.hkl -dump new.bin {wrong}")


def test_a_trace_writes_its_dump_with_itself(capsys):
    assert main(f"{TRACE} -hkl table.hkl -dump F.bin -o t.log".split()) == 0
    assert Path("F.bin").read_bytes().startswith(b"-1 1 0 0 0 0\n\f")
    refused(capsys, f"{TRACE.replace('3 4', '30 4')} -hkl table.hkl -dump G.bin -o u.log")
    assert refused(capsys, f"{TRACE} -hkl table.hkl -dump H.bin -o H.bin")[0] == "-o H.bin: -dump names the same file"


@pytest.mark.parametrize("name", ["summary.md", "metrics.json", "run_metadata.json", "comparison.png"])
def test_a_comparison_spares_its_images(capsys, name):
    os.mkdir("out")
    os.link("a.bin", f"out/{name}")
    said, status = refused(capsys, "compare-images a.bin b.bin --out out")
    assert (said.split(":")[0], status) == (f"out/{name}", 3)
    assert "this run reads this file" in said


def test_a_comparison_spares_its_traces(capsys):
    assert main(f"{TRACE} -o summary.md".split()) == 0
    said, status = refused(capsys, "compare-traces summary.md summary.md --out .")
    assert (said.split(":")[0], status) == ("./summary.md", 3)


def test_a_refused_comparison_leaves_no_folder(capsys):
    write_float_image("c.bin", np.full((8, 8), np.nan))
    refused(capsys, "compare-images a.bin c.bin --out new/folder")
    assert not Path("new").exists()


@pytest.mark.parametrize("name", ["A_0.mat", "model_0.bin", "result.json", "image_0.png"])
def test_a_refinement_spares_what_it_reads(capsys, name):
    """The second refinement of a folder reads the matrix that the first has left there."""
    os.mkdir("refined")
    os.link("A.mat" if name.endswith(".mat") else "a.bin", f"refined/{name}")
    mat, image = (f"refined/{name}", "b.bin") if name.endswith(".mat") else ("A.mat", f"refined/{name}")
    flags = f"-mat {mat} -lambda 1 -N 5 -default_F 100 -distance 100 -detpixels 8 -oversample 1"
    Path("r.toml").write_text(
        f'[experiment]\nflags = "{flags}"\n[[images]]\nfile = "{image}"\n[[parameters]]\npath = "crystal.misset"\n'
    )
    said, status = refused(capsys, "refine r.toml")
    assert (said.split(":")[0], status) == (f"./refined/{name}".removeprefix("./"), 1)
    os.rename("r.toml", "result.json")
    assert refused(capsys, "refine result.json --out .")[0].startswith("./result.json: this run reads this file")


@pytest.mark.parametrize(
    ("flag", "writes", "hint"),
    [
        ("-floatfile", "raw float32", ".bin"),
        ("-intfile", "SMV", ".img"),
        ("-noisefile", "SMV", ".img"),
        ("-pgmfile", "PGM", ".pgm"),
        ("--png", "PNG", ".png"),
        ("-hkl table.hkl -dump", "Fdump.bin", ".bin"),
    ],
)
def test_a_name_that_promises_another_format(capsys, flag, writes, hint):
    name = flag.split()[-1]
    endings = [".h5", ".nxs", ".cbf", ".tif", ".npy", ".png", ".img", ".pgm", ".jpg", ".hkl", ".img.gz", ".TIFF"]
    for ending in endings:
        if ending != hint:
            said, status = refused(capsys, f"{SMALL} {flag} x{ending}")
            assert said.startswith(f"{name} x{ending}: .{ending.split('.')[-1].lower()} is ")
            assert f", but {name} writes {writes}; name it x" in said
            assert (said.endswith(hint), status) == (True, 2)


@pytest.mark.parametrize("path", ["x.bin", "x", "x.raw", "x.dat", "x.2024-01-01", "x.IMG", ".img", "/dev/null"])
def test_names_that_promise_nothing_else(path):
    check_output("-intfile", path, "SMV")


def test_text_and_json(capsys):
    assert refused(capsys, f"{TRACE} -o x.json")[0].startswith("-o x.json: .json is JSON, but -o writes text")
    assert main(f"{TRACE} --json -o x.json".split()) == 0
    assert json.loads(Path("x.json").read_text())
    with pytest.raises(UsageError, match=r"--out x.csv: .csv is CSV, but --out writes JSON; name it x.json"):
        check_output("--out", "x.csv", "JSON")


def test_one_output_fails_and_none_is_written(capsys, monkeypatch):
    def full(path, image, comment):
        raise FileError(path, "no space left on device")

    monkeypatch.setattr("jaxbragg.cli.outputs.write_pgm", full)
    said, status = refused(capsys, f"{SMALL} -floatfile c.bin -intfile d.img -pgmfile e.pgm -hkl table.hkl -dump f.bin")
    assert (said, status) == ("e.pgm: no space left on device", 1)
