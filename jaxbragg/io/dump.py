r"""The C program's dump of its table of structure factors (Fdump.bin).

One line of text with six integers, `h_min h_max k_min k_max l_min l_max`, LF, form feed, then little-endian doubles,
l fastest. The C program writes one entry more along each axis than there are indices (its allocations are that much
larger), so (nh+1)(nk+1)(nl+1) doubles; the extra ones are never used, and zero.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted, read_claimed, size_of

_HEADER = re.compile(rb"\s*" + rb"\s+".join([rb"([+-]?\d{1,9})"] * 6) + rb"[ \t\r]*\n\f")
_FORM = "expected six integers, a line feed and a form feed"


def read_dump(path: str | os.PathLike[str]) -> tuple[NDArray[np.float64], tuple[int, int, int]]:
    """Reads a dump file.

    Args:
        path: File that the C program or `write_dump` wrote.

    Returns:
        Structure factors [electrons], `float64 (nh, nk, nl)`, without the unused entries, and the Miller indices
        of the first.

    Raises:
        FileError: The file cannot be read, is no dump, is cut short, or holds values that are not finite.
    """
    content = read_claimed(path, lambda head: sum(_layout(path, head)[:2]))
    start, expected, (nh, nk, nl), minimum = _layout(path, content)
    if len(content) != start + expected:
        found, box = size_of(path, content) - start, f"{nh}×{nk}×{nl} indices"
        raise FileError(path, f"expected {expected} bytes after the header for {box}, but found {found}")
    padded = np.frombuffer(content, "<f8", offset=start).reshape(nh + 1, nk + 1, nl + 1)
    values = padded[:nh, :nk, :nl].astype(np.float64)
    if not np.isfinite(values).all():
        where = " ".join(map(str, np.argwhere(~np.isfinite(values))[0] + minimum))
        raise FileError(path, f"expected finite structure factors, but found another at {where}")
    return values, minimum


def _layout(path: str | os.PathLike[str], content: bytes) -> tuple[int, int, tuple[int, ...], tuple[int, int, int]]:
    """Bytes of the header, bytes of the table with its unused entries, numbers of indices, smallest h, k and l."""
    header = _HEADER.match(content)
    if header is None:
        start = content[:40].split(b"\n")[0].decode("latin-1")
        raise FileError(path, f"{_FORM}, but found {quoted(start)}", 1)
    h_min, h_max, k_min, k_max, l_min, l_max = (int(word) for word in header.groups())
    if h_max < h_min or k_max < k_min or l_max < l_min:
        found = quoted(header[0].decode().strip())
        raise FileError(path, f"expected h_min h_max k_min k_max l_min l_max, but found {found}", 1)
    counts = (h_max - h_min + 1, k_max - k_min + 1, l_max - l_min + 1)
    return header.end(), 8 * math.prod(count + 1 for count in counts), counts, (h_min, k_min, l_min)


def write_dump(path: str | os.PathLike[str], values: ArrayLike, minimum: Sequence[int], fill: float = 0.0) -> None:
    """Writes a dump file that the C program reads.

    Args:
        path: File to write.
        values: [electrons] Structure factors on a box of Miller indices, `(nh, nk, nl)`.
        minimum: Smallest h, k and l.
        fill: [electrons] Value of the unused entries.

    Raises:
        FileError: The file cannot be written.
        ValueError: `values` is no box.
    """
    box = np.asarray(values, dtype=np.float64)
    if box.ndim != 3 or not box.size or len(minimum) != 3:
        raise ValueError(f"Argument `values` must be a box over h, k and l, but its shape is {box.shape}")
    ends = [f"{int(low)} {int(low) + count - 1}" for low, count in zip(minimum, box.shape, strict=True)]
    padded = np.pad(box, (0, 1), constant_values=fill)
    write_atomically(path, [(" ".join(ends) + "\n\f").encode(), padded.astype("<f8").tobytes()])
