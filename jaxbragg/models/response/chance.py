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

# Of numpy's, pixels of one stream of numbers, whatever the number of cores.
_CHUNK = 1 << 18
# Above this mean JAX's sampler, whose logarithms are float32, has variances 0.7 % off and more: a rounded Gaussian.
_LARGE = 3e4


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
        means = jnp.asarray(means)
        key = self.key
        if key.dtype != jax.random.key(0, impl="threefry2x32").dtype:  # which alone has a sampler
            key = jax.random.wrap_key_data(jax.random.bits(key, (2,), jnp.uint32), impl="threefry2x32")
        few = jax.random.poisson(key, jnp.clip(means, 0, _LARGE), dtype=jnp.int32).astype(means.dtype)
        normal = jax.random.normal(jax.random.fold_in(key, 1), means.shape, means.dtype)
        many = jnp.clip(jnp.round(means + jnp.sqrt(means) * normal), 0, LARGEST_COUNT)
        return jnp.where(means > _LARGE, many, few)

    def normal(self, like: Any) -> Any:
        """See `AbstractChance.normal`."""
        return jax.random.normal(self.key, like.shape, like.dtype)


class HostChance(AbstractChance):
    """numpy's random numbers, a stream for every 2¹⁸ pixels, the same on one core and on many."""

    is_traceable = False

    def __init__(self, entropy: tuple[int, ...]) -> None:
        """Of whole numbers."""
        self.entropy = entropy

    def of_step(self, number: int) -> HostChance:
        """See `AbstractChance.of_step`."""
        return HostChance((*self.entropy, number))

    def poisson(self, means: Any) -> Any:
        """See `AbstractChance.poisson`: exact for all means."""

        def some(random: np.random.Generator, part: np.ndarray) -> np.ndarray:
            few = np.minimum(part.astype(np.float64), 2.0 * LARGEST_COUNT)
            return np.minimum(random.poisson(few), LARGEST_COUNT)

        return self._in_chunks(np.asarray(means), some)

    def normal(self, like: Any) -> Any:
        """See `AbstractChance.normal`."""
        kind = np.dtype(like.dtype)

        def some(random: np.random.Generator, part: np.ndarray) -> np.ndarray:
            return random.standard_normal(part.size, np.float32 if kind == np.float32 else np.float64)

        return self._in_chunks(np.broadcast_to(np.zeros((), kind), like.shape), some)

    def _in_chunks(self, numbers: np.ndarray, some: Any) -> np.ndarray:
        flat = numbers.reshape(-1)
        found = np.empty(flat.size, numbers.dtype)
        words = [abs(self.entropy[0]), int(self.entropy[0] < 0), *self.entropy[1:]]

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
