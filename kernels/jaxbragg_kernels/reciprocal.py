"""From positions to scattering vectors, and the tile scheme that keeps Miller indices exact in float32.

A crystal of N cells needs h to about 1/(300 N): at h = 137 and N = 1000 that is 1e-8 of it, beyond float32. So h is
computed in float64 at the middle of a tile of pixels and reduced to its fraction; the steps from there to the tile's
pixels are small, and float32 carries them.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

_Component = Float[Array, "tile pixel"]
_OfTiles = Float[Array, "tile 1"]


class Directions(NamedTuple):
    """Where the pixels of some tiles are, seen from the sample.

    Attributes:
        unit: Unit vectors to the pixels, by component, in the type of the image.
        step: The same less that of the tile's middle.
        middle: Unit vectors to the tiles' middles, in the type of the indices.
        distance: Sample to the tiles' middles [m], in that type.
        nearer: The same over the pixels' distances, in the type of the image.
    """

    unit: tuple[_Component, _Component, _Component]
    step: tuple[_Component, _Component, _Component]
    middle: Float[Array, "tile 3"]
    distance: Float[Array, "tile"]
    nearer: _Component


def directions(
    middle: Float[Array, "tile 3"], offset: tuple[_Component, _Component, _Component], dtype: jnp.dtype
) -> Directions:
    """Unit vectors to pixels, split into that of a tile's middle and small steps.

    With P the middle, r = |P|, u = P/r and e = d/r for a pixel at P + d, 1/|P + d| = (1 + g)/r, where

        g = 1/√(1 + t) − 1 = −t / (√(1 + t) (1 + √(1 + t))),    t = 2 u·e + e·e,

    and the step is e + g (u + e). Nothing large is subtracted, so that float32 gives the step to its own precision.

    Args:
        middle: Positions of the tiles' middles [m], in the type in which indices are to be exact.
        offset: From there to the pixels, by component [m], in that type.
        dtype: Type of the steps and the image.
    """
    # Not by sum(axis=1): that goes through the tiles one after the other.
    distance = jnp.sqrt(middle[:, 0] * middle[:, 0] + middle[:, 1] * middle[:, 1] + middle[:, 2] * middle[:, 2])
    inverse = 1.0 / distance
    unit = middle * inverse[:, None]
    u = [unit[:, j, None] for j in range(3)]
    e = [d * inverse[:, None] for d in offset]
    t = 2.0 * (u[0] * e[0] + u[1] * e[1] + u[2] * e[2]) + (e[0] * e[0] + e[1] * e[1] + e[2] * e[2])
    root = jnp.sqrt(1.0 + t)
    g = -t / (root * (1.0 + root))
    x, y, z = ((e[j] + g * (u[j] + e[j])).astype(dtype) for j in range(3))
    # From the rounded steps: so that nothing but these and the distances is computed for each pixel in the other type.
    whole = (u[0].astype(dtype) + x, u[1].astype(dtype) + y, u[2].astype(dtype) + z)
    return Directions(whole, (x, y, z), unit, distance, (1.0 + g).astype(dtype))


def scattering_length(
    unit: tuple[_Component, _Component, _Component], beam: Float[Array, "3"], wavelength: Float[Array, ""]
) -> _Component:
    """|q| = 1/d [1/Å].

    Args:
        unit: Unit vectors to the pixels.
        beam: Unit vector of the photons.
        wavelength: [Å].
    """
    dtype = unit[0].dtype
    x, y, z = (u - b for u, b in zip(unit, beam.astype(dtype), strict=True))
    square = x * x + y * y + z * z
    # At exact forward scattering the root has no derivative; its argument is kept off 0 there.
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0) / wavelength.astype(dtype)


def miller_offsets(
    cell: Float[Array, "3 3"], beam: Float[Array, "3"], wavelength: Float[Array, ""], rays: Directions
) -> list[tuple[_OfTiles, _Component]]:
    """h, k, l of the pixels, each as a whole number for the tile and the pixels' offsets from it.

    Args:
        cell: Rows a, b, c of the crystal as it stands [Å].
        beam: Unit vector of the photons.
        wavelength: [Å].
        rays: The pixels.
    """
    wholes, fractions = at_middles(cell[None], beam, wavelength, rays)
    return list(zip(wholes[0], from_middles(fractions[0], cell, wavelength, rays), strict=True))


def at_middles(
    cells: Float[Array, "some 3 3 ..."], beam: Float[Array, "3"], wavelength: Float[Array, ""], rays: Directions
) -> tuple[Float[Array, "some 3 tile 1"], Float[Array, "some 3 tile 1"]]:
    """h, k, l at the middles of the tiles: whole numbers, and fractions in the type of the image.

    Args:
        cells: Rows a, b, c for some orientations [Å]: [some 3 3], or [some 3 3 tile] where each tile has its own.
        beam: Unit vector of the photons.
        wavelength: [Å].
        rays: The pixels.
    """
    rows = cells[..., None] if cells.ndim > 3 else cells[..., None, None]
    q = [(rays.middle[:, j, None] - beam[j]) / wavelength for j in range(3)]
    index = rows[:, :, 0] * q[0] + rows[:, :, 1] * q[1] + rows[:, :, 2] * q[2]
    whole = jnp.round(index)
    return whole, (index - whole).astype(rays.unit[0].dtype)


def from_middles(
    fractions: Float[Array, "3 tile 1"],
    cell: Float[Array, "3 3 ..."],
    wavelength: Float[Array, ""],
    rays: Directions,
) -> tuple[_Component, _Component, _Component]:
    """The pixels' offsets from the whole numbers of `at_middles`, for one orientation."""
    scaled = (cell / wavelength).astype(rays.unit[0].dtype)
    scaled = scaled[..., None] if cell.ndim > 2 else scaled
    offsets = []
    for i, offset in enumerate(fractions):
        # From the fraction on, one term after the other: a chain of fused multiply-adds, and half the rounding error
        # of a sum of steps to which the fraction is added last.
        for j in range(3):
            offset = offset + scaled[i, j] * rays.step[j]
        offsets.append(offset)
    return offsets[0], offsets[1], offsets[2]
