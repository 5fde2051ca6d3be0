"""Tables of the further lattices of a split or twinned crystal."""

from __future__ import annotations

import math
import os
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted, read_text, rows, to_float

_FORM = "expected a share and a twin law such as k,h,-l, or a share, three angles [deg] and, if it differs, a cell"


class LatticeRow(NamedTuple):
    """One further lattice.

    Attributes:
        share: Of the crystal's blocks, as a multiple of the first lattice's.
        turn: Angles about x, y, z of the laboratory, after the crystal's orientation [deg].
        cell: Six numbers [Å, deg], or None for the crystal's own.
        law: See `jaxbragg.models.twinning.twin_matrix`; None where it is turned by angles.
    """

    share: float
    turn: tuple[float, float, float]
    cell: tuple[float, ...] | None
    law: NDArray[np.float64] | None


def read_lattices(path: str | os.PathLike[str]) -> list[LatticeRow]:
    """Reads a table of lattices.

        0.3   0.5 0 0                      # share, and how it is turned about x, y, z [deg]
        0.1   0 1.2 0  79.5 79.5 38 90 90 90
        0.25  k,h,-l                       # share, and a twin law

    Args:
        path: Text file; `#` comments and blank lines are ignored.

    Raises:
        FileError: The file cannot be read or holds no lattice, or a line is none of a lattice.
    """
    found = []
    for line, words in rows(read_text(path)):
        share = to_float(words[0])
        if share is None or not math.isfinite(share) or share < 0:
            raise FileError(path, f"expected a share of at least 0, but found {quoted(words[:1])}", line)
        if len(words) == 2:
            found.append(LatticeRow(share, (0.0, 0.0, 0.0), None, _law(path, words[1], line)))
            continue
        numbers = [to_float(word) for word in words[1:]]
        if len(words) not in (4, 10) or any(x is None or not math.isfinite(x) for x in numbers):
            raise FileError(path, f"{_FORM}, but found {quoted(words)}", line)
        x, y, z, *cell = (float(number or 0.0) for number in numbers)
        found.append(LatticeRow(share, (x, y, z), tuple(cell) or None, None))
    if not found:
        raise FileError(path, f"{_FORM}, but found no lattice")
    return found


def _law(path: str | os.PathLike[str], text: str, line: int) -> NDArray[np.float64]:
    from jaxbragg.models.twinning import twin_matrix

    try:
        return twin_matrix(text)
    except ValueError as error:
        raise FileError(path, str(error), line) from None
