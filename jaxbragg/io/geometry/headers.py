"""The geometry in the headers of images: miniCBF (Dectris's and what imitates it) and SMV.

Such headers know panels that stand across the beam, in imgCIF's frame: x along the spindle, z towards the source.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np

from jaxbragg.io.errors import FileError
from jaxbragg.io.geometry.fields import Path, number, panel, sensor_of, whole
from jaxbragg.io.geometry.record import Geometry, Rotation
from jaxbragg.io.smv import read_smv_header
from jaxbragg.io.text import read_bytes
from jaxbragg.units import MILLIMETRE

_HEAD = 1 << 16
_NUMBER = r"([-+]?[0-9.]+(?:[eE][-+]?\d+)?)"
_CBF = {
    "Detector_distance": rf"Detector_distance\s+{_NUMBER}\s*m\b",
    "Beam_x": rf"Beam_xy\s+\(?\s*{_NUMBER}\s*,",
    "Beam_y": rf"Beam_xy\s+\(?\s*{_NUMBER}\s*,\s*{_NUMBER}",
    "Pixel_x": rf"Pixel_size\s+{_NUMBER}\s*m",
    "Pixel_y": rf"Pixel_size\s+{_NUMBER}\s*m\s*x\s*{_NUMBER}\s*m",
    "Wavelength": rf"Wavelength\s+{_NUMBER}\s*A",
    "Start_angle": rf"Start_angle\s+{_NUMBER}",
    "Angle_increment": rf"Angle_increment\s+{_NUMBER}",
    "Polarization": rf"Polarization\s+{_NUMBER}",
    "Detector_2theta": rf"Detector_2theta\s+{_NUMBER}",
    "thickness": rf"sensor,\s*thickness\s+{_NUMBER}\s*m",
    "fast": r"X-Binary-Size-Fastest-Dimension:\s*(\d+)",
    "slow": r"X-Binary-Size-Second-Dimension:\s*(\d+)",
}


def read_cbf_geometry(path: Path, wavelength: float | None = None) -> Geometry:
    """The geometry in the header of a miniCBF.

    Args:
        path: .cbf.
        wavelength: [Å] in place of the file's.

    Raises:
        FileError: The file cannot be read, has another header, or a value is missing.
    """
    text = read_bytes(path, _HEAD).decode("latin-1")
    found = {name: match for name, pattern in _CBF.items() if (match := re.search(pattern, text, re.IGNORECASE))}
    if "Detector_distance" not in found:
        full = "_axis.id" in text
        raise FileError(
            path,
            "its header is imgCIF's with _axis, which is not read: give the .expt that DIALS makes of it"
            if full
            else "expected a miniCBF header with # Detector_distance, but found none",
        )

    def value(name: str, default: float | None = None) -> float:
        if name in found:
            return number(path, name, found[name].groups()[-1])
        if default is None:
            raise FileError(path, f"the header's {name.split('_x')[0]} is missing")
        return default

    if abs(value("Detector_2theta", 0.0)) > 1e-6:
        raise FileError(path, f"Detector_2theta is {value('Detector_2theta'):g}°: a panel that is swung out is not "
                              "read from this header; give an .expt")  # fmt: skip
    pixel = np.array([value("Pixel_x"), value("Pixel_y", value("Pixel_x"))])
    spot = np.array([value("Beam_x"), value("Beam_y")]) * pixel
    material = next((m for word, m in (("Silicon", "Si"), ("CdTe", "CdTe"), ("GaAs", "GaAs"))
                     if re.search(rf"{word}\s+sensor", text, re.IGNORECASE)), "")  # fmt: skip
    share = value("Polarization", math.nan)
    return _across(
        path,
        "miniCBF",
        (whole(path, "X-Binary-Size-Second-Dimension", value("slow")), whole(path, "Fastest", value("fast"))),
        pixel,
        spot,
        value("Detector_distance"),
        wavelength if wavelength is not None else _positive(path, "Wavelength", value("Wavelength", math.nan)),
        Rotation(value("Start_angle", 0.0), value("Angle_increment", 0.0)),
        sensor=(value("thickness", 0.0), material),
        polarization=None if math.isnan(share) else 2 * share - 1,
    )


def read_smv_geometry(path: Path, wavelength: float | None = None) -> Geometry:
    """The geometry in the header of an SMV image: nanoBragg's and ours exactly, ADSC's own by its beam centre.

    Args:
        path: .img.
        wavelength: [Å] in place of the file's.

    Raises:
        FileError: The file cannot be read, or a key is missing or is not what it must be.
    """
    header = read_smv_header(path)

    def value(name: str, default: float | None = None) -> float:
        if name in header:
            return number(path, name, header[name])
        if default is None:
            raise FileError(path, f"the header's {name} is missing")
        return default

    if abs(value("TWOTHETA", 0.0)) > 1e-6:
        raise FileError(path, f"TWOTHETA is {value('TWOTHETA'):g}°: a panel that is swung out is not read from this "
                              "header; give an .expt")  # fmt: skip
    size = (whole(path, "SIZE2", value("SIZE2")), whole(path, "SIZE1", value("SIZE1")))
    pixel = value("PIXEL_SIZE") * MILLIMETRE
    spot, note = _smv_spot(header, value)
    found = wavelength if wavelength is not None else _positive(path, "WAVELENGTH", value("WAVELENGTH", math.nan))
    made = _across(path, "SMV", size, np.array([pixel, pixel]), spot, value("DISTANCE") * MILLIMETRE, found,
                   Rotation(value("OSC_START", value("PHI", 0.0)), value("OSC_RANGE", 0.0)), notes=note)  # fmt: skip
    close = value("CLOSE_DISTANCE", value("DISTANCE"))
    if abs(close / value("DISTANCE") - 1) > 1e-5:
        raise FileError(path, f"CLOSE_DISTANCE {close:g} and DISTANCE {value('DISTANCE'):g} differ: the panel is "
                              "tilted, which this header does not say; give an .expt")  # fmt: skip
    return made


def _smv_spot(header: Mapping[str, str], value) -> tuple[np.ndarray, tuple[str, ...]]:
    """Where the beam meets the panel, along fast and slow from the first pixel's outer corner [m]."""
    if "DENZO_X_BEAM" in header and "DENZO_Y_BEAM" in header:  # nanoBragg's: the same in all of its conventions
        return np.array([value("DENZO_Y_BEAM"), value("DENZO_X_BEAM")]) * MILLIMETRE, ()
    note = "BEAM_CENTER_X and _Y are taken as ADSC's: along slow and fast, from the first pixel's outer corner"
    return np.array([value("BEAM_CENTER_Y"), value("BEAM_CENTER_X")]) * MILLIMETRE, (note,)


def _positive(path: Path, name: str, value: float) -> float | None:
    return None if math.isnan(value) else number(path, name, value, positive=True)


def _across(path: Path, kind: str, size: tuple[int, int], pixel: np.ndarray, spot: np.ndarray, distance: float,
            wavelength: float | None, rotation: Rotation, *, sensor: tuple[float, str] = (0.0, ""),
            polarization: float | None = None, notes: tuple[str, ...] = ()) -> Geometry:  # fmt: skip
    """A panel across the beam, as image headers know it."""
    made, said = sensor_of(path, *sensor, None, wavelength)
    fast, slow, beam = np.array([1.0, 0.0, 0.0]), np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, -1.0])
    origin = -spot[0] * fast - spot[1] * slow + number(path, "the distance", distance, positive=True) * beam
    return Geometry(
        path=str(path),
        kind=kind,
        detector=panel(path, "the detector", size, pixel, (origin, fast, slow), sensor=made),
        wavelength=wavelength,
        direction=beam,
        polarization=polarization,
        polarization_axis=fast,
        axis=np.array([1.0, 0.0, 0.0]),
        rotation=rotation if rotation.width else None,
        material=sensor[1],
        notes=(*notes, *((said,) if said else ())),
    )
