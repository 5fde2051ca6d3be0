"""One of two processes of `jax.distributed`, for tests/test_processes.py: images and a fit, against one process."""

import json
import sys

import jax

NUMBER, PORT = int(sys.argv[1]), sys.argv[2]
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize(f"127.0.0.1:{PORT}", 2, NUMBER)

import cases  # noqa: E402
import numpy as np  # noqa: E402

import jaxbragg as jb  # noqa: E402
from jaxbragg import refine  # noqa: E402


def images() -> dict[str, float]:
    """Largest difference of an image over both processes from one of this alone, over its maximum."""
    found = {}
    factors = cases.structure_factors(default=0.0)
    for name, mosaic in (("samples", jb.CapMosaic(0.5, 12)), ("spots", jb.GaussianMosaic(0.5))):
        crystal = cases.crystal(shape="gauss", mosaic=mosaic)
        experiment = jax.device_get(cases.experiment(crystal=crystal, structure_factors=factors))
        alone = np.asarray(jb.simulate(experiment))
        shared = np.asarray(jb.simulate(experiment, jb.Options(devices=2, block_pixels=256)))
        found[name] = float(abs(shared - alone).max() / alone.max())
    return found


def fit() -> dict[str, float]:
    """A cell and a distance that five stills share, each with a misset of its own."""
    beam, water = jb.Beam(1.1, fluence=1e28), jb.AmorphousBackground.water(3e-8)

    def still(misset, a=41.0):
        crystal = jb.Crystal((a, 52, 63, 90, 90, 90), misset=misset, cells=7, shape="gauss")
        return cases.experiment(crystal=crystal, beam=beam, background=water)

    missets = np.random.default_rng(0).uniform(0, 40, (5, 3))
    counts = [np.random.default_rng(i).poisson(np.asarray(jb.simulate(still(m)), float)) for i, m in enumerate(missets)]
    start = [still(m + 0.02, 41.05) for m in missets]
    parameters = ["crystal.cell.a", refine.Parameter("crystal.misset", per_image=True)]
    problem = refine.Problem(start, parameters, counts)
    calls = problem.free.images
    result = refine.fit(problem)
    assert calls == 5
    return {name: float(value) for name, value in result.values.items()}


print(json.dumps({"devices": jax.device_count(), "images": images(), "fit": fit()}), flush=True)
