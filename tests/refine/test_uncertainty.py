"""What is determined and what is not, from Fisher matrices made by hand; the rest is tested through fits."""

from types import SimpleNamespace

import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.refine.normal_equations import NormalEquations
from jaxbragg.refine.uncertainty import uncertainty_at


def uncertainty(columns, precision="mixed"):
    """Of as many values as there are columns of a Jacobian with unit variances."""
    count = columns.shape[1]
    matrix = columns.T @ columns
    equations = NormalEquations(0.0, np.zeros(count), matrix, np.zeros((1, count, 0)), np.zeros((1, 0, 0)))
    problem = SimpleNamespace(
        values=lambda x: x,
        at_bounds=lambda x, gradient: np.zeros(count, int),
        transform=SimpleNamespace(scale=np.ones(count), lower=np.full(count, -np.inf), upper=np.full(count, np.inf)),
        names=tuple("abcdefgh"[:count]),
        recipes=[SimpleNamespace(settings=SimpleNamespace(options=jb.Options(precision=precision)))],
    )
    return uncertainty_at(problem, np.zeros(count), equations)


def columns(count=4):
    return np.random.default_rng(0).standard_normal((50, count))


def test_a_matrix_of_full_rank_is_inverted():
    found, matrix = uncertainty(columns()), columns().T @ columns()
    np.testing.assert_allclose(found.sigma, np.sqrt(np.diag(np.linalg.inv(matrix))), rtol=1e-10)
    assert found.undetermined == {}


@pytest.mark.parametrize("share", [0.5, 0.03, 1e-3])
def test_a_small_part_in_what_is_not_determined_is_enough(share):
    # c follows a and b a little: as far as these wander together, c does by that share.
    jacobian = columns()
    jacobian[:, 1] = -jacobian[:, 0] - share * jacobian[:, 2]
    found = uncertainty(jacobian)
    assert set(found.undetermined) == {0, 1, 2}
    assert found.undetermined[2] in ("only together with a, b", "only together with b, a")
    assert np.isnan(found.sigma[:3]).all()
    # d alone: as well as the other three directions, of which there are two, leave it.
    rest = jacobian[:, [0, 2, 3]]
    assert found.sigma[3] == pytest.approx(np.sqrt(np.linalg.inv(rest.T @ rest)[2, 2]), rel=1e-6)


def test_rounding_alone_makes_nothing_undetermined():
    # Two columns equal but for what float32 leaves of them; the others have no part in it.
    jacobian = columns()
    jacobian[:, 1] = jacobian[:, 0]
    found = uncertainty(
        jacobian.astype(np.float32).astype(float) * (1 + 1e-7 * np.random.default_rng(1).standard_normal((50, 4)))
    )
    assert set(found.undetermined) == {0, 1}


def test_what_is_nearly_equal_is_correlated_and_determined():
    jacobian = columns()
    jacobian[:, 1] = jacobian[:, 0] + 1e-2 * jacobian[:, 1]
    found = uncertainty(jacobian)
    assert found.undetermined == {}
    assert found.correlations[0, 1] == pytest.approx(-1.0, abs=1e-3)
