"""Fits with known answers: closed forms, the truth of simulated counts, SciPy, and what is said where there is none."""

import json

import jax
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg import refine


@pytest.fixture(scope="module")
def found(small):
    return refine.fit(refine.Problem(small.start, small.parameters, small.image))


def test_the_truth_is_recovered_within_its_uncertainties(small, found):
    assert found.converged
    assert found.determined
    pulls = {n: (found.values[n] - v) / found.uncertainties[n] for n, v in small.true_values.items()}
    # Eight normal pulls: one beyond 4 in 2000 such fits.
    assert max(map(abs, pulls.values())) < 4, pulls
    assert found.chi2_per_dof == pytest.approx(1.0, abs=4 * np.sqrt(2 / 4096))
    assert found.uncertainties["crystal.misset[0]"] < 0.005
    assert found.uncertainties["N"] < 0.02


def test_pulls_over_noise_realisations(small):
    pulls = []
    for seed in range(20):
        problem = refine.Problem(small.start, small.parameters, small.counts(small.truth, 100 + seed))
        result = refine.fit(problem)
        pulls.append([(result.values[n] - v) / result.uncertainties[n] for n, v in small.true_values.items()])
    # Of 20 × 8 normal numbers: mean 0 ± 4·0.08, standard deviation 1 ± 4·0.056; parameters are correlated, hence more.
    assert abs(np.mean(pulls)) < 0.4
    assert np.std(pulls) == pytest.approx(1.0, abs=0.3)


@pytest.mark.parametrize("likelihood", ["poisson", refine.Poisson(1e-6)], ids=str)
def test_a_constant_is_the_mean_count(small, likelihood):
    # No Bragg scatter: the most likely Poisson mean is the mean count, its variance mean/n. The floor is added to it.
    dark = small.still(cells=1e-3)
    image = np.random.default_rng(3).poisson(7.0, (64, 64)).astype(float)
    problem = refine.Problem(dark, [refine.Parameter("image.constant", start=1.0)], image, likelihood=likelihood)
    result = refine.fit(problem)
    floor = float(problem.likelihood.floor)
    assert result.values["image.constant"] + floor == pytest.approx(image.mean(), rel=1e-5)
    assert result.uncertainties["image.constant"] == pytest.approx(np.sqrt(image.mean() / 4096), rel=1e-4)
    assert result.chi2_per_dof == pytest.approx(((image - image.mean()) ** 2 / image.mean()).sum() / 4095, rel=1e-3)


def test_least_squares_with_a_constant_variance_is_linear_regression(small):
    # Constant and slope of a noisy plane: numpy's least squares gives values, the design matrix their covariance.
    dark = small.still(cells=1e-3)
    place = 2 * (np.arange(64) + 0.5) / 64 - 1
    image = 5 + 2 * place[:, None] + np.random.default_rng(4).normal(0, 1.5, (64, 64))
    likelihood = refine.Gaussian(1.5, counting=False)
    result = refine.fit(refine.Problem(dark, ["image.constant", "image.slow"], image, likelihood=likelihood))
    design = np.stack([np.ones(4096), np.repeat(place, 64)], axis=1)
    values = np.linalg.lstsq(design, image.ravel(), rcond=None)[0]
    sigma = 1.5 * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
    np.testing.assert_allclose(list(result.values.values()), values, rtol=1e-5)
    np.testing.assert_allclose(list(result.uncertainties.values()), sigma, rtol=1e-5)
    assert result.correlation("image.constant", "image.slow") == pytest.approx(0.0, abs=1e-6)


def test_uncertainties_and_correlations_are_the_inverse_fisher_matrix(small, found):
    # By hand, from finite differences of model images in float64: cov = (Jᵀ J/m)⁻¹.
    exact = refine.Problem(small.start, small.parameters, small.image, jb.Options(precision="float64"))
    columns = []
    for i in range(len(exact.start)):
        step = np.zeros(len(exact.start))
        step[i] = 1e-4
        columns.append((exact.model_image(found.x + step) - exact.model_image(found.x - step)).ravel())
    jacobian = np.array(columns).T / (2e-4 * exact.transform.slopes(found.x))
    covariance = np.linalg.inv(jacobian.T @ (jacobian / exact.model_image(found.x).ravel()[:, None]))
    sigma = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(list(found.uncertainties.values()), sigma, rtol=2e-3)
    np.testing.assert_allclose(found.correlations, covariance / sigma[:, None] / sigma, atol=2e-3)


@pytest.mark.filterwarnings("ignore::jaxbragg.refine.FitWarning")  # what else is off is not free
def test_a_prior_is_one_measurement_more(small):
    free = refine.fit(refine.Problem(small.start, ["crystal.cell.a", "crystal.misset[0]"], small.image))
    value, sigma = free.values["crystal.cell.a"], free.uncertainties["crystal.cell.a"]
    prior = refine.Parameter("crystal.cell.a", prior=(value + 2 * sigma, sigma))
    tied = refine.fit(refine.Problem(small.start, [prior, "crystal.misset[0]"], small.image))
    # Two equal measurements: their mean, and √½ of the uncertainty.
    assert tied.values["crystal.cell.a"] == pytest.approx(value + sigma, abs=0.05 * sigma)
    assert tied.uncertainties["crystal.cell.a"] == pytest.approx(sigma / np.sqrt(2), rel=0.02)


def test_bounds_that_hold_the_solution_change_nothing(small, found):
    cell = [
        refine.Parameter("crystal.cell.a", bounds=(54, 56)),
        refine.Parameter("crystal.cell.beta", bounds=(None, 96)),
    ]
    result = refine.fit(refine.Problem(small.start, [*cell, *small.parameters[2:]], small.image))
    for name, value in found.values.items():
        assert result.values[name] == pytest.approx(value, abs=0.05 * found.uncertainties[name])
        assert result.uncertainties[name] == pytest.approx(found.uncertainties[name], rel=0.01)


def test_a_value_at_its_bound_is_said_to_be(small):
    bounded = refine.Parameter("image.constant", start=4.0, bounds=(3.5, 10.0))
    result = refine.fit(refine.Problem(small.truth, [bounded, "image.scale"], small.image))
    assert result.at_bounds == {"image.constant": "lower"}
    assert result.values["image.constant"] == pytest.approx(3.5, abs=1e-3)
    assert result.uncertainties["image.constant"] is None
    assert result.uncertainties["image.scale"] is not None
    assert result.converged
    assert "(at its lower bound)" in str(result)


def test_what_only_a_product_determines_is_not_determined(small):
    result = refine.fit(refine.Problem(small.truth, ["beam.fluence", "image.scale", "crystal.misset[0]"], small.image,
                                       background=3.0))  # fmt: skip
    assert result.undetermined == {
        "beam.fluence": "only together with image.scale",
        "image.scale": "only together with beam.fluence",
    }
    assert result.uncertainties["beam.fluence"] is None
    assert result.uncertainties["crystal.misset[0]"] < 0.01
    assert np.isnan(result.correlation("beam.fluence", "crystal.misset[0]"))
    assert "not determined: only together with beam.fluence" in str(result)


@pytest.mark.filterwarnings("ignore::jaxbragg.refine.FitWarning")  # counts of other spots
def test_what_no_pixel_depends_on_is_not_determined(small):
    # Flat spots have no derivative; a structure factor far outside the image has none either.
    flat = small.still(shape="tophat")
    result = refine.fit(refine.Problem(flat, ["crystal.cell.a", "image.constant"], small.image))
    assert result.undetermined == {"crystal.cell.a": "the used pixels do not depend on it"}
    assert not result.determined
    assert result.values["crystal.cell.a"] == 55.0


def test_a_model_without_background_is_fitted_too(small):
    image = small.counts(small.truth, 7, background=0.0)
    image[0, :3] = 1.0  # stray counts where the model is dark
    parameters = small.parameters[:-1]
    result = refine.fit(refine.Problem(small.start, parameters, image, likelihood=refine.Poisson(0.01)))
    assert result.converged
    for name in ("crystal.cell.a", "crystal.misset[0]", "crystal.misset[1]", "N"):
        assert result.values[name] == pytest.approx(small.true_values[name], rel=5e-3)


def test_gaussian_counts_with_read_out_noise(small):
    noise = np.random.default_rng(8).normal(0, 2.0, (64, 64))
    result = refine.fit(
        refine.Problem(small.start, small.parameters, small.image + noise, likelihood=refine.Gaussian(2.0))
    )
    pulls = [(result.values[n] - v) / result.uncertainties[n] for n, v in small.true_values.items()]
    assert max(map(abs, pulls)) < 4
    assert result.chi2_per_dof == pytest.approx(1.0, abs=5 * np.sqrt(2 / 4096))


def test_what_n_has_beside_its_diagonal_is_found(small):
    # The truth is sheared along a and b alone; the start is not sheared at all.
    truth = small.still(cells=(10, 12, 9, 1.5, 0.0, 0.0))
    start = small.still(cells=(10.5, 11.5, 9.5))
    parameters = ["crystal.misset", "crystal.cells", "crystal.shear", "image.scale"]
    problem = refine.Problem(start, parameters, small.counts(truth, 11), background=3.0)
    result = refine.fit(problem)
    assert result.converged
    assert result.determined
    wanted = {"crystal.cells": (10, 12, 9), "crystal.shear": (1.5, 0.0, 0.0), "crystal.misset": (10, 20, 30)}
    for name, values in wanted.items():
        for i, value in enumerate(values):
            sigma = result.uncertainties[f"{name}[{i}]"]
            assert result.values[f"{name}[{i}]"] == pytest.approx(value, abs=4 * sigma)
            assert sigma < 0.1
    assert result.values["crystal.shear[0]"] > 10 * result.uncertainties["crystal.shear[0]"]


def test_square_spots_cannot_be_sheared(small):
    with pytest.raises(ValueError, match="where spots are square, but has six"):
        refine.Problem(small.still(shape="square"), ["crystal.shear[0]"], small.image)
    with pytest.raises(ValueError, match="as the C program has them"):
        refine.Problem(small.truth, ["crystal.shear"], small.image, jb.Options(spot_width="reciprocal"))


def test_several_stills_with_a_shared_distance(small):
    missets = [(10, 20, 30), (40, 10, 70), (65, 35, 20)]
    truths = [small.still(misset=m) for m in missets]
    images = [small.counts(t, i, scale=1 + 0.2 * i) for i, t in enumerate(truths)]
    with jax.enable_x64(True):
        starts = [refine.Problem(small.still(misset=m), ["detector.distance"], images[0]).experiment(np.array([3.0]))
                  for m in missets]  # fmt: skip
    per_image = [refine.Parameter(p, per_image=True) for p in ("crystal.rotation", "image.scale")]
    result = refine.fit(refine.Problem(starts, ["detector.distance", *per_image], images, background=3.0))
    assert result.converged
    assert len(result.values) == 1 + 3 * 4
    assert result.values["detector.distance"] == pytest.approx(0.1, abs=4 * result.uncertainties["detector.distance"])
    for i in range(3):
        scale = result.values[f"image.scale @{i}"]
        assert scale == pytest.approx(1 + 0.2 * i, abs=4 * result.uncertainties[f"image.scale @{i}"])
    assert result.model_image(2).shape == (64, 64)
    assert len(result.experiments) == 3


def test_a_cubic_cell_has_one_length(small):
    truth, start = (small.still((a, a, a, 90, 90, 90)) for a in (60.0, 60.2))
    parameters = [*refine.cell_parameters("cubic"), "crystal.misset"]
    result = refine.fit(refine.Problem(start, parameters, small.counts(truth), background=3.0))
    assert result.values["crystal.cell.a"] == pytest.approx(60.0, abs=4 * result.uncertainties["crystal.cell.a"])
    assert float(result.experiment.crystal.cell.c) == result.values["crystal.cell.a"]


def test_an_interrupted_fit_hands_back_the_best_so_far(small, found):
    def stop(step):
        if step.number == 2:
            raise KeyboardInterrupt

    result = refine.fit(refine.Problem(small.start, small.parameters, small.image), report=stop)
    assert not result.converged
    assert result.message == "Interrupted after 3 steps."
    assert found.objective < result.objective < result.history[0].objective
    assert result.values == {n: pytest.approx(v, rel=0.05) for n, v in small.true_values.items()}


def test_the_result_in_other_forms(small, found):
    kept = json.loads(json.dumps(found.to_dict()))
    assert kept["values"] == found.values
    assert kept["units"]["crystal.cell.a"] == "Å"
    assert kept["converged"] is True
    assert kept["pixels"] == 4096
    assert len(kept["history"]) == len(found.history)
    lines = str(found).splitlines()
    assert lines[0].startswith("crystal.cell.a ")
    assert lines[0].endswith(") Å")
    assert "χ² per degree of freedom" in lines[-3]
    assert lines[-2].startswith("of those that show the crystal: ")
    used = found.residual_image()
    assert np.sqrt(np.mean(used**2)) == pytest.approx(1.0, abs=0.05)


def test_pixels_without_a_number_are_counted_in_the_result(small):
    image = small.image.copy()
    image[3, 4:9] = np.nan
    result = refine.fit(refine.Problem(small.truth, ["image.scale"], image, background=3.0))
    assert result.to_dict()["pixels_without_a_number"] == 5
    assert "4091 pixels, 5 without a number left out" in str(result)


def test_bad_arguments_of_a_fit(small):
    problem = refine.Problem(small.truth, ["image.scale"], small.image, background=3.0)
    with pytest.raises(ValueError, match="`solver` must be one of 'lm', 'scipy', 'optax', 'optimistix'"):
        refine.fit(problem, "newton")
    with pytest.raises(ValueError, match=r"`start` must have shape \(1,\), but has shape \(2,\)"):
        refine.fit(problem, start=np.zeros(2))
    impossible = refine.Parameter("crystal.cell.alpha", start=5.0)
    with pytest.raises(ValueError, match=r"start cannot be: crystal\.cell: No unit cell has the angles alpha 5°"):
        refine.fit(refine.Problem(small.truth, [impossible], small.image))
