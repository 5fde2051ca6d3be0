"""The intensity of one reflection near its spot, as the mean over all that is Gaussian and over a rotation.

δ is what lies between a pixel's scattering vector q and the reflection's point G, in arc coordinates: along G it is
|q| − |G|, across it the chord at the mean radius. That keeps |q − G| exactly, and a mosaic spread moves G along an arc.
The shape of a small crystal does not bend: δ is as far from the straight q − G to the arc as the spread's share goes.

    ⟨I⟩ = 1/(t₂ − t₁) ∫ exp(−½ (δ − t v)ᵀ M (δ − t v)) dt,      v = u × G, M = S⁻¹
        = exp(−½ (δᵀMδ − b²/a)) · (Φ(x₂) − Φ(x₁)) √(2π) / (x₂ − x₁),   a = vᵀMv, b = vᵀMδ, x = √a t − b/√a

References:
    Busing & Levy (1967), Acta Cryst. 22, 457, for the rotation; the Gaussian's integral is elementary.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_Pixels = Float[Array, "pair pixel"]
_Vector = tuple[_Pixels, _Pixels, _Pixels]


class Spot(NamedTuple):
    """Some spots, in the type of the image.

    Attributes:
        unit: Ĝ, by component [pair 1].
        length: |G| [pair 1; 1/Å].
        bend: Share of the mosaic spread in the spot's width across G, 0 … 1 [pair 1].
        inverse: M: xx, yy, zz, xy, xz, yz [6, pair 1; Å²].
        slide: M v, by component [3, pair 1]; 0 where nothing turns.
        rate: √a [pair 1; 1/rad].
        start, end: t₁ and t₂ [pair 1; rad].
    """

    unit: _Vector
    length: _Pixels
    bend: _Pixels
    inverse: Float[Array, "6 pair 1"]
    slide: Float[Array, "3 pair 1"]
    rate: _Pixels
    start: _Pixels
    end: _Pixels


def arc(delta: _Vector, spot: Spot) -> _Vector:
    """δ in arc coordinates, of q − G.

    With d = Δ·Ĝ and p the rest: rad (|q| + |G|) = 2|G|d + Δ², and the chord is √(2|G| / (rad + d + 2|G|)) p: nothing
    is subtracted that is nearly equal, and nothing is divided by what may be 0.
    """
    along = delta[0] * spot.unit[0] + delta[1] * spot.unit[1] + delta[2] * spot.unit[2]
    square = delta[0] * delta[0] + delta[1] * delta[1] + delta[2] * delta[2]
    twice = 2.0 * spot.length
    change = twice * along + square  # |q|² − |G|²
    radial = change / (jnp.sqrt(spot.length * spot.length + change) + spot.length)
    chord = jnp.sqrt(twice / (radial + along + twice))
    outward, scale = spot.bend * (radial - along), 1.0 + spot.bend * (chord - 1.0)
    # along · u + scale · the rest, and what bends outward.
    x, y, z = (d * scale + u * (outward + along * (1.0 - scale)) for d, u in zip(delta, spot.unit, strict=True))
    return x, y, z


def still(delta: _Vector, spot: Spot) -> _Pixels:
    """The mean where nothing turns."""
    return jnp.exp(-0.5 * _form(arc(delta, spot), spot.inverse))


def turning(delta: _Vector, spot: Spot) -> _Pixels:
    """The mean over a rotation."""
    x, y, z = arc(delta, spot)
    small = jnp.asarray(1e-12, x.dtype)
    rate = jnp.maximum(spot.rate, small)
    middle = (spot.slide[0] * x + spot.slide[1] * y + spot.slide[2] * z) / rate  # b/√a
    across = jnp.maximum(_form((x, y, z), spot.inverse) - middle * middle, 0.0)
    return jnp.exp(-0.5 * across) * _mean(rate * spot.start - middle, rate * spot.end - middle)


def _form(v: _Vector, m: Float[Array, "6 pair 1"]) -> _Pixels:
    x, y, z = v
    return m[0] * x * x + m[1] * y * y + m[2] * z * z + 2.0 * (m[3] * x * y + m[4] * x * z + m[5] * y * z)


def _mean(low: _Pixels, high: _Pixels) -> _Pixels:
    """Mean of exp(−x²/2) from low to high; by its middle, to sixth order, where the two are near."""
    width, middle = high - low, 0.5 * (low + high)
    near = jnp.abs(width) < 0.3
    apart = jnp.where(near, 1.0, width)
    root = jnp.sqrt(jnp.asarray(0.5, low.dtype))
    far = (_erf(high * root) - _erf(low * root)) * jnp.sqrt(jnp.asarray(jnp.pi / 2, low.dtype)) / apart
    m, w = middle * middle, width * width
    series = 1.0 + w * ((m - 1.0) / 24.0 + w * (((m - 6.0) * m + 3.0) / 1920.0))
    return jnp.where(near, jnp.exp(-0.5 * m) * series, far)


@jax.custom_jvp
def _erf(x: _Pixels) -> _Pixels:
    """The error function; in float32 to 3e-7, which no spot's height can tell.

    References:
        Abramowitz & Stegun (1964), 7.1.28.
    """
    if x.dtype != jnp.float32:
        return jax.lax.erf(x)
    t = jnp.minimum(jnp.abs(x), 6.0)
    power = 1.0 + t * (0.0705230784 + t * (0.0422820123 + t * (0.0092705272 + t * (
        0.0001520143 + t * (0.0002765672 + t * 0.0000430638)))))  # fmt: skip
    for _ in range(4):
        power = power * power
    return jnp.sign(x) * (1.0 - 1.0 / power)


@_erf.defjvp
def _erf_jvp(primals: tuple, tangents: tuple) -> tuple:
    (x,), (dx,) = primals, tangents
    return _erf(x), dx * jnp.exp(-x * x) * jnp.asarray(2.0 / jnp.sqrt(jnp.pi), x.dtype)
