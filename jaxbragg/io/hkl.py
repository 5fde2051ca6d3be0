"""Structure factors as text: h k l F on each line, further columns ignored."""

from __future__ import annotations

import io
import os
import re

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted, read_text, rows, to_float

_LARGEST = 32767  # 2·32767 + 1 planes along an axis; beyond that an index is surely a mistake
_ANY_DATA = re.compile(r"^[^\S\n]*[^#\s]", re.MULTILINE)


def read_hkl(path: str | os.PathLike[str]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Reads a table of structure factors.

    `#` comments and blank lines are ignored. Rows come in the file's order, repeated indices included: placed one
    after another, the last one wins, as in the C program.

    Args:
        path: Text file with h k l F on each line.

    Returns:
        Miller indices, `int32 (n, 3)`, and structure factors [electrons], `float64 (n,)`.

    Raises:
        FileError: The file cannot be read, a line holds anything else, an index is not an integer or beyond ±32767,
            F is not finite, or there is no reflection. The message names the line.
    """
    text = read_text(path)
    if not _ANY_DATA.search(text):
        raise FileError(path, "expected h k l F, but found no reflection")
    # numpy's C parser takes a tenth of the time, but words its errors for programmers: whatever it stumbles over,
    # and whatever looks wrong afterwards, is read again line by line.
    try:
        table = np.loadtxt(io.StringIO(text), comments="#", usecols=(0, 1, 2, 3), ndmin=2)
    except (ValueError, OverflowError):
        table = None
    if table is None or not _is_good(table):
        table = _read_slowly(path, text)
    return table[:, :3].astype(np.int32), table[:, 3].copy()


def write_hkl(path: str | os.PathLike[str], hkl: ArrayLike, F: ArrayLike) -> None:
    """Writes a table of structure factors that `read_hkl` reads back to the last bit.

    Args:
        path: File to write.
        hkl: Miller indices, `(n, 3)`, integers.
        F: [electrons] Structure factors, `(n,)`, finite.

    Raises:
        FileError: The file cannot be written.
        ValueError: The table would not be readable.
    """
    indices, values = np.asarray(hkl), np.asarray(F, dtype=np.float64)
    if values.ndim != 1 or indices.shape != (values.size, 3):
        raise ValueError(f"Arguments `hkl` and `F` must be (n, 3) and (n,), but are {indices.shape} and {values.shape}")
    if not values.size or not _is_good(np.column_stack([indices, values])):
        raise ValueError("Arguments `hkl` and `F` must hold integers within ±32767 and finite values, at least one row")
    table = zip(indices.astype(np.int32).tolist(), values.tolist(), strict=True)
    lines = [f"{h:4d} {k:4d} {el:4d} {value!r}\n" for (h, k, el), value in table]  # repr: the shortest exact form
    write_atomically(path, "".join(lines).encode())


def _is_good(table: NDArray[np.float64]) -> bool:
    indices = table[:, :3]
    within = np.abs(indices) <= _LARGEST  # False for NaN too
    return bool(within.all() and np.isfinite(table[:, 3]).all() and (indices == np.rint(indices)).all())


def _read_slowly(path: str | os.PathLike[str], text: str) -> NDArray[np.float64]:
    table: list[list[float]] = []
    for number, words in rows(text):
        row = [value for value in map(to_float, words[:4]) if value is not None]
        if len(row) < 4:
            raise FileError(path, f"expected h k l F, but found {quoted(words)}", number)
        if not np.isfinite(row).all():
            raise FileError(path, f"expected finite numbers, but found {quoted(words)}", number)
        if any(index != round(index) for index in row[:3]):
            raise FileError(path, f"expected integer Miller indices, but found {quoted(words)}", number)
        if any(abs(index) > _LARGEST for index in row[:3]):
            raise FileError(path, f"expected Miller indices within ±{_LARGEST}, but found {quoted(words)}", number)
        table.append(row)
    return np.array(table, dtype=np.float64)
