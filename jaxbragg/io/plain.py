"""Images without geometry: NumPy's .npy, and TIFF and EDF, which fabio writes."""

from __future__ import annotations

import importlib
import io
import os
import tempfile
from typing import Any

import numpy as np

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.errors import FileError
from jaxbragg.io.recording import Recording

TYPES = ("float32", "int32")


def write_array(path: str | os.PathLike[str], recording: Recording) -> None:
    """Write all images as one array of NumPy: [slow, fast], with the number of the image and of the panel before.

    Raises:
        FileError: The file cannot be written.
        ValueError: The images are not of the detector's shape.
    """
    frames = [*recording.checked(*TYPES)]
    memory = io.BytesIO()
    np.save(memory, frames[0] if len(frames) == 1 else np.stack(frames))
    write_atomically(path, memory.getbuffer())


def write_tiff(path: str | os.PathLike[str], recording: Recording) -> None:
    """Write one image as TIFF, whose header has none of the geometry.

    Raises:
        FileError: The file cannot be written, or fabio is not installed.
        ValueError: There are several images or panels.
    """
    _by_fabio(path, recording, "tifimage", "TifImage", {})


def write_edf(path: str | os.PathLike[str], recording: Recording) -> None:
    """Write one image as EDF, whose header has what pyFAI does not ask for: wavelength and pixel size.

    Raises:
        FileError: The file cannot be written, or fabio is not installed.
        ValueError: There are several images or panels.
    """
    size = np.asarray(recording.panels[0].pixel_size, float)
    header = {
        "WaveLength": f"{float(recording.experiment.beam.wavelength) * 1e-10:.9g}",
        "PSize_1": f"{size[0]:.9g}",
        "PSize_2": f"{size[1]:.9g}",
    }
    _by_fabio(path, recording, "edfimage", "EdfImage", header)


def _by_fabio(path: Any, recording: Recording, module: str, kind: str, header: dict[str, str]) -> None:
    if len(recording.panels) != 1 or recording.frames.number != 1:
        raise ValueError("TIFF and EDF hold one image of one panel here.")
    (image,) = recording.checked(*TYPES)
    try:
        writer: Any = getattr(importlib.import_module(f"fabio.{module}"), kind)
    except ImportError:
        raise FileError(path, "this format needs fabio: pip install 'jaxbragg[io]'") from None
    with tempfile.TemporaryDirectory() as folder:
        inside = os.path.join(folder, f"image{os.path.splitext(path)[1]}")
        writer(data=image, header=header).write(inside)
        with open(inside, "rb") as file:
            write_atomically(path, file.read())
