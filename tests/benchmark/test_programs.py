from dataclasses import replace

import equinox as eqx
import jax
import numpy as np
import pytest
from cases import relative

from benchmarks.cases import CASES
from benchmarks.experiments import experiment_of
from benchmarks.programs import PARAMETERS, changed, error, program
from jaxbragg import Options, simulate

SMALL = replace(CASES["yardstick"].shrunk(), pixels=(16, 16), cells=(5, 6, 7), domains=2)  # type: ignore[type-var]
EXACT = Options(precision="float64")


def draw(experiment):
    return simulate(experiment, EXACT)


def test_the_jacobian_is_that_of_differences():
    experiment = experiment_of(SMALL)
    with jax.enable_x64(True):
        function, argument = program("jacobian", draw, experiment)
        found = np.asarray(jax.jit(function)(argument))
        assert found.shape == (16, 16, PARAMETERS)
        for number, step in ((0, 1e-5), (3, 1e-5), (7, 1e-6), (10, 1e-9)):
            move = np.zeros(PARAMETERS)
            move[number] = step
            plus, minus = (np.asarray(draw(changed(experiment, sign * move))) for sign in (1, -1))
            assert relative(found[..., number], (plus - minus) / (2 * step)) < 1e-5


def test_the_gradient_is_that_of_the_fluence():
    # The image is proportional to the fluence Φ: d Σ log(1 + I) / dΦ = Σ I / (1 + I) / Φ.
    experiment = experiment_of(SMALL)
    with jax.enable_x64(True):
        function, argument = program("reverse", draw, experiment)
        found = jax.jit(function)(argument)
        image, fluence = np.asarray(draw(experiment)), float(experiment.beam.fluence)
    assert float(found.beam.fluence) == pytest.approx((image / (1 + image)).sum() / fluence, rel=1e-9)
    assert len(jax.tree.leaves(found)) == len(jax.tree.leaves(eqx.filter(experiment, eqx.is_inexact_array)))


def test_errors():
    truth = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = np.array([[1.0, 2.0], [3.3, 4.0]])
    assert error("forward", found, truth) == pytest.approx(0.3 / 4)
    assert error("forward", found, truth, (0, 1, 0, 0)) == 0.0  # the region: the first row
    assert error("jacobian", found, truth) == pytest.approx(0.1)  # columns are parameters
    # ‖(3, 4)‖ = 5; the second leaf's 1e-9 is below what matters
    found, wanted = [np.array([3.0, 4.5]), np.array(2e-9)], [np.array([3.0, 4.0]), np.array(1e-9)]
    assert error("reverse", found, wanted, at=wanted) == pytest.approx(0.1)
