"""Which entry of a list each number belongs to, where entries hold as many numbers as they say."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int


def entry_of(ends: Int[Array, "entry"], number: Int[Array, "number"]) -> Int[Array, "number"]:
    """The first entry whose end is above each number; beyond the last where there is none.

    On a GPU each pass of a loop is some launches, and keeps XLA from making one graph of all that is launched.

    Args:
        ends: How many numbers the entries hold up to each of them, itself included; sorted.
        number: From 0 on.
    """
    search = {passes: partial(_search, passes) for passes in ("scan", "scan_unrolled")}
    return jax.lax.platform_dependent(ends, number, cpu=search["scan"], default=search["scan_unrolled"])


def _search(passes: str, ends: Array, number: Array) -> Array:
    return jnp.searchsorted(ends, number, side="right", method=passes).astype(jnp.int32)
