"""One function that reads an image of any format: told by its content first, by the ending of its name second.

A new format is one reader and one row here.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import importlib
import logging
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io import hdf5, npy
from jaxbragg.io.errors import FileError
from jaxbragg.io.hdf5 import read_hdf5_image
from jaxbragg.io.npy import read_npy, read_npz
from jaxbragg.io.pgm import read_pgm
from jaxbragg.io.raw import read_float_image
from jaxbragg.io.smv import looks_like_smv, read_smv
from jaxbragg.io.text import LARGEST, check_regular, read_bytes


@dataclass(frozen=True)
class StoredImage:
    """An image as a file holds it.

    Attributes:
        path: The file.
        pixels: `(slow, fast)`, or of the shape asked for; `(n,)` where neither the file nor the caller knows it.
        header: Keys and values of an SMV file; other formats have none here.
    """

    path: str
    pixels: NDArray[Any]
    header: Mapping[str, str] = field(default_factory=dict)


def read_image(
    path: str | os.PathLike[str],
    shape: Sequence[int] | None = None,
    dataset: str | None = None,
    frame: int | None = None,
) -> StoredImage:
    """Reads an image of any format: SMV, .npy, .npz, HDF5, PGM, what fabio reads, packed or not, or raw float32.

    Args:
        path: File to read.
        shape: Numbers of pixels, which a raw image needs and an HDF5 file is searched for. An image of another shape
            is returned all the same.
        dataset: Of an HDF5 file; needed where it holds several that could be meant.
        frame: Of a dataset with one dimension more.

    Returns:
        The image; the pixels are real numbers or truth values of the type that the file has.

    Raises:
        FileError: The file cannot be read, or does not hold one image of numbers.
    """
    check_regular(path)  # it is opened more than once
    kind = _format_of(path)
    if kind.name != "HDF5" and kind.name != "packed" and (dataset is not None or frame is not None):
        raise FileError(path, "a dataset and a frame go with an HDF5 file, and this is none")
    found = kind.read(os.fspath(path), shape, dataset, frame)
    if found.pixels.dtype.kind not in "biuf":
        raise FileError(path, f"expected real numbers, but found the type {found.pixels.dtype}")
    if not found.pixels.size or not found.pixels.ndim:
        raise FileError(path, f"expected an image, but found an array of the shape {found.pixels.shape}")
    return found


def frames_in(path: str | os.PathLike[str], shape: Sequence[int] | None = None, dataset: str | None = None) -> int:
    """How many images a file holds: one, unless it is HDF5.

    Raises:
        FileError: The file cannot be read, or holds no image.
    """
    return hdf5.frames_in(path, shape, dataset) if is_hdf5(path) else 1


def is_hdf5(path: str | os.PathLike[str]) -> bool:
    """Whether `read_image` takes a file for HDF5, where a dataset and a frame can be chosen.

    Raises:
        FileError: The file is missing, a folder, unreadable or empty.
    """
    return _format_of(path).name == "HDF5"


def read_mask(path: str | os.PathLike[str], shape: Sequence[int] | None = None) -> StoredImage:
    """Reads which pixels are used: those that are not 0.

    Args:
        path: File to read, as for `read_image`.
        shape: As for `read_image`.

    Raises:
        FileError: The file cannot be read, is no image, or a pixel is not a number.
    """
    found = read_image(path, shape)
    if np.isnan(found.pixels).any():
        raise FileError(path, "expected 0 for the pixels to skip and other numbers elsewhere, but found NaN")
    return StoredImage(found.path, found.pixels != 0, found.header)


def _raw(path: str, shape: Sequence[int] | None, *unused: object) -> StoredImage:
    if shape is not None:
        return StoredImage(path, read_float_image(path, tuple(shape)))
    content = read_bytes(path)
    if len(content) % 4:
        raise FileError(path, f"{len(content)} bytes are neither an image with a header nor float32 pixels")
    return StoredImage(path, np.frombuffer(content, "<f4").astype(np.float32))


def _hdf5(path: str, *asked: Any) -> StoredImage:
    return StoredImage(path, read_hdf5_image(path, *asked))


def _npy(path: str, *unused: object) -> StoredImage:
    return StoredImage(path, read_npy(path))


def _npz(path: str, *unused: object) -> StoredImage:
    arrays = read_npz(path)
    if len(arrays) != 1:
        raise FileError(path, f"expected one array, but found {len(arrays)} ({', '.join([*arrays][:4])})")
    return StoredImage(path, next(iter(arrays.values())))


def _smv(path: str, *unused: object) -> StoredImage:
    header, pixels = read_smv(path)
    return StoredImage(path, pixels, header)


def _pgm(path: str, *unused: object) -> StoredImage:
    return StoredImage(path, read_pgm(path))


def _fabio(path: str, *unused: object) -> StoredImage:
    try:
        fabio: Any = importlib.import_module("fabio")
    except ImportError:
        raise FileError(path, "this format needs fabio: pip install 'jaxbragg[io]'") from None
    log = logging.getLogger("fabio")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)  # it would print several lines before it fails
    try:
        with fabio.open(path) as found:
            frames, pixels = found.nframes, np.asarray(found.data)
    except Exception as error:  # fabio raises whatever its many readers raise
        raise FileError(path, f"fabio cannot read it: {' '.join(str(error).split())}") from None
    finally:
        log.setLevel(level)
    if pixels.ndim != 2:
        raise FileError(path, "fabio cannot read it: no image is found in it")
    if frames != 1:
        raise FileError(path, f"expected one image, but found {frames}")
    return StoredImage(path, pixels)


def _packed(path: str, *asked: Any) -> StoredImage:
    with _unpacked(path) as inside, _named(path, inside):
        if _format_of(inside).name == "packed":
            raise FileError(path, "is packed twice")
        found = read_image(inside, *asked)
    return StoredImage(path, found.pixels, found.header)


@contextlib.contextmanager
def _unpacked(path: str) -> Iterator[str]:
    """A temporary file of what is packed, under its own name without the last ending."""
    opened: Callable[[str], Any] = bz2.open if read_bytes(path, 3) == b"BZh" else gzip.open
    name = os.path.splitext(os.path.basename(path))[0]
    with tempfile.TemporaryDirectory() as folder:
        inside = os.path.join(folder, name or "image")
        left = LARGEST
        try:
            with opened(path) as packed, open(inside, "wb") as file:
                while piece := packed.read(1 << 24):
                    left -= file.write(piece)
                    if left < 0:
                        raise FileError(path, f"it unpacks to more than {LARGEST >> 30} GiB")
        except (OSError, EOFError, zlib.error) as error:
            raise FileError(path, f"cannot be unpacked: {' '.join(str(error).split())}") from error
        yield inside


@contextlib.contextmanager
def _named(name: str, inside: str) -> Iterator[None]:
    """Messages about a temporary file, as messages about the file that it comes from."""
    try:
        yield
    except FileError as error:
        if error.path != inside:
            raise
        raise FileError(name, error.reason, error.line) from error


class _Format(NamedTuple):
    name: str
    begins: Callable[[bytes], bool]
    endings: tuple[str, ...]
    read: Callable[..., StoredImage]


def _with(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda start: start.startswith(starts)


_FORMATS = (
    _Format("HDF5", _with(hdf5.MAGIC), (".h5", ".hdf5", ".nxs"), _hdf5),
    _Format("npy", _with(npy.MAGIC), (), _npy),
    _Format("npz", _with(b"PK\x03\x04"), (), _npz),
    _Format("SMV", looks_like_smv, (), _smv),
    _Format("PGM", lambda start: start.startswith(b"P5") and start[2:3].isspace(), (), _pgm),
    _Format("packed", _with(b"\x1f\x8b", b"BZh"), (), _packed),
    _Format("fabio's", _with(b"###CBF", b"II*\0", b"MM\0*"), (".cbf", ".edf", ".tif", ".tiff", ".mccd"), _fabio),
)
_RAW = _Format("raw", lambda start: True, (), _raw)


def _format_of(path: str | os.PathLike[str]) -> _Format:
    start, ending = read_bytes(path, 512), os.path.splitext(os.fspath(path))[1].lower()
    by_content = (each for each in _FORMATS if each.begins(start))
    by_name = (each for each in _FORMATS if ending in each.endings)
    return next(by_content, None) or next(by_name, _RAW)
