"""A small experiment all of whose spreads are Gaussian, on few pixels: what tests of images by spots share."""

from typing import Any

import numpy as np

import jaxbragg as jb

FACTORS = jb.StructureFactors(np.random.default_rng(0).uniform(20, 200, (17, 17, 21)), (-8, -8, -10))
EXACT = jb.Options(precision="float64")


def gaussian(
    mosaic: Any = 0.3, bandwidth: float = 0.0, width: float | None = None, misset: Any = (11.0, 22.0, 33.0),
    cell: Any = (40.0, 40, 55, 90, 90, 90), cells: Any = (12, 12, 10), **parts: Any,
) -> jb.Experiment:  # fmt: skip
    """Spots a few pixels wide on 24 × 32 pixels."""
    made = {
        "beam": jb.Beam(1.0, fluence=1e28, polarization=0.5, sources=jb.GaussianSources(bandwidth)),
        "crystal": jb.Crystal(cell, misset=misset, cells=cells, shape="gauss", mosaic=jb.GaussianMosaic(mosaic)),
        "detector": panel(),
        "structure_factors": FACTORS,
        "scan": jb.Scan((7.0,)) if width is None else jb.Scan.continuous(7.0, width),
    }
    return jb.Experiment(**(made | parts))


def panel(distance: float = 0.1, **more: Any) -> jb.FlatPanel:
    """Across the beam."""
    return jb.FlatPanel((24, 32), 2e-3, (distance, 0.024, -0.032), (0, 0, 1), (0, -1, 0), **more)
