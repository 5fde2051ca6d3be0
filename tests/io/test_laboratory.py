"""The frames of files."""

import numpy as np
import pytest
from geometries import experiment_of

from jaxbragg.io.laboratory import imgcif_axes, nexus_axes


def test_a_spindle_along_the_beam_has_a_frame_too():
    experiment = experiment_of("flat")
    beam = np.asarray(experiment.beam.direction)
    import equinox as eqx

    axes = nexus_axes(eqx.tree_at(lambda e: e.scan.axis, experiment, -beam))
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)


@pytest.mark.parametrize("name", ["flat", "xds", "odd spindle"])
def test_imgcif_looks_against_the_beam_and_along_the_spindle(name):
    experiment = experiment_of(name)
    axes = imgcif_axes(experiment)
    assert np.linalg.det(axes) == pytest.approx(1)
    np.testing.assert_allclose(axes @ np.asarray(experiment.beam.direction), [0, 0, -1], atol=1e-12)
    spindle = axes @ np.asarray(experiment.scan.axis)
    assert spindle[0] > 0
    assert spindle[1] == pytest.approx(0, abs=1e-12)
