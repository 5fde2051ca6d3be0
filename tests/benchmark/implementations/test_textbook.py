from dataclasses import replace

import jax
import pytest
from cases import relative

from benchmarks.cases import CASES
from benchmarks.experiments import experiment_of
from benchmarks.implementations.textbook import Textbook, draw
from jaxbragg import Options, simulate


@pytest.mark.parametrize(("name", "changes"), [("yardstick", {}), ("wavelengths-10", {}), ("jungfrau-16m", {}),
                                               ("no-table", {"phi_steps": 3})])  # fmt: skip
def test_the_yardstick_draws_the_same_image(name, changes):
    experiment = experiment_of(replace(CASES[name].shrunk(), pixels=(16, 20), **changes))  # type: ignore[type-var]
    with jax.enable_x64(True):
        assert relative(jax.jit(draw)(experiment), simulate(experiment, Options(precision="float64"))) < 1e-10


@pytest.mark.parametrize(("name", "mode"), [("gauss", "forward"), ("yardstick", "reverse"), ("stills-256", "forward")])
def test_it_knows_what_it_cannot(name, mode):
    assert Textbook().refusal(CASES[name], mode) is not None  # type: ignore[arg-type]
