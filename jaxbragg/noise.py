"""Photon counting noise."""

import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from jaxbragg.units import LARGEST_COUNT

# Pixels sampled at once: the sampler loops until its slowest pixel is done, so that a bright spot holds up few others.
_CHUNK = 1 << 18
# Above this mean a rounded Gaussian: the sampler's float32 logarithms put its variance 0.7 % off at 3e5, 3 % at 1e6.
_LARGE = 3e4
_INVALID = -1


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
    flat = jnp.ravel(photons)
    chunks = -(-flat.size // _CHUNK)
    padded = jnp.pad(flat, (0, chunks * _CHUNK - flat.size)).reshape(chunks, _CHUNK)
    return _sample(key, padded).ravel()[: flat.size].reshape(jnp.shape(photons))


@_counts.defjvp
def _no_derivative(primals: Any, tangents: Any) -> Any:
    del primals, tangents
    raise TypeError(
        "photon_counts has no derivative: counts are random numbers. Differentiate the mean photons that it is given, "
        "or stop there with jax.lax.stop_gradient."
    )


@jax.jit
def _sample(key: Array, photons: Float[Array, "chunk pixel"]) -> Int[Array, "chunk pixel"]:
    def sample(numbered: tuple[Array, Float[Array, "pixel"]]) -> Int[Array, "pixel"]:
        number, mean = numbered
        key_of_chunk = jax.random.fold_in(key, number)
        few = jax.random.poisson(key_of_chunk, jnp.clip(mean, 0, _LARGE), dtype=jnp.int32)
        normal = jax.random.normal(jax.random.fold_in(key_of_chunk, 1), mean.shape, jnp.float32).astype(mean.dtype)
        finite = jnp.minimum(mean, 1e30)  # inf - inf is no number
        many = jnp.clip(jnp.round(finite + jnp.sqrt(finite) * normal), 0, LARGEST_COUNT).astype(jnp.int32)
        return jnp.where(mean >= 0, jnp.where(mean > _LARGE, many, few), _INVALID)

    return jax.lax.map(sample, (jnp.arange(photons.shape[0]), photons))
