"""What an image has of its own, against the same written out by hand."""

import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg import refine

EXACT = jb.Options(precision="float64")


def model(experiment, **terms):
    """The image of an experiment with some terms at these values."""
    parameters = [refine.Parameter(f"image.{name}", start=value) for name, value in terms.items()]
    blank = np.zeros(experiment.detector.image_shape)
    problem = refine.Problem(experiment, parameters, blank, EXACT)
    return problem.model_image(problem.start)


def test_the_scale_multiplies_the_bragg_part_alone(small):
    spots = np.asarray(jb.simulate(small.truth, EXACT))
    np.testing.assert_allclose(model(small.truth, scale=0.7, constant=2.0), 0.7 * spots + 2.0, rtol=1e-12)


@pytest.mark.parametrize(("name", "axis"), [("slow", 0), ("fast", 1)])
def test_a_slope_runs_from_minus_to_plus_its_value_between_the_edges(small, name, axis):
    found = model(small.still(cells=1e-3), **{name: 3.0})
    place = np.arange(64) + 0.5
    wanted = 3.0 * (2 * place / 64 - 1)
    wanted = np.broadcast_to(np.expand_dims(wanted, 1 - axis), (64, 64))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10)
    assert found.min() == pytest.approx(-3.0 * 63 / 64)


def test_the_radial_terms_are_powers_of_two_theta(small):
    found = model(small.still(cells=1e-3), radial=(5.0, -40.0, 300.0, 1e3))
    side = 2 * (np.arange(64) + 0.5) / 64 - 1  # the beam hits the middle of 51.2 mm at 100 mm
    away = 0.0256 * np.hypot(side[:, None], side[None, :])
    angle = np.arctan(away / 0.1)
    np.testing.assert_allclose(found, 5 * angle - 40 * angle**2 + 300 * angle**3 + 1e3 * angle**4, rtol=1e-9)


def test_each_panel_has_the_whole_slope(small):
    found = model(small.still(cells=1e-3, panels=2), fast=1.0)
    assert found.shape == (2, 64, 64)
    np.testing.assert_array_equal(found[0], found[1])


def test_derivatives_are_finite_where_the_beam_hits_a_pixel_s_middle(small):
    # 2θ has no derivative there, and the polarization no plane.
    panel = jb.FlatPanel((9, 9), 2.0**-10, (0.125, 4.5 * 2.0**-10, -4.5 * 2.0**-10), (0, 0, 1), (0, -1, 0))
    start = jb.Experiment(jb.Beam(1.0, polarization=0.5), small.truth.crystal, panel, small.truth.structure_factors)
    free = ["image.radial", "image.constant", "beam.direction", "beam.polarization_axis", "detector.distance"]
    for options in (EXACT, jb.Options()):
        parameters = [*free, "crystal.misset", refine.Parameter("crystal.cells")]
        problem = refine.Problem(start, parameters, np.ones((9, 9)), options)
        equations = problem.normal_equations(problem.start)
        objective, gradient = problem.objective_and_gradient(problem.start)
        assert np.isfinite([objective, *gradient, *equations.gradient, *equations.dense().ravel()]).all()
