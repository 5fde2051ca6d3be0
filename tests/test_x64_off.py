"""Derivatives where JAX's float64 is off, its default: those that are taken where it is on, to any order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import panel

import jaxbragg as jb

# Of what a loss does to an image of float64, with float64 off, JAX warns.
pytestmark = pytest.mark.filterwarnings("ignore:Explicitly requested dtype")
START = np.array([10.0, 20.0, 30.0])
WEIGHTS = np.random.default_rng(0).random((16, 16))


def experiment(misset):
    return jb.Experiment(
        beam=jb.Beam(1.0, fluence=1e26),
        crystal=jb.Crystal((40, 45, 55, 90, 95, 90), misset=misset, cells=(8, 7, 6)),
        detector=panel((16, 16), 0.4e-3),
        structure_factors=jb.StructureFactors(default=100.0),
        background=jb.AmorphousBackground(1e12),
    )


def loss_of(precision):
    options = jb.Options(oversample=1, precision=precision)

    def loss(misset):
        image = jb.simulate(experiment(misset), options)
        return jnp.vdot(image, jnp.asarray(WEIGHTS).astype(image.dtype))

    return loss


def both(misset):
    return jnp.stack([misset, 1.01 * misset])


FIRST = {
    "reverse": lambda f: jax.grad(f),
    "reverse under jit": lambda f: jax.jit(jax.grad(f)),
    "reverse of a jit": lambda f: jax.grad(jax.jit(f)),
    "reverse of a checkpoint": lambda f: jax.grad(jax.checkpoint(f)),
    "forward": lambda f: jax.jacfwd(f),
    "forward under jit": lambda f: jax.jit(jax.jacfwd(f)),
    "reverse of a batch": lambda f: jax.grad(lambda m: jnp.vdot(jnp.ones(2), jax.vmap(f)(both(m)).astype(m.dtype))),
    "a batch of reverse": lambda f: lambda m: jax.vmap(jax.grad(f))(both(m)),
}
SECOND = {
    "reverse over reverse": lambda f: jax.grad(lambda m: jnp.vdot(jax.grad(f)(m), jnp.arange(3).astype(m.dtype))),
    "reverse over reverse under jit": lambda f: jax.jit(jax.jacrev(jax.grad(f))),
    "forward over reverse": lambda f: jax.hessian(f),
    "reverse over forward": lambda f: jax.grad(lambda m: jax.jvp(f, (m,), (jnp.ones_like(m),))[1]),
}
SLOW = ("forward over reverse", "reverse over forward", "reverse over reverse under jit")  # as the first, and long
CASES = [
    *(pytest.param(n, "float64", marks=[pytest.mark.slow] if n in SLOW else []) for n in FIRST | SECOND),
    *((n, "mixed") for n in ("reverse", "forward", "reverse over reverse")),
    *((n, "float32") for n in ("reverse", "forward")),
]


@pytest.mark.parametrize(("name", "precision"), CASES)
def test_derivatives_are_those_with_float64_on(name, precision):
    derivative = (FIRST | SECOND)[name](loss_of(precision))
    found = np.asarray(derivative(jnp.asarray(START, np.float32)))
    assert not jax.config.jax_enable_x64
    with jax.enable_x64(True):
        wanted = np.asarray((FIRST | SECOND)[name](loss_of(precision))(jnp.asarray(START)))
    assert abs(wanted).max() > 0
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6 * abs(wanted).max())


def test_a_model_with_leaves_of_float64_is_differentiated_as_it_is():
    def total(made):
        return jnp.vdot(jb.simulate(made, jb.Options(oversample=1, precision="float64")), WEIGHTS.astype(np.float64))

    made = experiment(START)
    found = jax.grad(total)(made)
    with jax.enable_x64(True):
        wanted = jax.grad(total)(made)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert one.dtype == other.dtype == np.float64
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9 * max(abs(np.asarray(other)).max(), 1e-300))


@pytest.mark.parametrize("together", [False, True])
def test_batches_too(together):
    simulate = jb.simulate_together if together else jb.simulate_batch

    def total(misset):
        made = [experiment(misset), experiment(1.01 * misset)]
        image = simulate(made, jb.Options(oversample=1, precision="float64"))
        return jnp.vdot(image, jnp.broadcast_to(jnp.asarray(WEIGHTS).astype(image.dtype), image.shape))

    found = jax.jit(jax.grad(total))(jnp.asarray(START, np.float32))
    with jax.enable_x64(True):
        wanted = np.asarray(jax.jit(jax.grad(total))(jnp.asarray(START)))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6 * abs(wanted).max())
