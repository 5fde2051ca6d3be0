"""CrystFEL's .geom: read as cfelpyutils reads it, and by the manual where that has no answer."""

import numpy as np
import pytest
from cfelpyutils.geometry import compute_pix_maps, load_crystfel_geometry
from geometries import ALL, experiment_of, panels_of

import jaxbragg as jb
from jaxbragg.io import FileError
from jaxbragg.io.recording import Recording
from jaxbragg.io.sidecars import write_geom

TEXT = """; a comment
photon_energy = 9500 eV
adu_per_photon = 1
clen = 93.5 mm          ; a unit
res = 5000
rigid_group_all = a,b
a/min_fs = 0
a/max_fs = 9
a/min_ss = 0
a/max_ss = 4
a/corner_x = -12.5
a/corner_y = 3
a/fs = +0.999848x +0.017452y
a/ss = -0.017452x +0.999848y
coffset = 0.001
clen = 0.1
b/min_fs = 0
b/max_fs = 9
b/min_ss = 5
b/max_ss = 9
b/corner_x = 20
b/corner_y = -3.5
b/fs = x
b/ss = -y + 0.1z
b/res = 10000
badcorner/panel = a
badcorner/min_fs = 8
badcorner/max_fs = 9
badcorner/min_ss = 0
badcorner/max_ss = 0
badplace/min_x = 25
badplace/max_x = 27
badplace/min_y = -10
badplace/max_y = 10
"""


def centers(panel):
    """x and y of every pixel's middle [m]."""
    slow, fast = np.meshgrid(*(np.arange(n) + 0.5 for n in panel.pixels), indexing="ij")
    size = np.asarray(panel.pixel_size)
    along = fast[..., None] * size[0] * np.asarray(panel.fast_axis)
    return np.asarray(panel.origin) + along + slow[..., None] * size[1] * np.asarray(panel.slow_axis)


@pytest.mark.parametrize("name", ALL)
def test_cfelpyutils_has_the_pixels_where_they_are(name, tmp_path):
    experiment, path = experiment_of(name), tmp_path / "x.geom"
    write_geom(path, Recording.of(np.zeros(experiment.detector.image_shape, np.float32), experiment))
    found = load_crystfel_geometry(str(path))
    maps = compute_pix_maps(found.detector)
    rows = experiment.detector.shape[1]
    from jaxbragg.io.laboratory import nexus_axes

    axes = nexus_axes(experiment)
    for i, panel in enumerate(panels_of(experiment.detector)):
        there = slice(i * rows, i * rows + panel.pixels[0])
        ours = centers(panel) @ axes.T * 5000  # [pixels of 0.2 mm]
        # cfelpyutils's are corners of pixels.
        shift = 0.5 * (axes @ (np.asarray(panel.fast_axis) + np.asarray(panel.slow_axis)))
        for k, key in enumerate(("x", "y")):
            theirs = getattr(maps, key)[there]
            np.testing.assert_allclose(theirs, ours[..., k] - shift[k], atol=2e-5)  # theirs is float32
    assert float(found.beam["photon_energy"]) == pytest.approx(12398.42 / 0.97)


def test_defaults_units_and_bad_regions(tmp_path):
    path = tmp_path / "x.geom"
    path.write_text(TEXT)
    found = jb.load(path)
    a, b = found.detector.panels
    assert found.wavelength == pytest.approx(12398.42 / 9500)
    np.testing.assert_allclose(found.direction, [0, 0, 1])
    assert (a.pixels, b.pixels) == ((5, 10), (5, 10))
    # What follows a panel's first line is no longer its default.
    np.testing.assert_allclose(a.origin, [-12.5 / 5000, 3 / 5000, 0.0935], rtol=1e-12)
    np.testing.assert_allclose(b.origin, [20 / 10000, -3.5 / 10000, 0.101], rtol=1e-12)
    np.testing.assert_allclose(a.fast_axis, [0.999848, 0.017452, 0], atol=1e-6)
    np.testing.assert_allclose(b.slow_axis, np.array([0, -1, 0.1]) / np.sqrt(1.01), atol=1e-12)
    np.testing.assert_allclose(b.pixel_size, [1e-4, 1e-4 * np.sqrt(1.01)])
    mask = np.ones((5, 10), bool)
    mask[0, 8:] = False
    np.testing.assert_array_equal(np.asarray(a.mask)[0], mask)
    gone = ~np.asarray(b.mask)[0]
    assert gone[:, 5:8].all()  # corners at 25, 26, 27 of its own pixels
    assert gone.sum() == 15


def changed(path, old, new):
    assert old in TEXT
    path.write_text(TEXT.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("a/max_fs = 9\n", "", "panel a, max_fs: expected it, but it is missing"),
        ("res = 5000", "res = 5k", "line 5: panel a, res: expected a number, but found '5k'"),
        ("res = 5000", "res = -1", "line 5: panel a, res: expected a number above 0"),
        ("clen = 93.5 mm", "clen = /LCLS/detector_1/EncoderValue", "is a place in each image's file: write the number"),
        ("9500 eV", "0", "line 2: photon_energy: expected a number above 0, but found 0"),
        ("+0.999848x +0.017452y", "1.0 0.2", "panel a, fs: expected a direction such as"),
        ("+0.999848x +0.017452y", "+nanx", "panel a, fs: expected a direction such as"),
        (
            "a/ss = -0.017452x +0.999848y",
            "a/ss = +0.999848x +0.017452y",
            "panel a: Arguments `fast_axis` and `slow_axis` must not be par",
        ),
        ("a/max_ss = 4", "a/max_ss = 1e9", "panel a: expected 1 to 1073741824 pixels, but found 10 × 1000000001"),
        ("a/max_ss = 4", "a/max_ss = -4", "panel a: expected 1 to 1073741824 pixels, but found 10 × -3"),
        ("clen = 93.5 mm", "clen = inf", "clen: expected a number, but found 'inf'"),
        ("; a comment", "hello", "line 1: expected `key = value`, but found 'hello'"),
        ("badplace/max_x = 27\n", "", "badplace, max_x: expected it, but it is missing"),
    ],
)
def test_what_is_wrong_is_named(old, new, message, tmp_path):
    import re

    with pytest.raises(FileError, match=re.escape(message)):
        jb.load(changed(tmp_path / "x.geom", old, new))


def test_a_photon_energy_of_each_image_is_left_to_the_caller(tmp_path):
    path = changed(tmp_path / "x.geom", "9500 eV", "/LCLS/photon_energy_eV")
    assert jb.load(path).wavelength is None
    assert jb.load(path, 1.3).wavelength == 1.3
    with pytest.raises(ValueError, match="`wavelength` must be given"):
        jb.load(path).beam()
