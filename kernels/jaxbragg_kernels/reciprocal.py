"""Miller indices of pixels, and the tile scheme that keeps them exact in float32.

A crystal of N cells needs h to about 1/(300 N): at h = 137 and N = 1000 that is 1e-8 of it, beyond float32. So h is
computed in float64 at the middle of a tile of pixels and reduced to its fraction; the steps from there to the tile's
pixels are small, and float32 carries them. How well it does depends on N times the fraction and the steps. Where that
is not well enough, each pixel is a tile of its own: nothing is added to the fraction, and N·Δh is reduced to its own
fraction in float64 as well, so that nothing depends on N.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg_kernels.rays import Rays, Vector

_Image = Float[Array, "tile pixel"]


class Middles(NamedTuple):
    """h, k, l at the middles of tiles: whole numbers in the type of the indices, fractions in that of the image.

    Attributes:
        whole: The nearest Miller indices.
        delta: From there, −½ … ½.
        part: N·delta less a whole number, −½ … ½, where each pixel is a tile of its own; else None.
    """

    whole: Float[Array, "some 3 tile 1"]
    delta: Float[Array, "some 3 tile 1"]
    part: Float[Array, "some 3 tile 1"] | None


class Offsets(NamedTuple):
    """From the nearest Bragg points to pixels, by index.

    Attributes:
        delta: Δh, Δk, Δl, −½ … ½.
        part: N·delta less a whole number, −½ … ½, to the precision of its type whatever N is; None where it is to be
            made from delta.
    """

    delta: Vector
    part: Vector | None


def at_middles(orientations: Float[Array, "some 3 3 ..."], n_cells: Float[Array, "3"], rays: Rays) -> Middles:
    """h, k, l at the middles of the tiles.

    Args:
        orientations: Rows a, b, c for some orientations [Å]: [some 3 3], or [some 3 3 tile] where each tile has its
            own.
        n_cells: Na, Nb, Nc.
        rays: To the pixels.
    """
    directions = rays.directions
    dtype = directions.unit[0].dtype
    rows = orientations[..., None] if orientations.ndim > 3 else orientations[..., None, None]
    q = [(directions.middle[:, j, None] - rays.beam[j]) / rays.wavelength for j in range(3)]
    index = rows[:, :, 0] * q[0] + rows[:, :, 1] * q[1] + rows[:, :, 2] * q[2]
    whole = jnp.round(index)
    delta, part = index - whole, None
    if directions.unit[0].shape[1] == 1:
        along = delta * n_cells.astype(index.dtype)[:, None, None]
        part = (along - jnp.round(along)).astype(dtype)
    return Middles(whole, delta.astype(dtype), part)


def at_pixels(middle: Middles, orientation: Float[Array, "3 3 ..."], rays: Rays) -> tuple[Offsets, Vector]:
    """The pixels of one orientation: offsets from the nearest Bragg points, and these, counted from `Middles.whole`.

    Args:
        middle: Of that orientation.
        orientation: Rows a, b, c [Å].
        rays: To the pixels.
    """
    if middle.part is not None:
        zero = jnp.zeros_like(middle.delta[0])
        return Offsets(_three(middle.delta), _three(middle.part)), (zero, zero, zero)
    scaled = scaled_rows(orientation, rays)
    scaled = scaled[..., None] if scaled.ndim > 2 else scaled
    along = [from_middle(middle.delta[i], scaled[i], rays.directions.step) for i in range(3)]
    (h, near_h), (k, near_k), (l, near_l) = along
    return Offsets((h, k, l), None), (near_h, near_k, near_l)


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


def _three(rows: Float[Array, "3 tile 1"]) -> Vector:
    return rows[0], rows[1], rows[2]
