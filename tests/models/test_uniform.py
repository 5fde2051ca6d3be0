"""Rotations spread evenly: the moments that Haar's measure has, and angles by their distribution."""

import jax
import numpy as np
import pytest
from scipy import stats

import jaxbragg as jb


@pytest.mark.parametrize(
    "make", [lambda n: jb.random_rotations(jax.random.key(1), n), lambda n: jb.uniform_rotations(n, 1)]
)
def test_they_are_rotations_and_uniform(make):
    """Of the angle the density is (1 − cos)/π; p of Kolmogorov and Smirnov above 1e-3 over 10⁴; columns are even."""
    found = np.asarray(make(10_000), float)
    np.testing.assert_allclose(found @ np.swapaxes(found, 1, 2), np.broadcast_to(np.eye(3), found.shape), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(found), 1.0, rtol=1e-5)
    angle = np.arccos(np.clip((np.trace(found, axis1=1, axis2=2) - 1) / 2, -1, 1))
    assert stats.kstest(angle, lambda a: (a - np.sin(a)) / np.pi).pvalue > 1e-3
    for i in range(3):
        for j in range(3):
            assert stats.kstest(found[:, i, j], lambda x: (1 + x) / 2).pvalue > 1e-3  # a point of a sphere
    assert abs(found.mean(axis=0)).max() < 4 / np.sqrt(3 * 10_000)


def test_the_even_ones_are_more_even_than_random_ones():
    even, random = (np.asarray(x, float).mean(axis=0) for x in (
        jb.uniform_rotations(1024), jb.random_rotations(jax.random.key(0), 1024)))  # fmt: skip
    assert abs(even).max() < 0.2 * abs(random).max()


def test_counts_that_cannot_be_are_named():
    with pytest.raises(ValueError, match="`count` must be a whole number of at least 1"):
        jb.uniform_rotations(0)
    with pytest.raises(ValueError, match="`count` must be a whole number of at least 1"):
        jb.random_rotations(jax.random.key(0), -1)
