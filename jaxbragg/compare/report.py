"""What a comparison leaves in its folder: a page for people, numbers for programs, and where they come from."""

from __future__ import annotations

import json
import math
import os
import platform
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from jaxbragg.compare.diagnosis import diagnose, written
from jaxbragg.compare.factors import Stage
from jaxbragg.compare.trace_comparison import FactorComparison, StepComparison, TraceComparison
from jaxbragg.io.atomic import make_folder, together, write_atomically
from jaxbragg.io.text import sha256
from jaxbragg.io.writable import check_folder

NAMES = ("summary.md", "metrics.json", "run_metadata.json")


def write_trace_report(folder: str | os.PathLike[str], comparison: TraceComparison, command: Sequence[str]) -> None:
    """Writes summary.md, metrics.json and run_metadata.json.

    Args:
        folder: Where to; made if it is missing.
        comparison: What `compare_traces` returned.
        command: The command line, word by word.

    Raises:
        FileError: The folder or a file cannot be written, or a trace can no longer be read.
    """
    traces = {"a": comparison.a, "b": comparison.b}
    metadata = run_metadata(command, {key: trace.path for key, trace in traces.items()})
    metadata["device"] = {key: trace.labels.get("device") for key, trace in traces.items()}
    write_report(folder, trace_summary(comparison), trace_metrics(comparison), metadata)


def write_report(
    folder: str | os.PathLike[str], summary: str, metrics: Mapping[str, Any], metadata: Mapping[str, Any]
) -> None:
    """Writes the three files of a report, all or none.

    Raises:
        FileError: The folder or a file cannot be written.
    """
    with together():
        make_folder(folder)
        for name, text in zip(NAMES, (summary, as_json(metrics), as_json(metadata)), strict=True):
            write_atomically(os.path.join(folder, name), text.encode())


def check_report(folder: str | os.PathLike[str], *others: str) -> None:
    """Finds out before the comparison whether a report can be written to a folder, which need not exist.

    Args:
        folder: Where to.
        others: Files that come with the report.

    Raises:
        FileError: It cannot.
    """
    check_folder(folder, (*NAMES, *others))


def trace_metrics(comparison: TraceComparison) -> dict[str, Any]:
    """The comparison as plain numbers, for metrics.json."""
    step = comparison.first_step
    worst = None if step is None else step.first_differing
    return {
        "tolerance_rel": comparison.tolerance,
        "ignored": list(comparison.ignored),
        "first_divergence": comparison.first_divergence,
        "first_divergent_step": None
        if step is None or worst is None
        else {"step": step.label, **step.tics, "key": worst.key, **_numbers(worst)},
        "num_divergent": comparison.num_divergent,
        "num_divergent_steps": comparison.num_divergent_steps,
        "missing": list(comparison.missing),
        "passes": comparison.passes,
        "gaps": list(comparison.gaps),
        "diagnosis": list(diagnose(comparison)),
        "factors": {item.key: _numbers(item) for item in comparison.factors},
        "per_phi": [_step(each) for each in comparison.steps],
    }


def trace_summary(comparison: TraceComparison) -> str:
    """The comparison as a page of Markdown."""
    a, b = comparison.a, comparison.b
    lines = ["# Comparison of two traces", ""]
    lines += [f"- {name}: `{t.path}`, TRACE_{t.program}{_pixel(t.pixel)}" for name, t in (("A", a), ("B", b))]
    lines += [f"- relative differences up to {comparison.tolerance:g} pass; Δ is B − A, relative Δ/|A|"]
    lines += [f"- left out: {', '.join(comparison.ignored)}"] if comparison.ignored else []
    lines += ["", "## Verdict", "", *(f"- {sentence}" for sentence in diagnose(comparison))]
    lines += ["", "## Factors", "", "In the order of computation.", ""]
    lines += ["| factor | unit | A | B | Δ | relative | status |", "|---|---|---|---|---|---|---|"]
    pending = _step_rows(comparison)
    for item in comparison.factors:
        if item.factor.stage > Stage.GEOMETRY:
            lines, pending = lines + pending, []
        lines.append(_row(item.key, item))
    lines += pending
    if comparison.steps:
        lines += ["", "## Steps", "", "Of each step the value that differs most.", ""]
        lines += ["| step | value | A | B | Δ | relative | status |", "|---|---|---|---|---|---|---|"]
        lines += [_step_row(step) for step in comparison.steps]
    return "\n".join(lines) + "\n"


def run_metadata(command: Sequence[str], files: Mapping[str, str | os.PathLike[str]]) -> dict[str, Any]:
    """When, where, with what and on which files: what it takes to run this again.

    Raises:
        FileError: A file cannot be read.
    """
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(command),
        "machine": platform.platform(),
        "versions": {"python": platform.python_version()}
        | {name: _version(name) for name in ("jaxbragg", "jax", "jaxlib", "numpy", "matplotlib")},
        "files": {key: {"path": os.path.abspath(path), "sha256": sha256(path)} for key, path in files.items()},
    }


def as_json(value: Mapping[str, Any]) -> str:
    """JSON that every reader takes: numbers that are not finite become "nan", "inf" or "-inf"."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, (list, tuple)) else value


def _numbers(item: FactorComparison) -> dict[str, Any]:
    return {
        "description": item.factor.description,
        "unit": item.factor.unit,
        "a_value": _plain(item.a),
        "b_value": _plain(item.b),
        "abs_delta": item.abs_delta,
        "rel_delta": item.rel_delta,
        "deltas": list(item.deltas),
        "status": str(item.status),
    }


def _step(step: StepComparison) -> dict[str, Any]:
    return {
        "step": step.label,
        **step.tics,
        "status": str(step.status),
        "only_in": step.only_in,
        "values": {item.key: _numbers(item) for item in step.values},
    }


def _plain(values: tuple[float, ...] | None) -> float | list[float] | None:
    if values is None:
        return None
    return values[0] if len(values) == 1 else list(values)


def _pixel(pixel: tuple[int, int] | None) -> str:
    return "" if pixel is None else f", pixel slow {pixel[0]} fast {pixel[1]}"


def _row(name: str, item: FactorComparison, second: str | None = None) -> str:
    relative = "" if item.rel_delta is None else f"{item.rel_delta:+.3e}"
    a, b = ("–" if values is None else written(values, 12) for values in (item.a, item.b))
    second = item.factor.unit if second is None else second
    return f"| {name} | {second} | {a} | {b} | {written(item.deltas, 3, '+')} | {relative} | {item.status} |"


def _step_rows(comparison: TraceComparison) -> list[str]:
    """The steps among the factors, in one line: the first that differs, or that none does."""
    if not comparison.steps:
        return []
    step = comparison.first_step
    worst = None if step is None else step.first_differing
    if step is None or worst is None:
        compared = [each for each in comparison.steps if each.values]
        return [f"| {len(compared)} steps | | | | | | {'PASS' if compared else 'MISSING'} |"]
    return [_row(f"step {step.label}: {worst.key}", worst)]


def _step_row(step: StepComparison) -> str:
    if not step.values:
        marks = ("–" if step.only_in == "B" else "there"), ("–" if step.only_in == "A" else "there")
        return f"| {step.label} | | {marks[0]} | {marks[1]} | | | {step.status} |"
    worst = step.first_differing or max(step.values, key=lambda item: abs(item.rel_delta or 0.0))
    return _row(step.label, worst, worst.key)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
