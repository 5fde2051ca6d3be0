"""Linear maps with a transpose of their own, and the sums that such transposes need."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64
from jax.test_util import check_grads

from jaxbragg_kernels.linear import linear_map
from jaxbragg_kernels.sums import inner_products

_MATRIX = np.random.default_rng(1).normal(size=(4, 3))


def forward(fixed, changes):
    return fixed["scale"] * (_MATRIX @ changes["x"]) + changes["y"]


def transposed(fixed, cotangent, shapes):
    assert shapes["x"].shape == (3,)
    return {"x": fixed["scale"] * (_MATRIX.T @ cotangent), "y": cotangent}


def wrong(fixed, cotangent, shapes):
    return jax.tree.map(lambda shape: jnp.full(shape.shape, 7.0), shapes)


def mapped(scale, x, y, how=transposed):
    return linear_map(forward, how, {"scale": scale}, {"x": x, "y": y})


@pytest.fixture
def values():
    rng = np.random.default_rng(2)
    return 1.7, rng.normal(size=3), rng.normal(size=4)


@in_float64
def test_it_is_the_forward_map(values):
    scale, x, y = values
    np.testing.assert_allclose(jax.jit(mapped)(*values), scale * (_MATRIX @ x) + y, rtol=1e-15)


@in_float64
def test_reverse_mode_takes_the_transpose_that_is_given(values):
    scale, x, y = values
    _, back = jax.vjp(lambda x, y: mapped(scale, x, y), x, y)
    cotangent = jnp.arange(4.0)
    by_x, by_y = jax.jit(back)(cotangent)
    np.testing.assert_allclose(by_x, scale * (_MATRIX.T @ cotangent), rtol=1e-15)
    np.testing.assert_array_equal(by_y, cotangent)
    _, back = jax.vjp(lambda x: mapped(scale, x, y, how=wrong), x)
    np.testing.assert_array_equal(back(cotangent)[0], 7.0)


@in_float64
def test_forward_mode_and_batches_take_the_map(values):
    scale, x, y = values
    np.testing.assert_allclose(jax.jacfwd(lambda x: mapped(scale, x, y, how=wrong))(x), scale * _MATRIX, rtol=1e-15)
    many = np.stack([x, 2 * x])
    both = jax.vmap(mapped, (None, 0, None))(scale, many, y)
    np.testing.assert_allclose(both, jnp.stack([mapped(scale, x, y), mapped(scale, 2 * x, y)]), rtol=1e-15)


@in_float64
def test_what_is_fixed_can_be_differentiated_too(values):
    check_grads(mapped, values, order=2, modes=["fwd", "rev"])


@pytest.mark.parametrize("shape", [(16, 4096), (16, 7), (1, 1), (64, 37), (7, 12)])
@in_float64
def test_inner_products_are_sums_over_pixels(shape):
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(shape[0], 3, shape[1])), rng.normal(size=(shape[0], 2, shape[1]))
    found = jax.jit(inner_products)(jnp.asarray(a), jnp.asarray(b))
    np.testing.assert_allclose(found, np.einsum("rac,rbc->ab", a, b), atol=1e-11)


def test_float32_adds_up_in_small_groups():
    ones = jnp.ones((16, 1, 2**18), jnp.float32)
    tenth = jnp.full((16, 1, 2**18), 0.1, jnp.float32)
    np.testing.assert_allclose(inner_products(ones, tenth)[0, 0], 0.1 * 2**22, rtol=1e-5)
