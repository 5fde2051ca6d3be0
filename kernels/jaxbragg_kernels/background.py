"""Scatter from what is not crystalline: water, air, anything whose molecules scatter independently."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def structure_factor(
    sine_over_wavelength: Float[Array, "..."], table_stol: Float[Array, "points"], table_factor: Float[Array, "points"]
) -> Float[Array, "..."]:
    """Structure factor of one molecule, linear between the table's points and constant beyond its ends.

    Args:
        sine_over_wavelength: sin θ/λ [1/Å].
        table_stol: sin θ/λ of the table, ascending [1/Å].
        table_factor: Structure factors there [electrons].
    """
    if table_stol.shape[0] == 1:
        return jnp.broadcast_to(table_factor[0], sine_over_wavelength.shape).astype(sine_over_wavelength.dtype)
    dtype = sine_over_wavelength.dtype
    return jnp.interp(sine_over_wavelength, table_stol.astype(dtype), table_factor.astype(dtype))


def on_even_grid(
    places: Float[Array, "..."], step: Float[Array, ""], table: Float[Array, "points"]
) -> Float[Array, "..."]:
    """Linear between the points of a table that begins at 0 and has even steps; 0 beyond its end.

    Args:
        places: Not negative.
        step: Between the points.
        table: Values there.
    """
    at = places / step
    last = table.shape[0] - 1
    index = jnp.clip(jnp.floor(at), 0, last - 1).astype(jnp.int32)
    low, high = table[index], table[index + 1]
    return jnp.where(at <= last, low + (at - index.astype(at.dtype)) * (high - low), 0.0)
