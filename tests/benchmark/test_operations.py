import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64

from benchmarks.operations import NotCountable, Slots, count

X = np.ones(10, np.float32)


@pytest.mark.parametrize(
    ("function", "slots"),
    [
        (lambda x: 2.0 * x + 1.0, 1),  # one multiply-add
        (lambda x: x - 3.0 * x, 1),
        (lambda x: x * x * x, 2),
        (lambda x: x * 2.0 + x * 3.0, 2),  # one of the two products is taken in
        (lambda x: ((x * 2.0 + 1.0) * x + 3.0) * x + 4.0, 3),  # Horner
        (lambda x: (lambda y: y + x + jnp.sqrt(y))(x * 2.0), 4),  # a product that is used twice stays one
        (lambda x: x / 2.0, 1),
        (lambda x: jnp.where(x > 0.0, x, 1.0), 2),
        (lambda x: x.astype(jnp.int32), 1),
        (lambda x: jnp.maximum(x, 0.0), 1),
        (lambda x: jnp.sin(x), 1),
        (lambda x: x[::-1].reshape(5, 2), 0),
        (lambda x: (x + 1.0, x * 2.0)[0], 1),  # what nobody uses is not done
        (lambda x: jax.lax.scan(lambda c, _: (c * x + 1.0, None), x, None, length=7)[0], 7),
        (lambda x: jax.jit(jax.checkpoint(lambda y: y + 1.0))(x), 1),
        (lambda x: jax.lax.cond(x[0] > 0.0, lambda y: y + 1.0, lambda y: y * y * y + y, x), 2.2),  # x[0] > 0: int
    ],
)  # fmt: skip
def test_slots_of_one_number(function, slots):
    assert count(function, X).single / X.size == pytest.approx(slots)


def test_sums_and_products_of_matrices():
    assert count(lambda x: x.sum(), X).single == 10
    assert count(lambda a, b: a @ b, np.ones((3, 4), np.float32), np.ones((4, 5), np.float32)).single == 3 * 4 * 5


def test_look_ups_are_counted_apart():
    table = np.arange(100, dtype=np.float32)
    found = count(lambda i: jnp.asarray(table).at[i].get(mode="promise_in_bounds"), np.arange(6))
    assert found.lookups == 6


@in_float64
def test_widths_are_counted_apart():
    found = count(lambda x, y: (x + 1.0, y + 1.0, x.astype(jnp.float64)), X, np.ones(4))
    assert found == Slots(single=10, double=4 + 10)


def test_a_loop_of_unknown_length_is_not_guessed():
    with pytest.raises(NotCountable):
        count(lambda x: jax.lax.while_loop(lambda y: y[0] < 9.0, lambda y: y * 2.0, x), X)
