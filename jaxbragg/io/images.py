"""One door to whatever holds an image: by its content first, by the ending of its name second.

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
from typing import Any

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

HDF5_ENDINGS = (".h5", ".hdf5", ".nxs")
_FABIO_ENDINGS = (".cbf", ".edf", ".tif", ".tiff", ".mccd")
_FABIO_STARTS = (b"###CBF", b"II*\0", b"MM\0*")
_PACKED: dict[bytes, Callable[[str], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open}


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
    name = os.fspath(path)
    check_regular(path)  # it is opened more than once
    start, ending = read_bytes(path, 512), os.path.splitext(name)[1].lower()
    header: Mapping[str, str] = {}
    if start.startswith(hdf5.MAGIC):
        pixels = read_hdf5_image(path, shape, dataset, frame)
    elif packing := next((magic for magic in _PACKED if start.startswith(magic)), None):
        with _unpacked(path, _PACKED[packing]) as inside, _named(name, inside):
            if read_bytes(inside, 4).startswith((*_PACKED,)):
                raise FileError(path, "is packed twice")
            found = read_image(inside, shape, dataset, frame)
        return StoredImage(name, found.pixels, found.header)
    elif start.startswith(npy.MAGIC):
        pixels = read_npy(path)
    elif start.startswith(b"PK\x03\x04"):
        pixels = _only_array(path)
    elif looks_like_smv(start):
        header, pixels = read_smv(path)
    elif start.startswith(b"P5") and start[2:3].isspace():
        pixels = read_pgm(path)
    elif ending in HDF5_ENDINGS:
        pixels = read_hdf5_image(path, shape, dataset, frame)
    elif start.startswith(_FABIO_STARTS) or ending in _FABIO_ENDINGS:
        pixels = _fabio(path)
    else:
        pixels = _raw(path, shape)
    if pixels.dtype.kind not in "biuf":
        raise FileError(path, f"expected real numbers, but found the type {pixels.dtype}")
    if not pixels.size or not pixels.ndim:
        raise FileError(path, f"expected an image, but found an array of the shape {pixels.shape}")
    return StoredImage(name, pixels, header)


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


def _raw(path: str | os.PathLike[str], shape: Sequence[int] | None) -> NDArray[Any]:
    if shape is not None:
        return read_float_image(path, tuple(shape))
    content = read_bytes(path)
    if len(content) % 4:
        raise FileError(path, f"{len(content)} bytes are neither an image with a header nor float32 pixels")
    return np.frombuffer(content, "<f4").astype(np.float32)


def _only_array(path: str | os.PathLike[str]) -> NDArray[Any]:
    arrays = read_npz(path)
    if len(arrays) != 1:
        raise FileError(path, f"expected one array, but found {len(arrays)} ({', '.join([*arrays][:4])})")
    return next(iter(arrays.values()))


def _fabio(path: str | os.PathLike[str]) -> NDArray[Any]:
    try:
        fabio: Any = importlib.import_module("fabio")
    except ImportError:
        raise FileError(path, "this format needs fabio: pip install 'jaxbragg[io]'") from None
    log = logging.getLogger("fabio")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)  # it would print several lines before it fails
    try:
        with fabio.open(os.fspath(path)) as found:
            frames, pixels = found.nframes, np.asarray(found.data)
    except Exception as error:  # fabio raises whatever its many readers raise
        raise FileError(path, f"fabio cannot read it: {' '.join(str(error).split())}") from None
    finally:
        log.setLevel(level)
    if pixels.ndim != 2:
        raise FileError(path, "fabio cannot read it: no image is found in it")
    if frames != 1:
        raise FileError(path, f"expected one image, but found {frames}")
    return pixels


@contextlib.contextmanager
def _unpacked(path: str | os.PathLike[str], opened: Callable[[str], Any]) -> Iterator[str]:
    """A temporary file of what is packed, under its own name without the last ending."""
    name = os.path.splitext(os.path.basename(path))[0]
    with tempfile.TemporaryDirectory() as folder:
        inside = os.path.join(folder, name or "image")
        left = LARGEST
        try:
            with opened(os.fspath(path)) as packed, open(inside, "wb") as file:
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
