"""The two images of a comparison, from files of which only some say their shape and geometry."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxbragg.compare.images import RingGeometry
from jaxbragg.io.errors import FileError
from jaxbragg.io.images import StoredImage, read_image
from jaxbragg.io.text import to_float
from jaxbragg.models import FlatPanel


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
    """Reads two images of one shape, of any format that `jaxbragg.io.read_image` reads.

    Args:
        a: The one file.
        b: The other.
        shape: Slow and fast number of pixels of a raw image; without it, those of the other file, or a square.

    Raises:
        FileError: A file cannot be read, or the shapes differ.
    """
    found = [read_image(path, shape) for path in (a, b)]
    known = next((each.pixels.shape for each in found if each.pixels.ndim > 1), None)
    first, second = (ImageFile(each.path, _as_plane(each, known), *_placed(each)) for each in found)
    if first.image.shape != second.image.shape:
        has, wanted = (" × ".join(map(str, each.image.shape)) for each in (second, first))
        raise FileError(second.path, f"expected {wanted} pixels (slow × fast) as in {first.path}, but found {has}")
    return first, second


def _as_plane(found: StoredImage, known: tuple[int, ...] | None) -> NDArray[Any]:
    """Slow and fast of what may be raw pixels without a shape: the other image's, or a square."""
    if found.pixels.ndim == 2:
        return found.pixels
    if found.pixels.ndim > 2:
        said = " × ".join(map(str, found.pixels.shape))
        raise FileError(found.path, f"expected slow × fast pixels, but found {said}")
    size = found.pixels.size
    side = math.isqrt(size)
    shape = (side, side) if known is None else known
    if math.prod(shape) == size:
        return found.pixels.reshape(shape)
    if known is None:
        reason = "neither an image with a header nor a square of float32 pixels: give the shape with --shape SLOW FAST"
        raise FileError(found.path, f"{4 * size} bytes are {reason}")
    wanted = f"{4 * math.prod(shape)} bytes for {'×'.join(map(str, shape))} pixels of float32"
    raise FileError(found.path, f"expected {wanted}, but found {4 * size}")


def _placed(found: StoredImage) -> tuple[tuple[float, float] | None, RingGeometry | None]:
    """Centre and rings: of an SMV header, or of whatever else says where the panel is."""
    if found.header:
        return _center(found.header), _geometry(found.header)
    from jaxbragg.io.geometry import load  # with gemmi, which others need not wait for

    try:
        geometry = load(found.path)
    except FileError:
        return None, None
    panel = geometry.detector
    if not isinstance(panel, FlatPanel) or not geometry.wavelength:
        return None, None
    origin, fast, slow, size, beam = (
        np.asarray(v, float)
        for v in (panel.origin, panel.fast_axis, panel.slow_axis, panel.pixel_size, geometry.direction)
    )
    normal = np.cross(fast, slow)
    cosine = abs(float(normal @ beam))
    if cosine < 0.999 or abs(size[0] / size[1] - 1) > 1e-6:  # rings are circles on panels across the beam alone
        return None, None
    distance = abs(float(origin @ normal)) / cosine
    spot = distance * beam - origin
    center = (float(spot @ slow) / size[1] - 0.5, float(spot @ fast) / size[0] - 0.5)
    return center, RingGeometry(distance * 1e3, float(size[0]) * 1e3, geometry.wavelength)


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
