"""Values behind bounds: at the start as they were given, inside their bounds whatever x is."""

import numpy as np
import pytest

from jaxbragg.refine.transforms import Transform

INF = np.inf
KINDS = Transform(
    start=np.array([5.0, 5.0, 5.0, 5.0]),
    scale=np.array([0.5, 0.5, 0.5, 0.5]),
    lower=np.array([-INF, 4.0, -INF, 4.0]),
    upper=np.array([INF, INF, 7.0, 7.0]),
)


def test_the_start_and_its_unit_step():
    np.testing.assert_allclose(KINDS.values(np.zeros(4)), KINDS.start, rtol=1e-15)
    np.testing.assert_allclose(KINDS.slopes(np.zeros(4)), KINDS.scale, rtol=1e-14)


@pytest.mark.parametrize("x", [-1e6, -50.0, -3.0, 0.0, 3.0, 50.0, 1e6])
def test_no_x_leaves_the_bounds(x):
    values = KINDS.values(np.full(4, x))
    assert np.isfinite(values).all()
    assert (values >= KINDS.lower).all()
    assert (values <= KINDS.upper).all()


def test_slopes_are_those_of_finite_differences():
    x = np.array([0.3, -0.7, 1.1, 0.9])
    numeric = (KINDS.values(x + 1e-6) - KINDS.values(x - 1e-6)) / 2e-6
    np.testing.assert_allclose(KINDS.slopes(x), numeric, rtol=1e-9)


def test_the_inverse_undoes_it():
    x = np.array([0.3, -0.7, 1.1, 0.9])
    np.testing.assert_allclose(KINDS.inverse(KINDS.values(x)), x, rtol=1e-12)
