"""Orientation matrices in MOSFLM's .mat format."""

from __future__ import annotations

import math
import os

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted, read_text, rows, to_float


def read_matrix(path: str | os.PathLike[str]) -> NDArray[np.float64]:
    """Reads the orientation matrix A from the first nine numbers of a file.

    MOSFLM writes the missetting angles, U and the cell after them; they are not looked at.

    Args:
        path: MOSFLM matrix file; `#` comments are ignored.

    Returns:
        Reciprocal vectors times the wavelength [1], `float64 (3, 3)`, rows as in the file: the columns are
        a*, b* and c* in MOSFLM's frame.

    Raises:
        FileError: The file cannot be read, there are fewer than nine numbers, one of them is none or not finite,
            or the three vectors lie in a plane.
    """
    numbers: list[float] = []
    for line, words in rows(read_text(path)):
        for word in words[: 9 - len(numbers)]:
            number = to_float(word)
            if number is None or not math.isfinite(number):
                raise FileError(path, f"expected nine numbers, but found {quoted(word)}", line)
            numbers.append(number)
        if len(numbers) == 9:
            break
    if len(numbers) < 9:
        raise FileError(path, f"expected nine numbers, but found {len(numbers)}")
    matrix = np.array(numbers, dtype=np.float64).reshape(3, 3)
    # Scaled to its largest entry first, so that nothing overflows.
    scaled = matrix / (np.abs(matrix).max() or 1.0)
    lengths = np.linalg.norm(scaled, axis=0)
    if not abs(np.dot(scaled[:, 0], np.cross(scaled[:, 1], scaled[:, 2]))) > 1e-9 * lengths.prod():
        raise FileError(path, "expected three reciprocal vectors that span a volume, but they lie in a plane")
    return matrix


def read_matrix_cell(path: str | os.PathLike[str]) -> NDArray[np.float64] | None:
    """Reads the cell that MOSFLM writes behind the matrix, the missetting angles and U.

    Args:
        path: MOSFLM matrix file; `#` comments are ignored.

    Returns:
        a, b, c [Å], alpha, beta, gamma [deg], `float64 (6,)`; None where the file does not hold them, or holds
        something else there: U must be a rotation, lengths positive, angles between 0 and 180.

    Raises:
        FileError: The file cannot be read.
    """
    numbers: list[float] = []
    for _, words in rows(read_text(path)):
        row = [to_float(word) for word in words]
        if None in row:
            break
        numbers += [number for number in row if number is not None]
    if len(numbers) < 27:
        return None
    rotation, cell = np.array(numbers[12:21]).reshape(3, 3), np.array(numbers[21:27])
    if not np.abs(rotation @ rotation.T - np.eye(3)).max() < 0.01:
        return None
    return cell if (cell > 0).all() and (cell[3:] < 180).all() and np.isfinite(cell).all() else None
