"""Every solver on one problem: the same optimum; and what is said where a solver's package is missing."""

import sys

import numpy as np
import pytest

from jaxbragg import refine


@pytest.fixture(scope="module")
def problem(small):
    parameters = [refine.Parameter("crystal.cell.a", bounds=(50, 60), prior=(55.0, 0.1)), *small.parameters[1:]]
    return refine.Problem(small.start, parameters, small.image)


@pytest.fixture(scope="module")
def optimum(problem):
    return refine.fit(problem, refine.LevenbergMarquardt(tolerance=1e-3))


@pytest.mark.parametrize(
    "solver",
    ["scipy", "optax", "optimistix", refine.Optimistix(tolerance=1e-4)],
    ids=["scipy", "optax", "optimistix", "tight"],
)
def test_all_reach_the_same_optimum(problem, optimum, solver):
    pytest.importorskip(solver if isinstance(solver, str) else "optimistix")  # of the extra "refine"
    result = refine.fit(problem, solver)
    assert result.converged, result.message
    sigma = np.array(list(optimum.uncertainties.values()))
    off = np.array(list(result.values.values())) - np.array(list(optimum.values.values()))
    assert abs(off / sigma).max() < 0.05
    assert result.objective == pytest.approx(optimum.objective, abs=0.01)
    assert len(result.history) >= 2


def test_optax_takes_other_rules(problem, optimum):
    optax = pytest.importorskip("optax")
    result = refine.fit(problem, refine.Optax(optax.adam(3.0), iterations=150, halvings=0))
    begun = result.history[0].objective - optimum.objective
    assert result.objective - optimum.objective < 0.1 * begun
    assert result.objective == pytest.approx(min(step.objective for step in result.history), rel=1e-6)


@pytest.mark.parametrize(
    ("solver", "module"), [("optax", "optax"), ("optimistix", "optimistix"), ("scipy", "scipy.optimize")]
)
def test_a_missing_package_is_named(problem, monkeypatch, solver, module):
    monkeypatch.setitem(sys.modules, module, None)
    extra = r"pip install 'jaxbragg\[refine\]'"
    with pytest.raises(ImportError, match=f"needs {solver}, which is not installed: {extra}"):
        refine.fit(problem, solver)


@pytest.mark.parametrize("solver", ["scipy", "optax"])
def test_they_can_be_interrupted(problem, solver):
    pytest.importorskip(solver)

    def stop(step):
        if step.number == 2:
            raise KeyboardInterrupt

    with pytest.warns(refine.FitWarning, match="not 1"):
        result = refine.fit(problem, solver, report=stop)
    assert (result.converged, result.message) == (False, "Interrupted after 3 steps.")
    assert result.objective <= result.history[0].objective
