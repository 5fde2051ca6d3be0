"""The measured images of a refinement: files of several formats into photons, with the pixels that may be used."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any, NamedTuple

import numpy as np

from jaxbragg.cli.refine.config import Config
from jaxbragg.io.errors import FileError, reason_of
from jaxbragg.io.raw import read_float_image
from jaxbragg.io.smv import read_smv
from jaxbragg.io.text import read_bytes

_HDF5 = (".h5", ".hdf5", ".nxs")
_LARGEST = 65535.0
_FABIO = (".cbf", ".edf", ".tif", ".tiff", ".mccd", ".gz", ".bz2")


class Loaded(NamedTuple):
    """One image.

    Attributes:
        path: Its file.
        photons: In the detector's shape.
        mask: Pixels that may be used, or None.
        untrusted: How many trusted_range leaves out.
        full: How many hold the largest number that a 16-bit file can: probably overloads.
        background: Photons known to be there, or None.
        shoeboxes: As in the configuration, or None.
    """

    path: str
    photons: np.ndarray
    mask: np.ndarray | None
    untrusted: int
    full: int
    background: Any
    shoeboxes: list[tuple[int, ...]] | None


def load_image(config: Config, index: int, shape: tuple[int, ...]) -> Loaded:
    """Read one image of the configuration.

    Args:
        config: The file.
        index: Which image.
        shape: Of the detector: [slow, fast].

    Raises:
        FileError: If a file cannot be read, or is of another size, or leaves no pixel to be used.
        UsageError: If the keys do not go together.
    """
    row = {**config.table("every_image"), **config.rows("images")[index]}
    path = config.beside(row["file"])
    if not path.lower().endswith(_HDF5):
        for key in ("dataset", "frame"):
            if key in row:
                raise config.wrong("images", index, key, f"goes with an HDF5 file ({', '.join(_HDF5)}), not {path}")
    stored = read_pixels(path, shape, row.get("dataset"), row.get("frame"))
    mask = None
    if "mask" in row:
        mask = read_pixels(config.beside(row["mask"]), shape) != 0
        if not mask.any():
            raise FileError(config.beside(row["mask"]), "the mask leaves no pixel to be used: all of them are 0")
    untrusted = 0
    if "trusted_range" in row:
        low, high = row["trusted_range"]
        beyond = (stored < low) | (stored > high)  # NaN is neither: it is counted as what it is
        untrusted = int((beyond if mask is None else beyond & mask).sum())
        mask = ~beyond if mask is None else mask & ~beyond
    if mask is not None and not mask.any():
        raise FileError(path, f"no pixel is left by the mask and trusted_range ({untrusted} lie beyond the range)")
    if not np.isfinite(stored if mask is None else stored[mask]).any():
        raise FileError(path, "expected numbers, but all pixels that are to be used are NaN")
    background = row.get("background")
    if isinstance(background, str):
        background = read_pixels(config.beside(background), shape)
    boxes = [tuple(box) for box in row["shoeboxes"]] if "shoeboxes" in row else None
    photons = (stored - row.get("offset", 0.0)) / row.get("gain", 1.0)
    full = 0 if "trusted_range" in row else int((stored == _LARGEST).sum())
    return Loaded(path, photons, mask, untrusted, full, background, boxes)


def read_pixels(path: str, shape: tuple[int, ...], dataset: str | None = None, frame: int | None = None) -> np.ndarray:
    """Pixels as they are stored, in float64.

    Args:
        path: SMV, .npy, HDF5, what fabio reads, or else raw float32.
        shape: What the image must have.
        dataset: Of an HDF5 file; needed where it holds several that could be meant.
        frame: Of a dataset with one dimension more.

    Raises:
        FileError: If it cannot be read, or is of another shape.
    """
    ending = os.path.splitext(path)[1].lower()
    start = read_bytes(path, 512)
    if ending in _HDF5:
        pixels = _hdf5(path, shape, dataset, frame)
    elif start.startswith(b"\x93NUMPY"):
        pixels = _numpy(path)
    elif start.startswith(b"{") and b"HEADER_BYTES" in start:
        pixels = read_smv(path)[1]
    elif ending in _FABIO:
        pixels = _fabio(path)
    else:
        pixels = read_float_image(path, shape)
    if pixels.shape != shape:
        found, wanted = (" × ".join(map(str, each)) for each in (pixels.shape, shape))
        raise FileError(path, f"expected {wanted} pixels (slow × fast) as the flags say, but found {found}")
    if not (np.issubdtype(pixels.dtype, np.number) or pixels.dtype == bool) or np.iscomplexobj(pixels):
        raise FileError(path, f"expected real numbers, but found the type {pixels.dtype}")
    return pixels.astype(np.float64)


def _numpy(path: str) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FileError(path, f"expected an array of numpy, but {error}") from None


def _hdf5(path: str, shape: tuple[int, ...], dataset: str | None, frame: int | None) -> np.ndarray:
    import h5py

    # Filters of detectors (bitshuffle) come with this extra; without it h5py says which filter it lacks.
    if importlib.util.find_spec("hdf5plugin") is not None:
        importlib.import_module("hdf5plugin")
    try:
        with h5py.File(path, "r") as file:
            name = _only_dataset(path, file, shape) if dataset is None else dataset
            found = file.get(name)
            if not isinstance(found, h5py.Dataset):
                raise FileError(path, f"there is no dataset {name!r} in it")
            if found.ndim == len(shape):
                if frame not in (None, 0):
                    raise FileError(path, f"the dataset {name!r} is one image, but frame {frame} is asked for")
                return np.asarray(found[()])
            if found.ndim != len(shape) + 1:
                raise FileError(path, f"expected images in {name!r}, but found {found.ndim} dimensions")
            if frame is None and found.shape[0] != 1:
                raise FileError(path, f"{name!r} holds {found.shape[0]} images: say which with frame = 0")
            if (frame or 0) >= found.shape[0]:
                raise FileError(path, f"{name!r} holds {found.shape[0]} images, but frame {frame} is asked for")
            return np.asarray(found[frame or 0])
    except OSError as error:
        raise FileError(path, reason_of(error)) from error


def _only_dataset(path: str, file: Any, shape: tuple[int, ...]) -> str:
    import h5py

    names: list[str] = []

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape[-len(shape) :] == shape and item.ndim <= len(shape) + 1:
            names.append(name)

    file.visititems(look)
    if len(names) != 1:
        held = f"{len(names)} datasets ({', '.join(names[:4])})" if names else "no dataset"
        raise FileError(path, f"{held} of {' × '.join(map(str, shape))} pixels in it: say which with dataset = '…'")
    return names[0]


def _fabio(path: str) -> np.ndarray:
    try:
        fabio: Any = importlib.import_module("fabio")
    except ImportError:
        raise FileError(path, "this format needs fabio: pip install 'jaxbragg[io]'") from None
    try:
        return np.asarray(fabio.open(path).data)
    except Exception as error:  # fabio raises whatever its many readers raise
        raise FileError(path, f"fabio cannot read it: {' '.join(str(error).split())}") from None
