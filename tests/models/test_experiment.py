"""The experiment as a whole."""

import dataclasses

import cases
import jax
import numpy as np
import pytest

import jaxbragg as jb


def test_scan_and_background_need_not_be_given():
    made = cases.experiment()
    np.testing.assert_array_equal(made.scan.angles, [0.0])
    assert made.background is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("beam", "Beam"),
        ("crystal", "Crystal"),
        ("detector", "AbstractDetector"),
        ("structure_factors", "AbstractStructureFactors"),
        ("scan", "Scan"),
        ("background", "background such as AmorphousBackground"),
    ],
)
@pytest.mark.parametrize("value", [1.0, "lysozyme", jb.RelativeSources()])
def test_a_part_that_is_something_else_is_named(name, kind, value):
    with pytest.raises(ValueError, match=f"Argument `{name}` must be an? {kind}.*, but is"):
        cases.experiment(**{name: value})


@pytest.mark.parametrize("name", ["beam", "crystal", "detector", "structure_factors", "scan"])
def test_only_the_background_may_be_none(name):
    with pytest.raises(ValueError, match=f"Argument `{name}` must be"):
        cases.experiment(**{name: None})


def test_a_detector_of_ones_own_is_a_detector():
    class Point(jb.AbstractDetector):
        sensor: None = None
        mask: None = None

        @property
        def shape(self):
            return (1, 1, 1)

        def position(self, panel, slow, fast):
            raise NotImplementedError

        normal = plane_distance = position

        def pixel_area(self, panel):
            raise NotImplementedError

    assert cases.experiment(detector=Point()).detector.image_shape == (1, 1)


def test_every_real_number_of_an_experiment_is_a_leaf():
    made = cases.experiment(
        background=jb.AmorphousBackground(2.0), detector=cases.panel(sensor=jb.Sensor(1e-3, 2e-3, 2))
    )
    paths = {jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(made)}
    assert {
        ".beam.wavelength",
        ".beam.polarization",
        ".beam.sources.weights",
        ".crystal.cell.gamma",
        ".crystal.misset",
        ".crystal.cells",
        ".crystal.shear",
        ".detector.origin",
        ".detector.pixel_size",
        ".detector.sensor.attenuation",
        ".structure_factors.values",
        ".scan.angles",
        ".background.molecules",
    } <= paths


def test_an_experiment_is_frozen():
    made = cases.experiment()
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.beam = jb.Beam(2.0)
