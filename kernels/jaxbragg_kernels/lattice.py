"""The lattice factor: how a crystal's shape spreads the intensity about each Bragg point.

Each function gives F_latt² / (Na Nb Nc)², 1 at a Bragg point (0.5236 for `round`), so that float32 holds crystals of
any size. All are even and finite everywhere, with derivatives to match: `square` and the Airy function of `round` carry
rules of their own where the formula is 0/0.

Integrals of F_latt² over a reciprocal cell, in units of Na Nb Nc: square 1, round 1, gauss 0.984443, tophat 1.047394.
"""

from collections.abc import Callable
from math import factorial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg_kernels.trigonometry import cotangent_less_pole, fold, sine_ratio

ROUND_PEAK = 0.723601254558268  # √(π/6): makes the integral of a sphere's transform equal to that of a cube
GAUSS_WIDTH = 0.63
TOPHAT_RADIUS_SQUARED = 0.3969  # 0.63²

_Number = Float[Array, "..."]


@jax.custom_jvp
def square(h: _Number, k: _Number, l: _Number, na: _Number, nb: _Number, nc: _Number) -> _Number:
    """Parallelepiped of na × nb × nc cells: Π (sin πNh / N sin πh)².

    Args:
        h, k, l: Distance to the nearest Bragg point, Miller-index units, -½ … ½.
        na, nb, nc: Cells along a, b, c; real numbers are allowed and taken about each Bragg point.

    References:
        `sincg` of the C program.
    """
    numerator = denominator = None
    for delta, cells in ((h, na), (k, nb), (l, nc)):
        delta, phase = _away_from_zero(delta, cells)
        folded = fold(phase)
        above, below = folded * sine_ratio(folded), phase * sine_ratio(delta)
        numerator = above if numerator is None else numerator * above
        denominator = below if denominator is None else denominator * below
    ratio = numerator / denominator
    return ratio * ratio


def _away_from_zero(delta: _Number, cells: _Number) -> tuple[_Number, _Number]:
    """|δ| and N|δ|, kept off 0 by far less than the precision of the result; the functions are even."""
    delta = jnp.maximum(jnp.abs(delta), 1e-9 if delta.dtype == jnp.float32 else 1e-14)
    return delta, cells * delta


@square.defjvp
def _square_jvp(primals, tangents):
    value = square(*primals)
    change = jnp.zeros_like(value)
    for delta, cells, d_delta, d_cells in zip(primals[:3], primals[3:], tangents[:3], tangents[3:], strict=True):
        slope = square_slope(delta, cells)
        change = change + slope * d_delta + square_cell_slope(delta, cells, slope) * d_cells
    return value, value * change


def square_slope(delta: _Number, cells: _Number) -> _Number:
    """One axis of `square`: the derivative of its logarithm by δ, to be multiplied by `square` itself.

    It is 2π(N cot πNδ − cot πδ). With C(z) = cot πz − 1/πz, which is small and smooth about 0, and Nδ = m + f for the
    nearest whole m, this is 2π(N C(f) − C(δ)) + 2m/(f δ), where nothing cancels. At the zeros of `square` the last term
    is cut off where its product with the double zero has long vanished.

    Args:
        delta: Distance to the nearest Bragg point, −½ … ½.
        cells: N.
    """
    size, phase = _away_from_zero(delta, cells)
    folded = fold(phase)
    whole = phase - folded
    least = 1e-9 if delta.dtype == jnp.float32 else 1e-15
    folded = jnp.where(jnp.abs(folded) < least, least, folded)
    regular = cells * cotangent_less_pole(folded) - cotangent_less_pole(size)
    return jnp.sign(delta) * (2.0 * jnp.pi * regular + 2.0 * whole / (folded * size))


def square_cell_slope(delta: _Number, cells: _Number, slope: _Number) -> _Number:
    """The same by N: (δ · `square_slope` + 2(πδ cot πδ − 1))/N.

    Args:
        delta: Distance to the nearest Bragg point, −½ … ½.
        cells: N.
        slope: From `square_slope`.
    """
    return delta * (slope + 2.0 * jnp.pi * cotangent_less_pole(delta)) * (1.0 / cells)


def round_(radius_squared: _Number) -> _Number:
    """Ellipsoid: [√(π/6) · 3(sin x/x − cos x)/x²]² with x = π r.

    Args:
        radius_squared: r² = fudge·Σ(N Δh)².

    References:
        `sinc3` of the C program.
    """
    amplitude = ROUND_PEAK * airy(jnp.pi**2 * radius_squared)
    return amplitude * amplitude


@jax.custom_jvp
def airy(u: _Number) -> _Number:
    """3(sin x/x − cos x)/x² with u = x²: the transform of a sphere, 1 at u = 0."""
    return _airy_and_sinc(u)[0]


def _airy_and_sinc(u: _Number) -> tuple[_Number, _Number]:
    near = u < 1.0
    far = jnp.where(near, 1.0, u)
    x = jnp.sqrt(far)
    sinc = jnp.sin(x) / x
    value = 3.0 * (sinc - jnp.cos(x)) / far
    close = jnp.where(near, u, 0.0)
    return jnp.where(near, _series(close, _AIRY), value), sinc


_AIRY = tuple(3.0 * (-1) ** m * (2 * m + 2) / factorial(2 * m + 3) for m in range(10))
_AIRY_SLOPE = tuple(m * c for m, c in enumerate(_AIRY))[1:]


def _series(u: _Number, coefficients: tuple[float, ...]) -> _Number:
    total = jnp.full_like(u, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * u + coefficient
    return total


@airy.defjvp
def _airy_jvp(primals, tangents):
    (u,), (change,) = primals, tangents
    value, sinc = _airy_and_sinc(u)
    near = u < 1.0
    slope = jnp.where(near, _series(jnp.where(near, u, 0.0), _AIRY_SLOPE), 1.5 * (sinc - value) / jnp.where(near, 1, u))
    return value, slope * change


def gauss(radius_squared: _Number) -> _Number:
    """Gaussian spots: exp(−r²/0.63)², without fringes.

    Args:
        radius_squared: r² = fudge·Σ(N Δh)².
    """
    return jnp.exp((-2.0 / GAUSS_WIDTH) * radius_squared)


def tophat(radius_squared: _Number) -> _Number:
    """Flat spots: 1 where r² < 0.63², else 0. The derivative is zero everywhere: nothing can be refined through it.

    Args:
        radius_squared: r² = fudge·Σ(N Δh)².
    """
    return jnp.where(radius_squared < TOPHAT_RADIUS_SQUARED, 1.0, 0.0).astype(radius_squared.dtype)


def _gauss_slope(radius_squared: _Number) -> _Number:
    return (-2.0 / GAUSS_WIDTH) * gauss(radius_squared)


def _round_slope(radius_squared: _Number) -> _Number:
    one = jnp.ones_like(radius_squared)
    return jax.jvp(round_, (radius_squared,), (one,))[1]


RADIAL: dict[str, Callable[[_Number], _Number]] = {"round": round_, "gauss": gauss, "tophat": tophat}
"""Shapes that depend on r² = Δhᵀ M Δh alone."""

RADIAL_SLOPES: dict[str, Callable[[_Number], _Number]] = {
    "round": _round_slope,
    "gauss": _gauss_slope,
    "tophat": jnp.zeros_like,
}
"""Their derivatives by r²."""


def square_axis(delta: _Number, whole: _Number, cells: _Number) -> _Number:
    """One axis of a parallelepiped with its sign: sin(πNh)/sin(πh) at h = whole + δ. For traces: images need no sign.

    Args:
        delta: Distance to the nearest Bragg point, −½ … ½.
        whole: Index of that point.
        cells: N.
    """
    size, phase = _away_from_zero(delta, cells)
    half_turns = jnp.round(phase)
    folded = phase - half_turns
    amplitude = cells * folded * sine_ratio(folded) / (phase * sine_ratio(size))
    odd = jnp.round(half_turns + whole * (cells - 1.0)) % 2 != 0
    return jnp.where(odd, -amplitude, amplitude)


def radial_sign(shape: str, radius_squared: _Number) -> _Number:
    """The sign of a radial shape's amplitude: a sphere's transform is negative here and there."""
    if shape == "round":
        return jnp.sign(airy(jnp.pi**2 * radius_squared))
    return jnp.ones_like(radius_squared)


def radius_squared(h: _Number, k: _Number, l: _Number, metric: Float[Array, "6"]) -> _Number:
    """Δhᵀ M Δh for the symmetric M given as (hh, kk, ll, hk, hl, kl), off-diagonal elements once.

    In Miller-index units M = fudge·diag(Na², Nb², Nc²). The widths in Å⁻¹ of the C program are fudge·(Na Nb Nc)²·G*
    with the reciprocal metric tensor G*.
    """
    return (
        (metric[0] * h + 2.0 * (metric[3] * k + metric[4] * l)) * h
        + (metric[1] * k + 2.0 * metric[5] * l) * k
        + metric[2] * l * l
    )


def metric_matrix(metric: Float[Array, "6"]) -> Float[Array, "3 3"]:
    """M as a symmetric matrix: half the gradient of `radius_squared` is M Δh."""
    return metric[jnp.asarray([[0, 3, 4], [3, 1, 5], [4, 5, 2]])]
