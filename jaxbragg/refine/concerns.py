"""What to look at before the numbers of a fit are believed."""

import math
from collections.abc import Mapping

from jaxbragg.refine.agreement import Agreement
from jaxbragg.refine.problem import Problem


class FitWarning(UserWarning):
    """The model does not describe what was measured, so that the values and uncertainties of a fit are doubtful."""


def about_agreement(every: Agreement, bragg: Agreement) -> list[str]:
    """What χ² says, of all used pixels or else of those that show the crystal; a line each."""
    if not math.isfinite(every.chi2_per_dof):
        return ["there are no more pixels than free values: χ² says nothing"]
    found = _about(every, "χ² per degree of freedom")
    return found or _about(bragg, f"χ² per degree of freedom of the {bragg.pixels} pixels that show the crystal")


def _about(agreement: Agreement, name: str) -> list[str]:
    value = agreement.chi2_per_dof
    if agreement.off > 0:
        return [
            f"{name} is {value:.4g}, not 1: the model does not describe the images, whether the fit converged or not, "
            "and the uncertainties are too small; look at the residuals, and see coarse_to_fine and multi_start for a "
            "false minimum"
        ]
    if agreement.off < 0:
        return [
            f"{name} is {value:.4g}, less than 1: the images scatter less than the likelihood expects; check gain, "
            "offset and read-out noise"
        ]
    return []


def about_limits(problem: Problem, values: Mapping[str, float], sigmas: Mapping[str, float | None]) -> list[str]:
    """Values that have all but reached a bound, or that are far from what was known of them; a line each.

    Args:
        problem: For bounds and priors.
        values: By name.
        sigmas: Their standard uncertainties.
    """
    found, free, transform = [], problem.free, problem.transform
    priors, widths = free.gather(free.prior), free.gather(free.prior_sigma)
    for i, (name, value) in enumerate(values.items()):
        sigma = sigmas[name]
        for side, bound in (("lower", transform.lower[i]), ("upper", transform.upper[i])):
            if sigma is not None and abs(value - bound) < sigma:
                found.append(f"{name} ended within its uncertainty of its {side} bound, {bound:g}")
        off = abs(value - priors[i]) / widths[i]
        if off > 4.0:
            found.append(f"{name} is {off:.1f} of its prior's standard uncertainties away from it")
    return found
