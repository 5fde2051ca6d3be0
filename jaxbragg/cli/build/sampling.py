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


def divergence_grid(span: float | None, step: float | None, count: int | None) -> Grid:
    """Angles of a divergent beam [rad]: what is not given follows from the rest, as in the C program.

    Args:
        span: Range, or None; a range of 0 is one direction, whatever the count.
        step: Step, or None.
        count: Number of directions, or None; alone it is taken over a range of 1 rad.
    """
    return Grid(0.0, 0.0, 1) if span == 0 else _fill(span, step, count, ends=True)


def dispersion_grid(span: float | None, count: int | None) -> Grid:
    """Wavelengths of a bandwidth, as shares of the beam's: what is not given follows from the rest.

    Args:
        span: Bandwidth, or None; without one there is one wavelength, whatever the count.
        count: Number of wavelengths, or None.
    """
    return _fill(span, None, count, ends=True) if span else Grid(0.0, 0.0, 1)


def spindle_grid(span: float | None, step: float | None, count: int | None) -> Grid:
    """Spindle angles [deg], which do not reach the end of the range: what is not given follows from the rest.

    Args:
        span: Range, or None.
        step: Step, or None.
        count: Number of angles, or None; alone it is taken over a range of 1 degree.
    """
    return Grid(0.0, 0.0, count or 1) if span == 0 else _fill(span, step, count, ends=False)


def _fill(span: float | None, step: float | None, count: int | None, *, ends: bool) -> Grid:
    """One table for all; `ends` where the last point is at the end of the range."""
    step = step or None
    if span is None and step is None:
        return Grid(0.0, 0.0, 1) if count is None else Grid(1.0, 1.0 / count, count)
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
