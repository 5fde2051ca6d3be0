"""Pixels and marks through every writer and an independent reader."""

import fabio
import h5py
import numpy as np
import pytest
from geometries import experiment_of

import jaxbragg as jb
from jaxbragg.io import read_image
from jaxbragg.io.image_formats import ENDINGS, format_of
from jaxbragg.io.recording import as_counts

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(30, (40, 60))
PHOTONS = RNG.uniform(0, 100, (40, 60)).astype(np.float32)


def pixels_of(path):
    """By an independent reader: fabio, h5py, numpy."""
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix in (".h5", ".nxs", ".hdf5"):
        with h5py.File(path) as file:
            return file["entry/data/data"][0]
    with fabio.open(str(path)) as found:
        return np.asarray(found.data)


@pytest.mark.parametrize("ending", ENDINGS)
def test_counts_are_the_same(ending, tmp_path):
    path, offset = tmp_path / f"x_001{ending}", 40 if ending == ".img" else 0
    jb.save(path, experiment_of("flat"), COUNTS, offset=offset)
    found = pixels_of(path)
    assert found.dtype.kind in "iu"
    np.testing.assert_array_equal(found, COUNTS + offset)
    np.testing.assert_array_equal(read_image(path).pixels.reshape(40, 60), COUNTS + offset)


@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if format_of(f"x{ending}").photons])
def test_photons_are_the_same(ending, tmp_path):
    path = tmp_path / f"x{ending}"
    jb.save(path, experiment_of("flat"), PHOTONS)
    assert pixels_of(path).dtype == np.float32
    np.testing.assert_array_equal(pixels_of(path), PHOTONS)
    np.testing.assert_array_equal(read_image(path).pixels.reshape(40, 60), PHOTONS)


@pytest.mark.parametrize(("ending", "mark", "full"), [(".h5", 2**32 - 1, 2**32 - 2), (".cbf", -1, 2**31 - 1),
                                                      (".img", 0, 65535), (".tif", -1, 2**31 - 1)])  # fmt: skip
def test_gaps_are_marked_and_full_pixels_are_full(ending, mark, full, tmp_path):
    import equinox as eqx

    experiment, counts = experiment_of("flat"), COUNTS.astype(np.int64)
    mask = np.ones((1, 40, 60), bool)
    mask[:, 7:9] = False
    experiment = eqx.tree_at(lambda e: e.detector.mask, experiment, mask, is_leaf=lambda x: x is None)
    counts[3, 4] = 2**40
    jb.save(tmp_path / f"x{ending}", experiment, counts)
    found = pixels_of(tmp_path / f"x{ending}")
    assert (found[7:9] == mark).all()
    assert found[3, 4] == full
    np.testing.assert_array_equal(found[9:], COUNTS[9:])


def test_overloads_are_counted():
    counts = np.array([0, 65534, 65535, 70000])
    assert as_counts(counts, "uint16", 0, None)[1] == 2
    assert as_counts(counts, "uint16", 1, None)[1] == 3
    assert as_counts(np.array([2**31 - 2**7, 5]), "uint32", 0, None)[1] == 1
    stored, full = as_counts(counts, "int32", 0, np.array([True, False, False, False]), saturation=65535)
    assert (stored.tolist(), full) == ([-1, 65534, 65535, 65535], 2)
    assert as_counts(counts, "uint16", 40, None, saturation=65000)[0].tolist() == [40, 65040, 65040, 65040]
    assert as_counts(counts, "uint16", 40, None, saturation=10**6)[0].tolist() == [40, 65535, 65535, 65535]


def test_what_is_above_saturation_is_cut_off_and_said(tmp_path):
    jb.save(tmp_path / "x.h5", experiment_of("flat"), COUNTS, saturation=30)
    np.testing.assert_array_equal(pixels_of(tmp_path / "x.h5"), np.minimum(COUNTS, 30))
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["entry/instrument/detector/saturation_value"][()] == 29
    with pytest.raises(ValueError, match="`saturation` must be at least 1, but is 0"):
        jb.save(tmp_path / "y.h5", experiment_of("flat"), COUNTS, saturation=0)


def test_a_series_and_panels(tmp_path):
    experiment = experiment_of("panels")
    counts = RNG.poisson(3, (2, 4, 40, 60))
    jb.save(tmp_path / "x.npy", experiment, counts)
    found = np.load(tmp_path / "x.npy")
    assert (found[:, 3, 10:12, 3:] == -1).all()
    np.testing.assert_array_equal(found[:, :2], counts[:, :2])


@pytest.mark.parametrize(
    ("name", "images", "message"),
    [
        ("x.jpg", PHOTONS, "`path` must end in one of .h5, .nxs"),
        ("x.cbf", PHOTONS, "`images` must be counts for miniCBF, but are float32"),
        ("x.img", np.zeros((2, 40, 60), int), "An SMV file holds one image"),
        ("x.tif", np.zeros((2, 40, 60), int), "hold one image of one panel"),
        ("x.h5", np.zeros((40, 61), int), "must be of 40 × 60 pixels each, but is 40 × 61"),
        ("x.h5", np.zeros((40, 60), complex), "must be numbers, but is of type complex128"),
    ],
)
def test_what_cannot_be_is_named(name, images, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        jb.save(tmp_path / name, experiment_of("flat"), images)
    assert not list(tmp_path.iterdir())
