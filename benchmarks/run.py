"""A whole run: every case by every program that draws it, one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import jax
import numpy as np

from benchmarks.cases import Case, find
from benchmarks.child import measure_in_child
from benchmarks.commands import Command
from benchmarks.implementations import ReadExperiment, in_order, make
from benchmarks.measure import Truths, measure, measure_command
from benchmarks.peak import measure_peak
from benchmarks.record import Fit, Record, Report, new_report
from benchmarks.table import HEADER, fit_line, heading, row

# What takes tens of nanoseconds a step on a CPU draws no more than this, unless it is asked for by name.
_SLOW, _MOST_STEPS = frozenset({"textbook", "float64", "nanobragg", "nanobrag_torch"}), 3e8
_MOST_REPEATS_ALONE = 3


@dataclass(frozen=True)
class Request:
    """What is to be measured.

    Attributes:
        cases: Names of cases and groups.
        modes: Of `names.MODES`; None for each case's own.
        implementations: Of `names.IMPLEMENTATIONS`; None for each case's own.
        repeats: Runs of which the median is taken.
        quick: A few thousand pixels of everything.
        nanobragg: Path of the C program's binary.
        read_experiment: From its flags to an experiment.
    """

    cases: Sequence[str]
    modes: Sequence[str] | None = None
    implementations: Sequence[str] | None = None
    repeats: int = 5
    quick: bool = False
    nanobragg: str | None = None
    read_experiment: ReadExperiment | None = None


def run(request: Request, say: Callable[[str], None]) -> Report:
    """Measure all of it.

    Args:
        request: What.
        say: Called with each line of the table.

    Raises:
        KeyError: If a case is unknown.
    """
    cases = find(request.cases)
    drawn = any(isinstance(case, Case) for case in cases)
    peak = measure_peak(2e8 if request.quick else 2e9) if drawn else None
    report = new_report(request.repeats, request.quick, peak)
    for line in (*heading(report), "", HEADER):
        say(line)
    for case in cases:
        if isinstance(case, Command):
            _try(
                report,
                say,
                case.name,
                lambda c=case: measure_command(c.shrunk() if request.quick else c, request.repeats),
            )
        else:
            for mode in request.modes or case.modes:
                _run_case(request, report, say, case.shrunk() if request.quick else case, mode)
    report.fits = fits_of(report.records)
    lines = [fit_line(fit) for fit in report.fits] + [f"left out: {reason}" for reason in report.left_out]
    for line in ("", *lines) if lines else ():
        say(line)
    return report


def fits_of(records: Sequence[Record]) -> list[Fit]:
    """A line through the times of every group in which one thing grows."""
    growing = {case.name for case in find(["all"]) if isinstance(case, Case) and case.line}
    series: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.case in growing and record.mode == "forward":
            series.setdefault((record.group, record.implementation), []).append(record)
    return [fit(*key, members) for key, members in series.items() if len({m.steps for m in members}) > 2]


def fit(group: str, implementation: str, records: Sequence[Record]) -> Fit:
    """The line with the smallest sum of squared relative differences."""
    steps = np.array([record.steps for record in records], float)
    times = np.array([record.run_s["median"] for record in records])
    fixed, slope = np.linalg.lstsq(np.stack([1 / times, steps / times], axis=1), np.ones(len(times)), rcond=None)[0]
    scatter = np.abs((fixed + slope * steps) / times - 1).max()
    return Fit(group, implementation, float(slope) * 1e9, float(fixed), float(scatter))


def _run_case(request: Request, report: Report, say: Callable[[str], None], case: Case, mode: str) -> None:
    truths, textbook = Truths(), None
    for name in in_order(request.implementations or case.implementations):
        implementation = make(name, request.nanobragg, request.read_experiment)
        reason = implementation.refusal(case, mode) or _too_long(request, case, name)
        if reason is not None:
            report.left_out.append(f"{case.name}, {mode}, {name}: {reason}")
            continue

        def measured(name: str = name, implementation=implementation) -> Record:
            if case.isolated:
                repeats = min(request.repeats, _MOST_REPEATS_ALONE)
                return measure_in_child(case, mode, name, repeats, report.peak, quick=request.quick)
            return measure(case, mode, implementation, request.repeats, report.peak, truths)

        record = _try(report, None, f"{case.name}, {mode}, {name}", measured)
        if record is None:
            continue
        if name == "textbook":
            textbook = record.run_s["median"]
        if textbook is not None:
            record = replace(record, ratio_to_textbook=textbook / record.run_s["median"])
        report.records.append(record)
        say(row(record))


def _try(report: Report, say: Callable[[str], None] | None, what: str, measured: Callable[[], Record]) -> Record | None:
    """A measurement that fails leaves a line, and the others go on."""
    try:
        record = measured()
    except (RuntimeError, MemoryError, OSError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        report.left_out.append(f"{what}: {first}")
        return None
    if say is not None:
        report.records.append(record)
        say(row(record))
    return record


def _too_long(request: Request, case: Case, name: str) -> str | None:
    if request.implementations or jax.default_backend() != "cpu" or name not in _SLOW or case.steps <= _MOST_STEPS:
        return None
    return f"{case.steps:.1e} steps take too long; --implementations {name} draws it all the same"
