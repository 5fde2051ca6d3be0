"""How ranges, steps and counts fill each other in, and the grids of sources that follow from them."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Grid:
    """A range cut into steps.

    Attributes:
        span: The whole range.
        step: From one point to the next.
        count: Of points.
    """

    span: float
    step: float
    count: int


def spread_grid(span: float | None, step: float | None, count: int | None, whole: float = 1.0) -> Grid:
    """Divergence and dispersion: what is not given follows from the rest, as in the C program.

    Args:
        span: Range, or None.
        step: Step, or None.
        count: Number of points, or None.
        whole: The range where only a count is given: 1 rad, or 100 %.
    """
    return _fill(span, step, count, whole, ends=True)


def spindle_grid(span: float | None, step: float | None, count: int | None) -> Grid:
    """The same for the spindle [deg], whose steps do not reach the end of the range."""
    return _fill(span, step, count, 1.0, ends=False)


def _fill(span: float | None, step: float | None, count: int | None, whole: float, *, ends: bool) -> Grid:
    """One table for both; `ends` where the last point is at the end of the range."""
    step = step or None
    if span == 0:
        return Grid(0.0, 0.0, count or 1)
    if span is None and step is None:
        return Grid(0.0, 0.0, 1) if count is None else Grid(whole, whole / count, count)
    if span is None:
        return Grid(step, step, 2)  # type: ignore[arg-type]
    if step is None:
        count = max(count or 2, 2) if ends else count or 2
        return Grid(span, span / (count - 1 if ends else count), count)
    return Grid(span, step, count or max(1, math.ceil(span / step)))


def divergence_pairs(horizontal: Grid, vertical: Grid, *, round_: bool) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of angles on the two grids [rad], the corners cut off where the source is to be round.

    Args:
        horizontal: [rad].
        vertical: [rad].
        round_: Whether to leave out points with 4·test > 1.1 (physics of the C program's `round_div`).
    """
    h = _from_minus_half(horizontal)
    v = _from_minus_half(vertical)
    pairs_h, pairs_v = (x.ravel() for x in np.meshgrid(h, v, indexing="ij"))
    if not round_:
        return pairs_h, pairs_v
    test = _share(pairs_h, horizontal) + _share(pairs_v, vertical)
    kept = 4.0 * test <= 1.1
    return pairs_h[kept], pairs_v[kept]


def _share(angle: np.ndarray, grid: Grid) -> np.ndarray:
    if grid.span == 0:
        return np.zeros_like(angle)
    return (angle**2 - grid.step**2 / 4.0 * (1 - grid.count % 2)) / grid.span**2


def _from_minus_half(grid: Grid) -> np.ndarray:
    return grid.step * np.arange(grid.count) - grid.span / 2.0


def wavelength_ratios(dispersion: Grid) -> np.ndarray:
    """λ/λ0 of every wavelength of a dispersion grid."""
    return 1.0 + _from_minus_half(dispersion)
