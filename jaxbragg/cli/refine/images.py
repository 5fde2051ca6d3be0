"""The measured images of a refinement: files of several formats into photons, with the pixels that may be used."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jaxbragg.cli.refine.config import Config
from jaxbragg.io.errors import FileError
from jaxbragg.io.images import StoredImage, is_hdf5, read_image, read_mask
from jaxbragg.refine.flagged import flagged

# Photons: in an image without an offset some pixel is below, unless its background is bright.
_SUSPICIOUS = 10.0


class Loaded(NamedTuple):
    """One image.

    Attributes:
        path: Its file.
        photons: In the detector's shape; infinite where a pixel is full or holds a mark.
        mask: Pixels that may be used, or None.
        untrusted: How many trusted_range leaves out.
        background: Photons known to be there, or None.
        shoeboxes: As in the configuration, or None.
        notes: What was taken from the file, for the log.
        warnings: What is probably not meant.
    """

    path: str
    photons: np.ndarray
    mask: np.ndarray | None
    untrusted: int
    background: Any
    shoeboxes: list[tuple[int, ...]] | None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


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
    for key in ("dataset", "frame"):
        if key in row and not is_hdf5(path):
            raise config.wrong("images", index, key, f"goes with an HDF5 file, and {path} is none")
    image = _read(path, shape, row.get("dataset"), row.get("frame"))
    stored = image.pixels.astype(np.float64)
    mask = None
    if "mask" in row:
        mask = _mask_of(config.beside(row["mask"]), shape)
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
    offset, notes = _offset(row, image)
    photons = (stored - offset) / row.get("gain", 1.0)
    if "trusted_range" not in row:
        photons[flagged(image.pixels)] = np.inf
    return Loaded(path, photons, mask, untrusted, background, boxes, notes, _about_offset(row, notes, path, photons))


def _offset(row: dict[str, Any], image: StoredImage) -> tuple[float, tuple[str, ...]]:
    """What is to be taken off each pixel: as the configuration says, or the file's own header."""
    if "offset" in row or "ADC_OFFSET" not in image.header:
        return row.get("offset", 0.0), ()
    text = image.header["ADC_OFFSET"]
    try:
        offset = float(text)
    except ValueError:
        offset = np.nan
    if not np.isfinite(offset):
        raise FileError(image.path, f"expected a number for ADC_OFFSET in the header, but found {text!r}")
    return offset, (f"{image.path}: offset = {offset:g} is taken off, as its header says (ADC_OFFSET)",)


def _about_offset(row: dict[str, Any], notes: tuple[str, ...], path: str, photons: np.ndarray) -> tuple[str, ...]:
    """A warning where an offset was probably forgotten."""
    used = photons[np.isfinite(photons)]
    if "offset" in row or "background" in row or notes or not used.size or used.min() < _SUSPICIOUS:
        return ()
    return (
        f"no pixel of {path} is below {used.min():g}: if so much was added to each, say offset = {used.min():g}; "
        "offset = 0 says that nothing was",
    )


def _mask_of(path: str, shape: tuple[int, ...]) -> np.ndarray:
    """Which pixels may be used."""
    mask = read_mask(path, shape).pixels
    _check_shape(path, mask, shape)
    return mask


def read_pixels(path: str, shape: tuple[int, ...], dataset: str | None = None, frame: int | None = None) -> np.ndarray:
    """Pixels as they are stored, in float64.

    Args:
        path: Any format that `jaxbragg.io.read_image` reads.
        shape: What the image must have.
        dataset: Of an HDF5 file; needed where it holds several that could be meant.
        frame: Of a dataset with one dimension more.

    Raises:
        FileError: If it cannot be read, or is of another shape.
    """
    return _read(path, shape, dataset, frame).pixels.astype(np.float64)


def _read(path: str, shape: tuple[int, ...], dataset: str | None, frame: int | None) -> StoredImage:
    image = read_image(path, shape, dataset, frame)
    _check_shape(path, image.pixels, shape)
    return image


def _check_shape(path: str, pixels: np.ndarray, shape: tuple[int, ...]) -> None:
    if pixels.shape != shape:
        found, wanted = (" × ".join(map(str, each)) for each in (pixels.shape, shape))
        raise FileError(path, f"expected {wanted} pixels (slow × fast) as the flags say, but found {found}")
