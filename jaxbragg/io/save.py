"""One function that writes images in any format: told by the name of the file."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from jaxbragg.io.geometry.record import Rotation
from jaxbragg.io.image_formats import ENDINGS, format_of
from jaxbragg.io.recording import Recording, as_counts
from jaxbragg.models import Experiment


def save(
    path: str | os.PathLike[str],
    experiment: Experiment,
    images: Any,
    rotation: Rotation | tuple[float, float] | None = None,
    *,
    material: str = "",
    offset: float = 0.0,
    saturation: int | None = None,
) -> None:
    """Write one image or a series, with the geometry that the format has room for.

        jb.save("image.h5", experiment, jb.simulate(experiment))

    Args:
        path: The ending says the format: .h5, .nxs (NXmx), .cbf (miniCBF), .img (SMV), .tif, .edf, .npy.
        experiment: Of the first image; its mask says which pixels are there.
        images: Of the detector's shape, or a stack of them: real numbers are expected photons and become float32, whole
            numbers are counts and become what the format has; pixels that are not there are marked.
        rotation: Start of the first image and width of each [deg]; None for stills.
        material: Of the sensor, "Si", "CdTe" or "GaAs".
        offset: Added to counts, which SMV headers say.
        saturation: Most counts that a pixel holds, such as `product_named("pilatus-6m").saturation`: what is above is
            cut off there, and marked as full where the format has a place for that. None for all that numbers hold.

    Raises:
        FileError: The file cannot be written.
        ValueError: The name says no format, the format cannot hold such images, or `saturation` is below 1.
    """
    kind = format_of(path)
    if kind is None:
        raise ValueError(f"Argument `path` must end in one of {', '.join(ENDINGS)}, but is {os.fspath(path)!r}.")
    if saturation is not None and saturation < 1:
        raise ValueError(f"Argument `saturation` must be at least 1, but is {saturation}.")
    stack = np.asarray(images)
    if stack.dtype.kind == "f":
        if not kind.photons:
            raise ValueError(f"Argument `images` must be counts for {kind.name}, but are {stack.dtype} numbers.")
        stored = stack.astype(np.float32)
    elif stack.dtype.kind in "iu":
        recording = Recording.of(stack, experiment)
        several = stack.reshape(-1, *experiment.detector.image_shape)
        missing = recording.missing
        stored = np.stack([as_counts(each, kind.counts, offset, missing, saturation)[0] for each in several])
    else:
        raise ValueError(f"Argument `images` must be numbers, but is of type {stack.dtype}.")
    turning = None if rotation is None else Rotation(*rotation)
    more = {"material": material, "offset": offset, "saturation": saturation}
    kind.write(path, Recording.of(stored, experiment, turning, **more))
