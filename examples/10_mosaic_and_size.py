"""Why are the spots wide? Mosaic spread and the number of cells from one still, told apart by their shapes.

A small crystal makes every spot wide by the same amount in reciprocal space; mosaic spread turns spots about the
origin, the more the farther out they are.

Run: python examples/10_mosaic_and_size.py
"""

import numpy as np

import jaxbragg as jb
from jaxbragg import refine

CELLS = tuple(f"crystal.cells[{i}]" for i in range(3))  # one number for all three axes


def still(cells, spread):
    return jb.Experiment(
        beam=jb.Beam(wavelength=1.0, fluence=1e27),
        crystal=jb.Crystal(
            (60, 70, 80, 90, 95, 90),
            misset=(10, 20, 30),
            cells=cells,
            mosaic=jb.CapMosaic(spread=spread, domains=25),
            shape="gauss",
        ),
        detector=jb.FlatPanel((64, 64), 0.6e-3, (0.1, 0.0192, -0.0192), (0, 0, 1), (0, -1, 0)),
        structure_factors=jb.StructureFactors(default=100.0),
    )


truth = {"N": 20.0, "spread": 0.8}
counts = np.random.default_rng(1).poisson(np.asarray(jb.simulate(still(*truth.values())), float) + 2.0)

parameters = [
    refine.Parameter(CELLS, name="N"),
    refine.Parameter("crystal.mosaic.spread", name="spread", bounds=(0.0, 5.0)),
    "image.scale",
    refine.Parameter("image.constant", start=1.0),
]
result = refine.fit(refine.Problem(still(17.0, 0.5), parameters, counts))
print(result)
for name, value in truth.items():
    print(f"{name}: the truth is {value:g}, {abs(result.values[name] - value) / result.uncertainties[name]:.1f} σ away")
print(f"correlation of the two {result.correlation('N', 'spread'):+.2f}")
