import pytest

from benchmarks import run as module
from benchmarks.record import Record
from benchmarks.run import Request, fit, run


def record(steps: int, seconds: float) -> Record:
    times = {"median": seconds, "least": seconds, "most": seconds}
    return Record(f"domains-{steps}", "domains", "", "forward", "mixed", steps, 1, times)


def test_a_line_is_found_again():
    found = fit("domains", "mixed", [record(n, 0.5 + 2e-9 * n) for n in (1, 10, 100, 1000)])
    assert found.slope_ns == pytest.approx(2.0, rel=1e-6)
    assert found.fixed_s == pytest.approx(0.5)
    assert found.scatter < 1e-9


def test_scatter_is_the_worst_relative_distance():
    # Of 1, 1 and 1.1 s for the same line through a constant: least squares of (c/t − 1).
    found = fit("domains", "mixed", [record(1, 1.0), record(2, 1.1), record(3, 1.0)])
    assert 0.03 < found.scatter < 0.1


def test_a_quick_run_holds_everyone_against_float64(monkeypatch):
    lines = []
    request = Request(["yardstick"], implementations=["mixed", "textbook", "float64", "batch"], repeats=1, quick=True)
    report = run(request, lines.append)
    errors = {(r.case, r.implementation): r.error for r in report.records}
    assert [r.implementation for r in report.records[:3]] == ["textbook", "mixed", "float64"]
    assert errors["yardstick", "textbook"] < 1e-10
    assert 0 < errors["yardstick", "mixed"] < 2e-6
    assert errors["yardstick", "float64"] == 0
    textbook, mixed = report.records[:2]
    assert mixed.ratio_to_textbook == pytest.approx(textbook.run_s["median"] / mixed.run_s["median"])
    assert mixed.ns_per_step == pytest.approx(mixed.run_s["median"] / mixed.steps * 1e9)
    assert mixed.slots_per_step is not None
    assert mixed.slots_per_step["lookups"] == pytest.approx(1.0, rel=0.01)
    assert any("yardstick, forward, batch" in line for line in report.left_out)
    assert any(line.startswith("yardstick") for line in lines)


def test_a_measurement_that_fails_leaves_a_line(monkeypatch):
    def refuse(*arguments):
        raise RuntimeError("out of everything\nand more")

    monkeypatch.setattr(module, "measure", refuse)
    report = run(Request(["no-table"], implementations=["mixed"], repeats=1, quick=True), lambda line: None)
    assert report.records == []
    assert report.left_out == ["no-table, forward, mixed: out of everything"]
