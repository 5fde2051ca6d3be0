"""A barrier changes nothing but what the compiler fuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64
from jax.test_util import check_grads

from jaxbragg_kernels.fusion import fusion_barrier


def fenced(x, y):
    first, second = fusion_barrier(lambda x, y: (x * y, jnp.sin(x)), x, y)
    return first + second


@in_float64
def test_values_and_derivatives_are_those_of_the_function():
    x, y = jnp.linspace(0.1, 2.0, 7), jnp.asarray(1.5)
    np.testing.assert_array_equal(fenced(x, y), x * y + jnp.sin(x))
    check_grads(fenced, (x, y), order=1, modes=("fwd", "rev"))
    found = jax.vmap(fenced, (None, 0))(x, jnp.asarray([1.0, 2.0]))
    np.testing.assert_allclose(found[1], 2 * x + jnp.sin(x))


@pytest.mark.parametrize("batched", [False, True])
def test_on_a_cpu_the_look_up_is_compiled_by_itself(batched):
    if jax.default_backend() != "cpu":
        pytest.skip("a barrier for CPUs")

    def look_up(table, x):
        place = (jnp.abs(x) * 100).astype(jnp.uint32)
        return jnp.exp(fusion_barrier(lambda place: table.at[place].get(mode="promise_in_bounds"), place)) * x

    # Not even the compiler's vmap may turn the branch into a selection of one of two results.
    function = jax.vmap(look_up, (None, 0)) if batched else look_up
    compiled = jax.jit(function).lower(jnp.zeros(1000), jnp.zeros((3, 256, 16))).compile()
    assert "conditional(" in compiled.as_text()
