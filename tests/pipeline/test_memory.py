"""Images that do not fit into memory are refused by their size; the limits are those of the system."""

import os
import subprocess
import sys

import pytest

import jaxbragg as jb
from jaxbragg.pipeline import memory

GIB = 2**30


def huge(slow: int, fast: int) -> jb.Experiment:
    detector = jb.FlatPanel((slow, fast), 1e-4, (0.1, 0.0, 0.0), (0, 0, 1), (0, -1, 0))
    return jb.Experiment(
        beam=jb.Beam(1.0),
        crystal=jb.Crystal((40, 45, 55, 90, 90, 90)),
        detector=detector,
        structure_factors=jb.StructureFactors(default=100.0),
    )


@pytest.mark.parametrize("precision", ["mixed", "float64"])
def test_an_image_that_no_machine_holds_is_refused_with_its_size(precision: str) -> None:
    size = {"mixed": "7.276 TiB", "float64": "14.55 TiB"}[precision]
    with pytest.raises(ValueError, match=rf"1 × 1000000 × 1000000 pixels .* need {size}, and this process may have"):
        jb.simulate(huge(10**6, 10**6), jb.Options(precision=precision))


def test_the_bound_is_the_memory(monkeypatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 800 * 1000 * 1000)
    memory.check_image((1, 10000, 10000), 4)
    with pytest.raises(ValueError, match="fits into memory"):
        memory.check_image((1, 10000, 10001), 4)
    with pytest.raises(ValueError, match="fits into memory"):
        memory.check_image((2, 10000, 10000), 4)
    monkeypatch.setattr(memory, "available", lambda: None)
    memory.check_image((1, 10**9, 10**9), 8)


def test_the_smallest_limit_counts(monkeypatch, tmp_path) -> None:
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path / "memory.max")
    assert 0 < memory.available() <= machine
    (tmp_path / "memory.max").write_text("max\n")
    assert 0 < memory.available() <= machine
    (tmp_path / "memory.max").write_text("1048576\n")
    assert memory.available() == 1048576


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v is Linux's")
def test_the_limit_of_a_process_counts() -> None:
    code = "from jaxbragg.pipeline.memory import available; print(available())"
    path = os.pathsep.join(path for path in sys.path if path)
    command = f"ulimit -v 1048576; exec {sys.executable} -c '{code}'"
    done = subprocess.run(
        ["bash", "-c", command], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) <= GIB


@pytest.mark.parametrize(
    ("size", "text"),
    [(100, "100 bytes"), (2048, "2 KiB"), (1.5 * GIB, "1.5 GiB"), (2**50, "1 PiB"), (2**70, "1.049e+06 PiB")],
)
def test_sizes_for_people(size: float, text: str) -> None:
    assert memory.shown(size) == text
