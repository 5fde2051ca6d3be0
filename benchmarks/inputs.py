"""Input files that are made for a measurement: a crystal that anybody may have."""

from pathlib import Path
from typing import Any

import numpy as np

from jaxbragg.io.hkl import write_hkl
from jaxbragg.models import Crystal


def write_matrix(path: Any, vectors: np.ndarray, wavelength: float) -> None:
    """A MOSFLM matrix file: reciprocal vectors times the wavelength as columns.

    Args:
        path: File to write.
        vectors: Rows a, b, c [Å].
        wavelength: [Å].
    """
    rows = np.linalg.inv(np.asarray(vectors, np.float64)) * wavelength
    Path(path).write_text("".join(" ".join(repr(float(v)) for v in row) + "\n" for row in rows), encoding="utf-8")


def write_lysozyme(hkl: str, matrix: str) -> None:
    """The lysozyme cell in some orientation, and made-up structure factors to 1.2 Å."""
    indices = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in (22, 26, 28)), indexing="ij"), axis=-1).reshape(
        -1, 3
    )
    write_hkl(hkl, indices, np.random.default_rng(0).uniform(1.0, 100.0, len(indices)))
    crystal = Crystal((27.1, 31.3, 33.8, 88.0, 108.0, 112.1), misset=(10, 20, 30))
    write_matrix(matrix, np.asarray(crystal.vectors()), 0.9768)
