"""Gaussian spots, without fringes."""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg_kernels.shapes.radial import RadialShape

WIDTH = 0.63


@dataclass(frozen=True)
class Gauss(RadialShape):
    """exp(−r²/0.63)². Its integral over a reciprocal cell is 0.984443 in units of det N."""

    def of_radius_squared(self, radius_squared: Float[Array, "..."]) -> Float[Array, "..."]:
        """See `RadialShape.of_radius_squared`."""
        return jnp.exp((-2.0 / WIDTH) * radius_squared)

    def slope(self, radius_squared: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """See `RadialShape.slope`."""
        value = self.of_radius_squared(radius_squared)
        return value, (-2.0 / WIDTH) * value

    def radius(self, threshold: Float[Array, ""]) -> Float[Array, ""]:
        """See `AbstractShape.radius`."""
        return jnp.sqrt(jnp.maximum(-jnp.log(threshold) * (WIDTH / 2), 0.0))
