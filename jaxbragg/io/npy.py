"""Arrays of numpy: .npy, one array, and .npz, an archive of several.

numpy's own reader sets aside what a header claims before it looks whether the file holds that much, and raises
whatever it stumbles over.
"""

from __future__ import annotations

import io
import math
import os
import warnings
import zipfile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.text import LARGEST, check_regular, read_claimed, size_of

MAGIC = b"\x93NUMPY"
_READERS: dict[tuple[int, int], Any] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npy(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Reads one array of numbers.

    Args:
        path: .npy file.

    Raises:
        FileError: The file cannot be read, is no such array, holds something else than real numbers or truth values,
            or is shorter or longer than its header says.
    """
    content = read_claimed(path, lambda head: _header(path, head).end)
    return _array(path, content, size_of(path, content))


def read_npz(path: str | os.PathLike[str], what: str = "an archive of arrays") -> dict[str, NDArray[Any]]:
    """Reads an archive of arrays of numbers.

    Args:
        path: .npz file.
        what: What is expected in it, for messages.

    Returns:
        The arrays by their names, without ".npy", in the file's order.

    Raises:
        FileError: The file cannot be read, is no archive of arrays, is damaged, or unpacks to more than `LARGEST`.
    """
    check_regular(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > LARGEST:
                raise FileError(path, f"expected arrays of at most {LARGEST >> 30} GiB in all, but found more")
            found: dict[str, NDArray[Any]] = {}
            for member in members:
                # Cut off where the table of contents says: what is packed may be endless all the same.
                with archive.open(member) as file:
                    content = file.read(member.file_size + 1)
                found[member.filename.removesuffix(".npy")] = _array(path, content, len(content))
            return found
    except FileError:
        raise
    except MemoryError:
        raise FileError(path, "the file does not fit into memory") from None
    except Exception as error:  # zipfile and its decompressors raise what they will at a broken archive
        said = " ".join(str(error).split())
        raise FileError(path, f"expected {what} (.npz), but it cannot be read as that: {said}") from error


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    start: int
    end: int


def _header(path: str | os.PathLike[str], content: bytes) -> _Header:
    stream = io.BytesIO(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote, which are read all the same
            shape, fortran, dtype = _READERS[np.lib.format.read_magic(stream)](stream)
    except Exception as error:  # its header is a Python expression: anything may go wrong with it
        raise FileError(path, "expected an array of numpy (.npy), but its header is damaged") from error
    if dtype.kind not in "biuf":
        raise FileError(path, f"expected real numbers, but found the type {dtype}")
    if min(shape, default=1) < 0:
        raise FileError(path, f"expected an array, but its shape is {shape}")
    start = stream.tell()
    return _Header(shape, fortran, dtype, start, start + math.prod(shape) * dtype.itemsize)


def _array(path: str | os.PathLike[str], content: bytes, found: int) -> NDArray[Any]:
    header = _header(path, content)
    if len(content) != header.end:
        shape = "×".join(map(str, header.shape))
        raise FileError(path, f"expected {header.end} bytes for {shape} numbers of {header.dtype}, but found {found}")
    order = "F" if header.fortran else "C"
    array = np.ndarray(header.shape, header.dtype, content, header.start, order=order)
    return array.astype(header.dtype.newbyteorder("="))
