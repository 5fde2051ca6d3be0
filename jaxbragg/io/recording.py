"""What is written into an image file of any format: images, and all that is known of how they came about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.geometry.record import Rotation
from jaxbragg.models import CurvedDetector, Experiment, FlatPanel, MultiPanel

SURFACE = 1e-9
"""Thickness of a sensor that has none [m]: no parallax, and not 0, which DIALS takes for an error."""


class Frames(NamedTuple):
    """Images that are made one after the other: no more than one of them is ever held.

    Attributes:
        number: How many.
        dtype: float32 for expected photons; uint16, uint32 or int32 for counts.
        images: They, `(slow, fast)` or `(panel, slow, fast)` each.
    """

    number: int
    dtype: str
    images: Iterable[NDArray[Any]]


@dataclass(frozen=True)
class Recording:
    """Images as a detector would have recorded them.

    Attributes:
        experiment: Of the first image. Its mask says which pixels are there.
        frames: The images.
        rotation: None for stills, which have no goniometer.
        material: Of the sensor, "Si", "CdTe" or "GaAs"; "" where it is not known: models have its attenuation alone.
        offset: What was added to every count.
        saturation: Most counts that a pixel of the detector holds; None for what the file's numbers do.
        software: What made them.
        has_crystal: Whether the experiment's crystal is that of the images, not one that stands for an unknown one.
    """

    experiment: Experiment
    frames: Frames
    rotation: Rotation | None = None
    material: str = ""
    offset: float = 0.0
    saturation: int | None = None
    software: str = "jaxbragg"
    has_crystal: bool = True

    @classmethod
    def of(cls, images: Any, experiment: Experiment, rotation: Rotation | None = None, **others: Any) -> Recording:
        """A recording of images that are there.

        Args:
            images: Of the detector's shape, one or a stack of several.
            experiment: Of the first image.
            rotation: None for stills.
            **others: Further attributes.

        Raises:
            ValueError: If the images are not of the detector's shape.
        """
        stack, shape = np.asarray(images), experiment.detector.image_shape
        if stack.shape == shape:
            stack = stack[None]
        if stack.ndim == 0 or stack.shape[1:] != shape:
            raise ValueError(f"Argument `images` must be of {_times(shape)} pixels each, but is {_times(stack.shape)}.")
        return cls(experiment, Frames(len(stack), stack.dtype.name, stack), rotation, **others)

    @property
    def panels(self) -> tuple[FlatPanel, ...]:
        """The flat panels of the detector.

        Raises:
            ValueError: If it has others.
        """
        detector = self.experiment.detector
        if isinstance(detector, MultiPanel):
            return detector.panels
        if not isinstance(detector, FlatPanel):
            raise ValueError(f"Files know flat panels, and a {type(detector).__name__} has others.")
        return (detector,)

    @property
    def missing(self) -> NDArray[np.bool_] | None:
        """Pixels that are not there, of the shape of an image; None where all are."""
        detector = self.experiment.detector
        mask = detector.mask
        return None if mask is None else ~np.asarray(mask).reshape(detector.image_shape)

    @property
    def largest_good(self) -> int:
        """The largest number of a pixel that is not full, of counts."""
        largest = int(np.iinfo(self.frames.dtype).max)
        return (largest if self.saturation is None else min(largest, int(self.saturation + self.offset))) - 1

    @property
    def is_curved(self) -> bool:
        """Whether no file can say where the pixels are."""
        return isinstance(self.experiment.detector, CurvedDetector)

    def checked(self, *types: str) -> Iterator[NDArray[Any]]:
        """The images, one by one.

        Args:
            *types: That the format has.

        Raises:
            ValueError: If one is of another type or shape.
        """
        shape, count = self.experiment.detector.image_shape, 0
        for image in self.frames.images:
            if image.shape != shape or image.dtype.name not in types:
                raise ValueError(
                    f"Argument `images` must be {', '.join(types)} of {_times(shape)} pixels, but is "
                    f"{image.dtype.name} of {_times(image.shape)}."
                )
            count += 1
            yield image
        if count != self.frames.number:
            raise ValueError(f"Argument `images` must be {self.frames.number} images, but is {count}.")


def as_counts(
    counts: NDArray[Any], dtype: str, offset: float, missing: Any, saturation: int | None = None
) -> tuple[NDArray[Any], int]:
    """Counts as a file of that type holds them, and how many are full.

    A pixel that is full holds what the detector's pixels hold at most, if that is known; else, and where the type ends
    before, the largest number but one of unsigned 32-bit and the largest of the others. One that is not there holds
    2³² − 1 in unsigned 32-bit numbers, −1 in signed ones, and 0 in unsigned 16-bit ones, which have no mark.

    Args:
        counts: Of the pixels.
        dtype: uint16, uint32 or int32.
        offset: What is added to each.
        missing: Pixels that are not there, or None.
        saturation: Most counts that a pixel holds, or None.
    """
    kind = np.iinfo(dtype)
    largest = kind.max - (dtype == "uint32")
    # Twice the memory for one moment, and no rounding: counts are below 2³¹.
    shifted = np.floor(counts + np.float64(offset)) if offset else counts
    if saturation is not None:
        largest = min(largest, int(saturation + offset))
    exact = dtype == "uint16" or saturation is not None
    of_full, from_here = (shifted, largest) if exact else (counts, 2**31 - 2**7)
    least, most = shifted.min(initial=0), shifted.max(initial=0)  # soon told, and nearly always within
    full = 0 if most < min(from_here, largest) else int((of_full >= from_here).sum())
    stored = (shifted if least >= 0 and most <= largest else np.clip(shifted, 0, largest)).astype(dtype)
    if missing is not None:
        stored[missing] = {"uint32": kind.max, "int32": -1}.get(dtype, 0)
    return stored, full


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
