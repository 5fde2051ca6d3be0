r"""miniCBF: one image of 32-bit integers, packed by byte offsets, under a header of Dectris's keys.

The convention is GENERIC_MINI: PILATUS or EIGER there would make DIALS impose gaps of those detectors.

References:
    Bernstein & Hammersley (2005), International Tables G 2.3, x-CBF_BYTE_OFFSET; Dectris, CBF header specification 1.4.
"""

from __future__ import annotations

import base64
import hashlib
import os

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.laboratory import imgcif_axes
from jaxbragg.io.recording import SURFACE, Recording

TYPES = ("int32",)
_MATERIALS = {"Si": "Silicon", "": "Silicon"}
_ACROSS = 1e-6  # sine of an angle off the axes that a header can do without


def write_cbf(path: str | os.PathLike[str], recording: Recording) -> None:
    """Write one image of counts.

    Args:
        path: File to write; .cbf.
        recording: Of one image, int32: −1 for pixels that are not there.

    Raises:
        FileError: The file cannot be written.
        ValueError: The detector is not one flat panel, or the images are not one, of its shape, of int32.
    """
    if len(recording.panels) != 1 or recording.frames.number != 1:
        raise ValueError("A miniCBF holds one image of one panel.")
    (image,) = recording.checked(*TYPES)
    write_atomically(path, cbf_bytes(image, _header(recording), os.path.splitext(os.path.basename(path))[0]))


def is_across(recording: Recording) -> bool:
    """Whether the header says all of the panel's place: across the beam, rows along the spindle, as Dectris's are."""
    axes, panel = imgcif_axes(recording.experiment), recording.panels[0]
    fast, slow = (axes @ np.asarray(v, float) for v in (panel.fast_axis, panel.slow_axis))
    spindle = axes @ np.asarray(recording.experiment.scan.spindle(), float)
    wanted = ((fast, [1, 0, 0]), (slow, [0, -1, 0]), (spindle, [1, 0, 0]))
    return all(np.linalg.norm(found - np.array(axis)) < _ACROSS for found, axis in wanted)


def _header(recording: Recording) -> str:
    """Dectris's keys, as near as they come to the panel's place."""
    experiment, panel = recording.experiment, recording.panels[0]
    beam = np.asarray(experiment.beam.direction, float)
    origin, fast, slow = (np.asarray(v, float) for v in (panel.origin, panel.fast_axis, panel.slow_axis))
    normal = np.cross(fast, slow)
    distance = float(origin @ normal) / float(beam @ normal)
    spot, size = distance * beam - origin, np.asarray(panel.pixel_size, float)
    sensor = panel.sensor
    thickness = SURFACE if sensor is None else float(sensor.layer_thickness) * sensor.layers
    start, width = recording.rotation or (0.0, 0.0)
    lines = {
        "Detector": f"GENERIC, {recording.software}",
        "Pixel_size": f"{size[0]:.9g} m x {size[1]:.9g} m",
        f"{_MATERIALS.get(recording.material, recording.material)} sensor, thickness": f"{thickness:.9g} m",
        "Exposure_time": "1.0 s",
        "Exposure_period": "1.0 s",
        "Tau": "0 s",
        "Count_cutoff": f"{min(2**31 - 2**7, recording.largest_good)} counts",
        "Wavelength": f"{float(experiment.beam.wavelength):.12g} A",
        "Detector_distance": f"{distance:.12g} m",
        "Beam_xy": f"({float(spot @ fast) / size[0]:.12g}, {float(spot @ slow) / size[1]:.12g}) pixels",
        "Start_angle": f"{start:.12g} deg.",
        "Angle_increment": f"{width:.12g} deg.",
        "Detector_2theta": "0 deg.",
        "Polarization": f"{(1 + float(experiment.beam.polarization)) / 2:.9g}",
    }
    return "".join(f"# {key}{':' if key == 'Detector' else ''} {value}\r\n" for key, value in lines.items())


def cbf_bytes(image: NDArray[np.int32], header: str, name: str = "image") -> bytes:
    """A whole file.

    Args:
        image: [slow, fast].
        header: Lines that begin with #, and end in CR LF.
        name: Of the data block.
    """
    packed = pack(image)
    digest = base64.b64encode(hashlib.md5(packed, usedforsecurity=False).digest()).decode()
    slow, fast = image.shape
    block = "".join(c if c.isalnum() and c.isascii() else "_" for c in name) or "image"
    text = (
        f"###CBF: VERSION 1.5, jaxbragg\r\n\r\ndata_{block[:60]}\r\n\r\n"
        '_array_data.header_convention "GENERIC_MINI"\r\n'
        f"_array_data.header_contents\r\n;\r\n{header};\r\n\r\n_array_data.data\r\n;\r\n"
        "--CIF-BINARY-FORMAT-SECTION--\r\nContent-Type: application/octet-stream;\r\n"
        '     conversions="x-CBF_BYTE_OFFSET"\r\nContent-Transfer-Encoding: BINARY\r\n'
        f"X-Binary-Size: {len(packed)}\r\nX-Binary-ID: 1\r\n"
        'X-Binary-Element-Type: "signed 32-bit integer"\r\nX-Binary-Element-Byte-Order: LITTLE_ENDIAN\r\n'
        f"Content-MD5: {digest}\r\nX-Binary-Number-of-Elements: {image.size}\r\n"
        f"X-Binary-Size-Fastest-Dimension: {fast}\r\nX-Binary-Size-Second-Dimension: {slow}\r\n"
        "X-Binary-Size-Padding: 0\r\n\r\n"
    )
    end = b"\r\n--CIF-BINARY-FORMAT-SECTION----\r\n;\r\n\r\n"
    return text.encode("ascii") + b"\x0c\x1a\x04\xd5" + packed + end


def pack(image: NDArray[np.int32]) -> bytes:
    """Differences from pixel to pixel in one byte each, in three or seven where one is not enough."""
    steps = np.diff(image.ravel().astype(np.int64), prepend=0)
    size = np.abs(steps)
    if size.max() > 2**31 - 1:  # which would need 64 bits, and counts do not reach
        raise ValueError("Argument `image` must have steps of 32 bits from pixel to pixel, but has larger ones.")
    middle, large = (size > 127) & (size <= 32767), size > 32767
    wide = np.where(large, 7, np.where(middle, 3, 1))
    ends = np.cumsum(wide)
    packed, at = np.empty(int(ends[-1]), np.uint8), ends - wide
    packed[at] = np.where(middle | large, 0x80, steps & 0xFF)
    for which, width, mark in ((middle, 2, 1), (large, 4, 3)):
        place, value = at[which], steps[which].astype("<i4").view(np.uint8).reshape(-1, 4)
        if which is large:
            packed[place + 1], packed[place + 2] = 0x00, 0x80  # −32768: four bytes follow
        for i in range(width):
            packed[place + mark + i] = value[:, i]
    return packed.tobytes()
