"""Starts from which a plain fit fails, and the ways that reach farther."""

import numpy as np
import pytest

from jaxbragg import refine
from jaxbragg.refine.coarse_to_fine import blurred
from jaxbragg_kernels.shapes import SHAPES


def test_blurred_spots_keep_their_sum(small):
    problem = refine.Problem(small.still(pixels=128), ["image.scale"], np.zeros((128, 128)))
    wide, sharp = blurred(problem, 1.5).model_image(problem.start), problem.model_image(problem.start)
    assert wide.max() < 0.9 * sharp.max()
    # Whether a spot's middle lies on the sphere decides more than the norm does: to a factor of 2.
    assert 0.5 < wide.sum() / sharp.sum() < 2.0


def test_square_spots_are_blurred_as_gaussian_ones(small):
    problem = refine.Problem(small.still(shape="square"), ["image.scale"], small.image)
    assert blurred(problem, 2.0).recipes[0].settings.shape == SHAPES["gauss"]
    assert problem.recipes[0].settings.shape == SHAPES["square"]
    assert (problem.blur, blurred(problem, 2.0).blur) == (1.0, 2.0)


@pytest.fixture(scope="module")
def far(small):
    """Sharp spots, and a start that is 0.5° off: where a model's fringes lead to is not the truth."""
    truth, start = (small.still(misset=m, cells=30, shape="square") for m in ((10, 20, 30), (10.5, 19.5, 30.25)))
    return refine.Problem(start, ["crystal.misset"], small.counts(truth), background=3.0)


def furthest_off(result):
    return max(abs(result.values[f"crystal.misset[{i}]"] - 10 * (i + 1)) for i in range(3))


def test_a_plain_fit_does_not_reach_as_far_as_one_from_coarse_to_fine(far):
    with pytest.warns(refine.FitWarning, match="the model does not describe the images"):
        plain = refine.fit(far)
    assert furthest_off(plain) > 0.1
    assert plain.chi2_per_dof > 100
    reached = refine.fit_coarse_to_fine(far)
    assert reached.converged
    assert furthest_off(reached) < 0.002
    assert reached.chi2_per_dof == pytest.approx(1.0, abs=0.2)


@pytest.mark.slow
def test_several_starts_reach_it_too(far):
    assert furthest_off(refine.fit_multi_start(far, 32, 5.0, blurs=(4.0, 2.0))) < 0.002


def test_an_interrupted_stage_hands_back_where_it_was(far):
    def stop(step):
        if step.number == 1:
            raise KeyboardInterrupt

    result = refine.fit_coarse_to_fine(far, report=stop)
    assert (result.converged, result.message) == (False, "Interrupted with spots 4 times as wide.")


def test_what_makes_spots_wide_or_bright_waits_for_the_last_stage(small):
    seen = []
    problem = refine.Problem(small.start, small.parameters, small.image)
    refine.fit_coarse_to_fine(problem, (2.0,), report=lambda step: seen.append(step))
    first_stage = seen[: next(i for i, step in enumerate(seen) if i and step.number == 0)]
    names = problem.names
    for name in ("N", "image.scale"):
        assert all(step.x[names.index(name)] == 0.0 for step in first_stage)
    assert first_stage[-1].x[names.index("crystal.misset[0]")] != 0.0


def test_a_blur_below_one_is_an_error(small):
    problem = refine.Problem(small.truth, ["image.scale"], small.image)
    with pytest.raises(ValueError, match="`blurs` must be 1 or more"):
        refine.fit_coarse_to_fine(problem, (0.5,))


def test_an_interruption_between_the_starts_leaves_the_best_of_them(small, monkeypatch):
    problem = refine.Problem(small.start, small.parameters, small.image)
    objective, seen = refine.Problem.objective, []

    def counted(self, x):
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.append(objective(self, x))
        return seen[-1]

    monkeypatch.setattr(refine.Problem, "objective", counted)
    result = refine.fit_multi_start(problem, 16)
    assert (result.converged, result.message) == (False, "Interrupted while the starts were looked at.")
    assert result.objective == pytest.approx(min(seen), rel=1e-5)
