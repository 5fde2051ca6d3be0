"""Panels of different sizes in one image: simulated, differentiated and refined as each would be alone."""

import equinox as eqx
import jax
import numpy as np
import pytest
from cases import experiment, panel, relative, tilted_panel

import jaxbragg as jb
from jaxbragg import refine
from jaxbragg.trace.pixel import trace_pixel

PANELS = (panel(), tilted_panel((18, 29)), panel((7, 21), distance=0.2, mask=np.arange(147).reshape(7, 21) % 5 > 0))
DETECTOR = jb.MultiPanel(PANELS)


@pytest.mark.parametrize(
    "precision", ["mixed", *(pytest.param(p, marks=pytest.mark.slow) for p in ("float64", "float32"))]
)
def test_each_layer_is_its_panel_alone(precision):
    options = jb.Options(precision=precision)
    image = jb.simulate(experiment(detector=DETECTOR), options)
    assert image.shape == (3, 32, 32)
    for layer, alone in zip(DETECTOR.split(image), PANELS, strict=True):
        assert relative(layer, jb.simulate(experiment(detector=alone), options)) < 1e-6
    beyond = ~np.asarray(DETECTOR.mask)
    assert beyond[1].sum() == 32 * 32 - 18 * 29
    assert not np.asarray(image)[beyond].any()


def test_a_region_of_interest_is_of_each_panel():
    image = np.asarray(jb.simulate(experiment(detector=DETECTOR)))
    part = np.asarray(jb.simulate(experiment(detector=DETECTOR), jb.Options(roi=(3, 25, 2, 20))))
    inside = np.zeros((3, 32, 32), bool)
    inside[:, 2:21, 3:26] = True
    np.testing.assert_allclose(part[inside], image[inside], rtol=1e-5, atol=1e-6 * image.max())
    assert not part[~inside].any()


def test_gradients_are_the_sum_of_the_panels():
    def total(wavelength, detector):
        changed = eqx.tree_at(lambda e: e.beam.wavelength, experiment(detector=detector), wavelength)
        return jb.simulate(changed, jb.Options(precision="float64")).sum()

    with jax.enable_x64(True):
        slope = jax.grad(total)
        wanted = sum(slope(jax.numpy.asarray(1.0), alone) for alone in PANELS)
        assert float(slope(jax.numpy.asarray(1.0), DETECTOR)) == pytest.approx(float(wanted), rel=1e-8)


def test_pixels_beyond_a_panel_have_no_part_in_a_fit():
    image = np.asarray(jb.simulate(experiment(detector=DETECTOR)), float)
    image[~np.asarray(DETECTOR.mask)] = 1e9
    problem = refine.Problem(experiment(detector=DETECTOR), ["detector.panels[1].shift[0]"], image)
    assert problem.pixels == np.asarray(DETECTOR.mask).sum()
    assert abs(problem.gradient(problem.start)).max() < 1e-3 * problem.normal_equations(problem.start).diagonal().max()


def test_a_trace_beyond_a_panel_is_refused():
    with pytest.raises(ValueError, match="Pixel slow 20, fast 5 is masked, or beyond its panel"):
        trace_pixel(experiment(detector=DETECTOR), jb.Options(), 20, 5, panel=1)
