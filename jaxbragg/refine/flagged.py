"""Pixels that hold a mark and no count: detectors write the largest number where they are full, −1 or −2 in gaps."""

import numpy as np

# Kept through a change of type, as where a 16-bit image is stored as float32. 2³² − 1 and − 2 are gaps and bad pixels
# of 32-bit detectors.
_MARKS = (2**16 - 1, 2**31 - 1, 2**32 - 2, 2**32 - 1)
_GAPS = (-1, -2)


def flagged(pixels: np.ndarray, *, gaps: bool = True, full: bool = True) -> np.ndarray:
    """Which pixels hold a mark instead of a count.

    Marks are the largest number of a type of whole numbers, 65535, 2³¹ − 1, 2³² − 2 and 2³² − 1 in any type, and of
    negative ones −1, −2 and the lowest of the type.

    Args:
        pixels: As a detector or file gave them, before an offset is taken off.
        gaps: Whether −1 and −2 are marks in real numbers, too; in whole numbers they always are.
        full: Whether large numbers are.
    """
    if pixels.dtype == bool:
        return np.zeros(pixels.shape, bool)
    whole = pixels.dtype.kind in "iu"
    large, low = list(_MARKS) if full else [], list(_GAPS) if whole or gaps else []
    if whole:
        limits = np.iinfo(pixels.dtype)
        large += [int(limits.max)] if full else []
        low += [int(limits.min)] if limits.min < 0 else []
        marks = np.array([mark for mark in (*large, *low) if limits.min <= mark <= limits.max], pixels.dtype)
    else:
        marks = np.array([*large, *low], pixels.dtype)
    return np.isin(pixels, marks)
