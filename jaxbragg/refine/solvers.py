"""Other people's solvers on the same problem: SciPy's L-BFGS-B, optax, optimistix.

They know gradients alone, so each is handed y with x = start + W·y, where W makes the Fisher matrix of the start a unit
matrix: a step of 1 is then one standard uncertainty in every direction, and metres, degrees and photons mix no more.
"""

import importlib
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from jaxbragg.refine.equations import image_gradient, image_objective
from jaxbragg.refine.levenberg_marquardt import LevenbergMarquardt
from jaxbragg.refine.problem import Problem
from jaxbragg.refine.solution import Progress, Solution
from jaxbragg_kernels.numerics import numerics


class Solver(Protocol):
    """What a fit asks of a solver."""

    def solve(self, problem: Problem, x: np.ndarray, progress: Progress) -> Solution:
        """Minimise the objective from x on."""
        ...


# Times as long as needed must lists of spots be where a solver ends that cannot lengthen them; how often it may go on.
_SPARE, _TRIES = 1.2, 8


@dataclass(frozen=True)
class Scipy:
    """SciPy's L-BFGS-B.

    Attributes:
        tolerance: Of the gradient's largest part, in y [1/standard uncertainty].
        iterations: At most so many.
    """

    tolerance: float = 0.01
    iterations: int = 500

    def solve(self, problem: Problem, x: np.ndarray, progress: Progress) -> Solution:
        """Minimise the objective from x on."""
        optimize: Any = _needed("scipy.optimize")
        whiten = _whitening(problem, x)
        last: dict[bytes, float] = {}

        def both(y: np.ndarray) -> tuple[float, np.ndarray]:
            value, slope = problem.objective_and_gradient(x + whiten @ y)
            if not (np.isfinite(value) and np.isfinite(slope).all()):
                return 1e300, np.zeros_like(y)
            last.clear()
            last[y.tobytes()] = value
            return value, whiten.T @ slope

        def tell(y: np.ndarray) -> None:
            here = x + whiten @ y
            value = last.get(y.tobytes())
            progress.add(here, problem.objective(here) if value is None else value)

        progress.add(x, both(np.zeros_like(x))[0])
        options = {"gtol": self.tolerance, "ftol": 1e-12, "maxiter": self.iterations, "maxls": 40}
        found = optimize.minimize(both, np.zeros_like(x), jac=True, method="L-BFGS-B", callback=tell, options=options)
        return progress.solution(bool(found.success), str(found.message), x)


@dataclass(frozen=True)
class Optax:
    """A gradient transformation of optax; a step that does not lower the objective is halved, up to `halvings` times.

    Attributes:
        transformation: None for L-BFGS.
        tolerance: Of the gradient's largest part, in y [1/standard uncertainty].
        iterations: At most so many.
        halvings: 0 to take every step as it is, as Adam and the like want it.
    """

    transformation: Any = None
    tolerance: float = 0.01
    iterations: int = 500
    halvings: int = 20

    def solve(self, problem: Problem, x: np.ndarray, progress: Progress) -> Solution:
        """Minimise the objective from x on."""
        optax: Any = _needed("optax")
        rule = self.transformation
        if rule is None:
            rule = optax.chain(optax.scale_by_lbfgs(memory_size=20), optax.scale(-1.0))
        whiten = _whitening(problem, x)
        with numerics():
            state = rule.init(jnp.zeros(len(x)))
        y = np.zeros(len(x))
        value, slope = problem.objective_and_gradient(x)
        progress.add(x, value)
        for _ in range(self.iterations):
            down = whiten.T @ slope
            if np.abs(down).max() <= self.tolerance:
                return progress.solution(True, "The gradient is within its tolerance.", x)
            with numerics():
                update, state = rule.update(jnp.asarray(down), state, jnp.asarray(y))
            step = np.asarray(update, float)
            trial, trial_slope = problem.objective_and_gradient(x + whiten @ (y + step))
            for _ in range(self.halvings):
                if trial <= value and np.isfinite(trial_slope).all():
                    break
                step = 0.5 * step
                trial, trial_slope = problem.objective_and_gradient(x + whiten @ (y + step))
            good = bool(np.isfinite(trial) and np.isfinite(trial_slope).all())
            if not good or (self.halvings and trial >= value):
                small = abs(float(down @ step)) <= 1e-9 * abs(value)
                return progress.solution(good and small, "No step lowers the objective.", x)
            y, value, slope = y + step, trial, trial_slope
            progress.add(x + whiten @ y, value, float(np.sqrt(step @ step)))
        return progress.solution(False, f"Not converged after {self.iterations} steps.", x)


@dataclass(frozen=True)
class Optimistix:
    """A minimiser of optimistix, compiled as a whole: it cannot report its steps, nor be interrupted between them.

    Attributes:
        solver: None for BFGS.
        tolerance: Of y and of the objective, where the solver is None.
        iterations: At most so many.
    """

    solver: Any = None
    tolerance: float = 1e-3
    iterations: int = 500

    def solve(self, problem: Problem, x: np.ndarray, progress: Progress) -> Solution:
        """Minimise the objective from x on."""
        optimistix: Any = _needed("optimistix")
        solver = self.solver
        if solver is None:
            solver = optimistix.BFGS(rtol=1e-9, atol=self.tolerance)
        progress.add(x, problem.objective(x))
        end, good, found, lists = x, False, None, None
        for _ in range(_TRIES):
            whiten = _whitening(problem, end)
            lists = problem.recipes
            with numerics():
                objective, zero = _traced_objective(problem, end, whiten), jnp.zeros(len(x))
                found = optimistix.minimise(objective, solver, zero, max_steps=self.iterations, throw=False)
                good = bool(found.result == optimistix.RESULTS.successful)
            end = end + whiten @ np.asarray(found.value)
            progress.add(end, problem.objective(end))
            # Traced, it cannot go on with longer lists of spots: it may have ended where they did.
            problem.lengthen(end, spare=_SPARE)
            if problem.recipes is lists:
                break
        good = good and problem.recipes is lists
        assert found is not None
        message = "optimistix is content." if good else f"optimistix: {optimistix.RESULTS[found.result]}".strip()
        return progress.solution(good, message, x)


SOLVERS: dict[str, type] = {"lm": LevenbergMarquardt, "scipy": Scipy, "optax": Optax, "optimistix": Optimistix}


def solver_of(value: Any) -> Solver:
    """A solver from itself or its name.

    Raises:
        ValueError: If it is neither.
    """
    if isinstance(value, str) and value in SOLVERS:
        return SOLVERS[value]()
    if not isinstance(value, str) and hasattr(value, "solve"):
        return value
    words = ", ".join(map(repr, SOLVERS))
    raise ValueError(f"Argument `solver` must be one of {words}, or an object with a method `solve`, but is {value!r}.")


def _needed(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise ImportError(
            f"This solver needs {package}, which is not installed: pip install 'jaxbragg[refine]'"
        ) from error


def _whitening(problem: Problem, x: np.ndarray) -> np.ndarray:
    matrix = problem.normal_equations(x).dense()
    diagonal = np.diagonal(matrix)
    root = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    unit = matrix / root[:, None] / root
    # A little on the diagonal for what is not determined.
    factor = np.linalg.cholesky(unit + np.diag(np.where(diagonal > 0, 1e-6, 1.0)))
    return np.linalg.inv(factor).T / root[:, None]


def _traced_objective(problem: Problem, x: np.ndarray, whiten: np.ndarray) -> Any:
    """The objective of y as JAX can trace it. Its derivative is that of the blocks, so that memory stays flat."""
    free, sigma = problem.free, problem.free.gather(problem.free.prior_sigma)
    weight, prior = np.where(np.isfinite(sigma), 1 / sigma**2, 0.0), free.gather(free.prior)

    def of_image(i: int) -> Any:
        fixed = (problem.recipes[i], problem.experiments[i], problem.likelihood, problem.tiles[i])
        blur = jnp.asarray(problem.blur, jnp.float64)

        @jax.custom_jvp
        def image(local: jax.Array) -> jax.Array:
            return image_objective(*fixed, local, blur)

        @image.defjvp
        def _(primals: Any, tangents: Any) -> Any:
            value, slope = image_gradient(*fixed, primals[0], blur)
            return value, (slope * tangents[0]).sum()

        return image

    images = [of_image(i) for i in range(free.images)]

    def objective(y: jax.Array, args: Any) -> jax.Array:
        del args
        values = problem.transform.values(x + jnp.asarray(whiten) @ y, jnp)
        total = (weight * (values - prior) ** 2).sum()
        for i, image in enumerate(images):
            total = total + image(values[free.places(i)])
        return total

    return objective
