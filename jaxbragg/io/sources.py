"""Lists of X-ray sources: x y z intensity wavelength on each line, the last ones optional."""

from __future__ import annotations

import math
import os

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted, read_text, rows, to_float

_FORM = "expected x y z intensity wavelength"
_LONGEST = 1e-6  # [m] a thousand times the longest X-rays; what is longer was written in another unit


def read_sources(path: str | os.PathLike[str]) -> NDArray[np.float64]:
    """Reads a list of sources.

    A line may stop after its position or its intensity, and the word `nan` stands for a value that is left out: `nan
    nan nan 0.5` is a source on the beam at half the intensity.

    Args:
        path: Text file; `#` comments and blank lines are ignored.

    Returns:
        x, y, z [m], intensity [1] and wavelength [m], `float64 (n, 5)`; NaN where the file says nothing.

    Raises:
        FileError: The file cannot be read, a word is no number, a line holds more than five, a position is given in
            part, an intensity is negative, a wavelength is not positive or not in metres, a source sits on the sample,
            or there is none at all.
    """
    table: list[list[float]] = []
    for line, words in rows(read_text(path)):
        if len(words) > 5:
            raise FileError(path, f"{_FORM}, but found {len(words)} words: {quoted(words)}", line)
        row: list[float] = []
        for word in words:
            number = to_float(word)
            if number is None or math.isinf(number):
                raise FileError(path, f"{_FORM}, but found {quoted(word)}", line)
            row.append(number)
        row += [math.nan] * (5 - len(row))
        if any(map(math.isnan, row[:3])) and not all(map(math.isnan, row[:3])):
            raise FileError(path, f"{_FORM}, but found only a part of a position: {quoted(words)}", line)
        if row[3] < 0.0:
            raise FileError(path, f"expected an intensity that is not negative, but found {quoted(words[3])}", line)
        if row[4] <= 0.0:
            raise FileError(path, f"expected a positive wavelength [m], but found {quoted(words[4])}", line)
        if row[4] > _LONGEST:
            said = f"expected a wavelength below 1e-6 m, but found {quoted(words[4])}: is it in metres?"
            raise FileError(path, f"{said} 1 Å is 1e-10, 12.4 keV likewise", line)
        if row[:3] == [0.0, 0.0, 0.0]:
            raise FileError(path, f"expected a source away from the sample, but found {quoted(words)}", line)
        table.append(row)
    if not table:
        raise FileError(path, f"{_FORM}, but found no source")
    return np.array(table, dtype=np.float64)
