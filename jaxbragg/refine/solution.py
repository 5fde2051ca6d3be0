"""What a solver hands back, and what it tells on the way."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Step:
    """One step of a solver.

    Attributes:
        number: 0 is the start.
        objective: −2 ln(likelihood) there, up to a constant.
        shift: Length of the step that led there, in standard uncertainties; NaN where the solver does not know.
        damping: Of Levenberg and Marquardt; NaN for other solvers.
        x: Where.
    """

    number: int
    objective: float
    shift: float
    damping: float
    x: Float[np.ndarray, "free"]


Report = Callable[[Step], None]


@dataclass(frozen=True)
class Solution:
    """Where a solver ended.

    Attributes:
        x: The best point.
        converged: Whether the solver was content.
        message: Why it ended.
        history: Every step.
    """

    x: Float[np.ndarray, "free"]
    converged: bool
    message: str
    history: tuple[Step, ...]


class Progress:
    """Keeps every step and the best point, so that a fit can be interrupted; tells the caller."""

    def __init__(self, report: Report | None) -> None:
        self.history: list[Step] = []
        self._report = report

    def add(self, x: np.ndarray, objective: float, shift: float = np.nan, damping: float = np.nan) -> None:
        """One step more."""
        step = Step(len(self.history), float(objective), float(shift), float(damping), np.array(x, float))
        self.history.append(step)
        if self._report is not None:
            self._report(step)

    @property
    def best(self) -> Step | None:
        """The step of the lowest objective."""
        good = [step for step in self.history if np.isfinite(step.objective)]
        return min(good, key=lambda step: step.objective) if good else None

    def solution(self, converged: bool, message: str, x: np.ndarray) -> Solution:
        """What to hand back; `x` if there has been no step."""
        best = self.best
        return Solution(x if best is None else best.x, converged, message, tuple(self.history))
