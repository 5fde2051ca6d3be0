"""From far away: spots simulated wide before they are simulated as they are, and several starts.

A fit sees a measured spot only where its model's spot reaches. Spots simulated wider reach farther; they say where, not
how bright or how wide, so that what makes spots bright and wide stays at its start until the last stage.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from jaxbragg.models import checks
from jaxbragg.refine.concerns import FitWarning
from jaxbragg.refine.fit import fit, warn_of
from jaxbragg.refine.levenberg_marquardt import LevenbergMarquardt
from jaxbragg.refine.problem import Problem
from jaxbragg.refine.result import Result, result_of
from jaxbragg.refine.solution import Progress, Report, Solution

# What a path ends in that makes spots wide or bright.
_SPREADS = ("spread", "bandwidth", "horizontal", "vertical")
_HELD = ("cells", "shear", "fudge", *_SPREADS, "scale", "blocks", "fluence", "default", "values")


def fit_coarse_to_fine(
    problem: Problem,
    blurs: Sequence[float] = (4.0, 2.0),
    solver: Any = "lm",
    *,
    iterations: int = 20,
    start: np.ndarray | None = None,
    report: Report | None = None,
) -> Result:
    """Fit with wide Gaussian spots first, then with the spots as they are.

    Args:
        problem: Images, model and what is free.
        blurs: How many times wider the spots are, stage by stage; each must be 1 or more.
        solver: Of the last stage; the others use Levenberg and Marquardt.
        iterations: Most steps of each stage before the last.
        start: x to begin at, instead of the problem's start.
        report: Called with each step of every stage.

    Raises:
        ValueError: If a blur is below 1.
    """
    checks.require(np.asarray(blurs) >= 1.0, "blurs", "be 1 or more", np.asarray(blurs))
    x = problem.start if start is None else np.asarray(start, float)
    held = _held(problem)
    for blur in blurs:
        stage = blurred(problem, float(blur))
        progress = Progress(report)
        try:
            x = LevenbergMarquardt(iterations=iterations).solve(stage, x, progress, held).x
        except KeyboardInterrupt:
            message = f"Interrupted with spots {blur:g} times as wide."
            return result_of(problem, progress.solution(False, message, x))
    return fit(problem, solver, start=x, report=report)


def fit_multi_start(
    problem: Problem,
    starts: int = 16,
    spread: float = 2.0,
    solver: Any = "lm",
    *,
    finalists: int = 3,
    blurs: Sequence[float] = (),
    seed: int = 0,
    report: Report | None = None,
) -> Result:
    """Fit from the best of several random starts, the problem's own among them.

    Args:
        problem: Images, model and what is free.
        starts: How many are looked at.
        spread: Standard deviation of the starts, in the scales of the parameters.
        solver: As for `fit`.
        finalists: How many of the starts with the lowest objectives are fitted.
        blurs: As for `fit_coarse_to_fine`; the first also serves to compare the starts.
        seed: Of the random starts.
        report: Called with each step.
    """
    checks.count("starts", starts)
    checks.count("finalists", finalists)
    random = np.random.default_rng(seed)
    held = _held(problem)
    candidates = spread * random.standard_normal((starts, problem.free.count)) * ~held
    candidates[0] = 0.0
    looked_at = blurred(problem, float(blurs[0])) if len(blurs) else problem
    heights = np.full(starts, np.inf)
    interrupted = False
    try:
        for i, x in enumerate(candidates):
            heights[i] = looked_at.objective(x)
    except KeyboardInterrupt:
        interrupted = True
    order = np.argsort(np.where(np.isfinite(heights), heights, np.inf))[: min(finalists, starts)]
    if interrupted:
        solution = Solution(candidates[order[0]], False, "Interrupted while the starts were looked at.", ())
        return result_of(problem, solution)
    best: Result | None = None
    for place in order:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FitWarning)  # of the best only, below
            found = fit_coarse_to_fine(problem, blurs, solver, start=candidates[place], report=report)
        if best is None or found.objective < best.objective:
            best = found
        if found.message.startswith("Interrupted"):
            break
    assert best is not None
    warn_of(best)
    return best


def blurred(problem: Problem, blur: float) -> Problem:
    """The problem with Gaussian spots that many times wider, of the same sum over the image."""
    # What is wider on purpose is not cut finer for it.
    recipes = tuple(
        replace(r, settings=replace(one, options=replace(one.options, tolerance=one.options.tolerance * blur**2)))
        for r in problem.recipes
        for one in [r.settings.with_shape("gauss")]
    )
    wide = problem.changed(recipes=recipes, blur=blur)
    wide.lengthen(wide.start, anew=True)
    return wide


def _held(problem: Problem) -> np.ndarray:
    """Free values that a blurred stage leaves alone."""
    names = {i for item in problem.free.assignments if item.name in _HELD for i in item.sources}
    return problem.free.gather(np.array([i in names for i in range(len(problem.free.names))])).astype(bool)
