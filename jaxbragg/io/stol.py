"""Amorphous structure factors against sin θ/λ: two columns of text."""

from __future__ import annotations

import itertools
import math
import os

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted, read_text, rows, to_float


def read_stol(path: str | os.PathLike[str], scale: float = 1.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Reads a curve of structure factors and sorts it.

    Args:
        path: Text file with two columns; further ones, `#` comments and blank lines are ignored.
        scale: What turns the first column into sin θ/λ [1/Å]: 1 for sin θ/λ itself, 1/4 for 4 sin θ/λ,
            1/(4π) for Q.

    Returns:
        sin θ/λ [1/Å], rising, and structure factors [electrons], both `float64 (n,)`, n ≥ 2.

    Raises:
        FileError: The file cannot be read, a line holds anything else, a first column is negative or comes twice,
            or there are fewer than two points.
    """
    points: list[tuple[float, float, int]] = []
    for line, words in rows(read_text(path)):
        pair = [number for number in map(to_float, words[:2]) if number is not None and math.isfinite(number)]
        if len(pair) < 2:
            raise FileError(path, f"expected two numbers, but found {quoted(words)}", line)
        if pair[0] < 0.0:
            raise FileError(path, f"expected sin θ/λ that is not negative, but found {quoted(words[0])}", line)
        points.append((pair[0] * scale, pair[1], line))
    if len(points) < 2:
        raise FileError(path, f"expected at least two points, but found {len(points)}")
    points.sort(key=lambda point: point[0])  # stable: of equal ones the later line stays later
    for before, after in itertools.pairwise(points):
        if before[0] == after[0]:
            raise FileError(path, f"expected each sin θ/λ once, but found that of line {before[2]} again", after[2])
    table = np.array(points, dtype=np.float64)
    return table[:, 0].copy(), table[:, 1].copy()
