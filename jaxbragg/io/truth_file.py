"""The ground truth of an image in HDF5: a table of reflections, and what each pixel shows."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np

from jaxbragg.io.atomic import write_atomically

# Field of `jaxbragg.truth.Truth`, where it is written, its unit, and what it is.
_FIELDS = (
    ("hkl", "reflections/hkl", "", "Miller indices, the brightest reflection first"),
    ("photons", "reflections/photons", "photons", "mean number on the detector"),
    ("panel", "reflections/panel", "", "on which most of them are"),
    ("slow", "reflections/slow", "pixel", "their middle; 0.5 is the middle of the first pixel"),
    ("fast", "reflections/fast", "pixel", "their middle; 0.5 is the middle of the first pixel"),
    ("spacing", "reflections/spacing", "angstrom", "d"),
    ("lattice", "reflections/lattice", "", "number of the crystal, 0 of the first"),
    ("shot", "reflections/shot", "", "number of the shot"),
    ("strongest", "pixels/hkl", "", "Miller indices of the strongest reflection of each pixel; 0 0 0 where none is"),
    ("wavelength", "pixels/wavelength", "angstrom", "mean of each pixel's photons; NaN where there are none"),
)


def write_truth(path: str | os.PathLike[str], truth: Any) -> None:
    """Write a ground truth.

    Args:
        path: HDF5 file to write.
        truth: A `jaxbragg.truth.Truth`.

    Raises:
        FileError: The file cannot be written.
    """
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        for name, place, _, _ in _FIELDS:
            if not hasattr(truth, name):
                continue
            values = np.asarray(getattr(truth, name))
            packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True} if values.ndim > 1 else {}
            describe(file.create_dataset(place, data=values, **(packed if values.size else {})), name)
    write_atomically(path, memory.getbuffer())


def describe(dataset: Any, name: str) -> None:
    """Say of a field of a ground truth what it is, and its unit.

    Args:
        dataset: Of h5py.
        name: Of the field, or "shot".
    """
    unit, what = next((unit, what) for field, _, unit, what in _FIELDS if field == name)
    dataset.attrs["description"] = what
    if unit:
        dataset.attrs["units"] = unit
