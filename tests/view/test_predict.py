"""Predicted spots: where and when the simulated ones are, and as plain formulas have them."""

import dataclasses

import equinox as eqx
import numpy as np
import pytest
from view_cases import place_of, rotation

import jaxbragg as jb
from jaxbragg.models.unit_cell import reciprocal_vectors
from jaxbragg.view import predict_spots


def predicted(experiment, **more):
    return predict_spots(experiment.crystal, experiment.beam, experiment.detector, experiment.scan, **more)


def peaks(image, least):
    """Slow and fast middle of every spot that is brighter than its neighbours and far from the edge."""
    inner = image[3:-3, 3:-3]
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    around = [image[3 + i : image.shape[0] - 3 + i, 3 + j : image.shape[1] - 3 + j] for i, j in steps]
    top = np.argwhere((inner > least) & (inner >= np.max(around, axis=0))) + 3
    found = []
    for slow, fast in top:
        box = image[slow - 3 : slow + 4, fast - 3 : fast + 4]
        rows, columns = np.mgrid[-3:4, -3:4]
        found.append((slow + 0.5 + (box * rows).sum() / box.sum(), fast + 0.5 + (box * columns).sum() / box.sum()))
    return np.array(found)


@pytest.mark.parametrize("sensor", ["", "-detector_thick 450 -detector_abs 250"])
def test_simulated_spots_are_where_they_are_predicted(sensor):
    experiment, options = rotation(sensor)
    image = np.asarray(jb.simulate(experiment, options)).astype(float)
    found = peaks(image, 0.02 * image.max())
    assert len(found) > 60
    spots = predicted(experiment, d_min=1.5)
    far = np.hypot(found[:, :1] - spots.slow, found[:, 1:] - spots.fast)
    # Whole (the middle of what the ends of the rotation cut off is elsewhere), on the image, no other one in reach.
    between = np.hypot(spots.slow[:, None] - spots.slow, spots.fast[:, None] - spots.fast)
    alone = np.sort(between, axis=1)[:, 1] > 8
    whole = (np.abs(spots.offset) < 1e-7) & (spots.phi > 30.4) & (spots.phi < 31.6)
    inside = (np.abs(spots.slow - 120) < 114) & (np.abs(spots.fast - 150) < 144)
    nearest = far.min(axis=0)[alone & whole & inside]
    assert len(nearest) > 40
    assert (nearest < 0.5).mean() > 0.97
    assert np.median(nearest) < 0.2  # a box of 7 × 7 pixels is not all of a spot


def test_all_that_is_bright_is_predicted_and_all_that_is_predicted_is_bright():
    experiment, options = rotation()
    image = np.asarray(jb.simulate(experiment, options)).astype(float)
    spots = predicted(experiment, d_min=1.5)
    inside = np.abs(spots.offset) < 1e-7  # those that cross the sphere during the rotation
    assert inside.sum() > 80
    at = image[spots.slow[inside].astype(int), spots.fast[inside].astype(int)]
    assert (at > 100 * np.median(image)).mean() > 0.95


def test_they_lie_on_ewalds_sphere_and_on_their_panels():
    experiment, _ = rotation()
    spots = predicted(experiment, d_min=1.5)
    stars = reciprocal_vectors(np.asarray(experiment.crystal.vectors(), float))
    s0 = np.asarray(experiment.beam.direction, float) / float(experiment.beam.wavelength)
    axis = np.asarray(experiment.scan.axis, float)
    for i in range(0, len(spots.hkl), 7):
        angle = np.radians(spots.phi[i])
        point = spots.hkl[i] @ stars
        turned = (
            point * np.cos(angle) + np.cross(axis, point) * np.sin(angle) + axis * (axis @ point) * (1 - np.cos(angle))
        )
        ray = s0 + turned
        assert np.linalg.norm(ray) - np.linalg.norm(s0) == pytest.approx(spots.offset[i], abs=1e-12)
        place = place_of(experiment.detector, spots.slow[i], spots.fast[i])
        np.testing.assert_allclose(place / np.linalg.norm(place), ray / np.linalg.norm(ray), atol=1e-9)
        assert spots.spacing[i] == pytest.approx(1 / np.linalg.norm(point))
    assert ((spots.phi >= 30 - 1e-9) & (spots.phi <= 32 + 1e-9)).all()
    assert (np.diff(spots.spacing) <= 1e-12).all()


def test_panels_have_the_spots_of_the_whole_between_them():
    experiment, _ = rotation()
    whole, panel = predicted(experiment, d_min=1.5), experiment.detector
    step = float(np.asarray(panel.pixel_size)[1]) * np.asarray(panel.slow_axis)
    axes = (np.asarray(panel.fast_axis), np.asarray(panel.slow_axis))
    halves = [
        jb.FlatPanel((120, 300), np.asarray(panel.pixel_size), np.asarray(panel.origin) + k * 120 * step, *axes)
        for k in (0, 1)
    ]
    parts = predicted(eqx.tree_at(lambda e: e.detector, experiment, jb.MultiPanel(halves)), d_min=1.5)
    np.testing.assert_array_equal(parts.hkl, whole.hkl)
    np.testing.assert_allclose(parts.slow + 120 * parts.panel, whole.slow, atol=1e-9)


def test_a_still_and_a_wider_mosaic():
    experiment, _ = rotation()
    still = predict_spots(experiment.crystal, experiment.beam, experiment.detector, d_min=1.5)
    wide = predict_spots(experiment.crystal, experiment.beam, experiment.detector, d_min=1.5, mosaic=1.0)
    assert (still.phi == 0).all()
    assert 0 < len(still.hkl) < len(wide.hkl)
    mosaic = eqx.tree_at(lambda c: c.mosaic, experiment.crystal, jb.CapMosaic(1.0, 50))
    same = predict_spots(mosaic, experiment.beam, experiment.detector, d_min=1.5)
    assert len(still.hkl) < len(same.hkl) <= len(wide.hkl)


def test_what_cannot_be_is_refused():
    experiment, _ = rotation()
    with pytest.raises(ValueError, match="must be positive"):
        predicted(experiment, d_min=0)
    with pytest.raises(ValueError, match="must leave at most"):
        predicted(experiment, d_min=0.05)
    curved = jb.read_experiment(["-cell", "50", "-default_F", "1", "-curved_det"])[0]
    with pytest.raises(ValueError, match="must be of flat panels, but is a CurvedDetector"):
        predicted(curved, d_min=3)
    assert dataclasses.is_dataclass(curved)


def test_an_even_rotation_is_predicted_as_its_steps_are():
    experiment, _ = rotation()
    held = np.asarray(experiment.scan.angles, float)
    width = (held[-1] - held[0]) / (len(held) - 1) * len(held)
    even = eqx.tree_at(lambda e: e.scan, experiment, jb.Scan.continuous(held[0], width, experiment.scan.axis))
    for one, other in zip(predicted(even, d_min=1.5), predicted(experiment, d_min=1.5), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)
