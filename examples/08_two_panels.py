"""Where is the second panel? A detector of two panels, from twenty stills in random orientations.

Each still has an orientation and a brightness of its own; all share the panel's place. The first panel stays where it
is and so does the cell: together they say what a metre and a direction are.

Run: python examples/08_two_panels.py
"""

import numpy as np

import jaxbragg as jb
from jaxbragg import refine

PANEL = {"pixels": (48, 24), "pixel_size": 0.8e-3, "slow_axis": (0, -1, 0)}
LEFT, RIGHT = (0.1, 0.0192, -0.0200), (0.1, 0.0192, 0.0008)


def turned(origin, shift, angle):
    """A panel moved by a shift [m] and turned in its plane by a small angle [deg] about its corner."""
    turn = np.deg2rad(angle)
    fast = (0, -np.sin(turn), np.cos(turn))
    slow = (0, -np.cos(turn), -np.sin(turn))
    return jb.FlatPanel(**{**PANEL, "slow_axis": slow}, origin=np.add(origin, shift), fast_axis=fast)


def still(misset, second):
    return jb.Experiment(
        beam=jb.Beam(wavelength=1.0, fluence=1e27),
        crystal=jb.Crystal((60, 70, 80, 90, 95, 90), misset=misset, cells=10, shape="gauss"),
        detector=jb.MultiPanel([turned(LEFT, (0, 0, 0), 0.0), second]),
        structure_factors=jb.StructureFactors(default=100.0),
    )


random = np.random.default_rng(0)
missets = random.uniform(0, 90, (20, 3))
true_panel = turned(RIGHT, (0.0, 1.2e-4, -0.8e-4), 0.2)
truths = [still(misset, true_panel) for misset in missets]
brightness = random.uniform(0.5, 1.5, 20)
images = [
    random.poisson(np.asarray(jb.simulate(truth), float) * factor + 2.0)
    for truth, factor in zip(truths, brightness, strict=True)
]

# Orientations as indexing leaves them, some hundredths of a degree off; the panel where the drawings have it.
starts = [still(m + random.normal(0, 0.03, 3), turned(RIGHT, (0, 0, 0), 0.0)) for m in missets]
parameters = [
    *(f"detector.panels[1].shift[{axis}]" for axis in (0, 1)),
    "detector.panels[1].rotation[2]",
    refine.Parameter("crystal.misset", per_image=True),
    refine.Parameter("image.scale", per_image=True, bounds=(0.1, 10.0)),
]
problem = refine.Problem(starts, parameters, images, background=2.0)
result = refine.fit(problem)
print(f"{problem.free.count} values from {len(images)} stills; χ² per degree of freedom {result.chi2_per_dof:.3f}")


def middle(panel):
    origin, fast, slow = (np.asarray(v) for v in (panel.origin, panel.fast_axis, panel.slow_axis))
    return origin + PANEL["pixel_size"] * (12 * fast + 24 * slow)


off = middle(result.experiment.detector.panels[1]) - middle(true_panel)
for axis, name in ((2, "shift[0]"), (1, "shift[1]")):
    sigma = result.uncertainties[f"detector.panels[1].{name}"]
    print(f"  middle along {'xyz'[axis]}: off by {off[axis] * 1e6:+.2f} µm, uncertainty {sigma * 1e6:.2f} µm")
angle, sigma = (table["detector.panels[1].rotation[2]"] for table in (result.values, result.uncertainties))
print(f"  turned by {angle:.4f}°, uncertainty {sigma:.4f}°; the truth is a fifth of a degree")
worst = max(
    abs(result.values[f"image.scale @{i}"] - brightness[i]) / result.uncertainties[f"image.scale @{i}"]
    for i in range(20)
)
print(f"  brightness of the 20 stills: within {worst:.1f} standard uncertainties of the truth")
