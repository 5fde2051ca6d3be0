"""Fits of what a detector reads out: the model is the image, and a point spread and a gain are found."""

from dataclasses import replace

import equinox as eqx
import numpy as np
import pytest
from cases import relative
from gaussian_cases import EXACT, gaussian

import jaxbragg as jb
from jaxbragg import refine

RESPONSE = jb.Response([jb.GaussianSpread(1.4), jb.Counting(), jb.Gain(1.5)])
WATER = jb.AmorphousBackground.water(1e-3)


def made(**parts):
    return gaussian(beam=jb.Beam(1.0, fluence=3e27), response=RESPONSE, background=WATER, **parts)


@pytest.mark.parametrize("method", ["samples", "spots"])
def test_the_model_is_the_image_and_its_gradient_agrees_with_differences(method):
    options = replace(EXACT, method=method, samples=16)
    start = made()
    image = np.asarray(jb.simulate(start, options))
    counts = np.random.default_rng(0).poisson(image)
    free = ["response.steps[0].fwhm", "response.steps[2].factor", "crystal.misset[0]", "image.scale"]
    problem = refine.Problem(start, free, counts, options)
    assert relative(problem.model_image(problem.start), image) < 1e-9
    x = np.array([0.1, -0.2, 0.05, 0.1])
    step = 1e-4 * np.eye(4)
    numeric = np.array([(problem.objective(x + s) - problem.objective(x - s)) / 2e-4 for s in step])
    np.testing.assert_allclose(problem.gradient(x), numeric, rtol=1e-4, atol=1e-5 * abs(numeric).max())
    np.testing.assert_allclose(
        2 * problem.normal_equations(x).gradient, numeric, rtol=1e-4, atol=1e-5 * abs(numeric).max()
    )


def test_the_width_of_a_point_spread_is_found():
    truth = eqx.tree_at(lambda e: e.response, made(), jb.Response([jb.GaussianSpread(1.4), jb.Counting()]))
    counts = np.random.default_rng(1).poisson(np.asarray(jb.simulate(truth, EXACT)))
    start = eqx.tree_at(lambda e: e.response.steps[0].fwhm, truth, np.asarray(1.1))
    result = refine.fit(refine.Problem(start, ["response.steps[0].fwhm", "image.scale"], counts, EXACT))
    value, sigma = (each["response.steps[0].fwhm"] for each in (result.values, result.uncertainties))
    assert abs(value - 1.4) < 3 * sigma
    assert sigma < 0.05


def test_a_batch_and_a_sum_of_crystals_are_read_out():
    several = [made(), made(misset=(12.0, 22.0, 33.0))]
    images = np.asarray(jb.simulate_batch(several, EXACT))
    for found, each in zip(images, several, strict=True):
        np.testing.assert_allclose(found, jb.simulate(each, EXACT), rtol=1e-9)
    together = np.asarray(jb.simulate_together(several, EXACT))
    photons = [np.asarray(jb.simulate(replace(each, response=None, background=None), EXACT)) for each in several]
    water = np.asarray(jb.simulate(replace(several[0], response=None, structure_factors=jb.StructureFactors()), EXACT))
    wanted = RESPONSE.expected(sum(photons) + water).mean
    np.testing.assert_allclose(together, wanted, rtol=1e-7)


def test_compat_knows_of_none():
    with pytest.raises(ValueError, match="must have no response"):
        jb.as_the_c_program_draws(made(), EXACT)


def test_the_truth_is_of_photons():
    from jaxbragg.truth import ground_truth

    one = made()
    assert ground_truth(one, EXACT).photons.sum() == pytest.approx(
        ground_truth(replace(one, response=None), EXACT).photons.sum(), rel=1e-12
    )
