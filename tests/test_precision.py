"""Where float32 fails, mixed precision does not; and the program lowers for GPUs without one."""

import shlex
from dataclasses import replace

import jax
import numpy as np
import pytest

import jaxbragg as jb

LARGE = shlex.split(
    "-cell 200 220 250 74 82 68 -misset 13 27 41 -default_F 100 -N 1000 -lambda 0.9768 -distance 231.27 -pixel 0.172 "
    "-detpixels 256 -oversample 1 -dispersion 5 -dispsteps 15"
)


def test_a_thousand_cells_each_way():
    experiment, options = jb.read_experiment(LARGE)
    exact, mixed, single = (
        np.asarray(jb.simulate(experiment, replace(options, precision=precision))).astype(float)
        for precision in ("float64", "mixed", "float32")
    )
    assert np.corrcoef(mixed.ravel(), exact.ravel())[0, 1] >= 0.99999
    assert mixed.sum() == pytest.approx(exact.sum(), rel=1e-4)
    assert np.abs(mixed - exact).max() < 5e-5 * exact.max()
    # Tiles of one pixel: nothing depends on how many cells there are.
    finest = np.asarray(jb.simulate(experiment, replace(options, tile=1))).astype(float)
    assert np.abs(finest - exact).max() < 1e-6 * exact.max()
    # What the tiles are for: a hundred times and more of that.
    assert np.abs(single - exact).max() > 5e-3 * exact.max()


@pytest.mark.parametrize("shape", ["square", "gauss"])
@pytest.mark.parametrize("precision", ["mixed", "float64"])
def test_it_lowers_for_nvidia_gpus(shape, precision):
    experiment, _ = jb.read_experiment([*LARGE, "-mosaic", "0.1", "-mosaic_domains", "20"])
    options = jb.Options(shape=shape, precision=precision)
    exported = jax.export.export(jax.jit(lambda e: jb.simulate(e, options)), platforms=["cuda"])(experiment)
    assert exported.platforms == ("cuda",)
    assert "stablehlo" in str(exported.mlir_module())
