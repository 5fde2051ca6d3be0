"""Sums of what is drawn into tiles, the same to the last bit each time.

A GPU adds what goes to the same place in whatever order its threads arrive, and sums of rounded numbers depend on it.
There the sums are made of whole numbers, which do not; a CPU goes through the list from its beginning.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

_BITS = 61  # of a sum: beside the sign, one is for mantissas, which are below 2


def add_in_order(
    image: Float[Array, "tile pixel"], tile: Int[Array, "pair"], drawn: Float[Array, "pair pixel"]
) -> Float[Array, "tile pixel"]:
    """The image with what is drawn added to it; linear in both, in all modes of differentiation.

    Args:
        image: To add to.
        tile: Numbers of tiles; those out of range are left out.
        drawn: What to add to each.
    """
    return jax.lax.platform_dependent(
        image, tile, drawn, default=_add, cuda=_add_reproducibly, rocm=_add_reproducibly
    )  # fmt: skip


def take_in_order(image: Float[Array, "tile pixel"], tile: Int[Array, "pair"]) -> Float[Array, "pair pixel"]:
    """Rows of the image, 0 out of range; its transpose is `add_in_order`.

    Args:
        image: To take from.
        tile: Numbers of rows.
    """
    return jax.lax.platform_dependent(image, tile, default=_take, cuda=_take_reproducibly, rocm=_take_reproducibly)


def _add(image: Array, tile: Array, drawn: Array) -> Array:
    return image.at[tile].add(drawn, mode="drop")


def _take(image: Array, tile: Array) -> Array:
    return image.at[tile].get(mode="fill", fill_value=0)


def _add_reproducibly(image: Array, tile: Array, drawn: Array) -> Array:
    count = image.shape[0]
    return image + _solved(count, tile, jnp.pad(drawn, ((count, 0), (0, 0))))[:count]


def _take_reproducibly(image: Array, tile: Array) -> Array:
    count, pairs = image.shape[0], tile.shape[0]
    both = jax.ShapeDtypeStruct((count + pairs, image.shape[1]), image.dtype)
    transpose = jax.linear_transpose(lambda x: _solved(count, tile, x), both)
    return transpose(jnp.pad(image, ((0, pairs), (0, 0))))[0][count:]


def _solved(count: int, tile: Array, both: Float[Array, "row pixel"]) -> Float[Array, "row pixel"]:
    """The image's rows with the others, which follow them, added; then these.

    With S for what is added it is the solution of (1 − S) x = b, as S² = 0. Of all ways to give JAX a linear function
    and its transpose, this one alone runs under jvp, grad and vmap. All rows stand in one array because jax 0.10 does
    not transpose a solution some of whose arrays are constant; XLA takes no copies of them.
    """

    def with_sums(rows: Array, sums: Any) -> Array:
        return jnp.concatenate([rows[:count] + sums(rows[count:]), rows[count:]])

    def transposed(rows: Array) -> Array:
        return jnp.concatenate([rows[:count], rows[count:] + _take(rows[:count], tile)])

    return jax.lax.custom_linear_solve(
        lambda x: with_sums(x, lambda drawn: -_add(jnp.zeros_like(x[:count]), tile, drawn)),
        both,
        lambda _, b: with_sums(b, lambda drawn: _sums(count, tile, drawn)),
        lambda _, b: transposed(b),
    )


def _sums(count: int, tile: Array, drawn: Array) -> Array:
    """By multiples of a small part of each column's largest number; NaN and infinity make the column NaN."""
    dtype: Any = drawn.dtype
    unsigned = jnp.dtype(f"uint{8 * dtype.itemsize}")
    # Numbers without their mantissas are powers of two, and infinity where there is no number.
    exponent = jax.lax.bitcast_convert_type(jnp.asarray(jnp.inf, dtype), unsigned)
    largest = (jax.lax.bitcast_convert_type(drawn, unsigned) & exponent).max(axis=0)
    unit = jnp.maximum(jax.lax.bitcast_convert_type(largest, dtype), jnp.finfo(dtype).tiny)
    most: Any = np.int32(tile.shape[0])
    if dtype == jnp.float64:  # which has use for the bits that are left where fewer go to one place
        most = jnp.zeros(count, jnp.int32).at[tile].add(1, mode="drop").max()
    parts = jnp.left_shift(jnp.int64(1), _BITS - 32 + jax.lax.clz(most).astype(jnp.int64)).astype(dtype)
    numbers = jnp.rint(drawn / unit * parts).astype(jnp.int64)
    sums = jnp.zeros((count, drawn.shape[1]), jnp.int64).at[tile].add(numbers, mode="drop")
    return jnp.where(unit < jnp.inf, sums.astype(dtype) / parts * unit, jnp.nan)
