"""A parallelepiped of cells: the grating function along each axis."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg_kernels.fusion import fusion_barrier
from jaxbragg_kernels.rays import Vector
from jaxbragg_kernels.reciprocal import Offsets
from jaxbragg_kernels.shapes.abstract import AbstractShape, Slopes
from jaxbragg_kernels.trigonometry import cotangent_less_pole, fold, sine_ratio

_Image = Float[Array, "..."]
_Three = Float[Array, "pixel 3 tile"]


@dataclass(frozen=True)
class Square(AbstractShape):
    """Π (sin πNh / N sin πh)², 1 at a Bragg point; an axis with N = 1 gives 1.

    Its integral over a reciprocal cell is 1 in units of Na Nb Nc. Nothing is left out of its tails.

    References:
        `sincg` of the C program.
    """

    def size(self, n_cells: Any, metric: Any) -> Any:
        """Na, Nb, Nc."""
        del metric
        return n_cells

    def intensity(self, offsets: Offsets, size: Float[Array, "3"]) -> _Image:
        """See `AbstractShape.intensity`."""
        return grating(offsets, (size[0], size[1], size[2]))

    def phases(self, deltas: tuple[_Image, ...], size: Float[Array, "3"]) -> tuple[_Image, ...]:
        """See `AbstractShape.phases`: Nδ."""
        return tuple(fold(n * delta) for n, delta in zip(size, deltas, strict=True))

    def phases_beside(
        self, phases: tuple[_Image, ...], steps: tuple[_Image, ...], nearest: tuple[_Image, ...], size: Array
    ) -> tuple[_Image, ...]:
        """See `AbstractShape.phases_beside`."""
        dtype = phases[0].dtype
        # Of N at the nearest Bragg points only what is no whole number; exact before it is rounded.
        axes = zip(phases, steps, nearest, size.astype(dtype), fold(size).astype(dtype), strict=True)
        return tuple(phase + n * step - part * near for phase, step, near, n, part in axes)

    def slopes(self, deltas: _Three, size: Float[Array, "3"]) -> Slopes:
        """See `AbstractShape.slopes`: the intensity, and the derivatives of its logarithm."""
        value = grating(Offsets((deltas[:, 0], deltas[:, 1], deltas[:, 2]), None), (size[0], size[1], size[2]))
        return Slopes(value, value, logarithmic_slope(deltas, size[:, None]))

    def by_size(self, slopes: Slopes, deltas: _Three, size: Float[Array, "3"]) -> tuple[_Three, Array]:
        """See `AbstractShape.by_size`."""
        assert slopes.by_delta is not None
        # By itself: a compiler would compute it anew for each of what it is multiplied by.
        by_cells = fusion_barrier(logarithmic_cell_slope, deltas, size[:, None], slopes.by_delta)
        return by_cells, jnp.ones_like(by_cells[:, :1])

    def sign(self, offsets: Offsets, nearest: tuple[_Image, ...], size: Float[Array, "3"]) -> _Image:
        """See `AbstractShape.sign`."""
        a, b, c = self.axes(offsets, nearest, size)
        return jnp.sign(a * b * c)

    def axes(self, offsets: Offsets, nearest: tuple[_Image, ...], size: Float[Array, "3"]) -> tuple[_Image, ...]:
        """See `AbstractShape.axes`: sin(πNh)/sin(πh)."""
        phases = offsets.phases or (None, None, None)
        found = (_axis(*axis) for axis in zip(offsets.delta, phases, nearest, size, strict=True))
        return tuple(found)


@jax.custom_jvp
def grating(offsets: Offsets, n_cells: Vector) -> _Image:
    """Π (sin πNδ / N sin πδ)².

    Derivatives are taken from `Offsets.delta` and N alone, of which `Offsets.phases` are only a finer account.

    Args:
        offsets: From the nearest Bragg points.
        n_cells: N along a, b, c.
    """
    phases = offsets.phases or (None, None, None)
    (a, below_a), (b, below_b), (c, below_c) = (
        _sines(*axis) for axis in zip(offsets.delta, phases, n_cells, strict=True)
    )
    ratio = (a * b * c) / (below_a * below_b * below_c)
    return ratio * ratio


def _sines(delta: _Image, own: _Image | None, n: _Image) -> tuple[_Image, _Image]:
    """|sin πNδ| and N |sin πδ|; or numbers of their ratio, 1, where both are 0."""
    delta, phase = _away_from_zero(delta, n)
    folded = fold(phase if own is None else jnp.where(phase < 0.5, phase, own))
    return folded * sine_ratio(folded), phase * sine_ratio(delta)


def _away_from_zero(delta: _Image, n: _Image) -> tuple[_Image, _Image]:
    """|δ| and N|δ|, kept off 0 by far less than the precision of the result; the functions are even."""
    delta = jnp.maximum(jnp.abs(delta), 1e-9 if delta.dtype == jnp.float32 else 1e-14)
    return delta, n * delta


@grating.defjvp
def _grating_jvp(primals, tangents):
    (offsets, n_cells), (d_offsets, d_cells) = primals, tangents
    value = grating(offsets, n_cells)
    change = jnp.zeros_like(value)
    for delta, n, d_delta, d_n in zip(offsets.delta, n_cells, d_offsets.delta, d_cells, strict=True):
        slope = logarithmic_slope(delta, n)
        change = change + slope * d_delta + logarithmic_cell_slope(delta, n, slope) * d_n
    return value, value * change


def logarithmic_slope(delta: _Image, n: _Image) -> _Image:
    """One axis of `grating`: the derivative of its logarithm by δ, to be multiplied by `grating` itself.

    It is 2π(N cot πNδ − cot πδ). With C(z) = cot πz − 1/πz, which is small and smooth about 0, and Nδ = m + f for the
    nearest whole m, this is 2π(N C(f) − C(δ)) + 2m/(f δ), where nothing cancels. At the zeros of `grating` the last
    term is cut off where its product with the double zero has long vanished.

    Args:
        delta: Distance to the nearest Bragg point, −½ … ½.
        n: N.
    """
    size, phase = _away_from_zero(delta, n)
    folded = fold(phase)
    whole = phase - folded
    smallest = 1e-9 if delta.dtype == jnp.float32 else 1e-15
    folded = jnp.where(jnp.abs(folded) < smallest, smallest, folded)
    regular = n * cotangent_less_pole(folded) - cotangent_less_pole(size)
    return jnp.sign(delta) * (2.0 * jnp.pi * regular + 2.0 * whole / (folded * size))


def logarithmic_cell_slope(delta: _Image, n: _Image, slope: _Image) -> _Image:
    """One axis of `grating`: the derivative of its logarithm by N, (δ · slope + 2(πδ cot πδ − 1))/N.

    Args:
        delta: Distance to the nearest Bragg point, −½ … ½.
        n: N.
        slope: From `logarithmic_slope`.
    """
    return delta * (slope + 2.0 * jnp.pi * cotangent_less_pole(delta)) * (1.0 / n)


def _axis(delta: _Image, own: _Image | None, whole: _Image, n: _Image) -> _Image:
    """sin(πNh)/sin(πh) at h = whole + δ, with its sign."""
    size, phase = _away_from_zero(delta, n)
    folded = fold(phase if own is None else jnp.where(phase < 0.5, phase, jnp.sign(delta) * own))
    amplitude = n * folded * sine_ratio(folded) / (phase * sine_ratio(size))
    odd = jnp.round(phase - folded + whole * (n - 1.0)) % 2 != 0
    return jnp.where(odd, -amplitude, amplitude)
