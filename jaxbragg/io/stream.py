"""CrystFEL's streams: the crystals that were indexed."""

from __future__ import annotations

import os
import re

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.text import read_text

_STAR = re.compile(r"\s*([abc])star\s*=\s*(\S+)\s+(\S+)\s+(\S+)\s+nm\^-1")
_PER_ANGSTROM = 0.1  # of 1/nm


def read_stream_vectors(path: str | os.PathLike[str]) -> NDArray[np.float64]:
    """Rows a, b, c of every crystal [Å], in CrystFEL's frame: z along the beam, y up.

    Args:
        path: Stream; what else is in it does not matter.

    Raises:
        FileError: The file cannot be read or has no crystal, or one is incomplete or lies in a plane.
    """
    found, rows = [], {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        match = _STAR.match(line)
        if match is None:
            continue
        try:
            rows[match[1]] = [float(x) * _PER_ANGSTROM for x in match.groups()[1:]]
        except ValueError:
            raise FileError(path, f"expected three numbers, but found {line.strip()!r}", number) from None
        if match[1] == "c":
            if set(rows) != {"a", "b", "c"}:
                raise FileError(path, "expected astar and bstar before cstar", number)
            stars = np.array([rows[name] for name in "abc"])
            if not np.isfinite(stars).all() or abs(np.linalg.det(stars)) < 1e-12:
                raise FileError(path, "the three vectors span no cell", number)
            found.append(np.linalg.inv(stars).T)
            rows = {}
    if not found:
        raise FileError(path, "expected crystals (astar, bstar, cstar), but found none")
    return np.array(found)
