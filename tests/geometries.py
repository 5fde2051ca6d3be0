"""Experiments of every kind of place for a detector, and what of a geometry is the same in any frame."""

import numpy as np

import jaxbragg as jb

CRYSTAL = "-cell 40 45 50 90 95 90 -misset 20 30 40 -default_F 10 -N 5"
BASE = f"{CRYSTAL} -detpixels_f 60 -detpixels_s 40 -pixel 0.2 -lambda 0.97"
TILTED = f"{BASE} -distance 80 -detector_rotx 3 -detector_roty -2 -detector_rotz 5 -twotheta 7 -Xbeam 5 -Ybeam 3"
CASES = {
    "flat": f"{BASE} -distance 80 -polar 0.9",
    "tilted": TILTED,
    "mirrored": f"{BASE} -distance 80 -fdet_vector 0 0 -1 -sdet_vector 0 -1 0 -odet_vector 1 0 0 -polar -0.5",
    "xds": f"{BASE} -close_distance 80 -xds -detector_rotz 4",
    "odd spindle": f"{TILTED} -spindle_axis 0.3 0.5 1",
    "sensor": f"{TILTED} -detector_thick 450 -detector_abs 250",
}
ALL = (*CASES, "panels")


def experiment_of(name):
    """One of the cases; "panels" are four of the tilted panel, in other places and of two heights, one with a gap."""
    if name != "panels":
        return jb.read_experiment(CASES[name].split())[0]
    import equinox as eqx

    base = jb.read_experiment(TILTED.split())[0]
    panel = base.detector
    mask = np.ones((40, 60), bool)
    mask[10:12, 3:] = False
    panels = [
        jb.FlatPanel(
            (40, 60) if i != 2 else (30, 60),
            np.asarray(panel.pixel_size),
            np.asarray(panel.origin) + np.array([0.001, 0.002, 0.015]) * i,
            np.asarray(panel.fast_axis) * (-1 if i == 1 else 1),
            np.asarray(panel.slow_axis),
            mask=mask if i == 3 else None,
        )
        for i in range(4)
    ]
    return eqx.tree_at(lambda e: e.detector, base, jb.MultiPanel(panels))


def panels_of(detector):
    return detector.panels if isinstance(detector, jb.MultiPanel) else (detector,)


def scalars(detector, direction, axis, vectors=None):
    """Products of all vectors with each other [m, Å], and signs: the same in any frame."""
    rows = [direction, axis]
    for panel in panels_of(detector):
        rows += [panel.origin, panel.fast_axis, panel.slow_axis]
    if vectors is not None:
        rows += list(np.asarray(vectors))
    rows = np.array([np.asarray(row, float) for row in rows])
    hands = [np.linalg.det(rows[[0, 2, i]]) for i in range(3, len(rows))]
    return np.concatenate([(rows @ rows.T).ravel(), hands])
