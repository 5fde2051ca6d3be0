"""Cell and distance from one still: a cell twice as large at twice the distance draws almost the same spots.

Only the curvature of the sphere tells the two apart, so what one still says of the cell's size alone is vague. What it
says of its shape is sharper; and with the distance known from elsewhere, as a prior, so is the size.

Run: python examples/07_cell_and_distance.py
"""

import numpy as np

import jaxbragg as jb
from jaxbragg import refine


def still(scale=1.0, distance=0.1):
    a, b, c = np.array((110.0, 130.0, 150.0)) * scale
    return jb.Experiment(
        beam=jb.Beam(wavelength=1.0, fluence=1e27),
        crystal=jb.Crystal((a, b, c, 90, 95, 90), misset=(10, 20, 30), cells=10, shape="gauss"),
        detector=jb.FlatPanel((96, 96), 0.25e-3, (distance, 0.012, -0.012), (0, 0, 1), (0, -1, 0)),
        structure_factors=jb.StructureFactors(default=100.0),
    )


counts = np.random.default_rng(2).poisson(np.asarray(jb.simulate(still()), float) + 3.0)
begin = still(scale=1.001, distance=0.1002)

truth = {"crystal.cell.a": 110, "crystal.cell.b": 130, "crystal.cell.c": 150, "crystal.cell.beta": 95}
truth |= {"crystal.misset[0]": 10, "crystal.misset[1]": 20, "crystal.misset[2]": 30, "detector.distance": 0.1}
cell = [f"crystal.cell.{name}" for name in ("a", "b", "c", "beta")]
known = refine.Parameter("detector.distance", prior=(0.1, 20e-6))  # measured otherwise, to 20 µm
for title, distance in (("distance free", "detector.distance"), ("distance known to 20 µm", known)):
    problem = refine.Problem(begin, [*cell, "crystal.misset", distance], counts, background=3.0)
    result = refine.fit(problem)
    print(f"{title}:\n{result}")
    a, c = (result.values[f"crystal.cell.{name}"] for name in "ac")
    part_a, part_c = (result.uncertainties[f"crystal.cell.{name}"] / v for name, v in (("a", a), ("c", c)))
    together = result.correlation("crystal.cell.a", "crystal.cell.c")
    sigma = a / c * np.sqrt(part_a**2 + part_c**2 - 2 * together * part_a * part_c)
    print(f"correlation of a and the distance {result.correlation('crystal.cell.a', 'detector.distance'):.2f}")
    print(f"a/c {a / c:.5f} ± {sigma:.5f}, off by {a / c - 110 / 150:+.5f}")
    off = (f"{name} {(result.values[name] - v) / result.uncertainties[name]:+.1f}" for name, v in truth.items())
    print(f"off the truth [σ]: {', '.join(off)}\n")
