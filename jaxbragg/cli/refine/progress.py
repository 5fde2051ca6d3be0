"""The fit itself: a line for each step, and Ctrl-C as an end like any other."""

from __future__ import annotations

import math
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

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
    from jaxbragg.refine import FitWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FitWarning)  # they are among the result's concerns
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
