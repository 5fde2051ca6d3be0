"""Photon counting noise."""

import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from jaxbragg.models.response.chance import keyed_counts


def photon_counts(photons: Float[Array, "..."], seed: Any) -> Int[Array, "..."]:
    """A Poisson count for each pixel, computed on the device: the same seed and image give the same counts.

    Counts are random numbers and have no derivative: differentiating through them raises a TypeError. Differentiate
    `photons`, which are the expected counts, or stop at them with `jax.lax.stop_gradient`.

    Args:
        photons: Mean values; infinite ones give the largest count, 2³¹ − 2⁷. Those that are NaN or negative are
            refused; where they are traced, as under `jax.jit`, and cannot be looked at, they give −1.
        seed: A whole number, whose sign and multiples of 2³¹ make no difference, or a traced integer:
            `jax.vmap(lambda seed: photon_counts(photons, seed))(seeds)`.

    Raises:
        ValueError: If a mean value is NaN or negative, or the seed is not a whole number.
        TypeError: If it is differentiated.

    References:
        `jax.random.poisson`; the C program's stream is not reproduced.
    """
    photons = jnp.asarray(photons)
    if not jnp.issubdtype(photons.dtype, jnp.floating):
        photons = photons.astype(jnp.float32)
    if not isinstance(photons, Tracer):
        invalid = int((~(photons >= 0)).sum())
        if invalid:
            raise ValueError(
                f"Argument `photons` must not be NaN or negative, but {invalid} of {photons.size} pixels are."
            )
    return _counts(photons, _key_number(seed))


def _key_number(seed: Any) -> Any:
    """|seed| modulo 2³¹."""
    if isinstance(seed, Tracer):
        if not jnp.issubdtype(seed.dtype, jnp.integer) or seed.shape != ():
            raise ValueError(
                f"Argument `seed` must be a whole number, but is of type {seed.dtype} and shape {seed.shape}."
            )
        positive = seed if jnp.issubdtype(seed.dtype, jnp.unsignedinteger) else jnp.abs(seed)
        return positive & (2**31 - 1)  # the type's lowest number has no positive counterpart, but its bits end in zeros
    try:
        if isinstance(seed, bool | np.bool_):
            raise TypeError
        return abs(operator.index(seed)) % 2**31
    except TypeError:
        raise ValueError(f"Argument `seed` must be a whole number, but is {seed!r}.") from None


@jax.custom_jvp
def _counts(photons: Float[Array, "..."], seed: Any) -> Int[Array, "..."]:
    key = jax.random.key(seed, impl="threefry2x32")
    return keyed_counts(key, photons)


@_counts.defjvp
def _no_derivative(primals: Any, tangents: Any) -> Any:
    del primals, tangents
    raise TypeError(
        "photon_counts has no derivative: counts are random numbers. Differentiate the mean photons that it is given, "
        "or stop there with jax.lax.stop_gradient."
    )
