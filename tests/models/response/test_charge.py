"""Charge of single photons: one by one against its moments, numpy's and JAX's numbers, few photons and many."""

import jax
import numpy as np
import pytest
from scipy.special import ndtr

import jaxbragg as jb

SIGMA = 0.3
STEP = jb.PhotonCharge(SIGMA)
WHOLE = jb.Response([STEP])
SHAPE = (80, 100)


by_key = jax.jit(lambda photons, key: WHOLE.drawn(photons, key))


def drawn_often(mean, seeds):
    """One photon number in the middle of every 5 × 5 pixels, many times: [draw, slow, fast] of their surroundings."""
    image = np.zeros(SHAPE)
    image[2::5, 2::5] = mean

    def squares(seed):
        found = np.asarray((WHOLE.drawn if isinstance(seed, int) else by_key)(image, seed))
        return found.reshape(16, 5, 20, 5).transpose(0, 2, 1, 3).reshape(-1, 5, 5)

    return np.concatenate([squares(seed) for seed in seeds])


def moments(sigma):
    """E[s] and E[s²] of the shares along an axis, by a million places."""
    place = (np.arange(1_000_000) + 0.5) / 1_000_000
    shares = np.array([ndtr((k + 1 - place) / sigma) - ndtr((k - place) / sigma) for k in range(-2, 3)])
    return shares.mean(axis=1), (shares**2).mean(axis=1)


@pytest.mark.parametrize("seeds", [range(10), [jax.random.key(i) for i in range(10)]], ids=["numpy", "jax"])
@pytest.mark.parametrize("photons", [1, 7, 128, 500])
def test_mean_and_variance_of_each_pixel_are_those_of_even_hits(photons, seeds) -> None:
    """Within 4.5 standard errors of 3200 draws; few photons one by one, many as a Gaussian."""
    found = drawn_often(float(photons), seeds)
    first, second = moments(SIGMA)
    mean = photons * np.outer(first, first)
    variance = photons * (np.outer(second, second) - np.outer(first, first) ** 2)
    count = len(found)
    assert count == 3200
    off = np.abs(found.mean(axis=0) - mean)
    assert (off < 4.5 * np.sqrt(variance / count) + 2e-6 * photons).all()
    spread = found.var(axis=0)
    fourth = ((found - found.mean(axis=0)) ** 4).mean(axis=0)
    assert (np.abs(spread - variance) < 4.5 * np.sqrt(np.maximum(fourth - spread**2, 0) / count) + 1e-9 * photons).all()
    np.testing.assert_allclose(found.sum(axis=(1, 2)), photons, rtol=2e-6)


def test_neighbours_vary_together_as_photons_do() -> None:
    """Of 500 photons, drawn as a Gaussian, the covariance of a pixel and the next is that of single ones times 500."""
    few, many = (drawn_often(float(n), range(100)) for n in (1, 500))
    for step in ((2, 3), (3, 3)):
        pair = [np.cov(found[:, 2, 2], found[:, step[0], step[1]])[0, 1] / n for found, n in ((few, 1), (many, 500))]
        assert pair[0] < 0
        assert pair[1] == pytest.approx(pair[0], rel=0.1)


def test_expected_is_the_mean_and_the_variance_of_counted_images() -> None:
    response = jb.Response([jb.Counting(), STEP])
    photons = np.full(SHAPE, 0.7)
    mean, variance = response.expected(photons)
    inner = np.s_[..., 3:-3, 3:-3]
    found = np.array([response.drawn(photons, seed) for seed in range(100)])[inner]
    np.testing.assert_allclose(np.asarray(mean)[inner[1:]], 0.7, rtol=1e-6)
    assert found.mean() == pytest.approx(0.7, rel=3e-3)
    assert found.var(axis=0, ddof=1).mean() == pytest.approx(float(np.asarray(variance)[20, 20]), rel=5e-3)
    assert float(np.asarray(variance)[20, 20]) < 0.7  # what is shared is even
    average = jb.Response([jb.Counting(), jb.ChargeSharing(SIGMA)]).expected(photons)
    np.testing.assert_allclose(mean, average.mean, rtol=2e-5)


def test_under_jit_and_alone_it_is_the_same_image() -> None:
    photons, key = np.random.default_rng(0).poisson(2.0, (2, 12, 14)).astype(np.float32), jax.random.key(3)
    alone = WHOLE.drawn(photons, key)
    assert alone.shape == (2, 12, 14)
    np.testing.assert_allclose(by_key(photons, key), alone, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(WHOLE.drawn(photons, 5), WHOLE.drawn(photons, 5))
    assert np.abs(WHOLE.drawn(photons, 5) - WHOLE.drawn(photons, 6)).max() > 0.1


def test_where_photons_cannot_be_looked_at_those_that_are_not_whole_give_nan_and_the_others_stay() -> None:
    photons = np.full((30, 30), 3.0, np.float32)
    photons[2, 2], photons[20, 20] = np.nan, 0.5
    found = np.asarray(jax.jit(lambda image: jb.Response([STEP]).drawn(image, jax.random.key(0)))(photons))
    assert np.argwhere(np.isnan(found)).tolist() == [[2, 2], [20, 20]]
    assert np.nansum(found) == pytest.approx(np.nansum(photons), rel=0.1)  # no other pixel is lost with them


def test_what_is_not_whole_and_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="must be whole where charge is shared by each: put Counting before"):
        WHOLE.drawn(np.full((4, 4), 0.5), 0)
    with pytest.raises(ValueError, match="must be whole"):
        WHOLE.drawn(np.full((4, 4), 0.5), jax.random.key(0))
    with pytest.raises(ValueError, match="`sigma` must be positive"):
        jb.PhotonCharge(-0.1)
    with pytest.raises(ValueError, match="`radius`"):
        jb.PhotonCharge(0.1, 0)
