"""The likelihoods against SciPy's distributions, their own derivatives, and their means over the noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxbragg.refine import Gaussian, Poisson
from jaxbragg.refine.likelihood import likelihood_of, under_x64

MODEL = np.array([0.02, 0.7, 3.0, 55.0, 1e4])
BOTH = [Poisson(1e-3), Poisson(0.5), Gaussian(2.0), Gaussian(2.0, counting=False)]


def test_poisson_is_twice_the_log_likelihood():
    counts = np.array([0.0, 2.0, 3.0, 60.0, 9900.0])
    with jax.enable_x64(True):
        found = under_x64(Poisson(1e-9)).deviance(jnp.asarray(MODEL), jnp.asarray(counts))
    best = stats.poisson.logpmf(counts, np.maximum(counts, 1e-300))
    np.testing.assert_allclose(found, 2 * (best - stats.poisson.logpmf(counts, MODEL)), rtol=1e-6, atol=1e-7)


def test_gaussian_is_twice_the_log_likelihood():
    counts = np.array([-3.0, 2.0, 3.5, 60.0, 9900.0])
    with jax.enable_x64(True):
        found = under_x64(Gaussian(2.0)).deviance(jnp.asarray(MODEL), jnp.asarray(counts))
    sigma = np.sqrt(MODEL + 4.0)
    expected = -2 * stats.norm.logpdf(counts, MODEL, sigma) - np.log(2 * np.pi * 4.0)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("likelihood", BOTH, ids=repr)
def test_the_slope_is_half_the_derivative(likelihood):
    counts = np.array([0.0, 2.0, 3.0, 60.0, 9900.0])
    with jax.enable_x64(True):
        likelihood = under_x64(likelihood)
        slope = likelihood.slope(jnp.asarray(MODEL), jnp.asarray(counts))
        derivative = jax.vmap(jax.grad(likelihood.deviance))(jnp.asarray(MODEL), jnp.asarray(counts))
    np.testing.assert_allclose(slope, 0.5 * np.asarray(derivative), rtol=1e-10)


@pytest.mark.parametrize("likelihood", [Poisson(1e-9), Gaussian(2.0)], ids=repr)
def test_slope_vanishes_and_curvature_is_the_information_on_average(likelihood):
    # Means over 400 000 draws; 5 standard errors of each mean are allowed.
    random = np.random.default_rng(0)
    with jax.enable_x64(True):
        likelihood = under_x64(likelihood)
        for mean in (0.7, 5.0, 300.0):
            model = jnp.full(400_000, mean)
            noise = (
                random.poisson(mean, 400_000)
                if isinstance(likelihood, Poisson)
                else mean + np.sqrt(mean + 4.0) * random.standard_normal(400_000)
            )
            counts = jnp.asarray(noise, jnp.float64)
            slope = np.asarray(likelihood.slope(model, counts))
            assert abs(slope.mean()) < 5 * slope.std() / np.sqrt(slope.size)
            curvature = 0.5 * np.asarray(jax.vmap(jax.grad(jax.grad(likelihood.deviance)))(model, counts))
            information = float(likelihood.information(model)[0])
            assert abs(curvature.mean() - information) < 5 * curvature.std() / np.sqrt(curvature.size) + 1e-9
            pearson = (noise - mean) ** 2 / np.asarray(likelihood.variance(model))
            expected = float(likelihood.expected(model)[0])
            assert abs(pearson.mean() - expected) < 5 * pearson.std() / np.sqrt(pearson.size)


def test_a_model_below_zero_stays_finite():
    with jax.enable_x64(True):
        likelihood, model = under_x64(Poisson()), jnp.asarray([-5.0, 0.0])
        assert np.isfinite(likelihood.deviance(model, jnp.asarray([3.0, 3.0]))).all()
        np.testing.assert_array_equal(likelihood.slope(model, jnp.asarray([3.0, 0.0])), [0.0, 1.0])


def test_what_cannot_be_is_named():
    with pytest.raises(ValueError, match="`floor` must be positive"):
        Poisson(0.0)
    with pytest.raises(ValueError, match="`read_noise` must be positive"):
        Gaussian(-1.0)
    with pytest.raises(
        ValueError,
        match=r"`likelihood` must be one of 'poisson', 'gaussian', or a likelihood such as .*, but is 'cauchy'",
    ):
        likelihood_of("cauchy")
