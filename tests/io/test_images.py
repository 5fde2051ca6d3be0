"""One door to whatever holds an image: the content decides, then the ending of the name."""

import bz2
import gzip

import h5py
import numpy as np
import pytest

from jaxbragg.io.errors import FileError
from jaxbragg.io.images import is_hdf5, read_image, read_mask
from jaxbragg.io.pgm import write_pgm
from jaxbragg.io.raw import write_float_image
from jaxbragg.io.smv import write_smv

IMAGE = np.arange(12, dtype=np.uint16).reshape(3, 4)


def smv(path):
    write_smv(path, IMAGE, {"DISTANCE": "100"})


def raw(path):
    write_float_image(path, IMAGE)


def npy(path):
    with open(path, "wb") as file:
        np.save(file, IMAGE)


def npz(path):
    with open(path, "wb") as file:
        np.savez(file, IMAGE)


def hdf5(path):
    with h5py.File(path, "w") as file:
        file["entry/data/data"] = IMAGE


def pgm(path):
    write_pgm(path, IMAGE.astype(np.uint8))


def fabio(module, name, dtype):
    def write(path):
        kind = getattr(pytest.importorskip(f"fabio.{module}"), name)
        kind(data=IMAGE.astype(dtype)).write(str(path))

    return write


FORMATS = {
    "a.img": smv,
    "a.bin": raw,
    "a.npy": npy,
    "a.npz": npz,
    "a.h5": hdf5,
    "a.pgm": pgm,
    "a.cbf": fabio("cbfimage", "CbfImage", np.int32),
    "a.tif": fabio("tifimage", "TifImage", np.uint16),
    "a.edf": fabio("edfimage", "EdfImage", np.uint16),
}


def reason(path, *arguments) -> str:
    with pytest.raises(FileError) as caught:
        read_image(path, *arguments)
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    return caught.value.reason


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("packed", ["", ".gz", ".bz2"])
def test_every_format_packed_or_not(tmp_path, name, packed):
    path = tmp_path / name
    FORMATS[name](path)
    if packed:
        content = path.read_bytes()
        path = tmp_path / (name + packed)
        path.write_bytes({".gz": gzip, ".bz2": bz2}[packed].compress(content))
    found = read_image(path, (3, 4))
    np.testing.assert_array_equal(found.pixels, IMAGE)
    assert found.path == str(path)
    assert found.header.get("DISTANCE") == ("100" if name == "a.img" else None)


@pytest.mark.parametrize("name", ["a.img", "a.npy", "a.npz", "a.h5", "a.pgm"])
@pytest.mark.parametrize("wrong", ["a.bin", "a.cbf", "a.h5", "a", "a.img"])
def test_the_content_counts_and_not_the_name(tmp_path, name, wrong):
    FORMATS[name](tmp_path / wrong)
    np.testing.assert_array_equal(read_image(tmp_path / wrong, (3, 4)).pixels, IMAGE)


def test_the_shape_is_the_files(tmp_path):
    npy(tmp_path / "a.npy")
    assert read_image(tmp_path / "a.npy", (5, 5)).pixels.shape == (3, 4)
    raw(tmp_path / "a.bin")
    assert read_image(tmp_path / "a.bin").pixels.shape == (12,)  # which no one knows here
    assert reason(tmp_path / "a.bin", (5, 5)) == "expected 100 bytes for 5×5 pixels of float32, but found 48"
    assert read_image(tmp_path / "a.bin", (2, 3, 2)).pixels.shape == (2, 3, 2)


def test_a_dataset_is_of_hdf5(tmp_path):
    for name in ("a.npy", "a.h5"):
        npy(tmp_path / name)
        assert not is_hdf5(tmp_path / name)
        wanted = "a dataset and a frame go with an HDF5 file, and this is none"
        assert reason(tmp_path / name, (3, 4), "data") == wanted
        assert reason(tmp_path / name, (3, 4), None, 0) == wanted
    hdf5(tmp_path / "a.img")
    assert is_hdf5(tmp_path / "a.img")
    assert read_image(tmp_path / "a.img", None, "entry/data/data", 0).pixels.shape == (3, 4)


def test_what_is_no_image(tmp_path):
    for name, content, wanted in (
        ("a.cbf", b"###CBF: VERSION 1.5\n", "fabio cannot read it: "),
        ("a.tif", b"II*\0" + b"\xff" * 50, "fabio cannot read it: "),
        ("a.h5", b"hello", "HDF5 cannot read it: "),
        ("a.npz", b"PK\x03\x04" + bytes(9), "expected an archive of arrays (.npz), but it cannot be read as that: "),
        ("a.gz", gzip.compress(bytes(999))[:-9], "cannot be unpacked: "),
        ("a.gz", gzip.compress(gzip.compress(b"hello")), "is packed twice"),
        ("a.gz", gzip.compress(b"P5 7 7 255\n"), "expected 49 bytes for 7×7 pixels, but found 0"),
        ("a.bin", b"hello", "5 bytes are neither an image with a header nor float32 pixels"),
        ("a.bin", b"", "the file is empty"),
    ):
        (tmp_path / name).write_bytes(content)
        assert reason(tmp_path / name).startswith(wanted)
    np.savez(tmp_path / "two.npz", a=IMAGE, b=IMAGE)
    assert reason(tmp_path / "two.npz") == "expected one array, but found 2 (a, b)"
    np.save(tmp_path / "z.npy", IMAGE * 1j)
    assert reason(tmp_path / "z.npy") == "expected real numbers, but found the type complex128"
    for empty in (IMAGE[0, 0], IMAGE[:0]):
        np.save(tmp_path / "e.npy", empty)
        assert reason(tmp_path / "e.npy") == f"expected an image, but found an array of the shape {empty.shape}"
    assert reason("/dev/zero", (3, 4)) == "expected a file on a disk for this format, but found a device or a pipe"


def test_what_unpacks_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr("jaxbragg.io.images.LARGEST", 999)
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(1000)))
    assert reason(tmp_path / "a.gz") == "it unpacks to more than 0 GiB"


def test_masks(tmp_path):
    np.save(tmp_path / "a.npy", IMAGE)
    found = read_mask(tmp_path / "a.npy")
    assert found.pixels.dtype == bool
    np.testing.assert_array_equal(found.pixels, IMAGE != 0)
    np.save(tmp_path / "a.npy", np.where(IMAGE == 5, np.nan, IMAGE))
    with pytest.raises(FileError, match="expected 0 for the pixels to skip and other numbers elsewhere, but found NaN"):
        read_mask(tmp_path / "a.npy")
