"""The C program is not here; a script that calls jaxbragg's own command line stands in for it."""

import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cases import CASES
from benchmarks.implementations.nanobragg import NanoBragg, find_binary
from benchmarks.measure import Truths, measure
from jaxbragg import read_experiment

SMALL = replace(CASES["no-table"].shrunk(), pixels=(20, 24), domains=3)  # type: ignore[type-var]


def script(folder: Path, body: str) -> str:
    path = folder / "nanoBragg"
    path.write_text(f"#!{sys.executable}\nimport os, sys\nsys.path[:] = {sys.path!r}\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_its_image_is_held_against_that_of_the_same_flags(tmp_path):
    path = script(
        tmp_path,
        "assert os.environ['OMP_NUM_THREADS']\n"
        "from jaxbragg.cli import main\n"
        "sys.exit(main(['--compat', '--precision', 'float64', *sys.argv[1:]]))",
    )
    found = measure(SMALL, "forward", NanoBragg(path, read_experiment), 1, None, Truths())
    assert found.error is not None
    assert found.error < 6e-8  # the digits of a float32 file
    assert found.implementation == "nanobragg"
    assert "OMP_NUM_THREADS=" in (found.note or "")


def test_another_image_is_found_out(tmp_path):
    # The same with a seed of its own for the domains.
    path = script(tmp_path, "from jaxbragg.cli import main\nsys.exit(main([*sys.argv[1:], '-mosaic_seed', '5']))")
    found = measure(SMALL, "forward", NanoBragg(path, read_experiment), 1, None, Truths())
    assert found.error is not None
    assert found.error > 1e-3


def test_a_program_that_fails_is_quoted(tmp_path):
    path = script(tmp_path, "sys.exit('segmentation fault')")
    with pytest.raises(RuntimeError, match="status 1: segmentation fault"):
        NanoBragg(path, None).measure(SMALL, "forward", 1)


def test_what_it_does_not_draw():
    assert "no --nanobragg" in (NanoBragg(None, None).refusal(SMALL, "forward") or "")
    program = NanoBragg("x", None)
    assert "derivatives" in (program.refusal(SMALL, "reverse") or "")
    assert "one panel" in (program.refusal(replace(SMALL, panels=2), "forward") or "")
    assert program.refusal(SMALL, "forward") is None


def test_a_binary_is_found_by_its_path(tmp_path):
    path = script(tmp_path, "")
    assert find_binary(path) == os.path.realpath(path)
    assert find_binary(str(tmp_path / "nothing")) is None
