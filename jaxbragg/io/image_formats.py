"""Every format that images are written in, by the ending of the file's name.

A new format is one file with a writer, and one row here.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass

from jaxbragg.io.recording import Recording


@dataclass(frozen=True)
class ImageFormat:
    """A format of image files.

    Attributes:
        name: As the field calls it.
        endings: Of files' names.
        module: Of `jaxbragg.io`, imported when it is needed.
        writer: Its function of a path and a `Recording`.
        counts: The type of counts in it.
        photons: Whether it can hold expected photons, as float32.
        several: Whether a file can hold several images.
        panels: Whether it can hold several panels.
    """

    name: str
    endings: tuple[str, ...]
    module: str
    writer: str
    counts: str
    photons: bool = True
    several: bool = False
    panels: bool = False

    def write(self, path: str | os.PathLike[str], recording: Recording) -> None:
        """Write a file.

        Raises:
            FileError: It cannot be written.
            ValueError: The format cannot hold such a recording.
        """
        getattr(importlib.import_module(f"jaxbragg.io.{self.module}"), self.writer)(path, recording)


FORMATS = (
    ImageFormat("NXmx", (".h5", ".nxs", ".hdf5"), "nxmx", "write_nxmx", "uint32", several=True, panels=True),
    ImageFormat("miniCBF", (".cbf",), "cbf", "write_cbf", "int32", photons=False),
    ImageFormat("SMV", (".img",), "smv_fields", "write_smv_recording", "uint16", photons=False),
    ImageFormat("TIFF", (".tif", ".tiff"), "plain", "write_tiff", "int32"),
    ImageFormat("EDF", (".edf",), "plain", "write_edf", "int32"),
    ImageFormat("NumPy's .npy", (".npy",), "plain", "write_array", "int32", several=True, panels=True),
)
ENDINGS = tuple(ending for each in FORMATS for ending in each.endings)


def format_of(path: str | os.PathLike[str]) -> ImageFormat | None:
    """The format that a file's name ends like; None where there is none."""
    ending = os.path.splitext(os.fspath(path))[1].lower()
    return next((each for each in FORMATS if ending in each.endings), None)
