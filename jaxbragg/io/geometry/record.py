"""What a file says of where beam, detector, spindle and crystal are, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbragg.models import AbsoluteSources, Beam, Crystal, Experiment, FlatPanel, Goniometer, MultiPanel, Scan
from jaxbragg.models.readable import with_fields


class Rotation(NamedTuple):
    """How the crystal turns from image to image [deg].

    Attributes:
        start: Of the first image.
        width: Of each image.
    """

    start: float
    width: float


@dataclass(frozen=True)
class Geometry:
    """Beam, detector, spindle and crystal of a file, in the file's own frame.

    Attributes:
        path: The file.
        kind: Its format.
        detector: One panel or several.
        wavelength: [Å]; None where the file does not say.
        direction: Unit vector of the photons.
        polarization: Kahn's factor, −1 … 1; None where the file does not say.
        polarization_axis: Unit vector of the electric field, across the beam.
        spectrum: Wavelengths [Å] and weights, or None.
        axis: Unit vector of the spindle.
        rotation: None for stills.
        images: How many the file is about.
        vectors: Rows a, b, c of the crystal at φ = 0 [Å]; None where the file has no crystal.
        material: Of the sensor; "" where the file does not say.
        goniometer: The chain of axes on which the crystal is turned; None where the file has no several.
        notes: What was left out or taken for granted, a line each.
    """

    path: str
    kind: str
    detector: FlatPanel | MultiPanel
    wavelength: float | None
    direction: NDArray[np.float64]
    polarization: float | None
    polarization_axis: NDArray[np.float64]
    axis: NDArray[np.float64]
    spectrum: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    rotation: Rotation | None = None
    images: int = 1
    vectors: NDArray[np.float64] | None = None
    material: str = ""
    notes: tuple[str, ...] = ()
    goniometer: Goniometer | None = None

    def beam(self, wavelength: float | None = None, **arguments: Any) -> Beam:
        """The beam.

        Args:
            wavelength: [Å]; None for the file's.
            **arguments: As for `Beam`, such as `fluence`.

        Raises:
            ValueError: If neither says the wavelength.
        """
        if wavelength is None and self.wavelength is None:
            raise ValueError(f"Argument `wavelength` must be given, for {self.path} does not say it.")
        mine: dict[str, Any] = {
            "direction": self.direction,
            "polarization_axis": self.polarization_axis,
            "polarization": self.polarization or 0.0,
        }
        if wavelength is None and self.spectrum is not None:
            mine["sources"] = self.sources()
        return Beam(self.wavelength if wavelength is None else wavelength, **(mine | arguments))

    def sources(self) -> AbsoluteSources | None:
        """Those of the spectrum, all along the beam; None where there is none."""
        if self.spectrum is None:
            return None
        wavelengths, weights = self.spectrum
        return AbsoluteSources(np.tile(self.direction, (len(wavelengths), 1)), wavelengths, weights)

    def scan(self, steps: int = 1, image: int = 0) -> Scan:
        """The rotation during one image.

        Args:
            steps: Spindle angles.
            image: Which one, from 0.
        """
        if self.rotation is None:
            return Scan((0.0,), self.axis)
        start, width = self.rotation
        return Scan.from_range(start + image * width, width, steps, self.axis)

    def crystal(self, **arguments: Any) -> Crystal:
        """The crystal in its orientation.

        Args:
            **arguments: As for `Crystal`, such as `cells`.

        Raises:
            ValueError: If the file has none.
        """
        if self.vectors is None:
            raise ValueError(f"Argument `crystal` must be given, for {self.path} has none.")
        return Crystal.from_vectors(self.vectors, **arguments)

    def experiment(self, structure_factors: Any, *, crystal: Crystal | None = None, **others: Any) -> Experiment:
        """All of it, with what no such file has.

            experiment = jb.load("refined.expt").experiment(factors, cells=20)

        Args:
            structure_factors: Of the crystal.
            crystal: None for the file's own.
            **others: `beam`, `scan`, `detector` or `background` in place of the file's; the rest goes to `crystal`.
                Crystal and scan of the file both stand on its goniometer, if it has one.

        Raises:
            ValueError: If the file lacks what is not given.
        """
        parts = {name: others.pop(name) for name in ("beam", "scan", "detector", "background") if name in others}
        if self.goniometer is not None and crystal is None and "scan" not in parts and self.vectors is not None:
            # As the file has it: the crystal as it would be with all axes at 0, on the chain.
            vectors = self.vectors @ np.asarray(self.goniometer.mounted(), float)
            crystal, others = Crystal.from_vectors(vectors, **others), {}
            parts["scan"] = with_fields(self.scan(), axis=None, goniometer=self.goniometer)
        parts = {"beam": parts.get("beam") or self.beam(), "scan": self.scan(), "detector": self.detector} | parts
        return Experiment(
            crystal=self.crystal(**others) if crystal is None else crystal, structure_factors=structure_factors, **parts
        )
