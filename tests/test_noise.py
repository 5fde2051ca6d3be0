"""Photon counting noise: a Poisson distribution, and the same one for the same seed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbragg.noise import photon_counts

N = 40_000


def counts(mean, seed=1):
    return np.asarray(photon_counts(jnp.full(N, mean, jnp.float32), seed)).astype(float)


@pytest.mark.parametrize("mean", [0.01, 0.5, 3.0, 9.9, 10.1, 200.0, 2.9e4, 3.1e4, 1e5, 1e8])
def test_mean_and_variance(mean):
    """Of a Poisson variable: both are λ, the fourth central moment 3λ² + λ."""
    drawn = counts(mean)
    assert abs(drawn.mean() - mean) < 4 * np.sqrt(mean / N)
    assert abs(drawn.var() - mean) < 4 * np.sqrt((2 * mean**2 + mean) / N)


def test_counts_end_where_their_type_does():
    assert (counts(1e30) == 2**31 - 2**7).all()


def test_shares_of_each_count():
    drawn = counts(1.5)
    share = np.exp(-1.5)
    for count in range(6):
        found = (drawn == count).mean()
        assert abs(found - share) < 4 * np.sqrt(share * (1 - share) / N)
        share *= 1.5 / (count + 1)


def test_no_photons_give_no_counts():
    assert (counts(0.0) == 0).all()


def test_same_seed_same_image():
    assert (counts(20.0, 5) == counts(20.0, 5)).all()
    assert (counts(20.0, 5) != counts(20.0, 6)).mean() > 0.8
    assert (counts(20.0, 5) == counts(20.0, -5)).all()
    assert (counts(20.0, 5) == counts(20.0, 5 + 2**31 * 10**9)).all()


def test_the_callers_precision_makes_no_difference():
    plain = counts(20.0, 2**31 - 1)
    with jax.enable_x64(True):
        assert (counts(20.0, 2**31 - 1) == plain).all()


def test_neighbours_are_independent():
    drawn = counts(30.0) - 30
    assert abs((drawn[1:] * drawn[:-1]).mean()) < 4 * 30 / np.sqrt(N)


def test_the_shape_of_the_image_is_kept():
    image = jnp.arange(2 * 3 * 5, dtype=jnp.float32).reshape(2, 3, 5)
    drawn = photon_counts(image, 1)
    assert drawn.shape == (2, 3, 5)
    assert drawn.dtype == jnp.int32


def test_more_pixels_than_are_drawn_at_once():
    """Blocks of 2¹⁸ pixels: each its own numbers, and what fills the last one is cut off."""
    image = jnp.full((2, 2**18 - 3), 4.0)
    drawn = np.asarray(photon_counts(image, 1))
    assert drawn.shape == image.shape
    assert (drawn.ravel()[: 2**17] != drawn.ravel()[2**18 : 2**18 + 2**17]).mean() > 0.8
