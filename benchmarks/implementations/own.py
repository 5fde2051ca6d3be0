"""jaxbragg itself."""

from dataclasses import replace

import jax
import numpy as np

from benchmarks.cases import Case
from benchmarks.experiments import experiment_of, options_of, truth_options
from benchmarks.harness import Measured, time_calls, time_program
from benchmarks.implementations.base import Implementation, Region
from benchmarks.programs import program
from jaxbragg.options import Options
from jaxbragg.simulate import simulate


class Own(Implementation):
    """`simulate` in one precision."""

    def __init__(self, precision: str) -> None:
        """Keep the precision, which is its name too."""
        self.name = precision

    def refusal(self, case: Case, mode: str) -> str | None:
        """See `Implementation.refusal`."""
        if case.stills > 1:
            return "stills are drawn by loop and batch"
        if mode == "jacobian" and case.panels > 1:
            return "the Jacobian moves one panel"
        if mode in ("reverse", "jacobian") and case.shape == "tophat":
            return "tophat spots have no derivative"
        try:
            options_of(case)
        except ValueError as error:
            return str(error)
        return None

    def measure(self, case: Case, mode: str, repeats: int) -> Measured:
        """See `Implementation.measure`."""
        return draw(case, mode, options_of(case, self.name), repeats)


def draw(case: Case, mode: str, options: Options, repeats: int) -> Measured:
    """Time `simulate` on a case."""
    experiment = experiment_of(case)
    if mode == "call":
        runs, output = time_calls(lambda: np.asarray(simulate(experiment, options)), repeats)
        return Measured(runs, output)
    try:
        return time_program(*program(mode, lambda e: simulate(e, options), experiment), repeats)
    except jax.errors.JAXTypeError:
        if mode != "forward":
            raise
        # An option that must see the numbers before it knows the work: timed as a user can use it.
        runs, output = time_calls(lambda: simulate(experiment, options), repeats)
        return Measured(runs, output, note="called, not compiled as one")


def truth(case: Case, mode: str, region: Region | None) -> object:
    """What float64 gives, once."""
    mode = "forward" if mode == "call" else mode
    return draw(case, mode, replace(truth_options(case), roi=region), 1).output
