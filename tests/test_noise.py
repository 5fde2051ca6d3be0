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


@pytest.mark.parametrize("mean", [3e9, 1e30, np.inf])
def test_counts_end_where_their_type_does(mean):
    assert (counts(mean) == 2**31 - 2**7).all()


def test_what_is_no_mean_is_refused_or_marked():
    image = np.array([np.nan, -0.5, np.inf, 0.0, 2.5], np.float32)
    for wrong, count in ((image, 2), (np.array([-1]), 1), (np.full((2, 2), np.nan), 4)):
        with pytest.raises(ValueError, match=f"`photons` must not be NaN or negative, but {count} of {wrong.size} pix"):
            photon_counts(wrong, 1)
    compiled = np.asarray(jax.jit(photon_counts)(image, 1))
    assert compiled[:4].tolist() == [-1, -1, 2**31 - 2**7, 0]


def test_a_derivative_is_refused():
    def total(photons):
        return photon_counts(photons, 1).astype(jnp.float32).sum()

    image = jnp.full((4, 4), 5.0)
    for derivative in (jax.grad(total), jax.jacfwd(total), jax.grad(jax.jit(total)), jax.vmap(jax.grad(total))):
        with pytest.raises(TypeError, match="photon_counts has no derivative"):
            derivative(image)
    # What a user may want: the slope of a likelihood whose counts are fixed.
    stopped = jax.grad(lambda y: (total(jax.lax.stop_gradient(y)) * y).sum())(image)
    assert (stopped == total(image)).all()


def test_seeds_may_be_traced():
    image, seeds = jnp.full((4, 4), 5.0), [0, 1, 2, -1, 2**31 - 1, -(2**31)]
    found = jax.vmap(lambda seed: photon_counts(image, seed))(jnp.array(seeds, jnp.int32))
    assert found.shape == (6, 4, 4)
    for each, seed in zip(found, seeds, strict=True):
        assert (each == photon_counts(image, seed)).all()
    unsigned = jax.jit(photon_counts)(image, jnp.uint32(2**32 - 2))
    assert (unsigned == photon_counts(image, 2**32 - 2)).all()


@pytest.mark.parametrize("seed", [1.5, True, None, np.arange(2), "1"])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ValueError, match="`seed` must be a whole number, but is"):
        photon_counts(jnp.ones(3), seed)
    with pytest.raises(ValueError, match="`seed` must be a whole number, but is of type float32"):
        jax.jit(photon_counts)(jnp.ones(3), 1.5)


def test_strict_promotion_is_kept():
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"), jax.enable_x64(True):
        assert (photon_counts(np.full((3,), 5.0), 3) == photon_counts(np.full((3,), 5.0, np.float32), 3)).all()


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
