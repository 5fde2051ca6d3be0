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
        middle: Unit vectors' means over each tile [tile, 3], in the type of the indices.
        distance: Sample to pixel [m].
    """

    unit: tuple[_Component, _Component, _Component]
    step: tuple[_Component, _Component, _Component]
    middle: Float[Array, "tile 3"]
    distance: _Component


def directions(position: tuple[_Component, _Component, _Component], dtype: jnp.dtype) -> Directions:
    """Unit vectors to pixels, split into a tile's middle and small steps.

    Args:
        position: Of the pixels by component [m], in the type in which indices are to be exact.
        dtype: Type of the steps and the image.
    """
    unit, distance = _unit(position)
    # The mean is as good a middle as any: it need not be a pixel, nor of unit length.
    middle = tuple(component.mean(axis=1) for component in unit)
    step = tuple((u - m[:, None]).astype(dtype) for u, m in zip(unit, middle, strict=True))
    return Directions(tuple(u.astype(dtype) for u in unit), step, jnp.stack(middle, axis=1), distance)  # type: ignore[arg-type]


def _unit(vector: tuple[Array, ...]) -> tuple[tuple[Array, ...], Array]:
    """A vector over its length, and that."""
    x, y, z = vector
    length = jnp.sqrt(x * x + y * y + z * z)
    inverse = 1.0 / length
    return (x * inverse, y * inverse, z * inverse), length


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
        cell: Rows a, b, c of the crystal as it stands [Å]: [3 3], or [3 3 tile 1] where each tile has its own.
        beam: Unit vector of the photons.
        wavelength: [Å].
        rays: The pixels.
    """
    wholes, fractions = at_middles(cell, beam, wavelength, rays)
    return list(zip(wholes, from_middles(fractions, cell, wavelength, rays), strict=True))


def at_middles(
    cell: Float[Array, "3 3"], beam: Float[Array, "3"], wavelength: Float[Array, ""], rays: Directions
) -> tuple[tuple[_OfTiles, _OfTiles, _OfTiles], tuple[_OfTiles, _OfTiles, _OfTiles]]:
    """h, k, l at the middles of the tiles: whole numbers, and fractions in the type of the image.

    Arguments are those of `miller_offsets`.
    """
    q = [(rays.middle[:, j, None] - beam[j]) / wavelength for j in range(3)]
    wholes, fractions = [], []
    for i in range(3):
        index = cell[i, 0] * q[0] + cell[i, 1] * q[1] + cell[i, 2] * q[2]
        whole = jnp.round(index)
        wholes.append(whole)
        fractions.append((index - whole).astype(rays.unit[0].dtype))
    return (wholes[0], wholes[1], wholes[2]), (fractions[0], fractions[1], fractions[2])


def from_middles(
    fractions: tuple[_OfTiles, _OfTiles, _OfTiles],
    cell: Float[Array, "3 3"],
    wavelength: Float[Array, ""],
    rays: Directions,
) -> tuple[_Component, _Component, _Component]:
    """The pixels' offsets from the whole numbers of `at_middles`."""
    scaled = (cell / wavelength).astype(rays.unit[0].dtype)
    offsets = []
    for i, offset in enumerate(fractions):
        # From the fraction on, one term after the other: a chain of fused multiply-adds, and half the rounding error
        # of a sum of steps to which the fraction is added last.
        for j in range(3):
            offset = offset + scaled[i, j] * rays.step[j]
        offsets.append(offset)
    return offsets[0], offsets[1], offsets[2]
