"""Levenberg and Marquardt's method on the Fisher matrix: few steps, and memory that pixels do not add to."""

from dataclasses import dataclass

import numpy as np

from jaxbragg.refine.normal_equations import NormalEquations
from jaxbragg.refine.problem import Problem
from jaxbragg.refine.solution import Progress, Solution


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Solves (A + λ·diag A)·step = −gradient, with A the Fisher information.

    λ falls after a step that did what the quadratic model foretold and rises after one that did not (Nielsen's rule).
    It has converged when the step that is left is below `tolerance` standard uncertainties: closer than that, the
    noise of the data decides. Where the model does not describe the data, that is stricter than need be, and a step
    that can gain no more than float32 sums can tell is the end as well.

    Attributes:
        tolerance: [standard uncertainties].
        iterations: At most so many steps are tried.
        damping: λ at the start.

    References:
        Madsen, Nielsen and Tingleff (2004), Methods for non-linear least squares problems, 2nd ed., section 3.2.
    """

    tolerance: float = 0.01
    iterations: int = 100
    damping: float = 1e-3

    def solve(self, problem: Problem, x: np.ndarray, progress: Progress, held: np.ndarray | None = None) -> Solution:
        """Minimise the objective.

        Args:
            problem: Of it.
            x: Where to begin.
            progress: Told of each step.
            held: Free values to be left where they are, or None.

        Raises:
            ValueError: If the objective is not finite at the start.
        """
        equations, objective = problem.normal_equations(x), problem.objective(x)
        if not (_finite(equations) and np.isfinite(objective)):
            raise ValueError(
                "Argument `problem` must have a finite objective at its start, but its model is not finite."
            )
        progress.add(x, objective, np.nan, self.damping)
        damping, raise_by = self.damping, 2.0
        for _ in range(self.iterations):
            # A value that runs into its bound would for ever promise a gain that its transformation does not give.
            fixed = problem.at_bounds(x, equations.gradient) != 0
            fixed = fixed if held is None else fixed | held
            left = -float(equations.gradient @ equations.solve(1e-12, fixed))
            if left <= self.tolerance**2:
                message = f"The step left is {np.sqrt(max(left, 0.0)):.2g} standard uncertainties."
                return progress.solution(True, message, x)
            while True:  # the objective alone costs a small part of the equations
                step = equations.solve(damping, fixed)
                foretold = -2 * float(equations.gradient @ step) - equations.quadratic(step)
                if foretold <= 1e-9 * abs(objective):
                    return progress.solution(True, "No step gains more than the rounding of the sums.", x)
                trial = problem.objective(x + step)
                if trial < objective:
                    following = problem.normal_equations(x + step)
                    if _finite(following):
                        break
                damping, raise_by = damping * raise_by, raise_by * 2.0
            share = (objective - trial) / foretold
            damping, raise_by = max(damping * max(1 / 3, 1 - (2 * share - 1) ** 3), 1e-12), 2.0
            x, objective = x + step, trial
            progress.add(x, objective, float(np.sqrt(max(equations.quadratic(step), 0.0))), damping)
            equations = following
        return progress.solution(False, f"Not converged after {self.iterations} steps.", x)


def _finite(equations: NormalEquations) -> bool:
    parts = (equations.gradient, equations.shared, equations.cross, equations.per_image)
    return np.isfinite(equations.objective) and all(np.isfinite(part).all() for part in parts)
