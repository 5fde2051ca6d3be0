"""Whether enough was compared: a comparison of next to nothing must not pass for agreement."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from jaxbragg.compare.trace_comparison import FactorComparison, Status, StepComparison
from jaxbragg.io.trace_text import Trace

FINAL = "I_pixel_final"
# Of all pixels of the region: what is masked in both images may be much, but not nearly all.
_ENOUGH_OF_REGION = 0.1


def gaps_of(
    a: Trace, b: Trace, factors: Sequence[FactorComparison], steps: Sequence[StepComparison], ignored: Collection[str]
) -> tuple[str, ...]:
    """Why two traces share too little to say that the programs agree.

    Args:
        a, b: The traces.
        factors: Every key that was not ignored.
        steps: Every step.
        ignored: Keys that were left out on purpose.
    """
    gaps = []
    if a.pixel is not None and b.pixel is not None and a.pixel != b.pixel:
        said = (f"slow {slow} fast {fast} in {name}" for name, (slow, fast) in (("A", a.pixel), ("B", b.pixel)))
        gaps.append(f"the traces are of different pixels: {', '.join(said)}")
    final = next((item for item in factors if item.key == FINAL), None)
    if FINAL not in ignored and (final is None or final.status is Status.MISSING):
        lacking = [name for name, trace in (("A", a), ("B", b)) if FINAL not in trace.factors]
        gaps.append(f"the final intensity, {FINAL}, is not in {' and not in '.join(lacking)}")
    compared = sum(item.status is not Status.MISSING for item in factors)
    most = max(len(trace.factors.keys() - set(ignored)) for trace in (a, b))
    if compared < 2 or 2 * compared < most:
        gaps.append(
            f"{compared} factor{'s' * (compared != 1)} compared, of {len(a.factors)} in A and {len(b.factors)} in B"
        )
    if bool(a.steps) != bool(b.steps):
        counts = (
            f"{len(trace.steps)} step{'s' * (len(trace.steps) != 1)} in {name}" for name, trace in (("A", a), ("B", b))
        )
        gaps.append(f"one trace alone has steps: {', '.join(counts)}")
    elif alone := sum(step.only_in is not None or not (step.values or ignored) for step in steps):
        gaps.append(f"{alone} of {len(steps)} steps cannot be compared: one trace lacks them, or all their numbers")
    return tuple(gaps)


def pixel_gap(compared: int, either: int, region: int, share: float) -> str | None:
    """Why too few pixels of two images were compared, or None.

    Args:
        compared: Pixels that are finite in both images.
        either: Pixels that are finite in at least one.
        region: All pixels.
        share: What `compared` must be of `either`.
    """
    if compared < share * either:
        return (
            f"only {compared} of the {either} pixels that are finite in A or B are finite in both "
            f"({compared / either:.3g} of them, less than {share:g})"
        )
    if compared < min(share, _ENOUGH_OF_REGION) * region:
        return f"only {compared} of {region} pixels are finite ({compared / region:.3g} of them)"
    return None
