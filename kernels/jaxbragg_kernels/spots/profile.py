"""The intensity of one reflection near its spot, as the mean over all that is Gaussian and over a rotation.

δ is what lies between a pixel's scattering vector q and the reflection's point G, in arc coordinates: along G it is
|q| − |G|, across it the chord at the mean radius. That keeps |q − G| exactly, and a mosaic spread moves G along an arc.
The shape of a small crystal does not bend: δ is as far from the straight q − G to the arc as the spread's share goes.
Where the distance along G is another wavelength's, the chord is that at |G|, as far as the bandwidth's share goes.

Seen from the crystal, q turns: δ(t) = δ − t w + ½ t² a, with w = v + L δ, v = u × G and a = u × v, of which the arc
takes its share. With M = S⁻¹ the exponent is

    E(t) = ½ δᵀMδ − t p + ½ t² (A + α) − ½ t³ β + ⅛ t⁴ γ,   p = wᵀMδ, A = wᵀMw, α = aᵀMδ, β = vᵀMa, γ = aᵀMa,

a parabola about t₀ = p/A, or the end of the stretch that is nearest to it, to second order in t − t₀; its integral is
that of a Gaussian:

    ⟨I⟩ = exp(−E₀ + ½ E₁²/E₂) · (Φ(x₂) − Φ(x₁)) √(2π) / (x₂ − x₁),   x = √E₂ (t − t₀ + E₁/E₂)

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
        stretch: s/|G|, s the share of the bandwidth in the variance V along G [pair 1; Å].
        taller: 3 s − 2 [pair 1].
        steeper: (1 − s)/V [pair 1; Å²].
        inverse: M: xx, yy, zz, xy, xz, yz [6, pair 1; Å²].
    """

    unit: _Vector
    length: _Pixels
    bend: _Pixels
    stretch: _Pixels
    taller: _Pixels
    steeper: _Pixels
    inverse: Float[Array, "6 pair 1"]


class Motion(NamedTuple):
    """How these spots turn.

    Attributes:
        slide: M v, by component [3, pair 1].
        rate: vᵀMv [pair 1; 1/rad²]; 0 where nothing turns.
        twist: The symmetric part of LᵀM, as M above [6, pair 1].
        faster: 2 Lᵀ M v [3, pair 1].
        bow: M a [3, pair 1].
        cubic, quartic: β and γ [pair 1].
        start, end: t₁ and t₂ [pair 1; rad].
    """

    slide: Float[Array, "3 pair 1"]
    rate: _Pixels
    twist: Float[Array, "6 pair 1"]
    faster: Float[Array, "3 pair 1"]
    bow: Float[Array, "3 pair 1"]
    cubic: _Pixels
    quartic: _Pixels
    start: _Pixels
    end: _Pixels


def arc(delta: _Vector, spot: Spot) -> tuple[_Vector, _Pixels]:
    """δ in arc coordinates, of q − G; and what the intensity is multiplied by.

    With d = Δ·Ĝ and p the rest: rad (|q| + |G|) = 2|G|d + Δ², and the chord is √(2|G| / (rad + d + 2|G|)) p: nothing
    is subtracted that is nearly equal, and nothing is divided by what may be 0.

    A relative change ε of the wavelength shrinks q, and so both its distance from G and its own change by ε: to first
    order in the mean ε at a pixel, s rad/|G|, what lies across is smaller and the intensity is multiplied by
    1 + s rad/|G| (3 s − 2 + (1 − s) rad²/V).
    """
    along = delta[0] * spot.unit[0] + delta[1] * spot.unit[1] + delta[2] * spot.unit[2]
    square = delta[0] * delta[0] + delta[1] * delta[1] + delta[2] * delta[2]
    twice = 2.0 * spot.length
    change = twice * along + square  # |q|² − |G|²
    radial = change / (jnp.sqrt(spot.length * spot.length + change) + spot.length)
    chord = jnp.sqrt(twice / (radial + along + twice))
    longer = spot.stretch * radial
    outward, scale = spot.bend * (radial - along), 1.0 + spot.bend * (chord - 1.0)
    scale = scale * (1.0 - (1.0 - 0.5 * spot.bend) * longer)
    # along · u + scale · the rest, and what bends outward.
    x, y, z = (d * scale + u * (outward + along * (1.0 - scale)) for d, u in zip(delta, spot.unit, strict=True))
    return (x, y, z), 1.0 + longer * (spot.taller + spot.steeper * radial * radial)


def still(delta: _Vector, spot: Spot) -> _Pixels:
    """The mean where nothing turns."""
    found, factor = arc(delta, spot)
    return factor * jnp.exp(-0.5 * _form(found, spot.inverse))


def turning(delta: _Vector, spot: Spot, motion: Motion) -> _Pixels:
    """The mean over a rotation."""
    found, factor = arc(delta, spot)
    small = jnp.asarray(1e-12, factor.dtype)
    rate = jnp.maximum(motion.rate, small)
    fastest = jnp.maximum(rate + _along(found, motion.faster), 0.25 * rate)
    first = _along(found, motion.slide) + _form(found, motion.twist)
    bow = _along(found, motion.bow)
    # Not beyond the stretch, where the parabola is not wanted and its third order is large.
    t = jnp.clip(first / fastest, motion.start, motion.end)
    slope = fastest * t - first + t * (bow - t * (1.5 * motion.cubic - 0.5 * t * motion.quartic))
    curvature = jnp.maximum(fastest + bow - t * (3.0 * motion.cubic - 1.5 * t * motion.quartic), 0.25 * rate)
    shift = slope / curvature
    height = _form(found, spot.inverse) - t * (2.0 * first - fastest * t)
    height = height + t * t * (bow - t * (motion.cubic - 0.25 * t * motion.quartic)) - slope * shift
    root, middle = jnp.sqrt(curvature), t - shift
    mean = _mean(root * (motion.start - middle), root * (motion.end - middle))
    return factor * jnp.exp(-0.5 * jnp.maximum(height, 0.0)) * mean


def _along(v: _Vector, w: Float[Array, "3 pair 1"]) -> _Pixels:
    return w[0] * v[0] + w[1] * v[1] + w[2] * v[2]


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
    # Beyond 1500 the exponential is 0 in either type; there m² would overflow, and 0 times that is NaN in the slope.
    m, w = jnp.minimum(middle * middle, 1500.0), width * width
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
