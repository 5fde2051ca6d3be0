"""Goniometers as text: a line for each axis, from the one on the base to the one that carries the crystal."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

import numpy as np

from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted, read_text, rows, to_float
from jaxbragg.models import Goniometer

_FORM = "expected a name, a vector of three numbers, and an angle [deg] unless it is 0"


def read_goniometer(
    path: str | os.PathLike[str], angles: Mapping[str, float] | None = None, *, scanned: str | None = None
) -> Goniometer:
    """Reads a chain of axes.

        omega  0 0 1
        kappa  0 0.643 0.766  30
        phi    0 0 1

    Args:
        path: Text file; `#` comments and blank lines are ignored. Vectors need not be of length 1.
        angles: At which axes stand, in place of the file's [deg].
        scanned: Name of the axis that a scan turns; None for the first.

    Raises:
        FileError: The file cannot be read, holds no axis or one twice, or a line is none of an axis.
        ValueError: There is no axis of a name.
    """
    axes: dict[str, np.ndarray] = {}
    at: dict[str, float] = {}
    for line, words in rows(read_text(path)):
        numbers = [to_float(word) for word in words[1:]]
        if len(words) not in (4, 5) or any(x is None or not math.isfinite(x) for x in numbers):
            raise FileError(path, f"{_FORM}, but found {quoted(words)}", line)
        name, vector = words[0], np.array(numbers[:3], float)
        length = float(np.linalg.norm(vector))
        if name in axes:
            raise FileError(path, f"the axis {name} is there twice", line)
        if not length > 0:
            raise FileError(path, f"expected a direction, but found {quoted(words[1:4])}", line)
        axes[name] = vector / length
        at[name] = float(numbers[3] or 0.0) if len(numbers) == 4 else 0.0
    if not axes:
        raise FileError(path, f"{_FORM}, but found no axis")
    return Goniometer(axes, {**at, **(angles or {})}, scanned=scanned)
