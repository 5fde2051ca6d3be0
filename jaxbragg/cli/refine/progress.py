"""The fit itself: a line for each step, and Ctrl-C as an end like any other."""

from __future__ import annotations

import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxbragg.cli.refine.config import Config
from jaxbragg.cli.refine.setup import blurs_of, solver_of

if TYPE_CHECKING:
    from jaxbragg.refine import Problem, Result, Step


class Lines:
    """Writes a line for each step, and one where a stage begins; keeps the steps of the stage."""

    def __init__(self, blurs: tuple[float, ...], starts: int, say: Callable[[str], None]) -> None:
        self._blurs, self._starts, self._say = blurs, starts, say
        self._stage = -1
        self.steps: list[Step] = []

    def __call__(self, step: Step) -> None:
        """One step more; a stage begins with step 0."""
        if step.number == 0:
            self._stage += 1
            self.steps = []
            self._say_stage()
        self.steps.append(step)
        parts = [f"{step.number:5d}  {step.objective:16.9g}"]
        if math.isfinite(step.shift):
            parts.append(f"{step.shift:9.3g} σ")
        if math.isfinite(step.damping):
            parts.append(f"damping {step.damping:.1e}")
        self._say("  ".join(parts))

    def _say_stage(self) -> None:
        stages = len(self._blurs) + 1
        start, stage = divmod(self._stage, stages)
        parts = []
        if self._starts > 1:
            parts.append(f"start {start + 1}")
        if self._blurs:
            parts.append(f"spots {self._blurs[stage]:g} times as wide" if stage < stages - 1 else "spots as they are")
        if parts:
            self._say(f"{', '.join(parts)}:")
        if self._stage == 0:
            self._say(" step      −2 ln(likelihood)  length of the step")


class Interruption:
    """Ctrl-C while a fit runs and its result is written.

    Attributes:
        pressed: Whether it was.
        fitting: Whether there is a fit to be ended; what is written is written to its end.
    """

    pressed = False
    fitting = True


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Ctrl-C ends the fit, and is remembered; the next one ends the program."""
    seen = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield seen
        return

    def pressed(number: int, frame: object) -> None:
        del frame
        seen.pressed = True
        signal.signal(number, signal.default_int_handler)
        print("interrupted: the best so far is being written (once more: leave at once)", file=sys.stderr)
        if seen.fitting:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, pressed)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def fit_as_asked(config: Config, problem: Problem, say: Callable[[str], None]) -> Result:
    """Fit as the configuration says, with a line for each step."""
    report = Lines(blurs_of(config), config.table("fit").get("multi_start", 1), say)
    try:
        return _fit(config, problem, say, report)
    except KeyboardInterrupt:
        # The library ends its fits by itself; this one came between them, or while the uncertainties were computed.
        from jaxbragg.refine.result import result_of
        from jaxbragg.refine.solution import Solution

        steps = tuple(report.steps)
        best = min(steps, key=lambda step: step.objective).x if steps else problem.start
        return result_of(problem, Solution(best, False, f"Interrupted after {len(steps)} steps.", steps))


def _fit(config: Config, problem: Problem, say: Callable[[str], None], report: Lines) -> Result:
    from jaxbragg.refine import fit_coarse_to_fine, fit_multi_start

    table, blurs, solver = config.table("fit"), blurs_of(config), solver_of(config)
    starts = table.get("multi_start", 1)
    if starts == 1:
        return fit_coarse_to_fine(problem, blurs, solver, report=report)
    say(f"{starts} starts, of which {min(table.get('finalists', 3), starts)} are fitted")
    return fit_multi_start(
        problem,
        starts,
        table.get("spread", 2.0),
        solver,
        finalists=table.get("finalists", 3),
        blurs=blurs,
        seed=table.get("seed", 0),
        report=report,
    )


def _scatter(result: Result) -> float:
    """Standard deviation of χ² per degree of freedom: rare counts in the dark scatter it more than Gaussian noise."""
    problem, total, count = result.problem, 0.0, 0.0
    for index, image in enumerate(problem.images):
        model: Any = np.maximum(result.model_image(index)[image.used].astype(float), 0.0)
        with jax.enable_x64(True):
            variance = np.asarray(problem.likelihood.variance(model))
            count += float(np.asarray(problem.likelihood.expected(model)).sum())
        # Of n from a Poisson distribution of mean m, the variance of (n − m)² is 2 m² + m.
        total += float((2.0 + model / variance**2).sum())
    return math.sqrt(total) / max(count, 1.0)


def warnings_of(result: Result) -> list[str]:
    """What to look at before the numbers are believed."""
    found = []
    chi2 = result.chi2_per_dof
    off = max(0.02, 4.0 * _scatter(result))
    if not math.isfinite(chi2):
        found.append("there are no more pixels than free values: χ² says nothing")
    elif chi2 > 1.0 + off:
        found.append(
            f"χ² per degree of freedom is {chi2:.4g}, not 1: the model does not describe the images, whether the fit "
            "converged or not, and the uncertainties are too small; look at the residuals, and see coarse_to_fine and "
            "multi_start for a false minimum"
        )
    elif chi2 < 1.0 - off:
        found.append(
            f"χ² per degree of freedom is {chi2:.4g}, less than 1: the images scatter less than the likelihood "
            "expects; check gain, offset and read-out noise"
        )
    found += [f"{name} is not determined: {reason}" for name, reason in result.undetermined.items()]
    found += [f"{name} ended at its {side} bound" for name, side in result.at_bounds.items()]
    found += _tensions(result)
    if not result.converged:
        found.append(f"not converged: {result.message}")
    return found


def _tensions(result: Result) -> list[str]:
    """Values that have all but reached a bound, or that are far from what was known of them."""
    found, free, transform = [], result.problem.free, result.problem.transform
    priors, widths = free.gather(free.prior), free.gather(free.prior_sigma)
    for i, (name, value) in enumerate(result.values.items()):
        sigma = result.uncertainties[name]
        for side, bound in (("lower", transform.lower[i]), ("upper", transform.upper[i])):
            if sigma is not None and abs(value - bound) < sigma:
                found.append(f"{name} ended within its uncertainty of its {side} bound, {bound:g}")
        off = abs(value - priors[i]) / widths[i]
        if off > 4.0:
            found.append(f"{name} is {off:.1f} of its prior's standard uncertainties away from it")
    return found
