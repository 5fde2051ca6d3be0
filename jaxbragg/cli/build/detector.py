"""Flags → detector: sizes, pivot, place and sensor."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxbragg.cli.build.frame import Frame
from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned
from jaxbragg.io import FileError
from jaxbragg.models import AbstractDetector, CurvedDetector, FlatPanel, Sensor
from jaxbragg.models.detector.conventions import Convention
from jaxbragg.models.detector.placement import Placement, place_panel
from jaxbragg.units import MICROMETRE, MILLIMETRE, RADIANS
from jaxbragg_kernels import rotation

_BEAM_PIVOT = ("distance", "Xbeam", "Ybeam")
_SAMPLE_PIVOT = ("close_distance", "Xclose", "Yclose", "ORGX", "ORGY", "twotheta")
DEFAULT_PIXEL = 1e-4
DEFAULT_SIZE = 0.1024
DEFAULT_DISTANCE = 0.1


@dataclass(frozen=True)
class DetectorSetup:
    """A detector, and what the log and the header of its images say of it.

    Attributes:
        detector: The detector.
        placement: Where it is.
        pixel: Edge of its pixels [m].
        size: Along fast and slow [m].
        beam_center: Xbeam and Ybeam in the convention [m].
        unswung_distance: Sample to the beam spot by the tilt without 2θ [m]: a detector at the side has one, too.
        pivot: "beam" or "sample".
        layers_given: Whether the number of sensor layers was given.
    """

    detector: AbstractDetector
    placement: Placement
    pixel: float
    size: tuple[float, float]
    beam_center: tuple[float, float]
    unswung_distance: float
    pivot: str
    layers_given: bool


def pixel_counts(scanned: Scanned) -> tuple[int, int]:
    """Pixels along slow and fast; counts win over sizes in mm."""
    pixel = pixel_size(scanned)
    return _axis_count(scanned, "s", pixel), _axis_count(scanned, "f", pixel)


def pixel_size(scanned: Scanned) -> float:
    """Edge of a pixel [m]."""
    size = scanned.number("pixel")
    return DEFAULT_PIXEL if size is None else size * MILLIMETRE


def _axis_count(scanned: Scanned, axis: str, pixel: float) -> int:
    last = scanned.last("detpixels", f"detpixels_{axis}")
    if last is not None:
        return scanned.whole(last) or 1
    return max(1, math.ceil(_axis_size(scanned, axis, pixel) / pixel - 0.5))


def _axis_size(scanned: Scanned, axis: str, pixel: float) -> float:
    last = scanned.last("detpixels", f"detpixels_{axis}")
    if last is not None:
        return (scanned.whole(last) or 1) * pixel
    last = scanned.last("detsize", f"detsize_{axis}")
    return DEFAULT_SIZE if last is None else (scanned.number(last) or 0.0) * MILLIMETRE


def build_detector(
    scanned: Scanned,
    frame: Frame,
    mask: np.ndarray | None,
    inherited: frozenset[str],
    notes: Notes,
    *,
    compat: bool,
) -> DetectorSetup:
    """The detector, placed.

    Args:
        scanned: Flags.
        frame: Of `build_frame`.
        mask: Pixels to be simulated, or None.
        inherited: Flags whose values come from a header.
        notes: For the log.
        compat: Whether the C program's rules for pivot and -pix0_vector hold.

    Raises:
        UsageError: If its geometry is impossible.
        FileError: If the mask is of another size.
    """
    pixel = pixel_size(scanned)
    counts = pixel_counts(scanned)
    size = (_axis_size(scanned, "f", pixel), _axis_size(scanned, "s", pixel))
    if mask is not None and mask.shape != counts:
        raise FileError(
            scanned.text("mask") or "",
            f"the mask has {mask.shape[1]} × {mask.shape[0]} pixels, but the detector {counts[1]} × {counts[0]}",
        )
    pivot = _pivot(scanned, frame.convention, notes, compat=compat)
    close = (_near_point(scanned, "X", pixel, size[0]), _near_point(scanned, "Y", pixel, size[1]))
    default_x, default_y = frame.convention.default_beam_center(size, close, pixel)
    xbeam = _mm(scanned, "Xbeam", default_x)
    ybeam = _mm(scanned, "Ybeam", default_y)
    if frame.convention.name == "custom":
        close = (xbeam, ybeam)
    distance = _which_distance(scanned, pivot, inherited, notes, compat=compat)
    try:
        placement = place_panel(
            fast=frame.fast,
            slow=frame.slow,
            normal=frame.normal,
            beam=frame.beam,
            pivot=pivot,
            beam_spot=frame.convention.beam_spot(xbeam, ybeam, size, pixel),
            close_point=close,
            distance=_mm(scanned, "distance", DEFAULT_DISTANCE),
            close_distance=_mm(scanned, "close_distance", 0.0) if distance == "close_distance" else None,
            origin=_origin(scanned, notes, compat=compat),
            rotations=_rotations(scanned),
            twotheta=scanned.number("twotheta") or 0.0,
            twotheta_axis=frame.twotheta_axis,
        )
    except ValueError:
        moved = "beam_vector" in scanned and not any(f"{axis}det_vector" in scanned for axis in "fso")
        hint = "; -beam_vector alone leaves the detector where MOSFLM has it" if moved else ""
        raise UsageError(
            f"the detector stands edge-on to the beam: check the vectors and the rotations{hint}"
        ) from None
    if abs(float(placement.close_distance)) < 1e-9 * np.abs(placement.origin).max():
        raise UsageError("the detector's plane goes through the sample: check -twotheta, the vectors and the rotations")
    if not float(placement.close_distance) > 0:
        raise UsageError("the detector lies behind the sample: check -distance, the vectors and the rotations")
    _say_what_has_no_effect(scanned, pivot, frame.convention, notes)
    sensor, layers_given = sensor_of_flags(scanned, notes)
    detector = _make(scanned, frame, placement, counts, pixel, sensor, mask)
    angles: Any = _rotations(scanned) * RADIANS
    normal: Any = frame.normal
    tilted = rotation.apply(rotation.about_xyz(angles), normal)
    unswung = abs(float(placement.close_distance / (frame.beam @ tilted)))
    return DetectorSetup(detector, placement, pixel, size, (xbeam, ybeam), unswung, pivot, layers_given)


def _which_distance(
    scanned: Scanned, pivot: str, inherited: frozenset[str], notes: Notes, *, compat: bool
) -> str | None:
    """Of -distance and -close_distance the last; of a header's two the one that its pivot held when 2θ was set."""
    last = scanned.last("distance", "close_distance")
    if {"distance", "close_distance"} <= inherited:
        return "distance" if pivot == "beam" and not compat else "close_distance"
    if "distance" in scanned and "close_distance" in scanned:
        notes.warn(f"-distance and -close_distance are both given: -{last} was given last and is used")
    return last


def _rotations(scanned: Scanned) -> np.ndarray:
    """Of the detector about x, y and z [deg]."""
    return np.array([scanned.number(f"detector_rot{axis}") or 0.0 for axis in "xyz"])


def _make(
    scanned: Scanned,
    frame: Frame,
    placement: Placement,
    counts: tuple[int, int],
    pixel: float,
    sensor: Sensor | None,
    mask: np.ndarray | None,
) -> AbstractDetector:
    if "curved_det" in scanned:
        return CurvedDetector(
            counts,
            pixel,
            placement.distance,
            placement.beam_spot,
            direction=frame.beam,
            fast_axis=placement.fast,
            slow_axis=placement.slow,
            sensor=sensor,
            mask=mask,
        )
    return FlatPanel(
        counts,
        pixel,
        placement.origin,
        placement.fast,
        placement.slow,
        normal_axis=placement.normal,
        sensor=sensor,
        mask=mask,
    )


def _mm(scanned: Scanned, name: str, default: float) -> float:
    value = scanned.number(name)
    return default if value is None else value * MILLIMETRE


def _near_point(scanned: Scanned, axis: str, pixel: float, size: float) -> float:
    """Along fast (X) or slow (Y) [m]: of XDS's origin, or given in mm, or the middle."""
    last = scanned.last(f"ORG{axis}", f"{axis}close")
    if last is None:
        return size / 2
    value = scanned.number(last) or 0.0
    return (value - 0.5) * pixel if last.startswith("ORG") else value * MILLIMETRE


def _pivot(scanned: Scanned, convention: Convention, notes: Notes, *, compat: bool) -> str:
    """What stays when the detector is rotated: -pivot, else the convention's, else of the last flag that has one."""
    if "pivot" in scanned and not compat:
        return scanned.text("pivot") or "beam"
    if convention.name != "custom":
        if "pivot" in scanned and scanned.text("pivot") != convention.pivot:
            notes.warn(
                f"-pivot {scanned.text('pivot')}: overridden by the {convention.name.upper()} convention (compat)"
            )
        return convention.pivot
    last = scanned.last(*_BEAM_PIVOT, *_SAMPLE_PIVOT, "pivot")
    if last == "pivot":
        return scanned.text("pivot") or "beam"
    return "sample" if last in _SAMPLE_PIVOT else "beam"


def _origin(scanned: Scanned, notes: Notes, *, compat: bool) -> np.ndarray | None:
    """Corner of the first pixel [m] of -pix0_vector, where nothing else places the detector."""
    last = scanned.last("pix0_vector", "pix0_vector_mm")
    if last is None:
        return None
    if compat:
        notes.say(f"-{last} is ignored, as in the C program (--compat)")
        return None
    others = [f"-{name}" for name in (*_BEAM_PIVOT, *_SAMPLE_PIVOT[:-1]) if name in scanned]
    if others:
        notes.warn(f"-{last} is overridden by {', '.join(others)}")
        return None
    return np.array(scanned.numbers(last)) * (MILLIMETRE if last.endswith("_mm") else 1.0)


def _say_what_has_no_effect(scanned: Scanned, pivot: str, convention: Convention, notes: Notes) -> None:
    near = [f"-{name}" for name in ("Xclose", "Yclose", "ORGX", "ORGY") if name in scanned]
    if pivot == "beam" and near and convention.name in ("mosflm", "denzo", "adxv"):
        notes.warn(f"{', '.join(near)}: no effect, the {convention.name.upper()} convention places the beam spot "
                   "(-pivot sample changes that)")  # fmt: skip


def sensor_of_flags(scanned: Scanned, notes: Notes) -> tuple[Sensor | None, bool]:
    """The sensor's layers, None where photons stop in a surface; and whether their number was given."""
    thickness = scanned.number("detector_thick")
    depth = scanned.number("detector_abs")
    layers = scanned.whole("detector_thicksteps")
    if not thickness:
        idle = [f"-{name}" for name in ("detector_abs", "detector_thicksteps") if name in scanned]
        if idle:
            notes.warn(f"{' and '.join(idle)} without -detector_thick: every photon is counted")
        return None, False
    if depth is None:
        notes.doubt(f"-detector_thick without -detector_abs: attenuation depth {thickness:g} µm, the thickness")
        depth = thickness
    if math.isinf(depth):
        notes.say("-detector_abs inf: every photon is counted, in one layer at the sensor's front")
        return None, False
    return Sensor(thickness * MICROMETRE, depth * MICROMETRE, layers or 2), layers is not None
