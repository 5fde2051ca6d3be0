"""χ² of all pixels, and of those that show the crystal."""

import numpy as np
import pytest

from jaxbragg import refine


@pytest.fixture(scope="module")
def drowned(small):
    """Spots of a few hundred photons on 256 × 256 pixels of background, and a model of another size of crystal."""
    truth = small.still(pixels=256)
    image = small.counts(truth, background=20.0, scale=1 / 20)
    parameters = [refine.Parameter("image.scale", start=1 / 20), refine.Parameter("image.constant", start=20.0)]
    return small.still(pixels=256, cells=10.6), truth, parameters, image


def by_hand(result, image):
    """χ² per degree of freedom and pixels, from the model's image and its background, a constant."""
    model = result.model_image().astype(float)
    variance = np.maximum(model, 0) + 1e-3
    shows = model - result.values["image.constant"] >= np.sqrt(variance)
    chi2 = ((image - model) ** 2 / variance)[shows].sum()
    return chi2 / ((model / variance)[shows].sum() - len(result.values)), shows.sum()


def test_background_does_not_drown_a_wrong_model(drowned):
    wrong, _, parameters, image = drowned
    with pytest.warns(refine.FitWarning, match=r"of the \d+ pixels that show the crystal is .*, not 1"):
        result = refine.fit(refine.Problem(wrong, parameters, image))
    assert result.converged
    chi2, pixels = by_hand(result, image)
    assert result.bragg_agreement.chi2_per_dof == pytest.approx(chi2, rel=1e-3)
    assert result.bragg_agreement.pixels == pixels
    assert result.agreement.off == 0  # it says nothing
    assert result.bragg_agreement.off == 1
    assert any("show the crystal" in each for each in result.concerns)
    assert "warning: χ² per degree of freedom of the" in str(result)


def test_both_are_near_one_where_the_model_is_right(drowned):
    _, truth, parameters, image = drowned
    result = refine.fit(refine.Problem(truth, parameters, image))
    assert result.concerns == []
    for agreement in (result.agreement, result.bragg_agreement):
        assert agreement.pixels > 300
        assert agreement.chi2_per_dof == pytest.approx(1.0, abs=4 * agreement.scatter)
        assert agreement.scatter == pytest.approx(np.sqrt(2 / agreement.pixels), rel=0.1)


def test_too_little_scatter_is_said(small):
    image = np.asarray(refine.Problem(small.truth, ["image.scale"], small.image, background=3.0).model_image([0.0]))
    with pytest.warns(refine.FitWarning, match="less than 1: the images scatter less"):
        result = refine.fit(refine.Problem(small.truth, ["image.scale"], image, background=3.0))
    assert result.chi2_per_dof < 1e-3
