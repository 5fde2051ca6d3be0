"""Scatter of independent molecules."""

import jax
import jax.numpy as jnp
import numpy as np
from cases import in_float64
from hypothesis import given
from hypothesis import strategies as st

from jaxbragg_kernels import background

STOL = np.array([0.0, 0.1, 0.25, 0.7])
FACTOR = np.array([2.57, 3.0, 2.0, 1.1])


@given(st.floats(0.0, 2.0))
@in_float64
def test_factor_is_linear_between_points_and_constant_beyond(stol):
    found = background.structure_factor(jnp.asarray(stol), jnp.asarray(STOL), jnp.asarray(FACTOR))
    assert abs(float(found) - np.interp(stol, STOL, FACTOR)) < 1e-14


def test_one_point_stands_for_all_angles_in_the_type_of_the_image():
    found = background.structure_factor(jnp.linspace(0, 1, 5), jnp.asarray([0.0]), jnp.asarray([2.57]))
    assert found.dtype == jnp.float32
    np.testing.assert_array_equal(found, np.float32(2.57))


@in_float64
def test_derivative_by_the_factor_is_the_weight_of_the_point():
    def value(factor):
        return background.structure_factor(jnp.asarray(0.15), jnp.asarray(STOL), factor)

    np.testing.assert_allclose(jax.grad(value)(jnp.asarray(FACTOR)), [0, 2 / 3, 1 / 3, 0], atol=1e-14)
