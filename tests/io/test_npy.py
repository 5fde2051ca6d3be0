"""Arrays of numpy, whole and damaged."""

import io
import zipfile

import numpy as np
import pytest

from jaxbragg.io.errors import FileError
from jaxbragg.io.npy import read_npy, read_npz

IMAGE = np.arange(12.0).reshape(3, 4)


def packed(array) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def header(shape: str, descr: str = "'<f8'", order: str = "False") -> bytes:
    """A header of version 1.0 as numpy's format description has it."""
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize("array", [IMAGE, IMAGE.T, IMAGE.astype(">i2"), IMAGE > 3, IMAGE[0, 0], IMAGE[:0]])
def test_reads_what_numpy_writes(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    found = read_npy(tmp_path / "a.npy")
    np.testing.assert_array_equal(found, array)
    assert found.dtype.isnative


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (packed(IMAGE)[:-1], "expected 224 bytes for 3×4 numbers of float64, but found 223"),
        (packed(IMAGE) * 2, "expected 224 bytes for 3×4 numbers of float64, but found 448"),
        (packed(IMAGE)[:40], "expected an array of numpy (.npy), but its header is damaged"),
        (b"\x93NUMPY\x09\x00" + bytes(200), "expected an array of numpy (.npy), but its header is damaged"),
        (header("[" * 20 + "]" * 20), "expected an array of numpy (.npy), but its header is damaged"),
        (
            header("(10000000000000,)") + bytes(80),
            "expected 80000000000128 bytes for 10000000000000 numbers of float64, but found 208",
        ),
        (header("(3, -4)"), "expected an array, but its shape is (3, -4)"),
        (packed(IMAGE * 1j), "expected real numbers, but found the type complex128"),
        (packed(np.array(["a"])), "expected real numbers, but found the type <U1"),
        (header("(3,)", "'|O'"), "expected real numbers, but found the type object"),
        (b"", "the file is empty"),
    ],
)
def test_damaged_arrays(tmp_path, content, reason):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_npy(tmp_path / "a.npy")
    assert (caught.value.path, caught.value.reason) == (str(tmp_path / "a.npy"), reason)


def test_reads_archives(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", **{"crystal.cell": IMAGE, "n": np.array([3])})
    found = read_npz(tmp_path / "a.npz")
    assert list(found) == ["crystal.cell", "n"]
    np.testing.assert_array_equal(found["crystal.cell"], IMAGE)


def archive(path, members: dict[str, bytes]):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path.read_bytes()


def test_damaged_archives(tmp_path):
    path = tmp_path / "a.npz"
    whole = archive(path, {"a.npy": packed(IMAGE)})
    for content in (whole[:-30], whole[:60], whole[:45] + b"\xff\xff\xff\xff" + whole[49:], b"PK\x03\x04"):
        path.write_bytes(content)
        with pytest.raises(
            FileError, match=r"a.npz: expected an archive of arrays .*, but it cannot be read as that: "
        ):
            read_npz(path)
    archive(path, {"a.npy": header("(10000000000000,)") + bytes(80)})
    with pytest.raises(FileError, match=r"expected 80000000000128 bytes .* but found 208"):
        read_npz(path)
    archive(path, {"readme.txt": b"hello"})
    with pytest.raises(FileError, match="its header is damaged"):
        read_npz(path)


def test_an_archive_that_unpacks_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr("jaxbragg.io.npy.LARGEST", 1 << 20)
    archive(tmp_path / "a.npz", {f"{name}.npy": packed(np.zeros(100_000)) for name in "ab"})
    with pytest.raises(FileError, match="expected arrays of at most 0 GiB in all, but found more"):
        read_npz(tmp_path / "a.npz")


def test_an_archive_is_no_device():
    with pytest.raises(FileError, match="but found a device or a pipe"):
        read_npz("/dev/zero")
