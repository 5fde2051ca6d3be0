"""Scatter from what is not crystalline: water, air, anything whose molecules scatter independently."""

import jax.numpy as jnp
from jaxtyping import Array, Float

_SEARCHED = 64  # points of a table in which a place is looked for
_EVEN = 4096  # points of one that stands for a longer one


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
    stol, factor = table_stol.astype(dtype), table_factor.astype(dtype)
    if stol.shape[0] <= _SEARCHED:
        return jnp.interp(sine_over_wavelength, stol, factor)
    # To look for a place in a long table takes longer than all else of a pixel: points of even steps need no search.
    even = stol[0] + (stol[-1] - stol[0]) * jnp.linspace(0.0, 1.0, _EVEN, dtype=dtype)
    values = jnp.interp(even, stol, factor)
    at = jnp.clip((sine_over_wavelength - stol[0]) * ((_EVEN - 1) / (stol[-1] - stol[0])), 0, _EVEN - 1)
    index = jnp.minimum(at.astype(jnp.int32), _EVEN - 2)
    low = values[index]
    return low + (at - index.astype(dtype)) * (values[index + 1] - low)


def on_even_grid(
    places: Float[Array, "..."], step: Float[Array, ""], table: Float[Array, "points"]
) -> Float[Array, "..."]:
    """Between the points of a table that begins at 0 and has even steps, by cubics of one slope; 0 beyond its end.

    Args:
        places: Not negative.
        step: Between the points.
        table: Values there, at least two.

    References:
        Catmull & Rom (1974), A class of local interpolating splines: slopes are those of the neighbours' line.
    """
    at = places / step
    last = table.shape[0] - 1
    index = jnp.clip(jnp.floor(at), 0, last - 1).astype(jnp.int32)
    x = at - index.astype(at.dtype)
    before, low = table[jnp.maximum(index - 1, 0)], table[index]
    high, after = table[index + 1], table[jnp.minimum(index + 2, last)]
    slope, next_slope = 0.5 * (high - before), 0.5 * (after - low)
    rise = high - low
    found = low + x * (slope + x * (3.0 * rise - 2.0 * slope - next_slope + x * (slope + next_slope - 2.0 * rise)))
    return jnp.where(at <= last, found, 0.0)
