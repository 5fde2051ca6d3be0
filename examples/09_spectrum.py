"""The spectrum of a pink beam from one still: how bright is each of seven wavelengths?

Weights are relative, so the middle one stays 1 and the others are free. Each wavelength draws its spots a little
farther out; where spots of two wavelengths overlap, their weights are correlated.

Run: python examples/09_spectrum.py
"""

import numpy as np

import jaxbragg as jb
from jaxbragg import refine

RATIOS = 1 + 0.01 * np.arange(-3, 4)  # wavelength over the middle's: steps of 1 %
TRUTH = np.array([0.15, 0.35, 0.80, 1.00, 0.90, 0.50, 0.20])


def still(weights):
    return jb.Experiment(
        beam=jb.Beam(
            wavelength=1.0,
            fluence=3e26,
            sources=jb.RelativeSources(np.zeros(7), np.zeros(7), RATIOS, weights),
        ),
        crystal=jb.Crystal((60, 70, 80, 90, 95, 90), misset=(10, 20, 30), cells=15, shape="gauss"),
        detector=jb.FlatPanel((96, 96), 0.5e-3, (0.08, 0.024, -0.024), (0, 0, 1), (0, -1, 0)),
        structure_factors=jb.StructureFactors(default=100.0),
    )


counts = np.random.default_rng(0).poisson(np.asarray(jb.simulate(still(TRUTH)), float) + 1.0)

free = [i for i in range(7) if i != 3]
parameters = [refine.Parameter(f"beam.sources.weights[{i}]", bounds=(0.0, 10.0)) for i in free]
problem = refine.Problem(still(np.full(7, 1.0)), [*parameters, "image.scale"], counts, background=1.0)
result = refine.fit(problem)

print("wavelength [Å]   weight and its uncertainty   truth")
for i, ratio in enumerate(RATIOS):
    name = f"beam.sources.weights[{i}]"
    if i == 3:
        print(f"{ratio:14.2f}   {1:.3f} (held)             {TRUTH[i]:.2f}")
        continue
    value, sigma = result.values[name], result.uncertainties[name]
    print(
        f"{ratio:14.2f}   {value:.3f} ± {sigma:.3f}            {TRUTH[i]:.2f}   ({(value - TRUTH[i]) / sigma:+.1f} σ)"
    )
print(f"χ² per degree of freedom {result.chi2_per_dof:.3f}")
