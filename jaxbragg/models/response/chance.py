"""Random numbers for responses: of a key, inside JAX programs, or of numpy, on all cores of the host."""

from __future__ import annotations

import abc
import operator
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxbragg.units import LARGEST_COUNT

# Of numpy's, pixels of one stream of numbers, whatever the number of cores. Of JAX's, pixels sampled at once: the
# sampler loops until its slowest pixel is done, so that a bright spot holds up few others.
_CHUNK = 1 << 18
# Above this mean a rounded Gaussian: JAX's sampler's float32 logarithms put its variance 0.7 % off at 3e5, 3 % at 1e6.
_LARGE = 3e4
_INVALID = -1


class AbstractChance(abc.ABC):
    """Random numbers of one step of a response.

    Attributes:
        is_traceable: Whether they are numbers of JAX programs.
    """

    is_traceable: ClassVar[bool]

    @abc.abstractmethod
    def of_step(self, number: int) -> AbstractChance:
        """Those of a part, independent of those of the others.

        Args:
            number: Of the part.
        """

    @abc.abstractmethod
    def poisson(self, means: Any) -> Any:
        """Poisson numbers with these means, as real numbers of their type.

        Args:
            means: Not negative, and no NaN.
        """

    @abc.abstractmethod
    def normal(self, like: Any) -> Any:
        """Normal numbers of mean 0 and variance 1.

        Args:
            like: An array of the shape and type that are wanted.
        """


def chance_of(seed: Any) -> AbstractChance:
    """Random numbers of a whole number (numpy's) or of a key (JAX's).

    Args:
        seed: One of them.

    Raises:
        ValueError: If it is neither.
    """
    if isinstance(seed, jax.Array) and jnp.issubdtype(seed.dtype, jax.dtypes.prng_key):
        return KeyedChance(seed)
    try:
        if isinstance(seed, bool | np.bool_):
            raise TypeError
        return HostChance((operator.index(seed),))
    except (TypeError, jax.errors.ConcretizationTypeError):
        raise ValueError(
            f"Argument `seed` must be a whole number, or a key such as jax.random.key(0), but is {seed!r}."
        ) from None


class KeyedChance(AbstractChance):
    """JAX's random numbers."""

    is_traceable = True

    def __init__(self, key: jax.Array) -> None:
        """Of a key of `jax.random`."""
        self.key = key

    def of_step(self, number: int) -> KeyedChance:
        """See `AbstractChance.of_step`."""
        return KeyedChance(jax.random.fold_in(self.key, number))

    def poisson(self, means: Any) -> Any:
        """See `AbstractChance.poisson`: above 3e4 a rounded Gaussian."""
        means, key = jnp.asarray(means), self.key
        if key.dtype != jax.random.key(0, impl="threefry2x32").dtype:  # which alone has a sampler
            key = jax.random.wrap_key_data(jax.random.bits(key, (2,), jnp.uint32), impl="threefry2x32")
        counts = keyed_counts(key, means)
        return jnp.where(counts < 0, jnp.nan, counts.astype(means.dtype))

    def normal(self, like: Any) -> Any:
        """See `AbstractChance.normal`."""
        return jax.random.normal(self.key, like.shape, like.dtype)

    def uniform(self, like: Any) -> Any:
        """Numbers between 0 and 1, of the shape and type of an array."""
        return jax.random.uniform(self.key, like.shape, like.dtype)


def keyed_counts(key: jax.Array, photons: Any) -> Any:
    """Poisson numbers of a threefry key, int32; −1 where a mean is NaN or negative.

    Args:
        key: Of `jax.random`.
        photons: Means of any shape.
    """
    flat = jnp.ravel(photons)
    chunks = -(-flat.size // _CHUNK)
    padded = jnp.pad(flat, (0, chunks * _CHUNK - flat.size)).reshape(chunks, _CHUNK)
    return _sample(key, padded).ravel()[: flat.size].reshape(jnp.shape(photons))


@jax.jit
def _sample(key: jax.Array, photons: Any) -> Any:
    def sample(numbered: tuple[jax.Array, jax.Array]) -> jax.Array:
        number, mean = numbered
        key_of_chunk = jax.random.fold_in(key, number)
        few = jax.random.poisson(key_of_chunk, jnp.clip(mean, 0, _LARGE), dtype=jnp.int32)
        normal = jax.random.normal(jax.random.fold_in(key_of_chunk, 1), mean.shape, jnp.float32).astype(mean.dtype)
        finite = jnp.minimum(mean, 1e30)  # inf - inf is no number
        many = jnp.clip(jnp.round(finite + jnp.sqrt(finite) * normal), 0, LARGEST_COUNT).astype(jnp.int32)
        return jnp.where(mean >= 0, jnp.where(mean > _LARGE, many, few), _INVALID)

    return jax.lax.map(sample, (jnp.arange(photons.shape[0]), photons))


class HostChance(AbstractChance):
    """numpy's random numbers, a stream for every 2¹⁸ pixels, the same on one core and on many."""

    is_traceable = False

    def __init__(self, entropy: tuple[int, ...]) -> None:
        """Of whole numbers."""
        self.entropy = entropy

    def of_step(self, number: int) -> HostChance:
        """See `AbstractChance.of_step`."""
        return HostChance((*self.entropy, number))

    def generator(self) -> np.random.Generator:
        """One stream, for what does not go pixel by pixel."""
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence(self._words())))

    def counts(self, means: np.ndarray) -> np.ndarray:
        """Poisson numbers, exact for all means, int32; at most 2³¹ − 2⁷.

        Args:
            means: Not negative, and no NaN.
        """

        def some(random: np.random.Generator, part: np.ndarray) -> np.ndarray:
            # Beyond the largest count a mean is not counted: its Poisson number would be larger all the same.
            drawn = random.poisson(np.minimum(part.astype(np.float64), 2.0 * LARGEST_COUNT))
            return np.minimum(drawn, LARGEST_COUNT)

        return self._in_chunks(means, np.dtype(np.int32), some)

    def poisson(self, means: Any) -> Any:
        """See `AbstractChance.poisson`."""
        means = np.asarray(means)
        return self.counts(means).astype(means.dtype)

    def normal(self, like: Any) -> Any:
        """See `AbstractChance.normal`."""
        kind = np.dtype(like.dtype)

        def some(random: np.random.Generator, part: np.ndarray) -> np.ndarray:
            return random.standard_normal(part.size, np.float32 if kind == np.float32 else np.float64)

        return self._in_chunks(np.broadcast_to(np.zeros((), kind), like.shape), kind, some)

    def _words(self) -> list[int]:
        return [abs(self.entropy[0]), int(self.entropy[0] < 0), *self.entropy[1:]]

    def _in_chunks(self, numbers: np.ndarray, kind: np.dtype, some: Any) -> np.ndarray:
        flat = numbers.reshape(-1)
        found = np.empty(flat.size, kind)
        words = self._words()

        def fill(chunk: int) -> None:
            part = slice(chunk * _CHUNK, (chunk + 1) * _CHUNK)
            sequence = np.random.SeedSequence(words, spawn_key=(chunk,))
            found[part] = some(np.random.Generator(np.random.SFC64(sequence)), flat[part])

        chunks = range(-(-flat.size // _CHUNK))
        with ThreadPoolExecutor(max(1, min(len(chunks), _cores()))) as pool:
            list(pool.map(fill, chunks))
        return found.reshape(numbers.shape)


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
