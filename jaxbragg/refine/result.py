"""What a fit found: values, uncertainties, what is not determined, and the images that go with them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxbragg.models import Experiment
from jaxbragg.refine.agreement import Agreement
from jaxbragg.refine.concerns import about_agreement, about_limits
from jaxbragg.refine.number_text import with_uncertainty
from jaxbragg.refine.problem import Problem
from jaxbragg.refine.solution import Solution, Step
from jaxbragg.refine.uncertainty import Uncertainty, uncertainty_at


@dataclass(frozen=True)
class Result:
    """The end of a fit.

    Attributes:
        problem: What was fitted.
        x: The solution, as solvers know it.
        converged: Whether the solver was content.
        message: Why it ended.
        history: Every step.
        objective: −2 ln(likelihood) of pixels and priors, up to a constant.
        agreement: χ² of all used pixels.
        bragg_agreement: χ² of the used pixels whose Bragg part is at least the standard deviation of their counts.
        uncertainty: In detail.
    """

    problem: Problem
    x: Float[np.ndarray, "free"]
    converged: bool
    message: str
    history: tuple[Step, ...]
    objective: float
    agreement: Agreement
    bragg_agreement: Agreement
    uncertainty: Uncertainty

    @property
    def chi2_per_dof(self) -> float:
        """Σ (count − model)²/variance of all used pixels over what it is on average.

        Of that average one is taken off for each determined value. 1 where the model is right. With Poisson's floor a
        pixel in the dark counts as the part of a pixel that it is.
        """
        return self.agreement.chi2_per_dof

    @property
    def names(self) -> tuple[str, ...]:
        """Of the free values; an image's own end in @ and its number."""
        return self.problem.names

    @cached_property
    def values(self) -> dict[str, float]:
        """Every free value, in the unit of its path."""
        return dict(zip(self.names, map(float, self.problem.values(self.x)), strict=True))

    @cached_property
    def uncertainties(self) -> dict[str, float | None]:
        """Standard uncertainties; None for a value that is not determined or that is at a bound."""
        sigma = (None if np.isnan(s) else float(s) for s in self.uncertainty.sigma)
        return dict(zip(self.names, sigma, strict=True))

    @property
    def correlations(self) -> Float[np.ndarray, "free free"]:
        """Between the values, in the order of `names`; NaN where there is no uncertainty."""
        return self.uncertainty.correlations

    def correlation(self, first: str, second: str) -> float:
        """Between two values, by name."""
        return float(self.correlations[self.names.index(first), self.names.index(second)])

    @property
    def undetermined(self) -> dict[str, str]:
        """Values that the data do not determine, and why."""
        return {self.names[i]: reason for i, reason in self.uncertainty.undetermined.items()}

    @property
    def determined(self) -> bool:
        """Whether the data determine every value."""
        return not self.uncertainty.undetermined

    @property
    def at_bounds(self) -> dict[str, str]:
        """Values that ended at their "lower" or "upper" bound."""
        return {self.names[i]: side for i, side in self.uncertainty.at_bounds.items()}

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """The experiment of each image, refined."""
        return tuple(self.problem.experiment(self.x, i) for i in range(len(self.problem.images)))

    @property
    def experiment(self) -> Experiment:
        """That of the first image."""
        return self.problem.experiment(self.x)

    def model_image(self, image: int = 0) -> np.ndarray:
        """Mean photons of every pixel."""
        return self.problem.model_image(self.x, image)

    def residual_image(self, image: int = 0) -> np.ndarray:
        """(count − model)/√variance of every pixel; NaN where a pixel is not used."""
        return self.problem.residual_image(self.x, image)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the images, as JSON can hold it."""
        return {
            "converged": self.converged,
            "message": self.message,
            "objective": self.objective,
            "chi2_per_dof": _number(self.chi2_per_dof),
            "chi2_per_dof_of_bragg_pixels": _number(self.bragg_agreement.chi2_per_dof),
            "pixels": self.problem.pixels,
            "bragg_pixels": self.bragg_agreement.pixels,
            "pixels_without_a_number": self.problem.not_numbers,
            "pixels_flagged": self.problem.flagged,
            "concerns": self.concerns,
            "values": self.values,
            "uncertainties": self.uncertainties,
            "units": dict(zip(self.names, self.problem.free.all_units(), strict=True)),
            "undetermined": self.undetermined,
            "at_bounds": self.at_bounds,
            "correlations": [[_number(c) for c in row] for row in self.correlations],
            "history": [
                {"objective": _number(s.objective), "shift": _number(s.shift), "damping": _number(s.damping)}
                for s in self.history
            ],
        }

    @cached_property
    def concerns(self) -> list[str]:
        """What to look at before the values are believed; empty where nothing is."""
        found = about_agreement(self.agreement, self.bragg_agreement)
        found += [f"{name} is not determined: {reason}" for name, reason in self.undetermined.items()]
        found += [f"{name} ended at its {side} bound" for name, side in self.at_bounds.items()]
        found += about_limits(self.problem, self.values, self.uncertainties)
        return found if self.converged else [*found, f"not converged: {self.message}"]

    def __str__(self) -> str:
        """The table, and what is doubtful."""
        return "\n".join([self.table(), *(f"warning: {each}" for each in self.concerns)])

    def table(self) -> str:
        """Values with uncertainties, χ², and how the fit ended."""
        units = self.problem.free.all_units()
        width = max(map(len, self.names))
        lines = []
        for i, (name, unit) in enumerate(zip(self.names, units, strict=True)):
            sigma = self.uncertainties[name]
            text = with_uncertainty(self.values[name], np.nan if sigma is None else sigma)
            if i in self.uncertainty.undetermined:
                text = f"not determined: {self.uncertainty.undetermined[i]}"
            elif i in self.uncertainty.at_bounds:
                text = f"{text} {unit} (at its {self.uncertainty.at_bounds[i]} bound)"
            elif unit:
                text = f"{text}{'' if unit == '°' else ' '}{unit}"
            lines.append(f"{name:<{width}}  {text}")
        left_out = {"without a number": self.problem.not_numbers, "flagged or full": self.problem.flagged}
        noted = "".join(f", {count} {why} left out" for why, count in left_out.items() if count)
        lines.append(f"χ² per degree of freedom {self.chi2_per_dof:.4g}, {self.problem.pixels} pixels{noted}")
        bragg = self.bragg_agreement
        lines.append(f"of those that show the crystal: {bragg.chi2_per_dof:.4g}, {bragg.pixels} pixels")
        lines.append(f"{'Converged' if self.converged else 'Not converged'}: {self.message}")
        return "\n".join(lines)


def result_of(problem: Problem, solution: Solution) -> Result:
    """The end of a fit from where its solver ended."""
    equations = problem.normal_equations(solution.x, in_values=True)
    uncertainty = uncertainty_at(problem, solution.x, equations)
    every, bragg = problem.agreement(solution.x, int(np.isfinite(uncertainty.sigma).sum()))
    return Result(
        problem=problem,
        x=solution.x,
        converged=solution.converged,
        message=solution.message,
        history=solution.history,
        objective=equations.objective,
        agreement=every,
        bragg_agreement=bragg,
        uncertainty=uncertainty,
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
