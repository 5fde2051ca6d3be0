"""Flags → the convention in force, and the vectors that stand in place of its own."""

from dataclasses import dataclass

import numpy as np

from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned
from jaxbragg.models.detector.conventions import CONVENTIONS, Convention

_VECTOR_FLAGS = (
    "fdet_vector",
    "sdet_vector",
    "odet_vector",
    "beam_vector",
    "polar_vector",
    "spindle_axis",
    "twotheta_axis",
    "pix0_vector",
    "pix0_vector_mm",
)


@dataclass(frozen=True)
class Frame:
    """A convention with the vectors that the flags put in place of its own.

    Attributes:
        convention: Which one.
        beam, fast, slow, normal, twotheta_axis, polarization, spindle: Unit vectors.
    """

    convention: Convention
    beam: np.ndarray
    fast: np.ndarray
    slow: np.ndarray
    normal: np.ndarray
    twotheta_axis: np.ndarray
    polarization: np.ndarray
    spindle: np.ndarray


def build_frame(scanned: Scanned, notes: Notes, *, compat: bool) -> Frame:
    """The convention and its vectors.

    Args:
        scanned: Flags.
        notes: For the log.
        compat: Whether the detector's normal stays the convention's when only the other axes are given.

    Raises:
        UsageError: If the axes do not span a detector.
    """
    named = scanned.last(*(name for name in CONVENTIONS if name != "custom"))
    given = [name for name in _VECTOR_FLAGS if name in scanned]
    name = "custom" if given else named or "mosflm"
    if given:
        lost = f"-{named}, whose axes and pivot it leaves behind" if named else "MOSFLM's half-pixel shift"
        notes.say(f"-{given[0]} selects the CUSTOM convention, without {lost}")
    convention = CONVENTIONS[name]

    def vector(flag: str, default: tuple[float, float, float]) -> np.ndarray:
        value = np.array(scanned.numbers(flag) or default, float)
        return value / np.linalg.norm(value)

    _check_twotheta_axis(scanned, notes, compat=compat)
    fast, slow = vector("fdet_vector", convention.fast), vector("sdet_vector", convention.slow)
    beam = vector("beam_vector", convention.beam)
    return Frame(
        convention=convention,
        beam=beam,
        fast=fast,
        slow=slow,
        normal=_normal(scanned, convention, fast, slow, beam, notes, compat=compat),
        twotheta_axis=vector("twotheta_axis", convention.twotheta_axis),
        polarization=_polarization(scanned, vector("polar_vector", convention.polarization), beam, notes),
        spindle=vector("spindle_axis", convention.spindle),
    )


def _polarization(scanned: Scanned, axis: np.ndarray, beam: np.ndarray, notes: Notes) -> np.ndarray:
    """The polarization axis, or one across the beam where it is along the beam and nobody asked for that.

    Args:
        scanned: Flags.
        axis: Unit vector, of -polar_vector or else of the convention.
        beam: Unit vector.
        notes: For the log.

    Raises:
        UsageError: If polarized light is asked for with an axis along the beam.
    """
    if abs(axis @ beam) <= 1 - 1e-9:
        return axis
    given = "polar_vector" in scanned
    if given and scanned.number("polar") and "nopolar" not in scanned:
        raise UsageError("-polar_vector must not be along the beam: the polarization would have no direction")
    first = next(other for other in np.eye(3) if abs(other @ beam) < 0.9)
    across = first - (first @ beam) * beam
    across /= np.linalg.norm(across)
    whose = "-polar_vector" if given else "the default polarization axis"
    shown = " ".join(f"{value:.6g}" for value in across + 0.0)
    notes.say(f"{whose} would be along the beam: {shown} is taken (-polar_vector)")
    return across


def _check_twotheta_axis(scanned: Scanned, notes: Notes, *, compat: bool) -> None:
    given = scanned.numbers("twotheta_axis")
    length = 1.0 if given is None else float(np.linalg.norm(given))
    if abs(length - 1.0) <= 1e-6 or not scanned.number("twotheta"):
        return
    if compat:
        raise UsageError(
            f"-twotheta_axis must be of length 1 with --compat, but is {length:.6g} long: the C program does not "
            "normalize it, and stretches the detector's axes"
        )
    notes.say(f"-twotheta_axis is {length:.6g} long: it is normalized")


def _normal(
    scanned: Scanned,
    convention: Convention,
    fast: np.ndarray,
    slow: np.ndarray,
    beam: np.ndarray,
    notes: Notes,
    *,
    compat: bool,
) -> np.ndarray:
    """The detector's normal: as given where it is of length 1 exactly, else unit(fast × slow)."""
    cross = np.cross(fast, slow)
    if np.linalg.norm(cross) < 1e-6:
        raise UsageError("-fdet_vector and -sdet_vector must not be parallel: no detector plane holds them")
    cross /= np.linalg.norm(cross)
    given = scanned.numbers("odet_vector")
    if given is not None:
        normal = np.array(given, float)
        length = np.sqrt(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2])
        if abs(normal @ cross) < 1e-6 * length:
            raise UsageError("-odet_vector must not lie in the detector plane of -fdet_vector and -sdet_vector")
        if length == 1.0:
            return normal
        notes.say("-odet_vector is not of length 1: the detector's normal is unit(fast × slow)")
        return cross
    normal = np.asarray(convention.normal, float)
    rotated = "fdet_vector" in scanned or "sdet_vector" in scanned
    if compat or not rotated or np.linalg.norm(np.cross(normal, cross)) < 1e-9:
        return normal
    notes.say("no -odet_vector: the detector's normal is fast × slow, along the beam")
    return cross if cross @ beam > 0 else -cross
