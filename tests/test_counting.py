"""Photon counting on the host: Poisson's distribution, the same numbers whatever the number of cores."""

import numpy as np
import pytest
from scipy import stats

from jaxbragg.counting import poisson_counts
from jaxbragg.models.response import chance
from jaxbragg.units import LARGEST_COUNT

N = 1 << 17


@pytest.mark.parametrize("mean", [0.01, 0.5, 3.0, 9.9, 10.1, 200.0, 3e4, 1e6])
def test_the_distribution_is_poissons(mean):
    """χ² of the counts in twenty classes of about the same share."""
    counts = poisson_counts(np.full(N, mean, np.float32), 1)
    exact = float(np.float32(mean))
    edges = np.unique(stats.poisson.ppf(np.linspace(0, 1, 21)[1:-1], exact))
    found = np.bincount(np.searchsorted(edges, counts), minlength=len(edges) + 1)
    shares = np.diff(np.concatenate([[0], stats.poisson.cdf(edges, exact), [1]]))
    assert stats.chisquare(found, shares * N).pvalue > 1e-4
    assert abs(counts.mean() - exact) < 5 * np.sqrt(exact / N)


def test_one_core_and_many_give_the_same(monkeypatch):
    image = np.random.default_rng(0).uniform(0, 20, (3, 700, 500)).astype(np.float32)
    counts = poisson_counts(image, 5)
    monkeypatch.setattr(chance, "_cores", lambda: 1)
    np.testing.assert_array_equal(poisson_counts(image, 5), counts)
    np.testing.assert_array_equal(poisson_counts(image.astype(np.float64), 5), counts)
    assert counts.shape == image.shape
    assert counts.dtype == np.int32


def test_seeds_and_chunks_are_independent():
    image = np.full((2, 1 << 18), 9.0, np.float32)
    counts = {seed: poisson_counts(image, seed).astype(float) - 9 for seed in (0, 1, -1, 2**70)}
    for one in counts:
        for other in counts:
            if one < other:
                assert abs((counts[one] * counts[other]).mean()) < 5 * 9 / np.sqrt(image.size)
    assert abs((counts[1][0] * counts[1][1]).mean()) < 5 * 9 / np.sqrt(1 << 18)


@pytest.mark.parametrize("mean", [3e9, 1e30, np.inf])
def test_counts_end_where_their_type_does(mean):
    assert (poisson_counts(np.full(5, mean), 1) == LARGEST_COUNT).all()


def test_what_is_no_mean_or_no_seed_is_refused():
    image = np.array([np.nan, -0.5, np.inf, 0.0, 2.5], np.float32)
    with pytest.raises(ValueError, match="`photons` must not be NaN or negative, but 2 of 5 pixels are"):
        poisson_counts(image, 1)
    for seed in (1.5, True, None, "1"):
        with pytest.raises(ValueError, match="`seed` must be a whole number, but is"):
            poisson_counts(image[3:], seed)
    assert poisson_counts(np.zeros((2, 0)), 1).shape == (2, 0)
