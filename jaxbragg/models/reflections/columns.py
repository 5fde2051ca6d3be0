"""Which columns of an MTZ file hold |F|, and how they become a list of amplitudes."""

from collections.abc import Sequence
from itertools import pairwise

import gemmi
import numpy as np

Reflections = tuple[np.ndarray, np.ndarray]
"""Miller indices [n, 3] and |F| [n]; both mates where the file tells them apart."""

_AMPLITUDE, _MATE, _DIFFERENCE, _INTENSITY, _MATE_INTENSITY = "F", "G", "D", "J", "K"


def choose_columns(mtz: gemmi.Mtz) -> tuple[str, ...]:
    """The columns that hold |F| best: F and its anomalous difference, F(+) and F(−), F alone, or intensities.

    Raises:
        ValueError: If there are none of these.
    """
    columns = list(mtz.columns)
    for one, other in pairwise(columns):
        if one.type == _AMPLITUDE and other.type == _DIFFERENCE:
            return one.label, other.label
    for kind, count in ((_MATE, 2), (_AMPLITUDE, 1), (_MATE_INTENSITY, 2), (_INTENSITY, 1)):
        found = [column.label for column in columns if column.type == kind]
        if len(found) >= count:
            return tuple(found[:count])
    raise ValueError(f"there is no column of amplitudes or intensities, only {_listed(mtz)}")


def reflections_of(mtz: gemmi.Mtz, labels: Sequence[str]) -> Reflections:
    """The reflections that have a value.

    Args:
        mtz: Of merged reflections.
        labels: One column (|F|, or an intensity, of which the root is taken), or two: those of h and −h, F and its
            anomalous difference D (F ± D/2), or F and its phase, which is left out.

    Raises:
        ValueError: If there is no such column, or no reflection has a value.
    """
    by_label = {column.label: column for column in mtz.columns}
    for label in labels:
        if label not in by_label:
            raise ValueError(f"there is no column {label!r}, only {_listed(mtz)}")
    chosen = [by_label[label] for label in labels]
    kinds = [column.type for column in chosen]
    hkl = np.array(mtz.make_miller_array(), np.int32)
    values = [np.array(column, np.float64) for column in chosen]
    if len(chosen) == 2 and kinds[1] == "P":
        chosen, values = chosen[:1], values[:1]
    if len(chosen) == 1:
        rows, found = hkl, _amplitudes(values[0], kinds[0])
    elif len(chosen) == 2 and kinds[1] == _DIFFERENCE:
        half = np.nan_to_num(values[1]) / 2
        rows, found = np.concatenate([-hkl, hkl]), np.concatenate([values[0] - half, values[0] + half])
    elif len(chosen) == 2 and kinds[0] == kinds[1]:
        rows = np.concatenate([-hkl, hkl])
        found = np.concatenate([_amplitudes(values[1], kinds[1]), _amplitudes(values[0], kinds[0])])
        rows, found = _with_single_mates(rows, found, len(hkl))
    else:
        raise ValueError(
            f"columns {', '.join(labels)} ({', '.join(kinds)}) are not an amplitude and what belongs to it"
        )
    there = np.isfinite(found)
    if not there.any():
        raise ValueError(f"no reflection has a value in column {', '.join(labels)}")
    return rows[there], found[there]


def _with_single_mates(rows: np.ndarray, found: np.ndarray, count: int) -> Reflections:
    """Where one mate alone was measured, the other is like it."""
    minus, plus = found[:count], found[count:]
    filled = np.concatenate([np.where(np.isfinite(minus), minus, plus), np.where(np.isfinite(plus), plus, minus)])
    return rows, filled


def _amplitudes(values: np.ndarray, kind: str) -> np.ndarray:
    return np.sqrt(np.maximum(values, 0.0)) if kind in (_INTENSITY, _MATE_INTENSITY) else values


def _listed(mtz: gemmi.Mtz) -> str:
    shown = [f"{column.label} ({column.type})" for column in list(mtz.columns)[3:15]]
    return ", ".join(shown) or "indices"
