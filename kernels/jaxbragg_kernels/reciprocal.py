"""Miller indices of pixels, and the tile scheme that keeps them exact in float32.

A crystal of N cells needs h to about 1/(300 N): at h = 137 and N = 1000 that is 1e-8 of it, beyond float32. So h is
computed in float64 at the middle of a tile of pixels and reduced to its fraction; the steps from there to the tile's
pixels are small, and float32 carries them. Two things limit how well: N times the steps, and, where a shape has
fringes, N times the fraction. Against the second, phases of the fringes are reduced to their own fractions in float64,
too, and steps are added to these. Against the first, each pixel is a tile of its own, and nothing is added to either.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg_kernels.rays import Rays, Vector

_Image = Float[Array, "tile pixel"]


class Middles(NamedTuple):
    """h, k, l at the middles of tiles: whole numbers in the type of the indices, fractions in that of the image.

    Attributes:
        whole: The nearest Miller indices.
        delta: From there, −½ … ½.
        phases: Of the fringes there (`AbstractShape.phases`), or None where they are to be made from delta.
    """

    whole: Float[Array, "some 3 tile 1"]
    delta: Float[Array, "some 3 tile 1"]
    phases: Float[Array, "some phase tile 1"] | None


class Offsets(NamedTuple):
    """From the nearest Bragg points to pixels, by index.

    Attributes:
        delta: Δh, Δk, Δl, −½ … ½.
        phases: Of the fringes (`AbstractShape.phases`), as precise whatever N is; None where they are to be made from
            delta.
    """

    delta: Vector
    phases: tuple[_Image, ...] | None


class Phases(NamedTuple):
    """How phases of fringes are followed.

    Attributes:
        at_middles: They, from h, k, l less whole numbers in the type of the indices; less whole numbers themselves.
        beside: They at pixels, from those at the tiles' middles, the steps of h, k, l from there, and the nearest Bragg
            points counted from those of the middles. Not called where tiles are of one pixel.
    """

    at_middles: Callable[[Vector], Any]
    beside: Callable[[tuple[_Image, ...], Vector, Vector], Any]


def at_middles(orientations: Float[Array, "some 3 3 ..."], rays: Rays, phases: Phases | None = None) -> Middles:
    """h, k, l at the middles of the tiles.

    Args:
        orientations: Rows a, b, c for some orientations [Å]: [some 3 3], or [some 3 3 tile] where each tile has its
            own.
        rays: To the pixels.
        phases: How those of fringes are followed, or None.
    """
    directions = rays.directions
    dtype = directions.unit[0].dtype
    rows = orientations[..., None] if orientations.ndim > 3 else orientations[..., None, None]
    q = [(directions.middle[:, j, None] - rays.beam[j]) / rays.wavelength for j in range(3)]
    index = rows[:, :, 0] * q[0] + rows[:, :, 1] * q[1] + rows[:, :, 2] * q[2]
    whole = jnp.round(index)
    delta, found = index - whole, None
    if phases is not None:
        # Derivatives are those of delta.
        along = jax.lax.stop_gradient(delta)
        found = jnp.stack(phases.at_middles((along[:, 0], along[:, 1], along[:, 2])), axis=1).astype(dtype)
    return Middles(whole, delta.astype(dtype), found)


def at_pixels(
    middle: Middles, orientation: Float[Array, "3 3 ..."], rays: Rays, phases: Phases | None = None
) -> tuple[Offsets, Vector]:
    """The pixels of one orientation: offsets from the nearest Bragg points, and these, counted from `Middles.whole`.

    Args:
        middle: Of that orientation.
        orientation: Rows a, b, c [Å].
        rays: To the pixels.
        phases: As for `at_middles`.
    """
    at_middle = None if middle.phases is None else tuple(middle.phases)
    if rays.directions.unit[0].shape[1] == 1:
        zero = jnp.zeros_like(middle.delta[0])
        return Offsets(_three(middle.delta), at_middle), (zero, zero, zero)
    scaled = scaled_rows(orientation, rays)
    scaled = scaled[..., None] if scaled.ndim > 2 else scaled
    # Element by element: rows first are half as many operations again to be compiled.
    rows = [tuple(scaled[i, j] for j in range(3)) for i in range(3)]
    along = [from_middle(delta, row, rays.directions.step) for delta, row in zip(middle.delta, rows, strict=True)]
    (h, near_h), (k, near_k), (l, near_l) = along
    nearest = (near_h, near_k, near_l)
    if at_middle is not None:
        assert phases is not None
        steps = tuple(sum_of_products(row, rays.directions.step) for row in rows)
        at_middle = phases.beside(at_middle, (steps[0], steps[1], steps[2]), nearest)
    return Offsets((h, k, l), at_middle), nearest


def scaled_rows(orientation: Float[Array, "3 3 ..."], rays: Rays) -> Float[Array, "3 3 ..."]:
    """Rows a, b, c in wavelengths, in the type of the image."""
    return (orientation / rays.wavelength).astype(rays.directions.unit[0].dtype)


def from_middle(delta: Array, row: Any, step: Vector) -> tuple[Array, Array]:
    """Along one index: distances to the nearest Bragg points, and these, counted from that of the tile's middle.

    Args:
        delta: At the middles.
        row: One of `scaled_rows`.
        step: From the middles to the pixels.
    """
    # From the fraction on, one term after the other: a chain of fused multiply-adds, and half the rounding error of a
    # sum of steps to which the fraction is added last.
    for j in range(3):
        delta = delta + row[j] * step[j]
    nearest = jnp.round(delta)
    return delta - nearest, nearest


def sum_of_products(row: Any, step: Vector) -> Array:
    """The step of one index."""
    return row[0] * step[0] + row[1] * step[1] + row[2] * step[2]


def _three(rows: Float[Array, "3 tile 1"]) -> Vector:
    return rows[0], rows[1], rows[2]
