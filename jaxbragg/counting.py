"""Photon counting on the host: numpy's Poisson numbers, on all cores, the same on one core and on many.

`jaxbragg.noise.photon_counts` counts inside JAX programs, under `jax.jit` and `jax.vmap`, with numbers of its own.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxbragg.models.response.chance import HostChance


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
    invalid = int((~(means >= 0)).sum())
    if invalid:
        raise ValueError(f"Argument `photons` must not be NaN or negative, but {invalid} of {means.size} pixels are.")
    return HostChance((seed,)).counts(means)
