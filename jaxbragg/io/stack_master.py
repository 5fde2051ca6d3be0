"""The master file of a batch: NXmx, whose images and drawn values lie in chunks and are seen as one stack."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.chunk_file import DATA, SHOTS
from jaxbragg.io.nxmx import fill, stacked_shape
from jaxbragg.io.recording import Recording


def write_master(
    path: str,
    recording: Recording,
    chunks: Sequence[tuple[str, int]],
    shapes: Mapping[str, tuple[int, ...]],
    wavelengths: Any = None,
) -> None:
    """Write a master file, which h5py, silx and dxtbx open as one stack.

    Args:
        path: File to write.
        recording: Of all shots; its images are not asked for.
        chunks: Name, as seen from the master's folder, and shots of each, in order.
        shapes: Of the values that were drawn for a shot, by name.
        wavelengths: Of each shot [Å]; None where all have the experiment's.

    Raises:
        FileError: If it cannot be written.
    """
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:

        def virtual(place: str, shape: tuple[int, ...], dtype: Any) -> Any:
            layout = h5py.VirtualLayout((recording.frames.number, *shape), dtype)
            first = 0
            for name, count in chunks:
                layout[first : first + count] = h5py.VirtualSource(name, place, (count, *shape), dtype)
                first += count
            return layout

        def data(group: Any) -> None:
            group.create_virtual_dataset("data", virtual(DATA, stacked_shape(recording), recording.frames.dtype))

        fill(file, recording, data)
        shots: Any = file.create_group(SHOTS)
        shots.create_virtual_dataset("number", virtual(f"{SHOTS}/number", (), np.int64))
        for name, shape in shapes.items():
            shots.create_virtual_dataset(name, virtual(f"{SHOTS}/{name}", shape, np.float64))
        if wavelengths is not None:
            beam: Any = file["entry/instrument/beam"]
            del beam["incident_wavelength"]
            made = beam.create_dataset("incident_wavelength", data=np.asarray(wavelengths, float))
            made.attrs["units"] = np.bytes_("angstrom")
    write_atomically(path, memory.getbuffer())


def relative(path: str, folder: str) -> str:
    """A name as seen from a folder, with the slashes of HDF5."""
    return os.path.relpath(path, folder).replace(os.sep, "/")
