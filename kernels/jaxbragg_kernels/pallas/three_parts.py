"""Miller indices to 1e-10 in float32 alone: consumer cards do 64 float32 operations in the time of one in float64.

Each number is cut into three: two whole multiples of powers of two, of 11 bits each, and a float32 remainder. Products
of the first two parts are whole multiples of a common quantum and small enough that float32 holds them and their sums
without any rounding, fused multiply-adds or not; what is rounded is at most 1e-3 of an index. So no error terms of sums
or products are needed, and nothing that a compiler might simplify away.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbragg_kernels.pallas.arithmetic import Arithmetic

PART_BITS = 11
_DIRECTION_QUANTUM = 2.0**-10  # differences of unit vectors are at most 2
_CELL_EXPONENT = -2  # at least: products of first parts are then multiples of 2⁻¹², of first and second ones of 2⁻²³


class Parts(NamedTuple):
    """A number as first + second + third."""

    first: Float[Array, "..."]
    second: Float[Array, "..."]
    third: Float[Array, "..."]

    @property
    def rounded(self) -> Float[Array, "..."]:
        """The number in float32."""
        return self.first + self.second + self.third


def parts_of_directions(difference: Float[Array, "..."]) -> Parts:
    """Differences of two unit vectors, cut up."""
    return _cut(difference, _DIRECTION_QUANTUM)


def parts_of_cells(cells: Float[Array, "..."]) -> Parts:
    """Cell vectors [wavelengths], cut up. Beyond 512 wavelengths the precision falls in proportion to the longest."""
    _, exponent = jnp.frexp(jnp.abs(cells).max())
    return _cut(cells, jnp.ldexp(jnp.ones((), cells.dtype), jnp.maximum(exponent - PART_BITS, _CELL_EXPONENT)))


def _cut(values: Float[Array, "..."], quantum: Float[Array, ""] | float) -> Parts:
    first = jnp.round(values / quantum) * quantum
    finer = quantum * 2.0**-PART_BITS
    second = jnp.round((values - first) / finer) * finer
    return Parts(*(part.astype(jnp.float32) for part in (first, second, values - first - second)))


class Index(NamedTuple):
    """A Miller index as whole + fraction + low, the fraction exact and within ±½, |low| < 1e-3."""

    whole: Int[Array, "..."]
    fraction: Float[Array, "..."]
    low: Float[Array, "..."]


def index(cell: Sequence[Parts], direction: Sequence[Parts], arithmetic: Arithmetic) -> Index:
    """cell · direction.

    Args:
        cell: Three components, of `parts_of_cells`.
        direction: Three components, of `parts_of_directions`.
        arithmetic: Of the device.
    """
    high = middle = low = jnp.zeros_like(direction[0].first)
    add = arithmetic.multiply_add
    for c, d in zip(cell, direction, strict=True):
        high = add(c.first, d.first, high)
        middle = add(c.second, d.first, add(c.first, d.second, middle))
        low = add(c.third, d.rounded, add(c.rounded, d.third, add(c.second, d.second, low)))
    whole = arithmetic.nearest(high)
    # Exact up to here, and in the rest.
    middle = (high - whole.number) + middle
    carry = arithmetic.nearest(middle)
    return Index(whole.integer + carry.integer, middle - carry.number, low)
