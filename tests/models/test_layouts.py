"""Layouts of detectors of free-electron lasers: against EXtra-geom's, and psana's metrology."""

import numpy as np

from jaxbragg.models.detector.layouts import agipd_1m, epix10k_2m

# EXtra-geom 1.17.0, AGIPD_1MGeometry.from_quad_positions([(-525, 625), (-550, -10), (520, -160), (542.5, 475)]): first
# corners of the first and the last chip of modules, x and y from the beam [pixels]; fast is vertical, slow horizontal.
FIRST_AND_LAST = {
    0: ((-525, 625), (-63, 625)),
    3: ((-525, 154), (-63, 154)),
    7: ((-550, -481), (-88, -481)),
    8: ((520, -160), (58, -160)),
    15: ((542.5, 4), (80.5, 4)),
}
# psana, geometry-def-epix10ka2m.data: middles of panels [µm], and by how much each is turned [deg].
EPIX = """-59032 23573 270|-59026 64317 270|-17405 23567 270|-17039 63692 270|23423 59147 180|64071 59039 180
23779 17334 180|63997 17181 180|59152 -23403 90|58942 -64143 90|17468 -23658 90|17029 -63871 90
-23591 -59310 0|-64155 -59056 0|-23622 -17240 0|-63991 -17169 0"""


def test_agipd_is_where_extra_geom_has_it():
    layout = agipd_1m()
    for module, (first, last) in FIRST_AND_LAST.items():
        left = module < 8  # there, fast goes down; at the other side, up, and slow to the left
        for corner, chip in ((first, 8 * module), (last, 8 * module + 7)):
            slow, fast, rows, columns = layout.chips[chip]
            x, y = fast - layout.pixels[1] / 2, layout.pixels[0] / 2 - slow
            found = (x, y) if left else (x + columns, y - rows)
            np.testing.assert_allclose(found, corner, atol=0.5)  # whole pixels
    assert layout.mask().sum() == 16 * 512 * 128  # no chip over another


def test_epix_is_near_its_metrology():
    layout, half = epix10k_2m(), 836
    assert layout.pixels == (2 * half, 2 * half)
    assert layout.mask().sum() == 16 * 352 * 384
    chips = np.array(layout.chips).reshape(16, 4, 4)
    low, high = chips[:, :, :2].min(axis=1), (chips[:, :, :2] + chips[:, :, 2:]).max(axis=1)
    middles = ((low + high) / 2 - half)[:, ::-1] * [1, -1]  # right and up
    wanted = np.array([[float(v) for v in row.split()] for line in EPIX.split("\n") for row in line.split("|")])
    for x, y, turn in wanted:
        nearest = np.linalg.norm(middles - np.array([x, y]) / 100, axis=1).argmin()
        # The quadrants differ by 0.4 mm from one to the other.
        np.testing.assert_allclose(middles[nearest], np.array([x, y]) / 100, atol=5)
        height, width = (high - low)[nearest]
        assert (height > width) == (turn in (90, 270))
    np.testing.assert_array_equal(np.rot90(layout.mask()), layout.mask())
