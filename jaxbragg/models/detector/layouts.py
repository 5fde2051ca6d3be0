"""Detectors of free-electron lasers: modules about a hole for the beam, where they nominally are.

Their quadrants are moved from experiment to experiment, so that only a file of geometry has the real places. Here they
are whole pixels of one plane, with the beam in its middle. The pixels between two chips of a module, which are wider,
are as wide as the others, and leave the rest as a gap.

References:
    AGIPD 1M: EXtra-geom 1.17.0, `AGIPD_1MGeometry.from_quad_positions`: the quadrants' positions of its documentation,
    chips 2 pixels and modules 29 pixels apart.
    ePix10k 2M: psana, geometry-def-epix10ka2m.data, the metrology of 2020-02-25, mean over the four quadrants.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_CHIPS_APART = 2  # [pixels]


@dataclass(frozen=True)
class Layout:
    """Where the chips of a detector are.

    Attributes:
        pixels: Of the plane, along slow and fast.
        module: Pixels of one module along slow and fast, for the words about it.
        chips: First pixel and number of pixels of each, along slow and fast: slow, fast, slow, fast.
        doubt: What is not as in any experiment, for the words about it.
    """

    pixels: tuple[int, int]
    module: tuple[int, int]
    chips: tuple[tuple[int, int, int, int], ...]
    doubt: str

    def mask(self) -> np.ndarray:
        """True for the pixels that are there [slow, fast]."""
        there = np.zeros(self.pixels, bool)
        for slow, fast, rows, columns in self.chips:
            there[slow : slow + rows, fast : fast + columns] = True
        return there


def agipd_1m() -> Layout:
    """16 modules of 8 chips in a row, four to a quadrant."""
    half = (631, 550)  # from the beam to the outermost pixel, along slow and fast
    # First corner of each quadrant's first module, up and to the side from the beam [pixels], and which way its chips
    # follow each other. Modules follow downwards.
    quadrants = ((625, -525, 1), (-10, -550, 1), (-32, 520, -1), (603, 542, -1))
    chips = []
    for up, side, way in quadrants:
        for module in range(4):
            for chip in range(8):
                first = side + way * chip * (64 + _CHIPS_APART) - (64 if way < 0 else 0)
                chips.append((half[0] - up + module * (128 + 29), half[1] + first, 128, 64))
    return Layout(
        (2 * half[0], 2 * half[1]), (128, 512), tuple(chips), "nominal places: --geometry x.geom has the real ones"
    )


def epix10k_2m() -> Layout:
    """16 modules of 2 × 2 chips, four to a quadrant; each quadrant is the one before turned by 90°."""
    # Middles of one quadrant's modules, 352 pixels wide and 384 high, right and up from the beam [pixels].
    middles = ((-591.6, 235.0), (-590.2, 641.7), (-173.6, 236.6), (-171.1, 638.9))
    half = 836
    chips = [chip for x, y in middles for chip in _of_epix(x, y, half)]
    for _ in range(3):
        chips += [(2 * half - fast - columns, slow, columns, rows) for slow, fast, rows, columns in chips[-16:]]
    return Layout(
        (2 * half, 2 * half),
        (352, 384),
        tuple(chips),
        "nominal places, and wide pixels between chips left out: --geometry x.geom has the real ones",
    )


def _of_epix(x: float, y: float, half: int) -> Iterator[tuple[int, int, int, int]]:
    """The four chips of a module whose rows go up: 192 pixels high, 176 wide."""
    for rows, columns in ((0, 0), (0, 1), (1, 0), (1, 1)):
        top = round(half - y - 192 - _CHIPS_APART / 2) + rows * (192 + _CHIPS_APART)
        left = round(half + x - 176 - _CHIPS_APART / 2) + columns * (176 + _CHIPS_APART)
        yield top, left, 192, 176
