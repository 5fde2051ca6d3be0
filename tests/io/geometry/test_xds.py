"""XDS.INP and XPARM.XDS: the place that nanoBragg's own flags of XDS give, and what the manual says of the rest."""

import re

import numpy as np
import pytest
from xds_files import INPUT, XPARM

import jaxbragg as jb
from jaxbragg.io import FileError

FLAGS = (
    "-cell 40 -default_F 1 -xds -detpixels_f 60 -detpixels_s 40 -pixel 0.2 -ORGX 31.5 -ORGY 18.25 -close_distance 120.5"
)


@pytest.mark.parametrize(("name", "text"), [("XDS.INP", INPUT), ("XPARM.XDS", XPARM), ("GXPARM.XDS", XPARM)])
def test_the_place_is_that_of_the_flags(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    found, panel = jb.load(tmp_path / name), jb.read_experiment(FLAGS.split())[0].detector
    np.testing.assert_allclose(found.detector.origin, panel.origin, atol=1e-15)
    np.testing.assert_allclose(found.detector.fast_axis, panel.fast_axis)
    np.testing.assert_allclose(found.detector.slow_axis, panel.slow_axis)
    assert found.detector.pixels == (40, 60)
    np.testing.assert_allclose(found.direction, np.array([0.001, 0, 1]) / np.hypot(0.001, 1), atol=1e-6)
    np.testing.assert_allclose(found.axis, np.array([1, 0, 0.001]) / np.hypot(0.001, 1), atol=1e-12)
    assert found.wavelength == 0.97
    assert found.rotation == (15.0, 0.1)
    np.testing.assert_allclose(found.vectors, [[40, 1, 2], [-1, 50, 3], [-2, -3, 60]])


def test_the_rest_of_the_input(tmp_path):
    (tmp_path / "XDS.INP").write_text(INPUT)
    found = jb.load(tmp_path / "XDS.INP")
    assert found.polarization == pytest.approx(0.98)
    np.testing.assert_allclose(np.abs(found.polarization_axis), [1, 0, 0], atol=2e-3)
    sensor = found.detector.sensor
    assert float(sensor.attenuation) == pytest.approx(3500)
    mask = np.ones((40, 60), bool)
    mask[:, 10:12] = False  # XDS's pixels 11 and 12; the edges are outside
    mask[20:21] = False
    np.testing.assert_array_equal(np.asarray(found.detector.mask)[0], mask)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ORGX=31.5", "", "XDS.INP: ORGX: expected it, but it is missing"),
        ("ORGX=31.5", "ORGX=abc", "XDS.INP, line 3: ORGX: expected 1 number, but found 'abc'"),
        ("NX=60", "NX=6.5", "NX: expected a whole number of at least 0, but found '6.5'"),
        (
            "DETECTOR_DISTANCE= 120.5",
            "DETECTOR_DISTANCE= 0",
            "the detector: Argument `origin` must not be in one plane",
        ),
        ("ROTATION_AXIS= 1 0 0.001", "ROTATION_AXIS= 0 0 0", "line 6: ROTATION_AXIS: expected a direction"),
        ("X-RAY_WAVELENGTH=0.97", "X-RAY_WAVELENGTH=-1", "X-RAY_WAVELENGTH: expected a number above 0"),
        ("! a comment", "SEGMENT= 1 60 1 20", "line 1: SEGMENT: detectors of segments are not read"),
    ],
)
def test_what_is_wrong_is_named(old, new, message, tmp_path):
    assert old in INPUT
    (tmp_path / "XDS.INP").write_text(INPUT.replace(old, new, 1))
    with pytest.raises(FileError, match=re.escape(message)):
        jb.load(tmp_path / "XDS.INP")


def test_a_wavelength_that_is_not_there_is_left_to_the_caller(tmp_path):
    (tmp_path / "XDS.INP").write_text(INPUT.replace("X-RAY_WAVELENGTH=0.97", ""))
    assert jb.load(tmp_path / "XDS.INP").wavelength is None
