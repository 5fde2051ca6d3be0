"""How well the data determine the values: standard uncertainties, correlations, and what is not determined at all."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from jaxbragg.refine.normal_equations import NormalEquations
from jaxbragg.refine.problem import Problem

# Least eigenvalue of the Fisher matrix, scaled to a unit diagonal, that is not taken for 0. Columns of the Jacobian are
# float32 in mixed precision: two that are equal on paper differ by some 1e-7, and what is left of them is that squared.
_LEAST = {"mixed": 1e-9, "float32": 1e-7, "float64": 1e-12}
# Whom a value cannot be told from: those with at least this share of the direction of no information.
_PART = 1e-3
# More than so many typical changes of a value are no result.
_MOST_SCALES = 1000.0


@dataclass(frozen=True)
class Uncertainty:
    """What is known of each free value.

    Attributes:
        sigma: Standard uncertainties; NaN where there is none.
        correlations: NaN likewise.
        undetermined: Values that the data do not determine, and why.
        at_bounds: Values at their "lower" or "upper" bound: held there for the others' uncertainties.
    """

    sigma: Float[np.ndarray, "free"]
    correlations: Float[np.ndarray, "free free"]
    undetermined: dict[int, str]
    at_bounds: dict[int, str]


def uncertainty_at(problem: Problem, x: Float[np.ndarray, "free"], equations: NormalEquations) -> Uncertainty:
    """Uncertainties from the inverse of the Fisher matrix.

    Args:
        problem: The fit.
        x: Its solution.
        equations: There, by values over scales.
    """
    values, scale, names = problem.values(x), problem.transform.scale, problem.names
    matrix, gradient = equations.dense(), equations.gradient
    bounds = problem.at_bounds(x, gradient)
    at_bounds = {int(i): "lower" if bounds[i] < 0 else "upper" for i in np.nonzero(bounds)[0]}
    diagonal = np.diagonal(matrix)
    undetermined = {
        int(i): "the used pixels do not depend on it" for i in np.nonzero(diagonal <= 0)[0] if i not in at_bounds
    }
    live = np.array([i for i in range(len(values)) if i not in at_bounds and i not in undetermined], int)
    sigma, covariance = np.full(len(values), np.nan), np.full(matrix.shape, np.nan)
    if live.size:
        root = np.sqrt(diagonal[live])
        strengths, directions = np.linalg.eigh(matrix[np.ix_(live, live)] / root[:, None] / root)
        least = _LEAST[problem.recipes[0].settings.options.precision]
        empty = strengths < least
        part = (directions[:, empty] ** 2).sum(axis=1)
        inverse = np.where(empty, 0.0, 1.0 / np.where(empty, 1.0, strengths))
        known, unit = (directions * inverse) @ directions.T, scale[live] / root
        covariance[np.ix_(live, live)] = known * unit[:, None] * unit
        sigma[live] = np.sqrt(np.diagonal(covariance)[live])
        # Were these directions as well known as can just not be told from 0, they would still double the variance. No
        # share of them is too small: a value wanders with the others for as far as they go.
        for place in np.nonzero(part / least > np.diagonal(known))[0]:
            undetermined[int(live[place])] = _with_others(int(place), live, directions[:, empty], names)
    width = problem.transform.upper - problem.transform.lower
    for i in live:
        if int(i) not in undetermined and sigma[i] > min(_MOST_SCALES * scale[i], width[i]):
            undetermined[int(i)] = f"its uncertainty would be {sigma[i]:.2g}"
    unknown = list(undetermined)
    sigma[unknown] = np.nan
    covariance[unknown, :], covariance[:, unknown] = np.nan, np.nan
    return Uncertainty(sigma, covariance / sigma[:, None] / sigma, undetermined, at_bounds)


def _with_others(place: int, live: np.ndarray, empty: np.ndarray, names: tuple[str, ...]) -> str:
    """Which others a value cannot be told from."""
    joint = np.abs(empty @ empty[place])
    others = [names[live[i]] for i in np.argsort(-joint) if i != place and joint[i] > np.sqrt(_PART) * joint[place]]
    shown = ", ".join(others[:4]) + (", …" if len(others) > 4 else "")
    return f"only together with {shown}" if others else "the used pixels hardly depend on it"
