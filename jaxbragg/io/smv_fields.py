"""The keys of an SMV header: nanoBragg's, for a panel in its place."""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

from jaxbragg.io.laboratory import imgcif_axes
from jaxbragg.io.recording import Recording
from jaxbragg.io.smv import write_smv
from jaxbragg.units import MILLIMETRE

TYPES = ("uint16",)
DIALECTS = ("nanobragg", "dials")


class SmvPlace(NamedTuple):
    """What the keys are computed from [mm, Å, deg].

    Attributes:
        pixel: Edge of a pixel.
        slow_size: Of the detector.
        distance: Sample to the beam spot.
        close_distance: Sample to the panel's plane.
        wavelength: Of the beam.
        beam_center: Xbeam and Ybeam in nanoBragg's convention.
        beam_spot: Along fast and slow, from the first pixel's outer corner.
        close_point: The nearest point likewise.
        origin: Outer corner of the first pixel, in MOSFLM's frame.
        phi, osc, twotheta: Of the rotation and the swing.
    """

    pixel: float
    slow_size: float
    distance: float
    close_distance: float
    wavelength: float
    beam_center: tuple[float, float]
    beam_spot: tuple[float, float]
    close_point: tuple[float, float]
    origin: tuple[float, float, float]
    phi: float = 0.0
    osc: float = 0.0
    twotheta: float = 0.0


def smv_fields(place: SmvPlace, dialect: str = "nanobragg") -> dict[str, str]:
    """Keys in the C program's order.

    Args:
        place: Of the panel.
        dialect: "nanobragg": six digits, BEAM_CENTER as in the convention. "dials": twelve digits, and BEAM_CENTER so
            that dxtbx, which takes the file for one of ADXV's and adds a pixel, finds the beam where it is.
    """
    fast, slow = place.beam_spot
    center, digits = place.beam_center, 6
    if dialect == "dials":
        center, digits = (fast - place.pixel, place.slow_size - slow + place.pixel), 12
    values: dict[str, float | str] = {
        "PIXEL_SIZE": place.pixel,
        "DISTANCE": place.distance,
        "WAVELENGTH": place.wavelength,
        "BEAM_CENTER_X": center[0],
        "BEAM_CENTER_Y": center[1],
        "ADXV_CENTER_X": fast,
        "ADXV_CENTER_Y": place.slow_size - slow,
        "MOSFLM_CENTER_X": slow - 0.5 * place.pixel,
        "MOSFLM_CENTER_Y": fast - 0.5 * place.pixel,
        "DENZO_X_BEAM": slow,
        "DENZO_Y_BEAM": fast,
        "DIALS_ORIGIN": ",".join(f"{x:.{digits}g}" for x in (place.origin[2], place.origin[1], -place.origin[0])),
        "XDS_ORGX": place.close_point[0] / place.pixel + 0.5,
        "XDS_ORGY": place.close_point[1] / place.pixel + 0.5,
        "CLOSE_DISTANCE": place.close_distance,
        "PHI": place.phi,
        "OSC_START": place.phi,
        "OSC_RANGE": place.osc,
        "TWOTHETA": place.twotheta,
        "DETECTOR_SN": "000",
        "BEAMLINE": "fake",
    }
    return {key: value if isinstance(value, str) else f"{value:.{digits}g}" for key, value in values.items()}


def write_smv_recording(path: str | os.PathLike[str], recording: Recording) -> None:
    """Write one image of counts, with the header that DIALS reads.

    Args:
        path: File to write; .img.
        recording: Of one image, uint16, with its offset.

    Raises:
        FileError: The file cannot be written.
        ValueError: The detector is not one flat panel of square pixels, or the images are not one of its shape.
    """
    if len(recording.panels) != 1 or recording.frames.number != 1:
        raise ValueError("An SMV file holds one image of one panel.")
    (image,) = recording.checked(*TYPES)
    fields = smv_fields(_place(recording), "dials")
    if recording.saturation is not None:
        fields["CCD_IMAGE_SATURATION"] = str(recording.largest_good)  # a key of ADSC's
    write_smv(path, image, fields | {"ADC_OFFSET": f"{recording.offset:g}"})


def _place(recording: Recording) -> SmvPlace:
    experiment, panel = recording.experiment, recording.panels[0]
    axes = imgcif_axes(experiment)
    origin, fast, slow = (axes @ np.asarray(v, float) for v in (panel.origin, panel.fast_axis, panel.slow_axis))
    size = np.asarray(panel.pixel_size, float)
    if abs(size[0] - size[1]) > 1e-9 * size[0]:
        raise ValueError(f"An SMV file has square pixels, but these are of {size[0]:g} × {size[1]:g} m.")
    normal = np.cross(fast, slow)
    normal = normal * np.sign(origin @ normal)
    close = float(origin @ normal)
    distance = close / -float(normal[2])
    spot = np.array([0.0, 0.0, -distance]) - origin
    x, y, z = (float(v) / MILLIMETRE for v in origin)
    start, width = recording.rotation or (0.0, 0.0)
    beam_spot = (float(spot @ fast) / MILLIMETRE, float(spot @ slow) / MILLIMETRE)
    pixel = float(size[0]) / MILLIMETRE
    return SmvPlace(
        pixel=pixel,
        slow_size=panel.pixels[0] * pixel,
        distance=distance / MILLIMETRE,
        close_distance=close / MILLIMETRE,
        wavelength=float(experiment.beam.wavelength),
        beam_center=(beam_spot[1] - 0.5 * pixel, beam_spot[0] - 0.5 * pixel),
        beam_spot=beam_spot,
        close_point=(-float(origin @ fast) / MILLIMETRE, -float(origin @ slow) / MILLIMETRE),
        origin=(-z, y, x),  # MOSFLM's x is along the beam
        phi=start,
        osc=width,
    )
