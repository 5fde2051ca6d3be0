"""SHELX's list of intensities, HKLF 4 (.hkl): fixed columns, without cell or symmetry.

Each line is h, k, l in four columns each, intensity and its standard uncertainty in eight each, and a batch number in
four, which may be missing; 0 0 0 ends the list, and what follows it is no data. HKLF 3, which holds |F|, has the same
columns: which of the two a file is, only its .ins says.

References:
    Sheldrick, SHELXL reference, HKLF: (3I4, 2F8.2, I4). A number without a point is refused: to Fortran it has two
    digits behind it, to cctbx none.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted, read_text

if TYPE_CHECKING:
    import gemmi

TITLE = "SHELX HKLF 4"
_INDEX = r" *[+-]?\d+ *"
_LINE = re.compile(r"^(?=.{12})(.{4})(.{4})(.{4})(.{8})(.{1,8})(.{1,4})?")
_WHOLE = re.compile(_INDEX)
_REAL = re.compile(r" *[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)? *")
_SMALLEST = 0.01  # uncertainty that the columns can hold; what is below it comes as 0.00


def looks_like_hklf4(start: str) -> bool:
    """Whether a file that begins like this has SHELX's columns."""
    line = start.split("\n", 1)[0].rstrip()
    return len(line) >= 28 and _fields(line) is not None


def read_hklf4(path: str | os.PathLike[str], cell: Sequence[float], group: gemmi.SpaceGroup) -> gemmi.Mtz:
    """Reads intensities, and merges those that the symmetry makes equal, Friedel mates apart.

    Args:
        path: SHELX's .hkl, of HKLF 4.
        cell: a, b, c [Å], α, β, γ [deg].
        group: The space group.

    Raises:
        FileError: A line holds anything else, an uncertainty is negative, there are batches with scales of their own
            (or twins' parts, HKLF 5), or no reflection is left.
    """
    import gemmi  # here: whoever only looks at a file need not wait for it

    hkl, values, sigmas = _read(path)
    intensities = gemmi.Intensities()
    intensities.set_data(gemmi.UnitCell(*cell), group, hkl, values, np.maximum(sigmas, _SMALLEST))
    intensities.remove_systematic_absences()
    if len(intensities.value_array) == 0:
        raise FileError(path, f"every reflection is systematically absent in {group.xhm()}")
    intensities.merge_in_place(gemmi.DataType.Anomalous)
    merged = intensities.prepare_merged_mtz(with_nobs=False)
    merged.title = TITLE
    return merged


def _read(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows: list[tuple[float, ...]] = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        line = line.rstrip()
        if not line:
            continue
        found = _fields(line)
        if found is None:
            columns = "h k l (4 columns each), intensity, uncertainty (8 each, with a point), batch (4)"
            raise FileError(path, f"expected {columns}, but found {quoted(line)}", number)
        if not any(found[:3]):
            break
        if found[4] < 0:
            raise FileError(path, f"expected an uncertainty of at least 0, but found {found[4]:g}", number)
        # −1 is what XDSCONV gives a reflection of the free set.
        if abs(found[5]) > 1:
            what = "batches with scales of their own and parts of twins (HKLF 5) are not read"
            raise FileError(path, f"expected batch 1, but found {found[5]:g}: {what}", number)
        rows.append(found)
    if not rows:
        raise FileError(path, "expected reflections, but found none before 0 0 0")
    table = np.array(rows)
    return np.ascontiguousarray(table[:, :3], np.int32), table[:, 3].copy(), table[:, 4].copy()


def _fields(line: str) -> tuple[float, ...] | None:
    """h, k, l, intensity, uncertainty and batch number of a line; None where it has other columns."""
    parts = _LINE.match(line)
    if parts is None:
        return None
    indices, reals, batch = parts.groups()[:3], parts.groups()[3:5], parts[6] or ""
    if not all(map(_WHOLE.fullmatch, indices)) or not all(map(_REAL.fullmatch, reals)):
        return None
    if batch.strip() and not _WHOLE.fullmatch(batch):
        return None
    return (*map(float, indices), *map(float, reals), float(batch.strip() or 1))
