"""The two images of a comparison, from files of which only some say their shape and geometry."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from jaxbragg.compare.images import RingGeometry
from jaxbragg.io.errors import FileError
from jaxbragg.io.raw import read_float_image
from jaxbragg.io.smv import read_smv
from jaxbragg.io.text import read_bytes, to_float


@dataclasses.dataclass(frozen=True)
class ImageFile:
    """An image and what its header says.

    Attributes:
        path: The file.
        image: Pixels, `(slow, fast)`.
        center: Where the beam hits the detector, slow and fast; whole numbers are pixel centres.
        geometry: For the resolution.
    """

    path: str
    image: NDArray[Any]
    center: tuple[float, float] | None = None
    geometry: RingGeometry | None = None


def read_images(
    a: str | os.PathLike[str], b: str | os.PathLike[str], shape: Sequence[int] | None = None
) -> tuple[ImageFile, ImageFile]:
    """Reads two images of one shape: SMV, or else raw float32.

    Args:
        a: The one file.
        b: The other.
        shape: Slow and fast number of pixels of a raw image; without it, those of the other file's header, or a
            square.

    Raises:
        FileError: A file cannot be read, or the shapes differ.
    """
    paths = [os.fspath(path) for path in (a, b)]
    found: list[ImageFile | None] = [_with_header(path) if _is_smv(path) else None for path in paths]
    known = next((each.image.shape for each in found if each is not None), None) if shape is None else tuple(shape)
    first, second = (
        each or ImageFile(path, read_float_image(path, known or _square(path)))
        for path, each in zip(paths, found, strict=True)
    )
    if first.image.shape != second.image.shape:
        has, wanted = (" × ".join(map(str, each.image.shape)) for each in (second, first))
        raise FileError(second.path, f"expected {wanted} pixels (slow × fast) as in {first.path}, but found {has}")
    return first, second


def _is_smv(path: str) -> bool:
    start = read_bytes(path, 512)
    return start.startswith(b"{") and b"HEADER_BYTES" in start


def _square(path: str) -> tuple[int, int]:
    size = len(read_bytes(path))
    side = math.isqrt(size // 4)
    if 4 * side * side != size:
        reason = f"{size} bytes are neither SMV nor a square of float32 pixels: give the shape with --shape SLOW FAST"
        raise FileError(path, reason)
    return side, side


def _with_header(path: str) -> ImageFile:
    header, image = read_smv(path)
    return ImageFile(path, image, _center(header), _geometry(header))


def _center(header: Mapping[str, str]) -> tuple[float, float] | None:
    """From the DENZO centre: of all in the header, its axes alone mean the same in every convention of nanoBragg."""
    pixel, slow, fast = _numbers(header, "PIXEL_SIZE", "DENZO_X_BEAM", "DENZO_Y_BEAM")
    if not pixel or slow is None or fast is None:
        return None
    return slow / pixel - 0.5, fast / pixel - 0.5


def _geometry(header: Mapping[str, str]) -> RingGeometry | None:
    distance, pixel, wavelength = _numbers(header, "DISTANCE", "PIXEL_SIZE", "WAVELENGTH")
    if not distance or not pixel or not wavelength or min(distance, pixel, wavelength) < 0.0:
        return None
    return RingGeometry(distance, pixel, wavelength)


def _numbers(header: Mapping[str, str], *keys: str) -> list[float | None]:
    values = [to_float(header.get(key, "")) for key in keys]
    return [value if value is not None and math.isfinite(value) else None for value in values]
