"""A small still with known truth, for all tests of fits: 64 × 64 pixels, spots of up to some 1e4 photons."""

from types import SimpleNamespace

import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg import refine

TRUTH = (55, 65, 75, 90, 95, 90)
BACKGROUND = 3.0
CUBE = tuple(f"crystal.cells[{i}]" for i in range(3))


def still(cell=TRUTH, misset=(10, 20, 30), cells=10.0, shape="gauss", pixels=64, panels=1, **detector):
    """A still on a detector of 51 mm."""
    size = 0.0512 / pixels
    panel = jb.FlatPanel((pixels, pixels), size, (0.1, 0.0256, -0.0256), (0, 0, 1), (0, -1, 0), **detector)
    return jb.Experiment(
        beam=jb.Beam(1.0, fluence=3e28),
        crystal=jb.Crystal(cell, misset=misset, cells=cells, shape=shape),
        detector=panel if panels == 1 else jb.MultiPanel([panel] * panels),
        structure_factors=jb.StructureFactors(default=100.0),
    )


def counts(experiment, seed=0, background=BACKGROUND, scale=1.0):
    """Poisson counts of an experiment over a constant background."""
    mean = np.asarray(jb.simulate(experiment), float) * scale + background
    return np.random.default_rng(seed).poisson(mean).astype(float)


@pytest.fixture(scope="session")
def small():
    """The truth, a start off it, its counts, and nine free values."""
    cell = [refine.Parameter("crystal.cell.a"), refine.Parameter("crystal.cell.beta")]
    rest = ["crystal.misset", refine.Parameter(CUBE, name="N"), "image.scale"]
    return SimpleNamespace(
        still=still,
        counts=counts,
        truth=still(),
        start=still((55.1, 65, 75, 90, 94.9, 90), (10.05, 19.95, 30.03), 9.5),
        image=counts(still()),
        parameters=[*cell, *rest, refine.Parameter("image.constant", start=2.0)],
        true_values={
            "crystal.cell.a": 55.0,
            "crystal.cell.beta": 95.0,
            **{f"crystal.misset[{i}]": 10.0 * (i + 1) for i in range(3)},
            "N": 10.0,
            "image.scale": 1.0,
            "image.constant": BACKGROUND,
        },
    )
