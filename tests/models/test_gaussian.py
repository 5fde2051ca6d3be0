"""Samples that stand for what is Gaussian: their means and variances, and that they are small rotations and rays."""

import equinox as eqx
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import jaxbragg as jb
from jaxbragg.models.gaussian import normal_samples


@pytest.mark.parametrize("count", [2, 16, 256])
def test_samples_have_no_bias(count):
    points = normal_samples(count, 3)
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(points.std(axis=0), 1, rtol=1e-12)
    if count == 256:
        assert np.abs(np.corrcoef(points.T) - np.eye(3)).max() < 0.1
    assert (normal_samples(1, 3) == 0).all()


def test_domains_are_turned_by_the_spread():
    mosaic = jb.GaussianMosaic((0.1, 0.2, 0.3), 512)
    turns = np.degrees(Rotation.from_matrix(np.asarray(mosaic.rotations())).as_rotvec())
    np.testing.assert_allclose(turns.std(axis=0), [0.1, 0.2, 0.3], rtol=1e-6)
    np.testing.assert_allclose(turns.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.asarray(mosaic.covariance()), np.diag(np.radians([0.1, 0.2, 0.3]) ** 2))
    assert np.isfinite(np.asarray(jb.GaussianMosaic(0.0, 1).rotations())).all()


def test_sources_have_their_widths():
    beam = jb.Beam(1.2, sources=jb.GaussianSources(0.01, 1e-3, 2e-3, 256))
    directions, wavelengths, weights = (np.asarray(x) for x in beam.rays())
    assert wavelengths.std() / 1.2 == pytest.approx(0.01, rel=1e-6)
    assert wavelengths.mean() == pytest.approx(1.2)
    np.testing.assert_allclose(weights, 1 / 256)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    axis = np.asarray(beam.polarization_axis)
    across = np.cross(np.asarray(beam.direction), axis)
    # Horizontal turns about beam × axis, and so moves the direction along the axis; vertical moves it across.
    assert (directions @ axis).std() == pytest.approx(1e-3, rel=1e-3)
    assert (directions @ across).std() == pytest.approx(2e-3, rel=1e-3)


def test_a_bandwidth_that_reaches_negative_wavelengths_is_refused():
    beam = jb.Beam(1.2, sources=jb.GaussianSources(0.5, samples=256))
    with pytest.raises(ValueError, match="`wavelength_ratios` must be positive"):
        beam.rays()


def test_an_even_rotation_is_sampled_at_middles():
    scan = jb.Scan.continuous(10.0, 2.0, samples=4)
    angles = np.degrees(Rotation.from_matrix(np.asarray(scan.rotations())).as_rotvec()) @ np.asarray(scan.axis)
    np.testing.assert_allclose(angles, [10.25, 10.75, 11.25, 11.75])
    np.testing.assert_allclose(scan.held, angles)


def test_a_trace_says_the_angles_of_an_even_rotation():
    crystal = jb.Crystal((40, 40, 55, 90, 90, 90), misset=(10, 20, 30), cells=5)
    panel = jb.FlatPanel((16, 16), 1e-3, (0.1, 0.008, -0.008), (0, 0, 1), (0, -1, 0))
    made = jb.Experiment(
        beam=jb.Beam(1.0, fluence=1e20), crystal=crystal, detector=panel,
        scan=jb.Scan.continuous(10.0, 2.0, samples=4), structure_factors=jb.StructureFactors(default=100.0),
    )  # fmt: skip
    traced = jb.trace_pixel(made, jb.Options(method="samples"), 3, 4)
    held = jb.trace_pixel(eqx.tree_at(lambda e: e.scan, made, jb.Scan(made.scan.held)), jb.Options(), 3, 4)
    assert traced.steps == held.steps
    with pytest.warns(jb.SampledWarning, match="4 samples stand for"):
        jb.trace_pixel(made, jb.Options(), 3, 4)
