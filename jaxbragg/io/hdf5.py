"""Images in HDF5 files: a dataset of one image, or one frame of a dataset of several."""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.text import LARGEST, check_regular

MAGIC = b"\x89HDF\r\n\x1a\n"
_USUAL = "entry/data/data"  # where NeXus has the image, beside whatever else is of its shape


def read_hdf5_image(
    path: str | os.PathLike[str],
    shape: Sequence[int] | None = None,
    dataset: str | None = None,
    frame: int | None = None,
) -> NDArray[Any]:
    """Reads one image.

    Args:
        path: HDF5 file.
        shape: What tells the image from other datasets, `(slow, fast)` or `(panel, slow, fast)`; without it, two
            dimensions are an image.
        dataset: Its name, needed where several could be meant. NeXus's pixel_mask, where 0 is a
            good pixel, is meant only if it is named.
        frame: Which image of a dataset with one dimension more, from 0.

    Raises:
        FileError: The file cannot be read, is damaged, or does not hold one such image.
    """
    rank = 2 if shape is None else len(shape)
    with _opened(path, shape, dataset) as (name, found):
        sizes: tuple[int, ...] | None = found.shape
        if sizes is None or 0 in sizes:
            raise FileError(path, f"the dataset {name!r} is empty")
        if found.dtype.kind not in "biuf":
            raise FileError(path, f"expected real numbers in {name!r}, but found the type {found.dtype}")
        if shape is not None and rank == 3 and sizes[-2:] == _stacked(shape) and len(sizes) in (2, 3):
            return _frame_of(path, found, name, 2, frame, shape).reshape(shape)
        if len(sizes) not in (rank, rank + 1):
            raise FileError(path, f"expected images in {name!r}, but found {len(sizes)} dimensions")
        return _frame_of(path, found, name, rank, frame, shape)


def frames_in(path: str | os.PathLike[str], shape: Sequence[int] | None = None, dataset: str | None = None) -> int:
    """How many images a dataset holds; the arguments are those of `read_hdf5_image`.

    Raises:
        FileError: The file cannot be read, is damaged, or does not hold one such dataset.
    """
    rank = 2 if shape is None else len(shape)
    with _opened(path, shape, dataset) as (name, found):
        sizes: tuple[int, ...] = found.shape or ()
        if shape is not None and rank == 3 and sizes[-2:] == _stacked(shape):
            rank = 2
        if len(sizes) not in (rank, rank + 1) or 0 in sizes:
            raise FileError(path, f"expected images in {name!r}, but found {len(sizes)} dimensions")
        return 1 if len(sizes) == rank else int(found.shape[0])


@contextmanager
def _opened(path: Any, shape: Sequence[int] | None, dataset: str | None) -> Iterator[tuple[str, Any]]:
    """A file's dataset, by its name or as the only one that could be meant."""
    import h5py

    # Filters of detectors (bitshuffle) come with this extra; without it h5py says which filter it lacks.
    if importlib.util.find_spec("hdf5plugin") is not None:
        importlib.import_module("hdf5plugin")
    check_regular(path)
    with _faults(path), h5py.File(path, "r") as file:
        name = _only_dataset(path, file, shape, 2 if shape is None else len(shape)) if dataset is None else dataset
        found = file.get(name)
        if not isinstance(found, h5py.Dataset):
            raise FileError(path, f"there is no dataset {name!r} in it")
        yield name, found


def _stacked(shape: Sequence[int]) -> tuple[int, int]:
    """Rows and columns where the panels of an image are one below the other."""
    return shape[0] * shape[1], shape[2]


def _frame_of(path: Any, found: Any, name: str, rank: int, frame: int | None, shape: Any) -> NDArray[Any]:
    """One image of a dataset."""
    sizes = found.shape
    if math.prod(sizes[-rank:]) * found.dtype.itemsize > LARGEST:
        raise FileError(path, f"an image of {name!r} is larger than {LARGEST >> 30} GiB")
    if len(sizes) == rank:
        if frame not in (None, 0):
            raise FileError(path, f"the dataset {name!r} is one image, but frame {frame} is asked for")
        return np.asarray(found[()])
    if frame is None and sizes[0] != 1:
        hint = "say which with frame = 0" if shape is not None else "one is expected here"
        raise FileError(path, f"{name!r} holds {sizes[0]} images: {hint}")
    if not 0 <= (frame or 0) < sizes[0]:
        raise FileError(path, f"{name!r} holds {sizes[0]} images, but frame {frame} is asked for")
    return np.asarray(found[frame or 0])


@contextmanager
def _faults(path: str | os.PathLike[str]) -> Iterator[None]:
    """Whatever the library raises at a damaged file, as one that names it."""
    try:
        yield
    except FileError:
        raise
    except MemoryError:
        raise FileError(path, "the image does not fit into memory") from None
    except Exception as error:
        raise FileError(path, f"HDF5 cannot read it: {' '.join(str(error).split())}") from error


def _only_dataset(path: str | os.PathLike[str], file: Any, shape: Sequence[int] | None, rank: int) -> str:
    import h5py

    names: list[str] = []

    def look(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or item.shape is None:
            return
        alike = len(item.shape) in (rank, rank + 1) and (shape is None or item.shape[-rank:] == tuple(shape))
        if shape is not None and rank == 3:
            alike |= len(item.shape) in (2, 3) and item.shape[-2:] == _stacked(shape)
        if alike and item.dtype.kind in "biuf" and not name.endswith("pixel_mask"):
            names.append(name)

    file.visititems(look)
    if _USUAL in names:
        return _USUAL
    if len(names) != 1:
        held = f"{len(names)} datasets ({', '.join(names[:4])})" if names else "no dataset"
        size = f"{rank} dimensions" if shape is None else f"{' × '.join(map(str, shape))} pixels"
        # Whoever knows no shape has no way to name a dataset either: a comparison, -mask.
        hint = "say which with dataset = '…'" if shape is not None else "one is expected here"
        raise FileError(path, f"{held} of {size} in it: {hint}")
    return names[0]
