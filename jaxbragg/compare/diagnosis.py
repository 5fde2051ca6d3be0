"""The comparison of two traces in words: what differs first, by how much, and what that points to."""

from __future__ import annotations

import math

from jaxbragg.compare.factors import INDEX_KEYS, Stage
from jaxbragg.compare.trace_comparison import FactorComparison, Status, StepComparison, TraceComparison
from jaxbragg.io.trace_text import TICS, Trace

# What a program may have multiplied into its sum already.
_INSIDE = (
    ("polar",),
    ("omega_pixel",),
    ("capture_fraction",),
    ("polar", "omega_pixel"),
    ("polar", "omega_pixel", "capture_fraction"),
)

# What the counters of a step count, except φ.
_TIC_MEANS = {
    "thick_tic": "the layers of the sensor",
    "subS": "the sub-pixels",
    "subF": "the sub-pixels",
    "source": "the sources: directions, wavelengths or their order",
    "mos_tic": "the mosaic domains: their spread, seed or order",
}


def diagnose(comparison: TraceComparison) -> tuple[str, ...]:
    """Says in a few sentences where the traces part, and what that points to.

    Args:
        comparison: What `compare_traces` returned.

    Returns:
        Sentences, the most important first; the first is the verdict.
    """
    first = comparison.first_divergence
    if first is None:
        compared = sum(item.status is Status.PASS for item in comparison.factors)
        steps = sum(bool(step.values) for step in comparison.steps)
        also = f"{steps} step{'' if steps == 1 else 's'}"
        only = " in what both traces have" if comparison.gaps else ""
        factors = f"{compared} factor{'' if compared == 1 else 's'}"
        said = f"No divergence{only}: {factors} and {also} agree to {comparison.tolerance:g}."
        return (said, *_remarks(comparison))
    factor = comparison.factor(first)
    step = comparison.first_step
    if step is not None and (factor is None or factor.factor.stage is not Stage.GEOMETRY):
        said = _about_step(comparison, step)
    else:
        assert factor is not None
        said = _about_factor(comparison, factor)
    return (*said, *_consequences(comparison), *_remarks(comparison))


def describe_change(item: FactorComparison) -> str:
    """How a factor differs from A to B: `k_frac: −0.607256 in A, −0.589168 in B (Δ +0.0180882)`."""
    if item.a is None or item.b is None:
        return f"{item.key}: in {'B' if item.a is None else 'A'} only"
    said = f"{item.key}: {written(item.a, 6)} in A, {written(item.b, 6)} in B"
    if len(item.a) != len(item.b):
        return f"{said} ({len(item.a)} numbers against {len(item.b)})"
    unit = f" {item.factor.unit}" if item.factor.unit else ""
    if len(item.deltas) != 1:
        return f"{said} (Δ {written(item.deltas, 3, '+')}{unit}, {item.rel_delta:.3g} of its length)"
    change = "" if item.change is None else f", {percent(item.change)}"
    return f"{said} (Δ {written(item.deltas, 6, '+')}{unit}{change})"


def written(values: tuple[float, ...], digits: int, sign: str = "") -> str:
    """Numbers with a blank between them."""
    return " ".join(f"{value:{sign}.{digits}g}" for value in values)


def percent(change: float) -> str:
    """Per cent with a sign; small ones keep their digits."""
    return f"{100 * change:+.2f} %" if abs(change) >= 1e-3 else f"{100 * change:+.3g} %"


def _about_step(comparison: TraceComparison, step: StepComparison) -> list[str]:
    worst = step.first_differing
    assert worst is not None
    angle = step.value("phi_deg")
    at = "" if angle is None or angle.a is None else f" (φ = {angle.a[0]:g}°)"
    said = [f"First divergence: step {step.label}{at}, {describe_change(worst)}."]
    compared = [each for each in comparison.steps if each.values]
    differ = [each for each in compared if each.status.differs]
    if len(compared) > 1:
        said.append(f"{len(differ)} of {len(compared)} steps {'differs' if len(differ) == 1 else 'differ'}.")
    if worst.key not in INDEX_KEYS:
        said.append(f"It points to {worst.factor.points_to}.{_sign_alone(worst)}")
        return said
    if (stale := _keeps_last(comparison, step)) is not None:
        return [*said, stale]
    if len(compared) > 1 and len(differ) == len(compared) and (scales := _constant_ratio(compared)) is not None:
        found = ", ".join(f"{key[0]} × {scale:.9g}" for key, scale in zip(INDEX_KEYS, scales, strict=True))
        said.append(
            f"Every step differs by the same factor ({found}): it points to the cell or the orientation matrix, "
            "not to the rotation."
        )
    elif len(compared) > 1 and len(differ) == len(compared):
        said.append("Every step differs: it points to the cell, the orientation matrix or the spindle axis.")
    elif (apart := _what_sets_apart(compared)) is not None:
        said.append(f"Those with another {apart} agree: it points to {_TIC_MEANS[apart]}.")
    else:
        said.append("It points to the rotation of the crystal in this step.")
    return said


def _what_sets_apart(steps: list[StepComparison]) -> str | None:
    """The counter of which the steps that differ have other values than those that agree."""
    for tic in _TIC_MEANS:
        differ = {step.tics.get(tic) for step in steps if step.status.differs}
        agree = {step.tics.get(tic) for step in steps if not step.status.differs}
        if agree and not differ & agree:
            return tic
    return None


def _keeps_last(comparison: TraceComparison, step: StepComparison) -> str | None:
    """Whether one of the two programs has, at this step, the indices of its own last step."""
    # Where both do, the crystal does not turn, or both are wrong in the same way: it explains nothing.
    found = [_last_step_alike(trace, step) for trace in (comparison.a, comparison.b)]
    if (found[0] is None) == (found[1] is None):
        return None
    name, trace, last = ("A", comparison.a, found[0]) if found[0] is not None else ("B", comparison.b, found[1])
    angle = step.value("phi_deg")
    at_zero = angle is not None and angle.a == (0.0,)
    where = "at φ = 0" if at_zero else "in its first step"
    so = ", as the C program does (`if (phi != 0)`)" if at_zero else ""
    return f"Program {name} (TRACE_{trace.program}) keeps the rotation of its last step (phi_tic={last}) {where}{so}."


def _last_step_alike(trace: Trace, step: StepComparison) -> int | None:
    """`phi_tic` of the trace's last step, if it is another one with the same indices."""
    others = {tic: value for tic, value in step.tics.items() if tic in TICS and tic != "phi_tic"}
    series = [each for each in trace.steps if "phi_tic" in each and all(each.get(t) == v for t, v in others.items())]
    mine = next((each for each in series if each["phi_tic"] == step.tics.get("phi_tic")), None)
    if mine is None:
        return None
    last = max(series, key=lambda each: each["phi_tic"])
    keys = [key for key in INDEX_KEYS if key in mine and key in last]
    same = all(math.isclose(mine[key], last[key], rel_tol=1e-9, abs_tol=1e-9) for key in keys)
    return int(last["phi_tic"]) if last is not mine and keys and same else None


def _constant_ratio(steps: list[StepComparison]) -> list[float] | None:
    """B's h, k and l over A's where these are the same in every step; None otherwise."""
    ratios = []
    for key in INDEX_KEYS:
        values = [step.value(key) for step in steps]
        pairs = [(v.a[0], v.b[0]) for v in values if v is not None and v.a and v.b and v.a[0] != 0.0]
        if len(pairs) < len(steps):
            return None
        each = [b / a for a, b in pairs]
        spread = max(each) - min(each)
        if not spread <= 0.01 * max(abs(r - 1.0) for r in each) + 1e-9:
            return None
        ratios.append(sum(each) / len(each))
    return ratios


def _sign_alone(item: FactorComparison) -> str:
    if not item.a or not item.b or not math.isclose(item.a[0], -item.b[0], rel_tol=1e-6):
        return ""
    return " The sign alone differs: intensities do not see it."


def _about_factor(comparison: TraceComparison, item: FactorComparison) -> list[str]:
    said = [f"First divergence: {describe_change(item)}."]
    if power := _power_of_ten(item):
        return [*said, f"B is 10^{power} times A: it points to a unit."]
    if item.key == "I_before_scaling":
        steps = "All steps agree. " if any(step.values for step in comparison.steps) else ""
        return [*said, steps + (_inside(comparison, item) or f"It points to {item.factor.points_to}.")]
    if item.key == "I_pixel_final":
        return [*said, _product(comparison)]
    if item.factor.stage is Stage.STEP and any(step.values for step in comparison.steps):
        return [*said, "All steps agree: the programs may write this line for different steps."]
    said.append(f"It points to {item.factor.points_to}.{_sign_alone(item)}")
    return said


def _inside(comparison: TraceComparison, item: FactorComparison) -> str | None:
    """Whether the two sums differ by a factor that one program has multiplied in."""
    if not item.a or not item.b or item.a[0] == 0.0 or item.b[0] == 0.0:
        return None
    ratio = item.b[0] / item.a[0]
    for keys in _INSIDE:
        values = [comparison.b.factors.get(key) or comparison.a.factors.get(key) for key in keys]
        if any(value is None for value in values):
            continue
        product = math.prod(value[0] for value in values if value is not None)
        if not product or math.isclose(product, 1.0, rel_tol=1e-6):
            continue
        for name, found in (("B", ratio), ("A", 1.0 / ratio)):
            if math.isclose(found, product, rel_tol=1e-6):
                return f"Program {name} has {' × '.join(keys)} in this sum already: the traces name different things."
    return None


def _product(comparison: TraceComparison) -> str:
    """Which of the two final intensities is the product of its factors."""
    wrong = [name for name, trace in (("A", comparison.a), ("B", comparison.b)) if _is_product(trace) is False]
    if len(wrong) == 1:
        return f"In {wrong[0]} it is not the product of the factors before it; in the other trace it is."
    return "It points to how the factors are multiplied, or to one that is not in the traces."


def _is_product(trace: Trace) -> bool | None:
    keys = ("I_before_scaling", "r_e_sqr", "fluence_photons_per_m2", "polar", "omega_pixel", "capture_fraction")
    values = [trace.factors.get(key) for key in (*keys, "steps", "I_pixel_final")]
    if any(value is None or len(value) != 1 for value in values):
        return None
    *factors, steps, final = (value[0] for value in values if value is not None)
    return math.isclose(math.prod(factors), final * steps, rel_tol=1e-4)


def _consequences(comparison: TraceComparison) -> list[str]:
    after = [item for item in comparison.factors if item.factor.stage is Stage.INTENSITY]
    differ = [item for item in after if item.status.differs and item.key != comparison.first_divergence]
    if not differ:
        return []
    parts = [f"{item.key} {'' if item.change is None else percent(item.change)}".strip() for item in differ]
    passed = sum(item.status is Status.PASS for item in after)
    rest = f"; the {passed} other factors after the steps pass" if passed else ""
    return [f"After it: {', '.join(parts)}{rest}."]


def _remarks(comparison: TraceComparison) -> list[str]:
    said = []
    if skipped := [item.key for item in comparison.factors if item.status is Status.SKIPPED]:
        said.append(f"Not compared, because A and B write them for different steps: {', '.join(skipped)}.")
    said += [f"Not compared, {line}." for line in comparison.missing]
    return [*said, *(f"Too little was compared: {gap}." for gap in comparison.gaps)]


def _power_of_ten(item: FactorComparison) -> int:
    """The power of ten between the two, 0 where there is none."""
    lengths = math.hypot(*(item.a or ())), math.hypot(*(item.b or ()))
    if not all(0.0 < length < math.inf for length in lengths):
        return 0
    power = math.log10(lengths[1] / lengths[0])
    return round(power) if abs(power - round(power)) < 1e-6 else 0
