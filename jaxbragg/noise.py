"""Photon counting noise."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

# Photons drawn at once: the sampler loops until its slowest pixel is done, so that a bright spot holds up few others.
_CHUNK = 1 << 18
# Above this mean a rounded Gaussian: the sampler's float32 logarithms put its variance 0.7 % off at 3e5, 3 % at 1e6.
_LARGE = 3e4
_LARGEST = 2**31 - 2**7  # of float32 below the largest int32


def photon_counts(photons: Float[Array, "..."], seed: int) -> Int[Array, "..."]:
    """A Poisson count for each pixel, drawn on the device: the same seed and image give the same counts.

    Args:
        photons: Mean values.
        seed: Any whole number; its sign, and multiples of 2³¹, make no difference.

    References:
        `jax.random.poisson`; the C program's stream is not reproduced. Counts end at 2³¹.
    """
    key = jax.random.key(abs(seed) % 2**31, impl="threefry2x32")
    flat = jnp.ravel(photons)
    chunks = -(-flat.size // _CHUNK)
    padded = jnp.pad(flat, (0, chunks * _CHUNK - flat.size)).reshape(chunks, _CHUNK)
    return _draw(key, padded).ravel()[: flat.size].reshape(jnp.shape(photons))


@partial(jax.jit)
def _draw(key: Array, photons: Float[Array, "chunk pixel"]) -> Int[Array, "chunk pixel"]:
    def draw(numbered: tuple[Array, Float[Array, "pixel"]]) -> Int[Array, "pixel"]:
        number, mean = numbered
        key_of_chunk = jax.random.fold_in(key, number)
        few = jax.random.poisson(key_of_chunk, jnp.minimum(mean, _LARGE), dtype=jnp.int32)
        normal = jax.random.normal(jax.random.fold_in(key_of_chunk, 1), mean.shape, jnp.float32)
        many = jnp.clip(jnp.round(mean + jnp.sqrt(mean) * normal), 0, _LARGEST).astype(jnp.int32)
        return jnp.where(mean > _LARGE, many, few)

    return jax.lax.map(draw, (jnp.arange(photons.shape[0]), photons))
