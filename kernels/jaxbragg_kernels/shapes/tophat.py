"""Flat spots with a sharp edge."""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg_kernels.shapes.radial import RadialShape

RADIUS = 0.63


@dataclass(frozen=True)
class Tophat(RadialShape):
    """1 where r < 0.63, else 0. The derivative is zero everywhere: nothing can be refined through it.

    Its integral over a reciprocal cell is 1.047394 in units of det N.
    """

    def of_radius_squared(self, radius_squared: Float[Array, "..."]) -> Float[Array, "..."]:
        """See `RadialShape.of_radius_squared`."""
        return jnp.where(radius_squared < RADIUS**2, 1.0, 0.0).astype(radius_squared.dtype)

    def radius(self, threshold: Float[Array, ""]) -> Float[Array, ""]:
        """See `AbstractShape.radius`: the edge, whatever the threshold."""
        return jnp.full_like(threshold, RADIUS)
