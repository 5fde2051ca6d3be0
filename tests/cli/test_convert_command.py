"""`jaxbragg convert`: pixels, marks and geometry from format to format."""

from pathlib import Path

import fabio
import numpy as np
import pytest
from geometries import experiment_of, scalars

import jaxbragg as jb
from jaxbragg.cli import main
from jaxbragg.io import read_image

COUNTS = np.random.default_rng(0).poisson(20, (3, 40, 60))


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """a.h5: three images of counts with a gap; p.npy: expected photons."""
    import equinox as eqx

    monkeypatch.chdir(tmp_path)
    mask = np.ones((1, 40, 60), bool)
    mask[:, 7:9] = False
    experiment = eqx.tree_at(lambda e: e.detector.mask, experiment_of("flat"), mask, is_leaf=lambda x: x is None)
    jb.save("a.h5", experiment, COUNTS, (5.0, 0.1))
    np.save("p.npy", (COUNTS[0] * 0.5).astype(np.float32))
    return experiment


def test_a_series_goes_round(files, capsys):
    assert main(["convert", "a.h5", "c_###.cbf", "--sidecar"]) == 0
    assert "wrote c_001.cbf … c_003.cbf: miniCBF, 3 images, counts, int32" in capsys.readouterr().out
    for i in range(3):
        with fabio.open(f"c_{i + 1:03d}.cbf") as found:
            assert (found.data[7:9] == -1).all()
            np.testing.assert_array_equal(np.delete(found.data, [7, 8], 0), np.delete(COUNTS[i], [7, 8], 0))
        assert jb.load(f"c_{i + 1:03d}.cbf").rotation == pytest.approx((5 + 0.1 * i, 0.1))
    own = scalars(files.detector, files.beam.direction, files.scan.axis)
    for name in ("c.expt", "c_001.cbf"):
        found = jb.load(name)
        np.testing.assert_allclose(scalars(found.detector, found.direction, found.axis), own, atol=1e-11)
    assert jb.load("c.expt").vectors is None  # of an image alone, the crystal is not known
    assert main(["convert", "c_002.cbf", "d.h5"]) == 0
    back = read_image("d.h5").pixels
    assert (back[7:9] == 2**32 - 1).all()
    np.testing.assert_array_equal(np.delete(back, [7, 8], 0), np.delete(COUNTS[1], [7, 8], 0))


def test_an_offset_is_taken_off_and_put_on():
    assert main(["convert", "a.h5", "x_1.img", "--frame", "2"]) == 0
    image = read_image("x_1.img")
    assert image.header["ADC_OFFSET"] == "40"
    np.testing.assert_array_equal(np.delete(image.pixels, [7, 8], 0), np.delete(COUNTS[2], [7, 8], 0) + 40)
    assert main(["convert", "x_1.img", "y.tif"]) == 0
    np.testing.assert_array_equal(np.delete(read_image("y.tif").pixels, [7, 8], 0), np.delete(COUNTS[2], [7, 8], 0))


def test_photons_stay_photons_and_a_geometry_can_be_given():
    for words in ("p.npy x.tif", "p.npy x.h5 --geometry a.h5", "p.npy x.edf"):
        assert main(["convert", *words.split()]) == 0
        name = words.split()[1]
        np.testing.assert_array_equal(read_image(name).pixels.reshape(40, 60), np.load("p.npy"))
    np.load("p.npy").tofile("raw.bin")
    assert main(["convert", "raw.bin", "z.h5", "--geometry", "a.h5"]) == 0
    np.testing.assert_array_equal(read_image("z.h5").pixels, np.load("p.npy"))
    assert main(["convert", "raw.bin", "z.npy", "--shape", "40", "60"]) == 0
    np.testing.assert_array_equal(np.load("z.npy"), np.load("p.npy"))


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ("p.npy x.h5", 2, "NXmx says where the detector is, and p.npy does not: give --geometry FILE"),
        ("p.npy x.cbf --geometry a.h5", 2, "miniCBF holds counts, and p.npy holds real numbers"),
        ("p.npy x.npy --sidecar", 2, "--sidecar needs a geometry"),
        ("a.h5 x.jpg", 2, "the name must end in one of .h5"),
        ("a.h5 a.h5", 2, "IN names the same file"),
        ("a.h5 x_#.cbf --frame 7", 1, "holds 3 images, but frame 7 is asked for"),
        ("nothing.h5 x.cbf", 1, "nothing.h5: no such file"),
        ("a.h5", 2, "the following arguments are required: OUT"),
    ],
)
def test_what_is_wrong_is_named(words, status, message, capsys):
    before = sorted(Path().iterdir())
    assert main(["convert", *words.split()]) == status
    assert message in capsys.readouterr().err
    assert sorted(Path().iterdir()) == before


def test_help_has_an_example(capsys):
    assert main(["convert", "--help"]) == 0
    assert "jaxbragg convert series.h5 image_####.cbf --sidecar" in capsys.readouterr().out
