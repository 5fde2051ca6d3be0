"""XDS's input (XDS.INP) and its indexed geometry (XPARM.XDS, GXPARM.XDS): pixels are counted from 1 at their middles.

References:
    XDS's manual, xds_parameters and xds_files: keywords and the lines of XPARM.XDS.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.geometry.fields import Path, direction, electric_field, number, numbers, panel, sensor_of, whole
from jaxbragg.io.geometry.record import Geometry, Rotation
from jaxbragg.io.text import read_text
from jaxbragg.models import FlatPanel
from jaxbragg.units import MILLIMETRE

_KEYWORD = re.compile(r"([A-Z][A-Z0-9_./'-]*)=")
_Words = dict[str, list[tuple[int, list[str]]]]


def read_xds_input(path: Path, wavelength: float | None = None) -> Geometry:
    """The geometry of an XDS.INP.

    Args:
        path: File of KEYWORD= value.
        wavelength: [Å] in place of the file's.

    Raises:
        FileError: The file cannot be read, or a keyword is missing or is not what it must be.
    """
    words = _keywords(path)

    def values(name: str, count: int, default: list[float] | None = None) -> NDArray[np.float64]:
        if name not in words:
            if default is not None:
                return np.array(default, float)
            raise FileError(path, f"{name}: expected it, but it is missing")
        line, found = words[name][-1]
        return numbers(path, name, found[:count], count, line)

    def scalar(name: str, default: float | None = None) -> float:
        return float(values(name, 1, None if default is None else [default])[0])

    def unit(name: str, default: list[float]) -> NDArray[np.float64]:
        return direction(path, name, values(name, 3, default).tolist(), words[name][-1][0] if name in words else None)

    if "SEGMENT" in words:
        raise FileError(path, "SEGMENT: detectors of segments are not read from XDS", words["SEGMENT"][0][0])
    found = wavelength
    if found is None and "X-RAY_WAVELENGTH" in words:
        found = number(path, "X-RAY_WAVELENGTH", scalar("X-RAY_WAVELENGTH"), positive=True)
    size = (whole(path, "NY", scalar("NY")), whole(path, "NX", scalar("NX")))
    pixel = np.array([scalar("QX"), scalar("QY")]) * MILLIMETRE
    axes = (unit("DIRECTION_OF_DETECTOR_X-AXIS", [1, 0, 0]), unit("DIRECTION_OF_DETECTOR_Y-AXIS", [0, 1, 0]))
    origin = _origin((scalar("ORGX"), scalar("ORGY")), pixel, scalar("DETECTOR_DISTANCE") * MILLIMETRE, axes)
    towards, axis = unit("INCIDENT_BEAM_DIRECTION", [0, 0, 1]), unit("ROTATION_AXIS", [1, 0, 0])
    absorption = scalar("SILICON", 0.0) / MILLIMETRE
    thickness = scalar("SENSOR_THICKNESS", 0.0) * MILLIMETRE
    sensor, said = sensor_of(path, thickness, "Si", 1.0 / absorption if absorption > 0 else None, found)
    start, width = scalar("STARTING_ANGLE", 0.0), scalar("OSCILLATION_RANGE", 0.0)
    normal, fraction = unit("POLARIZATION_PLANE_NORMAL", [0, 1, 0]), scalar("FRACTION_OF_POLARIZATION", 0.5)
    vectors = None
    if all(f"UNIT_CELL_{name}-AXIS" in words for name in "ABC"):
        vectors = np.stack([values(f"UNIT_CELL_{name}-AXIS", 3) for name in "ABC"])
    made = panel(path, "the detector", size, pixel, (origin, *axes), sensor=sensor, mask=_mask(path, size, words))
    return _geometry(path, "XDS.INP", made, found, towards, axis, Rotation(start, width), vectors, said,
                     (2 * fraction - 1, normal))  # fmt: skip


def read_xparm(path: Path, wavelength: float | None = None) -> Geometry:
    """The geometry of an XPARM.XDS or GXPARM.XDS, with the crystal.

    Args:
        path: The file.
        wavelength: [Å] in place of the file's.

    Raises:
        FileError: The file cannot be read, or a line is not what it must be.
    """
    lines = read_text(path).split("\n")

    def values(at: int, count: int, what: str) -> NDArray[np.float64]:
        if at > len(lines):
            raise FileError(path, f"expected {what}, but the file ends", at)
        return numbers(path, what, lines[at - 1].split()[:count], count, at)

    _, start, width, *spindle = values(2, 6, "frame, angle, range, rotation axis")
    own, *beam = values(3, 4, "wavelength, beam direction")
    values(4, 7, "space group, cell")
    vectors = np.stack([values(5 + i, 3, f"unit cell axis {name}") for i, name in enumerate("abc")])
    segments, nx, ny, qx, qy = values(8, 5, "segments, NX, NY, QX, QY")
    orgx, orgy, distance = values(9, 3, "ORGX, ORGY, distance")
    axes = [direction(path, f"detector axis {name}", values(10 + i, 3, name).tolist(), 10 + i)
            for i, name in enumerate("xyz")]  # fmt: skip
    if segments != 1:
        raise FileError(path, f"expected one segment, but found {segments:g}: they are not read from XDS", 8)
    axis, towards = direction(path, "rotation axis", spindle, 2), direction(path, "beam direction", beam, 3)
    pixel = np.array([qx, qy]) * MILLIMETRE
    origin = _origin((orgx, orgy), pixel, distance * MILLIMETRE, (axes[0], axes[1]))
    found = wavelength if wavelength is not None else number(path, "wavelength", own, 3, positive=True)
    size = (whole(path, "NY", ny, 8), whole(path, "NX", nx, 8))
    made = panel(path, "the detector", size, pixel, (origin, axes[0], axes[1]))
    # The axes are those at φ = 0; the angle is that of the first frame, which need not be number 1.
    rotation = Rotation(float(start), float(width))
    return _geometry(path, "XPARM.XDS", made, found, towards, axis, rotation, vectors, "", None)


def _geometry(path: Path, kind: str, made: FlatPanel, wavelength: float | None, towards: NDArray[np.float64],
              axis: NDArray[np.float64], rotation: Rotation, vectors: NDArray[np.float64] | None, said: str,
              polarized: tuple[float, NDArray[np.float64]] | None) -> Geometry:  # fmt: skip
    return Geometry(
        path=str(path),
        kind=kind,
        detector=made,
        wavelength=wavelength,
        direction=towards,
        polarization=None if polarized is None else polarized[0],
        polarization_axis=electric_field(towards, None if polarized is None else polarized[1]),
        axis=axis,
        rotation=rotation if rotation.width else None,
        vectors=vectors,
        material="Si" if made.sensor is not None else "",
        notes=(said,) if said else (),
    )


def _origin(center: tuple[float, float], pixel: NDArray[np.float64], distance: float,
            axes: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.float64]:  # fmt: skip
    """Outer corner of the first pixel [m]; the distance is along fast × slow, and may be negative."""
    normal = np.cross(*axes)
    normal = normal / max(float(np.linalg.norm(normal)), 1e-300)  # a panel of parallel axes is refused later
    along = [(0.5 - at) * width * axis for at, width, axis in zip(center, pixel, axes, strict=True)]
    return along[0] + along[1] + distance * normal


def _keywords(path: Path) -> _Words:
    """Every keyword with the words after it, and its lines; `!` begins a comment."""
    found: _Words = {}
    for at, row in enumerate(read_text(path).split("\n"), start=1):
        text = row.partition("!")[0]
        keys = [*_KEYWORD.finditer(text)]
        for i, key in enumerate(keys):
            end = keys[i + 1].start() if i + 1 < len(keys) else len(text)
            found.setdefault(key.group(1), []).append((at, text[key.end() : end].split()))
    if not found:
        raise FileError(path, "expected KEYWORD= value, but found none: this is no XDS.INP")
    return found


def _mask(path: Path, size: tuple[int, int], words: _Words) -> NDArray[np.bool_] | None:
    """False in the untrusted rectangles, whose edges are outside of them."""
    if "UNTRUSTED_RECTANGLE" not in words or not 0 < size[0] * size[1] <= 1 << 30:
        return None
    mask = np.ones(size, bool)
    for line, found in words["UNTRUSTED_RECTANGLE"]:
        left, right, top, bottom = numbers(path, "UNTRUSTED_RECTANGLE", found[:4], 4, line).clip(0, 1e9).astype(int)
        mask[top : max(bottom - 1, 0), left : max(right - 1, 0)] = False
    return mask
