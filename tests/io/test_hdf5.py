"""Images in HDF5 files: which dataset and frame is meant, and files that are damaged."""

import h5py
import numpy as np
import pytest

from jaxbragg.io.errors import FileError
from jaxbragg.io.hdf5 import read_hdf5_image

IMAGE = np.arange(12, dtype=np.uint16).reshape(3, 4)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.h5"


def reason(path, *arguments) -> str:
    with pytest.raises(FileError) as caught:
        read_hdf5_image(path, *arguments)
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    return caught.value.reason


def test_one_image_or_one_frame(path):
    with h5py.File(path, "w") as file:
        file["one"] = IMAGE
        file["many"] = np.stack([IMAGE, IMAGE + 1])
    np.testing.assert_array_equal(read_hdf5_image(path, (3, 4), "one"), IMAGE)
    np.testing.assert_array_equal(read_hdf5_image(path, None, "one", 0), IMAGE)
    np.testing.assert_array_equal(read_hdf5_image(path, (3, 4), "many", 1), IMAGE + 1)
    assert reason(path, (3, 4), "many") == "'many' holds 2 images: say which with frame = 0"
    assert reason(path, (3, 4), "many", 2) == "'many' holds 2 images, but frame 2 is asked for"
    assert reason(path, (3, 4), "many", -1) == "'many' holds 2 images, but frame -1 is asked for"
    assert reason(path) == "2 datasets (many, one) of 2 dimensions in it: one is expected here"
    assert reason(path, None, "many") == "'many' holds 2 images: one is expected here"


def test_nexus_is_known(path):
    """The image, not the mask of the same shape, whose 0 is a good pixel."""
    with h5py.File(path, "w") as file:
        file["entry/data/data"] = IMAGE[None]
        file["entry/data/background"] = IMAGE * 0.0
        file["entry/instrument/detector/pixel_mask"] = IMAGE * 0
    np.testing.assert_array_equal(read_hdf5_image(path, (3, 4)), IMAGE)
    np.testing.assert_array_equal(read_hdf5_image(path), IMAGE)
    with h5py.File(path, "w") as file:
        file["entry/instrument/detector/pixel_mask"] = IMAGE * 0
    assert reason(path, (3, 4)) == "no dataset of 3 × 4 pixels in it: say which with dataset = '…'"


def test_datasets_that_are_no_image(path):
    with h5py.File(path, "w") as file:
        file["null"] = h5py.Empty("f4")
        file["text"] = "hello"
        file["pairs"] = np.zeros((3, 4), [("a", "f4"), ("b", "f4")])
        file["complex"] = IMAGE * 1j
        file["row"] = np.zeros(5)
        file["none"] = np.zeros((0, 4))
        file["here"] = h5py.SoftLink("/there")
        file["there"] = h5py.SoftLink("/here")
        file["away"] = h5py.ExternalLink("missing.h5", "/data")
        file.create_dataset("huge", (1, 10**7, 10**7), "f4", chunks=(1, 100, 100))
    assert reason(path, (3, 4)).startswith("no dataset of 3 × 4 pixels")
    assert reason(path, (3, 4), "null") == "the dataset 'null' is empty"
    assert reason(path, (3, 4), "none") == "the dataset 'none' is empty"
    assert reason(path, (3, 4), "text") == "expected real numbers in 'text', but found the type object"
    assert reason(path, (3, 4), "pairs").startswith("expected real numbers in 'pairs'")
    assert reason(path, (3, 4), "complex").startswith("expected real numbers in 'complex'")
    assert reason(path, (3, 4), "row") == "expected images in 'row', but found 1 dimensions"
    assert reason(path, (3, 4), "here").startswith("HDF5 cannot read it: ")
    assert reason(path, (3, 4), "away") == "there is no dataset 'away' in it"
    assert reason(path, (3, 4), "/") == "there is no dataset '/' in it"
    assert reason(path, (10**7, 10**7), "huge") == "an image of 'huge' is larger than 2 GiB"


def test_cut_files(path):
    with h5py.File(path, "w") as file:
        data = np.random.default_rng(0).integers(0, 9, (99, 99))
        at = (
            file.create_dataset("data", data=data, chunks=(99, 99), compression="gzip").id.get_chunk_info(0).byte_offset
        )
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert reason(path, (99, 99)).startswith("HDF5 cannot read it: ")
    path.write_bytes(whole[: at + 100] + bytes(200) + whole[at + 300 :])  # the size is right, the content not
    assert reason(path, (99, 99)).startswith("HDF5 cannot read it: ")
    path.write_bytes(b"hello")
    assert reason(path, (99, 99)).startswith("HDF5 cannot read it: ")
    assert reason("/dev/zero") == "expected a file on a disk for this format, but found a device or a pipe"
