"""The entry: a problem and a solver in, a result out."""

import warnings
from typing import Any

import numpy as np

from jaxbragg.refine.concerns import FitWarning, about_agreement
from jaxbragg.refine.problem import Problem
from jaxbragg.refine.result import Result, result_of
from jaxbragg.refine.solution import Progress, Report
from jaxbragg.refine.solvers import solver_of


def fit(
    problem: Problem, solver: Any = "lm", *, start: np.ndarray | None = None, report: Report | None = None
) -> Result:
    """Fit a model to images.

    An interruption from the keyboard ends the fit, and the best point so far is the result.

    Args:
        problem: Images, model and what is free.
        solver: "lm" (Levenberg and Marquardt on the Fisher matrix), "scipy" (L-BFGS-B), "optax", "optimistix", or a
            solver with settings of its own such as `LevenbergMarquardt(iterations=10)`.
        start: x to begin at, instead of the problem's start.
        report: Called with each `Step`.

    Raises:
        ValueError: If there is no such solver, or the model is not finite at the start.
        ImportError: If the solver's package is not installed.

    Warns:
        FitWarning: If χ² is not what it is where the model is right, over all pixels or those that show the crystal.
    """
    chosen = solver_of(solver)
    progress = Progress(report)
    x = problem.start if start is None else np.asarray(start, float)
    if x.shape != problem.start.shape:
        raise ValueError(f"Argument `start` must have shape {problem.start.shape}, but has shape {x.shape}.")
    try:
        solution = chosen.solve(problem, x, progress)
    except KeyboardInterrupt:
        solution = progress.solution(False, f"Interrupted after {len(progress.history)} steps.", x)
    result = result_of(problem, solution)
    warn_of(result)
    return result


def warn_of(result: Result) -> None:
    """Say so where χ² is not what it is where the model is right."""
    for line in about_agreement(result.agreement, result.bragg_agreement):
        warnings.warn(line, FitWarning, stacklevel=3)
