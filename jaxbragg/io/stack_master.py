"""The master file of a batch: NXmx, whose images and drawn values lie in chunks and are seen as one stack."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.chunk_file import DATA, REFLECTIONS, SHOTS
from jaxbragg.io.nxmx import fill, stacked_shape
from jaxbragg.io.recording import Recording
from jaxbragg.io.truth_file import describe

# Of the table of reflections: `jaxbragg.truth.Reflections`, and the shot.
_COLUMNS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "shot": (np.int64, ()), "lattice": (np.int64, ()), "hkl": (np.int64, (3,)), "photons": (np.float64, ()),
    "panel": (np.int64, ()), "slow": (np.float64, ()), "fast": (np.float64, ()), "spacing": (np.float64, ()),
}  # fmt: skip


def write_master(
    path: str,
    recording: Recording,
    chunks: Sequence[tuple[str, int]],
    shapes: Mapping[str, tuple[int, ...]],
    wavelengths: Any = None,
    rows: Sequence[int] | None = None,
) -> None:
    """Write a master file, which h5py, silx and dxtbx open as one stack.

    Args:
        path: File to write.
        recording: Of all shots; its images are not asked for.
        chunks: Name, as seen from the master's folder, and shots of each, in order.
        shapes: Of the values that were drawn for a shot, by name.
        wavelengths: Of each shot [Å]; None where all have the experiment's.
        rows: Of the table of reflections in each chunk; None where there is none.

    Raises:
        FileError: If it cannot be written.
    """
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:

        def virtual(place: str, shape: tuple[int, ...], dtype: Any, parts: Sequence[tuple[str, int]] = chunks) -> Any:
            layout = h5py.VirtualLayout((sum(count for _, count in parts), *shape), dtype)
            first = 0
            for name, count in parts:
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
        if rows is not None:
            parts = [(name, count) for (name, _), count in zip(chunks, rows, strict=True) if count]
            for name, (dtype, shape) in _COLUMNS.items():
                place = f"{REFLECTIONS}/{name}"
                made = file.require_group(REFLECTIONS)
                describe(made.create_virtual_dataset(name, virtual(place, shape, dtype, parts)), name)
        if wavelengths is not None:
            beam: Any = file["entry/instrument/beam"]
            del beam["incident_wavelength"]
            made = beam.create_dataset("incident_wavelength", data=np.asarray(wavelengths, float))
            made.attrs["units"] = np.bytes_("angstrom")
    write_atomically(path, memory.getbuffer())


def relative(path: str, folder: str) -> str:
    """A name as seen from a folder, with the slashes of HDF5."""
    return os.path.relpath(path, folder).replace(os.sep, "/")
