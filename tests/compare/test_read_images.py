"""The two images of a comparison: shapes and geometry from wherever they are known."""

import h5py
import numpy as np
import pytest
from geometries import experiment_of

import jaxbragg as jb
from jaxbragg.compare.read_images import read_images
from jaxbragg.io import FileError, write_float_image, write_smv

# As the C program writes them for pilatus_vectors: the beam at Fbeam 24.8253, Sbeam 21.5516 mm.
HEADER = {
    "PIXEL_SIZE": "0.688",
    "DISTANCE": "131.275",
    "WAVELENGTH": "1.3",
    "DENZO_X_BEAM": "21.5516",
    "DENZO_Y_BEAM": "24.8253",
}


def smv(path, shape=(7, 5), header=None):
    write_smv(
        path, np.arange(shape[0] * shape[1], dtype=np.uint16).reshape(shape), HEADER if header is None else header
    )
    return path


def raw(path, shape=(7, 5)):
    write_float_image(path, np.arange(shape[0] * shape[1]).reshape(shape))
    return path


def test_a_header_gives_the_raw_image_its_shape(tmp_path):
    a, b = read_images(raw(tmp_path / "a.bin"), smv(tmp_path / "b.img"))
    assert a.image.tolist() == b.image.tolist()
    assert (a.center, a.geometry) == (None, None)
    assert b.center == pytest.approx((21.5516 / 0.688 - 0.5, 24.8253 / 0.688 - 0.5))
    assert b.geometry == (131.275, 0.688, 1.3)


def test_a_header_without_geometry(tmp_path):
    a, _ = read_images(smv(tmp_path / "a.img", header={"DISTANCE": "0"}), smv(tmp_path / "b.img"))
    assert (a.center, a.geometry) == (None, None)


def test_a_square_needs_no_shape(tmp_path):
    a, b = read_images(raw(tmp_path / "a.bin", (6, 6)), raw(tmp_path / "b.bin", (6, 6)))
    assert a.image.shape == b.image.shape == (6, 6)


def test_the_shape_given(tmp_path):
    a, b = read_images(raw(tmp_path / "a.bin"), raw(tmp_path / "b.bin"), (7, 5))
    assert a.image.shape == b.image.shape == (7, 5)


@pytest.mark.parametrize(
    ("first", "second", "shape", "reason"),
    [
        (
            raw,
            raw,
            None,
            "140 bytes are neither an image with a header nor a square of float32 pixels: give the shape with --shape",
        ),
        (raw, smv, (8, 5), "expected 160 bytes for 8×5 pixels of float32, but found 140"),
        (raw, raw, (8, 5), "expected 160 bytes for 8×5 pixels of float32, but found 140"),
    ],
)
def test_shapes_that_do_not_fit(tmp_path, first, second, shape, reason):
    with pytest.raises(FileError, match=reason):
        read_images(first(tmp_path / "a"), second(tmp_path / "b"), shape)


def test_two_headers_that_differ(tmp_path):
    with pytest.raises(FileError, match=r"b.img: expected 7 × 5 pixels \(slow × fast\) as in .*, but found 5 × 7"):
        read_images(smv(tmp_path / "a.img"), smv(tmp_path / "b.img", (5, 7)))


def test_other_formats_are_compared_too(tmp_path):
    image = np.arange(35, dtype=np.int64).reshape(7, 5)
    np.save(tmp_path / "a.npy", image)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["entry/data/data"] = image[None]
    a, b = read_images(tmp_path / "a.npy", tmp_path / "b.h5")
    assert a.image.tolist() == b.image.tolist() == image.tolist()
    c, d = read_images(raw(tmp_path / "c.bin"), tmp_path / "b.h5")  # which gives the raw one its shape
    assert c.image.tolist() == d.image.tolist() == image.tolist()


def test_several_panels_are_not_compared(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 7, 5)))
    with pytest.raises(FileError, match="expected slow × fast pixels, but found 2 × 7 × 5"):
        read_images(tmp_path / "a.npy", tmp_path / "a.npy")


def test_missing_and_empty_files(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(FileError, match="no such file"):
        read_images(tmp_path / "none", tmp_path / "empty")
    with pytest.raises(FileError, match="the file is empty"):
        read_images(raw(tmp_path / "a"), tmp_path / "empty")


def test_every_file_that_says_a_geometry_gives_centre_and_rings(tmp_path):
    experiment = experiment_of("flat")
    counts = np.random.default_rng(0).poisson(20, (40, 60))
    for name in ("a_1.img", "a_1.cbf", "a.h5", "a.npy"):
        jb.save(tmp_path / name, experiment, counts)
    found = [read_images(tmp_path / name, tmp_path / name)[0] for name in ("a_1.img", "a_1.cbf", "a.h5", "a.npy")]
    for each in found[1:3]:
        np.testing.assert_allclose(each.center, found[0].center, atol=1e-9)
        np.testing.assert_allclose(each.geometry, found[0].geometry, rtol=1e-9)
    assert found[3].center is None
    tilted = experiment_of("tilted")
    jb.save(tmp_path / "t.h5", tilted, counts)
    assert read_images(tmp_path / "t.h5", tmp_path / "t.h5")[0].geometry is None  # rings there are no circles
