"""What the pixels of some tiles look along: the beam, its wavelength, and the directions in which photons leave.

A direction is that of the tile's middle, in the type of the indices, and a small step from there, in the type of the
image: float32 carries the steps to its own precision, since nothing large is subtracted.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

_Image = Float[Array, "tile pixel"]
Vector = tuple[_Image, _Image, _Image]
"""Three images: the components along x, y and z."""


class Directions(NamedTuple):
    """Where the pixels of some tiles are, seen from the sample.

    Attributes:
        unit: Unit vectors to the pixels, by component, in the type of the image.
        step: The same less that of the tile's middle.
        middle: Unit vectors to the tiles' middles, in the type of the indices.
        distance: Sample to the tiles' middles [m], in that type.
        nearer: `distance` over the pixels' distances, in the type of the image.
    """

    unit: Vector
    step: Vector
    middle: Float[Array, "tile 3"]
    distance: Float[Array, "tile"]
    nearer: _Image


class Rays(NamedTuple):
    """Photons of one source on their way to the pixels.

    Attributes:
        beam: Unit vector of the photons before the sample, in the type of the indices.
        wavelength: [Å], in that type.
        directions: To the pixels.
    """

    beam: Float[Array, "3"]
    wavelength: Float[Array, ""]
    directions: Directions

    def scattering_length(self) -> _Image:
        """|q| = 1/d [1/Å]; twice sin θ/λ."""
        unit = self.directions.unit
        dtype = unit[0].dtype
        x, y, z = (u - b for u, b in zip(unit, self.beam.astype(dtype), strict=True))
        square = x * x + y * y + z * z
        # At exact forward scattering the root has no derivative; its argument is kept off 0 there.
        return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0) / self.wavelength.astype(dtype)


def directions(middle: Float[Array, "tile 3"], offset: Vector, dtype: jnp.dtype) -> Directions:
    """Unit vectors to pixels, split into that of a tile's middle and small steps.

    With P the middle, r = |P|, u = P/r and e = d/r for a pixel at P + d, 1/|P + d| = (1 + g)/r, where

        g = 1/√(1 + t) − 1 = −t / (√(1 + t) (1 + √(1 + t))),    t = 2 u·e + e·e,

    and the step is e + g (u + e). Nothing large is subtracted, so that float32 gives the step to its own precision.

    Args:
        middle: Positions of the tiles' middles [m], in the type in which indices are to be exact.
        offset: From there to the pixels, by component [m], in that type; in float32 steps are to 1e-7 of themselves.
        dtype: Type of the steps and the image.
    """
    # Not by sum(axis=1): that goes through the tiles one after the other.
    distance = jnp.sqrt(middle[:, 0] * middle[:, 0] + middle[:, 1] * middle[:, 1] + middle[:, 2] * middle[:, 2])
    inverse = 1.0 / distance
    unit = middle * inverse[:, None]
    # Of the type of the offsets, which need not be that of the middles where steps of float32 will do.
    u = [unit[:, j, None].astype(offset[j].dtype) for j in range(3)]
    e = [d * inverse[:, None].astype(d.dtype) for d in offset]
    t = 2.0 * (u[0] * e[0] + u[1] * e[1] + u[2] * e[2]) + (e[0] * e[0] + e[1] * e[1] + e[2] * e[2])
    root = jnp.sqrt(1.0 + t)
    g = -t / (root * (1.0 + root))
    x, y, z = ((e[j] + g * (u[j] + e[j])).astype(dtype) for j in range(3))
    # From the rounded steps: so that nothing but these and the distances is computed for each pixel in the other type.
    whole = (u[0].astype(dtype) + x, u[1].astype(dtype) + y, u[2].astype(dtype) + z)
    return Directions(whole, (x, y, z), unit, distance, (1.0 + g).astype(dtype))
