"""Functions that are differentiated in float64 whatever the caller's settings are: any tree in, any tree out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbragg_kernels.numerics import with_numerics

# Of what is computed here outside the function, with float64 off, JAX warns.
pytestmark = pytest.mark.filterwarnings("ignore:Explicitly requested dtype")


def function(power, tree):
    """Slices, stacks and look-ups of float64, whose transposes make constants; of several results."""
    x, scale = tree["x"].astype(jnp.float64), tree["scale"].astype(jnp.float64)
    wave = jnp.sin(x[1:] * x[:-1]) ** power
    return {"sum": wave.sum() * scale, "parts": jnp.stack([x[tree["place"]], scale * x[0]])}


TREE = {"x": np.linspace(0.1, 1.0, 5), "scale": np.float64(1.7), "place": np.array(2)}


def total(how, power, x, scale):
    found = how(power, {**TREE, "x": x, "scale": scale})
    return jnp.vdot(found["parts"], found["parts"]) + found["sum"] ** 2


WAYS = {
    "value": lambda f: f,
    "reverse": lambda f: jax.grad(f, (0, 1)),
    "forward": lambda f: jax.jacfwd(f, (0, 1)),
    "hessian": lambda f: jax.hessian(f, (0, 1)),
    "reverse twice": lambda f: jax.jacrev(jax.jacrev(f, (0, 1)), (0, 1)),
    "batch of reverse": lambda f: lambda x, s: jax.vmap(jax.grad(f), (0, None))(jnp.stack([x, x * x]), s),
    "reverse of a batch by what is shared": lambda f: jax.grad(
        lambda x, s: jnp.vdot(jax.vmap(f, (0, None))(jnp.stack([x, x * x]), s).astype(s.dtype), jnp.ones(2, s.dtype)),
        (0, 1),
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("jit", [False, True])
def test_with_float64_off_it_is_the_function_with_float64_on(way, jit):
    transformed = WAYS[way](lambda x, scale: total(with_numerics(function), 3, x, scale))
    found = (jax.jit(transformed) if jit else transformed)(TREE["x"].astype(np.float32), np.float32(1.7))
    with jax.enable_x64(True):
        x, scale = (jnp.asarray(v, np.float64) for v in (TREE["x"].astype(np.float32), np.float32(1.7)))
        wanted = WAYS[way](lambda x, scale: total(function, 3, x, scale))(x, scale)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=3e-6)


def test_results_keep_their_type():
    found = with_numerics(function)(2, TREE)
    assert found["sum"].dtype == np.float64
    _, back = jax.vjp(
        lambda tree: with_numerics(function)(2, {**tree, "place": 2})["sum"], {k: TREE[k] for k in ("x", "scale")}
    )
    assert back(found["sum"])[0]["x"].dtype in (np.float32, np.float64)  # as JAX takes numpy's float64 in


def test_the_function_is_run_once_where_only_reverse_mode_asks():
    runs = []

    def counted(static, tree):
        runs.append(static)
        return jnp.sin(tree)

    jax.grad(lambda x: with_numerics(counted)(None, x))(1.0)
    assert len(runs) == 1
