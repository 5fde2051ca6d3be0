"""A sphere of cells, or an ellipsoid: the transform of its shape, fringes and all."""

from dataclasses import dataclass
from math import factorial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg_kernels.reciprocal import Offsets
from jaxbragg_kernels.shapes.radial import RadialShape, radius_squared
from jaxbragg_kernels.trigonometry import fold

PEAK = 0.723601254558268  # √(π/6): makes the integral of a sphere's transform equal to that of a cube

_Image = Float[Array, "..."]


@dataclass(frozen=True)
class Round(RadialShape):
    """[√(π/6) · 3(sin x/x − cos x)/x²]² with x = πr; its integral over a reciprocal cell is 1 in units of det N.

    Nothing is left out of its tails, which fall with r⁻⁴: a threshold of 1e-6 of the peak would be reached 20 fringes
    from a Bragg point, which for most crystals is the next one.

    References:
        `sinc3` of the C program.
    """

    def of_radius_squared(self, radius_squared: _Image) -> _Image:
        """See `RadialShape.of_radius_squared`."""
        return _squared(radius_squared, None)

    def intensity(self, offsets: Offsets, size: Float[Array, "3 3"]) -> _Image:
        """See `AbstractShape.intensity`."""
        return _squared(radius_squared(*offsets.delta, size), None if offsets.phases is None else offsets.phases[0])

    def phases(self, deltas: tuple[_Image, ...], size: Float[Array, "3 3"]) -> tuple[_Image, ...]:
        """See `AbstractShape.phases`: r/2. They are not linear in h, k, l."""
        h, k, l = deltas
        return (fold(0.5 * jnp.sqrt(radius_squared(h, k, l, size))),)

    def sign(self, offsets: Offsets, nearest: tuple[_Image, ...], size: Float[Array, "3 3"]) -> _Image:
        """See `AbstractShape.sign`: a sphere's transform is negative here and there."""
        del nearest
        return jnp.sign(airy(jnp.pi**2 * radius_squared(*offsets.delta, size)))


def _squared(radius_squared: _Image, phase: _Image | None) -> _Image:
    amplitude = PEAK * airy(jnp.pi**2 * radius_squared, phase)
    return amplitude * amplitude


@jax.custom_jvp
def airy(u: _Image, phase: _Image | None = None) -> _Image:
    """3(sin x/x − cos x)/x² with u = x²: the transform of a sphere, 1 at u = 0.

    Args:
        u: x².
        phase: x/2π less a whole number, if it is known better than from u; derivatives are taken from u alone.
    """
    return _airy_and_sinc(u, phase)[0]


def _airy_and_sinc(u: _Image, phase: _Image | None) -> tuple[_Image, _Image]:
    near = u < 1.0
    far = jnp.where(near, 1.0, u)
    x = jnp.sqrt(far)
    angle = x if phase is None else 2.0 * jnp.pi * phase
    sinc = jnp.sin(angle) / x
    value = 3.0 * (sinc - jnp.cos(angle)) / far
    close = jnp.where(near, u, 0.0)
    return jnp.where(near, _series(close, _AIRY), value), sinc


_AIRY = tuple(3.0 * (-1) ** m * (2 * m + 2) / factorial(2 * m + 3) for m in range(10))
_AIRY_SLOPE = tuple(m * c for m, c in enumerate(_AIRY))[1:]


def _series(u: _Image, coefficients: tuple[float, ...]) -> _Image:
    total = jnp.full_like(u, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * u + coefficient
    return total


@airy.defjvp
def _airy_jvp(primals, tangents):
    (u, phase), (change, _) = primals, tangents
    value, sinc = _airy_and_sinc(u, phase)
    near = u < 1.0
    slope = jnp.where(near, _series(jnp.where(near, u, 0.0), _AIRY_SLOPE), 1.5 * (sinc - value) / jnp.where(near, 1, u))
    return value, slope * change
