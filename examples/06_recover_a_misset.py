"""Which way is the crystal turned? Three angles from one still, from two degrees away.

A fit sees a measured spot only where its model's spot reaches. From so far a plain fit converges into a false minimum,
and only its χ² tells. Spots drawn wide reach farther, so the second fit begins with wide ones.

Run: python examples/06_recover_a_misset.py      (--picture FILE.png draws observed, model and residual)
"""

import sys

import numpy as np

import jaxbragg as jb
from jaxbragg import refine


def still(misset):
    return jb.Experiment(
        beam=jb.Beam(wavelength=1.0, fluence=1e28),
        crystal=jb.Crystal((110, 130, 150, 90, 95, 90), misset=misset, cells=8, shape="gauss"),
        detector=jb.FlatPanel((96, 96), 0.3e-3, (0.1, 0.0144, -0.0144), (0, 0, 1), (0, -1, 0)),
        structure_factors=jb.StructureFactors(default=100.0),
    )


# The measurement: Poisson counts over a background of 3 photons.
truth, begin = (10.0, 20.0, 30.0), (11.5, 18.5, 30.75)
counts = np.random.default_rng(0).poisson(np.asarray(jb.simulate(still(truth)), float) + 3.0)

free = ["crystal.misset", refine.Parameter("image.constant", start=2.0)]
problem = refine.Problem(still(begin), free, counts)
plain = refine.fit(problem)
print(f"a plain fit: converged {plain.converged}, χ² per degree of freedom {plain.chi2_per_dof:.4g}")

result = refine.fit_coarse_to_fine(problem, blurs=(4.0, 2.0))
print(f"\nfrom coarse to fine:\n{result}")

print("\nagainst the truth [deg]:")
for i, angle in enumerate(truth):
    name = f"crystal.misset[{i}]"
    value, sigma = result.values[name], result.uncertainties[name]
    print(f"  {name}: began {begin[i] - angle:+.2f} off, ended {value - angle:+.5f} ({(value - angle) / sigma:+.1f} σ)")

if "--picture" in sys.argv:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.0, 3.1), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    before, after = problem.model_image(problem.start), result.model_image()
    shown = {
        "observed": counts,
        "model, 2° off": before,
        "model, refined": after,
        "(observed − refined)/σ": result.residual_image(),
    }
    top = np.percentile(counts, 99.7)
    for axes, (title, image) in zip(figure.subplots(1, 4), shown.items(), strict=True):
        residual = title.endswith("σ")
        if residual:
            drawn = axes.imshow(image, cmap="RdBu_r", vmin=-6, vmax=6, interpolation="nearest")
        else:
            drawn = axes.imshow(image, cmap="binary", norm=PowerNorm(0.5, 0, top), interpolation="nearest")
        axes.set_title(title)
        axes.set_xticks([])
        axes.set_yticks([])
        figure.colorbar(drawn, ax=axes, shrink=0.7, label="σ" if residual else "photons")
    figure.savefig(sys.argv[sys.argv.index("--picture") + 1])
