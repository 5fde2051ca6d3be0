"""Photon counting noise."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

# Photons drawn at once: the sampler loops until its slowest pixel is done, so that a bright spot holds up few others.
_CHUNK = 1 << 18


def photon_counts(photons: Float[Array, "..."], seed: int) -> Int[Array, "..."]:
    """A Poisson count for each pixel, drawn on the device: the same seed and image give the same counts.

    Args:
        photons: Mean values.
        seed: Any whole number; its sign, and multiples of 2³¹, make no difference.

    References:
        `jax.random.poisson`; the C program's stream is not reproduced.
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
        return jax.random.poisson(jax.random.fold_in(key, number), mean, dtype=jnp.int32)

    return jax.lax.map(draw, (jnp.arange(photons.shape[0]), photons))
