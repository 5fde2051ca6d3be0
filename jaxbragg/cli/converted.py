"""Images of one format in another: marks and offsets as each defines them, and the geometry that is known."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jaxbragg.cli.errors import UsageError
from jaxbragg.io.atomic import together
from jaxbragg.io.geometry import Geometry, Rotation
from jaxbragg.io.image_formats import ImageFormat
from jaxbragg.io.images import StoredImage
from jaxbragg.io.numbered import template_over
from jaxbragg.io.recording import Frames, Recording, as_counts
from jaxbragg.io.sidecars import write_expt, write_geom
from jaxbragg.models import Beam, Crystal, Experiment, FlatPanel, StructureFactors

_OFFSET = 40.0  # of SMV, which has no negative numbers


def write_converted(
    kind: ImageFormat,
    names: list[str],
    sidecars: tuple[str, ...],
    geometry: Geometry | None,
    frames: list[Callable[[], StoredImage]],
    path: str,
) -> list[str]:
    """Write all images; a line for the log on each file.

    Args:
        kind: The format.
        names: One file, or one for each image.
        sidecars: .expt and .geom beside them, or none.
        geometry: Where the detector is, or None.
        frames: Each reads an image.
        path: They are read from.

    Raises:
        UsageError: If the format cannot hold such numbers.
        FileError: If a file cannot be read or written.
        ValueError: If the format cannot hold such images.
    """
    first = _photons(frames[0]())
    counts = first.dtype.kind != "f"
    if not counts and not kind.photons:
        raise UsageError(f"{names[0]}: {kind.name} holds counts, and {path} holds real numbers: expected photons")
    dtype, offset = (kind.counts, _OFFSET if kind.name == "SMV" else 0.0) if counts else ("float32", 0.0)
    whole = _recording(first, geometry, Frames(len(frames), dtype, ()), offset)

    def stored() -> Iterator[np.ndarray]:
        for each in frames:
            yield _stored(_photons(each()), dtype, offset, whole.missing)

    with together():
        if len(names) == 1:
            kind.write(names[0], _recording(first, geometry, Frames(len(frames), dtype, stored()), offset))
        else:
            for i, (name, image) in enumerate(zip(names, stored(), strict=True)):
                kind.write(name, _recording(first, geometry, Frames(1, dtype, (image,)), offset, i))
        if sidecars:
            write_expt(sidecars[0], whole, os.path.basename(names[0] if len(names) == 1 else template_over(names)))
            write_geom(sidecars[1], whole)
    said = names[0] if len(names) == 1 else f"{names[0]} … {os.path.basename(names[-1])}"
    of = "" if len(frames) == 1 else f"{len(frames)} images, "
    what = f"counts, {dtype}" if counts else "photons, float32"
    return [f"wrote {said}: {kind.name}, {of}{what}", *(f"wrote {name}" for name in sidecars)]


def _photons(image: StoredImage) -> np.ndarray:
    """Real numbers as they are; counts without their offset, −1 for a pixel that holds a mark."""
    pixels = image.pixels
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32)
    if pixels.dtype.kind == "b":
        return pixels.astype(np.int64)
    marks = (pixels < 0) if pixels.dtype.kind == "i" else np.zeros(pixels.shape, bool)
    if pixels.dtype == np.uint32:
        marks = pixels >= 2**32 - 1
    try:
        offset = float(image.header.get("ADC_OFFSET", 0.0))
    except ValueError:
        offset = 0.0
    counts = np.maximum(np.rint(pixels.astype(np.int64) - offset), 0).astype(np.int64)
    counts[marks] = -1
    return counts


def _stored(image: np.ndarray, dtype: str, offset: float, missing: Any) -> np.ndarray:
    if dtype == "float32":
        return image
    gone = image == -1 if missing is None else (image == -1) | missing
    return as_counts(np.maximum(image, 0), dtype, offset, gone)[0]


def _recording(image: np.ndarray, geometry: Geometry | None, frames: Any, offset: float, number: int = 0) -> Recording:
    """The images with the geometry; where there is none, with a panel that only the number of pixels is taken from."""
    factors = StructureFactors(default=1.0)
    if geometry is None:
        panel = FlatPanel.from_distance((image.shape[-2], image.shape[-1]), 1e-4, 0.1)
        experiment = Experiment(
            beam=Beam(), crystal=Crystal((1, 1, 1, 90, 90, 90)), detector=panel, structure_factors=factors
        )
        return Recording(experiment, frames, offset=offset, has_crystal=False)
    crystal = None if geometry.vectors is not None else Crystal((1, 1, 1, 90, 90, 90))
    wavelength = geometry.wavelength
    if wavelength is None:
        raise UsageError(f"{geometry.path}: it does not say the wavelength, which images hold")
    experiment = geometry.experiment(factors, crystal=crystal)
    turning = geometry.rotation
    if turning is not None:
        turning = Rotation(turning.start + number * turning.width, turning.width)
    return Recording(experiment, frames, turning, geometry.material, offset, has_crystal=geometry.vectors is not None)
