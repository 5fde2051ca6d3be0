"""Points of a low-discrepancy sequence, in place of random ones."""

import numpy as np


def normal_points(count: int, dimensions: int, seed: int = 0) -> np.ndarray:
    """Points of a normal distribution, of mean 0 and variance 1 in each dimension [count, dimensions].

    Args:
        count: How many.
        dimensions: Of each.
        seed: Of the scrambling.
    """
    return normal_of(uniform_points(count, dimensions, seed))


def normal_of(points: np.ndarray) -> np.ndarray:
    """The normal quantiles of uniform points, shifted and scaled to mean 0 and variance 1: a few have no bias in these.

    Args:
        points: [count, dimensions].
    """
    from scipy.special import ndtri

    if points.shape[0] == 1:
        return np.zeros_like(points)
    found = ndtri(points)
    found = found - found.mean(axis=0)
    return found / found.std(axis=0)


def uniform_points(count: int, dimensions: int, seed: int = 0) -> np.ndarray:
    """Points of the unit cube, within it [count, dimensions].

    Args:
        count: How many; powers of 2 are spread most evenly.
        dimensions: Of each.
        seed: Of the scrambling.

    References:
        Sobol' (1967), USSR Comput. Math. Math. Phys. 7, 86; scrambled as by Owen and Matoušek, by scipy.stats.qmc.
    """
    from scipy.stats import qmc

    if dimensions == 0:
        return np.zeros((count, 0))
    whole = qmc.Sobol(dimensions, scramble=True, rng=seed).random_base2(
        int(np.ceil(np.log2(count))) if count > 1 else 0
    )
    return np.clip(whole[:count], 2.0**-40, 1.0 - 2.0**-40)
