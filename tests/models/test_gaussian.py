"""Samples that stand for what is Gaussian: their means and variances, and that they are small rotations and rays."""

from dataclasses import replace

import equinox as eqx
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import jaxbragg as jb
from jaxbragg.models.sequence import normal_points
from jaxbragg.pipeline.sampled import angles_of, sampled


@pytest.mark.parametrize("count", [2, 16, 256])
def test_samples_have_no_bias(count):
    points = normal_points(count, 3)
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(points.std(axis=0), 1, rtol=1e-12)
    if count == 256:
        assert np.abs(np.corrcoef(points.T) - np.eye(3)).max() < 0.1
    assert (normal_points(1, 3) == 0).all()


def test_domains_are_turned_by_the_spread():
    mosaic = jb.GaussianMosaic((0.1, 0.2, 0.3))
    turns = np.degrees(Rotation.from_matrix(np.asarray(mosaic.rotations())).as_rotvec())
    np.testing.assert_allclose(turns.std(axis=0), [0.1, 0.2, 0.3], rtol=1e-6)
    np.testing.assert_allclose(turns.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.asarray(mosaic.covariance()), np.diag(np.radians([0.1, 0.2, 0.3]) ** 2))
    assert np.isfinite(np.asarray(jb.GaussianMosaic(0.0).rotations())).all()


def test_six_numbers_are_a_matrix_whose_square_is_the_covariance():
    six = np.array([[0.3, 0.1, -0.05], [0.1, 0.2, 0.02], [-0.05, 0.02, 0.4]])
    mosaic = jb.GaussianMosaic((0.3, 0.2, 0.4, 0.1, 0.02, -0.05))
    np.testing.assert_allclose(np.asarray(mosaic.covariance()), np.radians(six) @ np.radians(six))
    turns = np.degrees(Rotation.from_matrix(np.asarray(mosaic.rotations_of(normal_points(4096, 3)))).as_rotvec())
    np.testing.assert_allclose(np.cov(turns.T), six @ six, atol=2e-3)


CRYSTAL = {"cell": (40, 50, 60, 80, 90, 100), "misset": (10, 20, 30), "cells": 5}


def made(**changes):
    parts = {
        "beam": jb.Beam(1.2, fluence=1e20),
        "crystal": jb.Crystal(**CRYSTAL),
        "detector": jb.FlatPanel((16, 16), 1e-3, (0.1, 0.008, -0.008), (0, 0, 1), (0, -1, 0)),
        "structure_factors": jb.StructureFactors(default=100.0),
    }
    return jb.Experiment(**(parts | changes))


def test_the_crystals_own_axes_are_those_of_the_spread():
    """About c alone, which is along the standard setting's z: c stays where it is, and a and b move."""
    crystal = jb.Crystal(**CRYSTAL, mosaic=jb.GaussianMosaic((0.0, 0.0, 2.0)))
    found = sampled(made(crystal=crystal), jb.Options(samples=64))
    a, _, c = np.asarray(crystal.vectors())
    turned = np.asarray(found.rotations)
    np.testing.assert_allclose(turned @ c, np.broadcast_to(c, (64, 3)), atol=1e-9)
    assert np.abs(turned @ a - a).max() > 0.5


def test_cells_have_their_spread():
    crystal = jb.Crystal(**CRYSTAL, cell_spread=jb.CellSpread((0.01, 0.02, 0.0)))
    found = sampled(made(crystal=crystal), jb.Options(samples=256))
    np.testing.assert_allclose(np.asarray(found.lengths).std(axis=0), [0.01, 0.02, 0.0], atol=1e-6)
    alike = jb.Crystal(**CRYSTAL, cell_spread=jb.CellSpread(0.01))
    lengths = np.asarray(sampled(made(crystal=alike), jb.Options(samples=256)).lengths)
    assert (lengths == lengths[:, :1]).all()
    assert lengths.std() == pytest.approx(0.01, rel=1e-6)


def test_sources_have_their_widths():
    beam = jb.Beam(1.2, sources=jb.GaussianSources(0.01, 1e-3, 2e-3))
    directions, wavelengths, weights = (np.asarray(x) for x in sampled(made(beam=beam), jb.Options(samples=256)).rays)
    assert wavelengths.std() / 1.2 == pytest.approx(0.01, rel=1e-6)
    assert wavelengths.mean() == pytest.approx(1.2)
    np.testing.assert_allclose(weights, 1 / 256)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    axis = np.asarray(beam.polarization_axis)
    across = np.cross(np.asarray(beam.direction), axis)
    # Horizontal turns about beam × axis, and so moves the direction along the axis; vertical moves it across.
    assert (directions @ axis).std() == pytest.approx(1e-3, rel=1e-3)
    assert (directions @ across).std() == pytest.approx(2e-3, rel=1e-3)


def test_samples_of_a_spectrum_are_shared_out_by_its_weights():
    beam = jb.Beam(sources=jb.SpectrumTable((1.0, 1.1, 1.3), (1.0, 0.0, 3.0), 0.0))
    _, wavelengths, weights = (np.asarray(x) for x in sampled(made(beam=beam), jb.Options(samples=64)).rays)
    assert set(wavelengths) == {1.0, 1.3}
    assert weights[wavelengths == 1.0].sum() == pytest.approx(0.25)
    assert (wavelengths == 1.0).sum() == pytest.approx(16, abs=1)


def test_other_seeds_are_other_samples():
    crystal = jb.Crystal(**CRYSTAL, mosaic=jb.GaussianMosaic(0.3))
    one, same, other = (
        np.asarray(sampled(made(crystal=crystal), jb.Options(samples=16, sample_seed=seed)).rotations)
        for seed in (0, 0, 5)
    )
    assert (one == same).all()
    assert (one != other).any()


def test_a_bandwidth_that_reaches_negative_wavelengths_is_refused():
    with pytest.raises(ValueError, match=r"`bandwidth` must be at most 0\.2, but is 0\.5"):
        jb.GaussianSources(0.5)


def test_a_trace_says_the_angles_of_an_even_rotation():
    experiment = made(scan=jb.Scan.continuous(10.0, 2.0))
    few = jb.Options(samples=4)
    angles = angles_of(experiment, few)
    assert angles.shape == (1, 4)
    assert sorted(np.floor(2 * (angles[0] - 10.0))) == [0, 1, 2, 3]  # one in each quarter
    traced = jb.trace_pixel(experiment, replace(few, method="samples"), 3, 4)
    held = jb.trace_pixel(eqx.tree_at(lambda e: e.scan, experiment, jb.Scan(angles[0])), jb.Options(), 3, 4)
    for one, other in zip(traced.steps, held.steps, strict=True):
        assert one.phi_deg == other.phi_deg
        assert one.h_frac == pytest.approx(other.h_frac, abs=1e-9)
    with pytest.warns(jb.SampledWarning, match="4 samples stand for"):
        jb.trace_pixel(experiment, few, 3, 4)
