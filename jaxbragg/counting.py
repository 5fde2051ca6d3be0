"""Photon counting on the host: numpy's Poisson numbers, on all cores, the same on one core and on many.

`jaxbragg.noise.photon_counts` counts inside JAX programs, under `jax.jit` and `jax.vmap`, with numbers of its own.
"""

from __future__ import annotations

import operator
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxbragg.units import LARGEST_COUNT

_CHUNK = 1 << 18  # pixels of one stream of random numbers, whatever the number of cores


def poisson_counts(photons: Any, seed: int) -> NDArray[np.int32]:
    """A Poisson count for each pixel: 0.1 to 0.5 s for 16 million pixels on two cores.

    The same photons and seed give the same counts; a later release of numpy may make others (NEP 19).

    Args:
        photons: Mean values; infinite ones give the largest count, 2³¹ − 2⁷.
        seed: A whole number.

    Raises:
        ValueError: If a mean value is NaN or negative, or the seed is not a whole number.

    References:
        `numpy.random.Generator.poisson`: exact for all means (Hörmann 1993, transformed rejection, from 10 on).
    """
    means = np.asarray(photons)
    try:
        if isinstance(seed, bool | np.bool_):
            raise TypeError
        seed = operator.index(seed)
    except TypeError:
        raise ValueError(f"Argument `seed` must be a whole number, but is {seed!r}.") from None
    flat = np.ascontiguousarray(means).reshape(-1)
    counts = np.empty(flat.size, np.int32)

    def count(chunk: int) -> int:
        part = slice(chunk * _CHUNK, (chunk + 1) * _CHUNK)
        own = flat[part].astype(np.float64)
        invalid = int((~(own >= 0)).sum())
        if not invalid:
            sequence = np.random.SeedSequence([abs(seed), int(seed < 0)], spawn_key=(chunk,))
            # Beyond the largest count a mean is not counted: its Poisson number would be larger all the same.
            drawn = np.random.Generator(np.random.SFC64(sequence)).poisson(np.minimum(own, 2.0 * LARGEST_COUNT))
            counts[part] = np.minimum(drawn, LARGEST_COUNT)
        return invalid

    chunks = range(-(-flat.size // _CHUNK))
    with ThreadPoolExecutor(max(1, min(len(chunks), _cores()))) as pool:
        invalid = sum(pool.map(count, chunks))
    if invalid:
        raise ValueError(f"Argument `photons` must not be NaN or negative, but {invalid} of {flat.size} pixels are.")
    return counts.reshape(means.shape)


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
