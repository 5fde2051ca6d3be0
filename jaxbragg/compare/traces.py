"""Two traces compared, factor by factor and step by step: where do two programs part?"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Collection

from jaxbragg.compare.coverage import gaps_of
from jaxbragg.compare.factors import INDEX_KEYS, Factor, Stage, in_order, known
from jaxbragg.compare.trace_comparison import FactorComparison, Status, StepComparison, TraceComparison
from jaxbragg.io.trace_text import TICS, Trace

MINOR_BELOW = 1e-4
DIVERGENT_BELOW = 1e-2
_SEVERITY = (Status.CRITICAL, Status.DIVERGENT, Status.MINOR, Status.MISSING, Status.PASS)


def compare_traces(a: Trace, b: Trace, tolerance: float = 1e-6, ignore: Collection[str] = ()) -> TraceComparison:
    """Compares every factor and every step of two traces.

    Where both traces print their steps, the one line of each that belongs to a single step (`rot_a_angstroms` …
    `F_cell`) is compared with the other's only if the two show the same step, and counts after the steps.
    What one trace alone has is MISSING: it is listed, and is no divergence; `gaps` says where too much is.

    Args:
        a: The one trace.
        b: The other.
        tolerance: Relative differences up to this pass.
        ignore: Keys to leave out, of factors and of steps.

    Raises:
        ValueError: The traces have nothing in common, or the tolerance is negative or no number.
    """
    if not (math.isfinite(tolerance) and tolerance >= 0.0):
        raise ValueError(f"Argument `tolerance` must be a number that is not negative, but is {tolerance}")
    skip = set(ignore)
    steps = _compare_steps(a, b, tolerance, skip)
    elsewhere = _show_different_steps(a, b)
    factors = []
    for key in in_order((a.factors.keys() | b.factors.keys()) - skip):
        item = _compare(known(key), a.factors.get(key), b.factors.get(key), tolerance)
        if elsewhere and item.factor.stage is Stage.STEP and item.status is not Status.MISSING:
            item = dataclasses.replace(item, status=Status.SKIPPED)
        factors.append(item)
    if not any(f.status is not Status.MISSING for f in factors) and not any(step.values for step in steps):
        raise ValueError("the two traces have no factor in common")
    return TraceComparison(
        a=a,
        b=b,
        tolerance=tolerance,
        ignored=tuple(ignore),
        factors=tuple(factors),
        steps=steps,
        first_divergence=_first_divergence(factors, steps),
        num_divergent=sum(item.status.differs for item in factors),
        num_divergent_steps=sum(step.status.differs for step in steps),
        missing=_missing(factors, steps),
        gaps=gaps_of(a, b, factors, steps, skip),
    )


def _compare(
    factor: Factor, a: tuple[float, ...] | None, b: tuple[float, ...] | None, tolerance: float
) -> FactorComparison:
    if a is None or b is None:
        return FactorComparison(factor, a, b, (), None, None, Status.MISSING)
    if len(a) != len(b):
        return FactorComparison(factor, a, b, (), None, None, Status.CRITICAL)
    # the same infinity twice is the same number
    deltas = tuple(0.0 if x == y else y - x for x, y in zip(a, b, strict=True))
    delta, scale = math.hypot(*deltas), math.hypot(*a)
    # hypot prefers inf to NaN: one of the two is enough to be critical
    if not math.isfinite(delta) or any(math.isnan(v) for v in (*a, *b)):
        return FactorComparison(factor, a, b, deltas, delta, math.nan, Status.CRITICAL)
    relative = (delta / scale if scale else math.inf) if delta else 0.0
    status = _status(delta, relative, factor.zero, tolerance)
    signed = math.copysign(relative, deltas[0]) if len(deltas) == 1 and delta else relative
    return FactorComparison(factor, a, b, deltas, delta, signed, status)


def _status(delta: float, relative: float, zero: float, tolerance: float) -> Status:
    if delta <= zero or relative <= tolerance:
        return Status.PASS
    if relative < MINOR_BELOW:
        return Status.MINOR
    return Status.DIVERGENT if relative < DIVERGENT_BELOW else Status.CRITICAL


def _compare_steps(a: Trace, b: Trace, tolerance: float, skip: set[str]) -> tuple[StepComparison, ...]:
    if not a.steps or not b.steps:
        return ()
    tics = _common_tics(a, b)
    others = _numbered(b, tics)
    found = []
    for name, step in _numbered(a, tics).items():
        other = others.pop(name, None)
        named = {tic: int(step[tic]) for tic in tics}
        if other is None:
            found.append(StepComparison(named, (), Status.MISSING, "A"))
            continue
        keys = in_order((step.keys() & other.keys()) - skip - set(TICS), in_step=True)
        values = tuple(_compare(known(k, in_step=True), (step[k],), (other[k],), tolerance) for k in keys)
        statuses = {value.status for value in values} or {Status.MISSING}
        found.append(StepComparison(named, values, min(statuses, key=_SEVERITY.index)))
    for step in others.values():
        found.append(StepComparison({tic: int(step[tic]) for tic in tics}, (), Status.MISSING, "B"))
    return tuple(found)


def _common_tics(a: Trace, b: Trace) -> list[str]:
    """The counters that every step of both traces has."""
    return [tic for tic in TICS if all(math.isfinite(step.get(tic, math.nan)) for step in (*a.steps, *b.steps))]


def _numbered(trace: Trace, tics: list[str]) -> dict[tuple[float, ...], dict[str, float]]:
    """Steps by their counters; those that share them, because a program leaves some out, are counted besides."""
    seen: Counter[tuple[float, ...]] = Counter()
    numbered = {}
    for step in trace.steps:
        name = tuple(step[tic] for tic in tics)
        numbered[(*name, seen[name])] = step
        seen[name] += 1
    return numbered


def _show_different_steps(a: Trace, b: Trace) -> bool:
    """Whether the lines of a single step belong to one step in A and to another in B."""
    if not a.steps or not b.steps:
        return False
    tics = _common_tics(a, b)
    shown = [{tuple(step[tic] for tic in tics) for step in trace.steps if _is_shown(trace, step)} for trace in (a, b)]
    return all(shown) and not shown[0] & shown[1]


def _is_shown(trace: Trace, step: dict[str, float]) -> bool:
    line = trace.factors.get("hkl_frac")
    if line is None or any(key not in step for key in INDEX_KEYS):
        return False
    return all(math.isclose(step[k], v, rel_tol=1e-9, abs_tol=1e-9) for k, v in zip(INDEX_KEYS, line, strict=True))


def _first_divergence(factors: list[FactorComparison], steps: tuple[StepComparison, ...]) -> str | None:
    first_step = next((step.label for step in steps if step.status.differs), None)
    for item in factors:
        if item.factor.stage > Stage.GEOMETRY and first_step is not None:
            return first_step
        if item.status.differs:
            return item.key
    return first_step


def _missing(factors: list[FactorComparison], steps: tuple[StepComparison, ...]) -> tuple[str, ...]:
    lines = []
    for name in ("A", "B"):
        lacking = [item.b if name == "A" else item.a for item in factors]
        alone = [item.key for item, other in zip(factors, lacking, strict=True) if other is None]
        labels = [step.label for step in steps if step.only_in == name]
        alone += [f"{len(labels)} step{'s' if len(labels) > 1 else ''} from {labels[0]}"] if labels else []
        lines += [f"in {name} only: {', '.join(alone)}"] if alone else []
    return tuple(lines)
