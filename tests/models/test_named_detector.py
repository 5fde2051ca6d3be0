"""Panels placed from a distance and a beam centre, and detectors by name: as nanoBragg's flags place them."""

import jax
import numpy as np
import pytest

import jaxbragg as jb

CONVENTIONS = ("mosflm", "denzo", "adxv", "xds", "dials")
FLAGS = "-cell 50 -default_F 1 -N 5 -detpixels_f 60 -detpixels_s 40 -pixel 0.2 -distance 80"


def same_place(one, other):
    for name in ("origin", "fast_axis", "slow_axis", "normal_axis", "pixel_size"):
        np.testing.assert_allclose(np.asarray(getattr(one, name)), np.asarray(getattr(other, name)), atol=1e-12)
    assert one.pixels == other.pixels


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("tilt", ["", "-detector_rotx 3 -detector_roty -2 -detector_rotz 5 -twotheta 7"])
def test_a_panel_is_where_the_flags_put_it(convention, tilt):
    center = "-Xbeam 5 -Ybeam 3 " if convention not in ("xds", "dials") else "-Xclose 5 -Yclose 3 "
    pivot = "-close_distance 80" if convention in ("xds", "dials") else ""
    experiment, _ = jb.read_experiment(f"{FLAGS} {pivot} -{convention} {center} {tilt}".split())
    angles = {"rotations": (3, -2, 5), "twotheta": 7} if tilt else {}
    panel = jb.FlatPanel.from_distance((40, 60), 0.2e-3, 0.08, (5e-3, 3e-3), convention, **angles)
    same_place(panel, experiment.detector)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_the_middle_is_what_the_flags_take_for_it(convention):
    experiment, _ = jb.read_experiment([*FLAGS.split(), f"-{convention}"])
    same_place(jb.FlatPanel.from_distance((40, 60), 0.2e-3, 0.08, convention=convention), experiment.detector)


def test_the_distance_is_differentiated_through():
    slope = jax.jacfwd(lambda d: jb.FlatPanel.from_distance((40, 60), 0.2e-3, d, (5e-3, 3e-3)).origin)(0.08)
    np.testing.assert_allclose(slope, [1, 0, 0], atol=1e-6)


def test_a_detector_by_name_is_that_of_the_flag():
    flags = "-cell 50 -default_F 1 -N 5 --detector Pilatus_300K -lambda 0.9 -distance 120"
    experiment, _ = jb.read_experiment(flags.split())
    panel = jb.detector("Pilatus_300K", 0.12, wavelength=0.9)
    same_place(panel, experiment.detector)
    np.testing.assert_array_equal(np.asarray(panel.mask), np.asarray(experiment.detector.mask))
    assert panel.sensor is not None
    np.testing.assert_allclose(np.asarray(panel.sensor.attenuation), experiment.detector.sensor.attenuation)
    assert jb.detector("pilatus-300k", 0.12).sensor is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jb.detector("pilatus-7m", 0.1), "such as pilatus-.*'pilatus-7m'"),
        (lambda: jb.detector("xyzzy", 0.1), "such as adsc, agipd, eiger, eiger2"),
        (lambda: jb.FlatPanel.from_distance((4, 4), 1e-4, 0.1, convention="custom"), "`convention` must be"),
    ],
)
def test_what_cannot_be_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
