"""Structure factors from the dense box."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64
from hypothesis import given
from hypothesis import strategies as st

from jaxbragg_kernels import hkl

BOX = np.random.default_rng(0).uniform(1, 9, (6, 7, 8))
MINIMUM = (-2, -3, 5)
DEFAULT = 0.5


def table(box=BOX):
    return hkl.make_table(jnp.asarray(box), MINIMUM, jnp.asarray(DEFAULT))


def cubic(at):
    """|F| between whole numbers, at real Miller indices [n, 3]."""
    at = np.asarray(at, float)
    floors = np.floor(at)
    return hkl.tricubic(
        table(),
        tuple(jnp.asarray(x, jnp.int32) for x in floors.T),
        tuple(jnp.asarray(x) for x in (at - floors).T),
        jnp.asarray(DEFAULT),
    )


@given(st.tuples(st.integers(-40, 40), st.integers(-40, 40), st.integers(-40, 40)))
@in_float64
def test_nearest_is_the_boxs_element_or_the_default(index):
    at = np.array(index) - MINIMUM
    inside = (at >= 0).all() and (at < BOX.shape).all()
    wanted = BOX[tuple(at)] if inside else DEFAULT
    assert float(hkl.nearest(table(), *map(jnp.int32, index))) == wanted


@in_float64
def test_every_element_comes_back():
    index = np.indices(BOX.shape) + np.array(MINIMUM)[:, None, None, None]
    np.testing.assert_array_equal(hkl.nearest(table(), *jnp.asarray(index, jnp.int32)), BOX)


@pytest.mark.parametrize("far", [-(2**31), 2**31 - 1])
def test_the_largest_indices_give_the_default(far):
    # float32 → int32 saturates: no index may come out on the other side.
    assert float(hkl.nearest(table(), jnp.int32(far // 2), jnp.int32(0), jnp.int32(6))) == DEFAULT


@pytest.mark.parametrize("shape", [(0, 0, 0), (3, 0, 2)])
def test_an_empty_box_gives_the_default_everywhere(shape):
    empty = hkl.make_table(jnp.zeros(shape), (0, 0, 0), jnp.asarray(7.0))
    h = jnp.arange(-5, 6)
    np.testing.assert_array_equal(hkl.nearest(empty, h, h, -h), 7.0)
    half = jnp.full(11, 0.5)
    np.testing.assert_array_equal(hkl.tricubic(empty, (h, h, h), (half,) * 3, jnp.asarray(7.0)), 7.0)


def test_a_box_of_one_reflection():
    one = hkl.make_table(jnp.full((1, 1, 1), 3.0), (4, 5, 6), jnp.asarray(1.0))
    assert float(hkl.nearest(one, jnp.int32(4), jnp.int32(5), jnp.int32(6))) == 3.0
    assert float(hkl.nearest(one, jnp.int32(4), jnp.int32(5), jnp.int32(7))) == 1.0


@in_float64
def test_tricubic_reproduces_cubic_polynomials():
    rng = np.random.default_rng(1)
    coefficients = rng.normal(size=(4, 4, 4))
    grid = np.indices(BOX.shape) + np.array(MINIMUM)[:, None, None, None]
    values = np.polynomial.polynomial.polyval3d(*grid, coefficients)
    low, high = np.array(MINIMUM) + 1, np.array(MINIMUM) + BOX.shape - 2
    at = rng.uniform(low, high, (200, 3))
    floors = np.floor(at)
    found = hkl.tricubic(
        table(values),
        tuple(jnp.asarray(x, jnp.int32) for x in floors.T),
        tuple(jnp.asarray(x) for x in (at - floors).T),
        jnp.asarray(DEFAULT),
    )
    wanted = np.polynomial.polynomial.polyval3d(*at.T, coefficients)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * np.abs(values).max())


@in_float64
def test_tricubic_is_the_table_at_whole_numbers():
    # Those whose neighbours floor − 1 … floor + 2 are all in the box.
    index = np.indices(np.array(BOX.shape) - 3).reshape(3, -1).T + 1
    np.testing.assert_allclose(cubic(index + np.array(MINIMUM)), BOX[tuple(index.T)], rtol=1e-15)


@in_float64
def test_tricubic_is_continuous_across_whole_numbers():
    below, above = (cubic([[sign * 1e-12, 0.3, 8.4]]) for sign in (-1, 1))
    np.testing.assert_allclose(below, above, rtol=1e-10)


@pytest.mark.parametrize("axis", [0, 1, 2])
@in_float64
def test_tricubic_takes_the_default_where_a_neighbour_is_missing_and_only_there(axis):
    middle = np.array(MINIMUM) + np.array(BOX.shape) / 2
    low, high = MINIMUM[axis], MINIMUM[axis] + BOX.shape[axis] - 1
    for value, served in (
        (low - 7.0, False),
        (low + 0.99, False),
        (low + 1.0, True),
        (high - 1.01, True),
        (high - 1.0, False),
        (high + 7.0, False),
    ):
        at = middle.copy()
        at[axis] = value
        found = cubic([at, middle])
        assert (float(found[0]) != DEFAULT) == served
        assert float(found[1]) != DEFAULT


@in_float64
def test_derivatives_of_tricubic_by_the_fraction():
    floors = tuple(jnp.int32(x) for x in (0, 0, 8))

    def value(fractions):
        return hkl.tricubic(table(), floors, tuple(fractions), jnp.asarray(DEFAULT))

    at, step = np.array([0.3, 0.6, 0.1]), 1e-6
    slope = jax.grad(value)(jnp.asarray(at))
    for i in range(3):
        change = step * np.eye(3)[i]
        wanted = (float(value(jnp.asarray(at + change))) - float(value(jnp.asarray(at - change)))) / (2 * step)
        np.testing.assert_allclose(slope[i], wanted, rtol=1e-8, atol=1e-8)


@in_float64
def test_the_table_and_the_default_can_be_refined():
    def total(box, default):
        made = hkl.make_table(box, MINIMUM, default)
        index = jnp.asarray([0, 0, 100])
        return hkl.nearest(made, index, jnp.asarray([0, 0, 0]), jnp.asarray([6, 6, 6])).sum()

    by_box, by_default = jax.grad(total, argnums=(0, 1))(jnp.asarray(BOX), jnp.asarray(DEFAULT))
    assert float(jax.grad(total, argnums=1)(jnp.asarray(BOX), jnp.asarray(DEFAULT))) == 1.0  # and by it alone
    assert float(by_box[2, 3, 1]) == 2.0
    assert float(by_box.sum()) == 2.0
    assert float(by_default) == 1.0
