"""Many small images: one after the other, and all in one call."""

import jax
import numpy as np

from benchmarks.cases import Case
from benchmarks.experiments import options_of, stacked, stills_of, truth_options
from benchmarks.harness import Measured, time_calls
from benchmarks.implementations.base import Implementation
from benchmarks.programs import error
from jaxbragg.several import simulate_batch
from jaxbragg.simulate import simulate


class Loop(Implementation):
    """A Python loop over a compiled `simulate`."""

    name = "loop"

    def refusal(self, case: Case, mode: str) -> str | None:
        """See `Implementation.refusal`."""
        return _refusal(case, mode)

    def measure(self, case: Case, mode: str, repeats: int) -> Measured:
        """See `Implementation.measure`."""
        del mode
        experiments, options = stills_of(case), options_of(case)
        draw = jax.jit(lambda e: simulate(e, options))
        with jax.enable_x64(True):
            runs, output = time_calls(lambda: [draw(each) for each in experiments], repeats)
        return Measured(runs, np.stack(output))


class Batch(Implementation):
    """`simulate_batch`: one experiment with a leading axis on the leaf that differs."""

    name = "batch"

    def refusal(self, case: Case, mode: str) -> str | None:
        """See `Implementation.refusal`."""
        return _refusal(case, mode)

    def measure(self, case: Case, mode: str, repeats: int) -> Measured:
        """See `Implementation.measure`."""
        del mode
        batch, options = stacked(stills_of(case)), options_of(case)
        runs, output = time_calls(lambda: simulate_batch(batch, options), repeats)
        return Measured(runs, output)


def stills_error(case: Case, images: np.ndarray) -> float:
    """Of the first and the last still, each against float64; the larger."""
    experiments, options = stills_of(case), truth_options(case)
    with jax.enable_x64(True):
        return max(error("forward", images[n], np.asarray(simulate(experiments[n], options))) for n in (0, -1))


def _refusal(case: Case, mode: str) -> str | None:
    if case.stills == 1:
        return "one still is no batch"
    return None if mode == "forward" else "stills are drawn forward only"
