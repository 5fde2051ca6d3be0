"""From the reflections of an asymmetric unit to those of P1, both Friedel mates among them."""

from typing import Any

import gemmi
import numpy as np


def space_group(name: str) -> gemmi.SpaceGroup:
    """A space group by its Hermann–Mauguin or Hall symbol, or by its number.

    Raises:
        ValueError: If there is none of that name.
    """
    text = str(name).strip()
    found = gemmi.find_spacegroup_by_name(text)
    if found is None and text.isdecimal() and 1 <= int(text) <= 230:
        found = gemmi.find_spacegroup_by_number(int(text))
    if found is None:
        raise ValueError(f"Argument `spacegroup` must be a space group such as 'P 43 21 2' or 96, but is {name!r}.")
    return found


def expanded(hkl: np.ndarray, amplitudes: np.ndarray, group: gemmi.SpaceGroup) -> tuple[np.ndarray, np.ndarray]:
    """All reflections that are equivalent to some, h R for each rotation R of the group, and their Friedel mates.

    Where a reflection and the mate of another meet, the reflection itself comes last, which is what a list of
    reflections has win: mates that are measured apart stay so.

    Args:
        hkl: Miller indices [n, 3].
        amplitudes: [n].
        group: The space group.
    """
    rotations = [np.array(op.rot) // op.DEN for op in group.operations().sym_ops]
    all_hkl = np.concatenate([hkl @ rotation for rotation in rotations])
    all_amplitudes = np.tile(amplitudes, len(rotations))
    return np.concatenate([-all_hkl, all_hkl]), np.concatenate([all_amplitudes, all_amplitudes])


def absences(group: gemmi.SpaceGroup, low: Any, size: Any) -> np.ndarray:
    """Which indices of a box are systematically absent.

    Args:
        group: The space group.
        low: The box's first index.
        size: Indices along h, k, l.
    """
    grid = np.indices(tuple(size), dtype=np.int32).reshape(3, -1).T + np.asarray(low, np.int32)
    return group.operations().systematic_absences(np.ascontiguousarray(grid)).reshape(tuple(size))
