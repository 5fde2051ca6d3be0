"""Whatever the caller has set in JAX: float64 off, its default, and promotion of types and ranks refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import panel

import jaxbragg as jb
from jaxbragg import refine
from jaxbragg.noise import photon_counts

# Of what a loss does to an image of float64, with float64 off, JAX warns.
pytestmark = pytest.mark.filterwarnings("ignore:Explicitly requested dtype")
START = np.array([10.0, 20.0, 30.0])
WEIGHTS = np.random.default_rng(0).integers(1, 9, (16, 16)).astype(np.float32)  # exact in either type


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
QUICK = (
    ("reverse", "float64"),
    ("reverse of a batch", "float64"),
    ("forward", "float64"),
    ("reverse over reverse", "mixed"),
)
EVERY = [
    *((name, "float64") for name in FIRST | SECOND),
    *(
        (name, precision)
        for name in ("reverse", "forward", "reverse over reverse")
        for precision in ("mixed", "float32")
    ),
]
CASES = [pytest.param(*case, marks=[] if case in QUICK else [pytest.mark.slow]) for case in EVERY]


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
        return jnp.vdot(jb.simulate(made, jb.Options(oversample=1, precision="float64")), WEIGHTS)

    made = experiment(START)
    found = jax.grad(total)(made)
    with jax.enable_x64(True):
        wanted = jax.grad(total)(made)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert one.dtype == other.dtype == np.float64
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12 * abs(np.asarray(other)).max(initial=1e-300))


@pytest.mark.parametrize("together", [False, pytest.param(True, marks=pytest.mark.slow)])
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


# Strict promotion of types and ranks --------------------------------------------------------------------------------


@pytest.fixture
def strict():
    """A caller who has JAX refuse every promotion."""
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield


SOURCES = jb.RelativeSources.grid([0, 1e-3], [0, 0], [1, 1.01])


def made(**parts):
    """Something of every kind: sensor, mosaic, rotation, sources, backgrounds, a table."""
    table = np.random.default_rng(1).uniform(50, 100, (9, 9, 9))
    return jb.Experiment(
        **{
            "beam": jb.Beam(1.0, fluence=1e26, polarization=0.8, sources=SOURCES),
            "crystal": jb.Crystal((40, 45, 55, 90, 95, 90), misset=START, cells=8, mosaic=jb.CapMosaic(0.3, 3)),
            "detector": jb.MultiPanel([panel((16, 16), 0.4e-3, sensor=jb.Sensor(4e-4, 3e-4, 2))] * 2),
            "structure_factors": jb.StructureFactors(table, (-4, -4, -4), 30.0),
            "scan": jb.Scan.from_range(0.0, 1.0, 2),
            "background": [jb.AmorphousBackground.water(1e-4, [0.0, 0.3, 1.0], [2.6, 2.0, 1.0])],
            **parts,
        }
    )


def variants():
    yield made(), jb.Options(oversample=2)
    yield made(), jb.Options(oversample=1, interpolation="tricubic", corrections="first")
    for shape in ("round", "gauss", "tophat"):
        crystal = jb.Crystal.from_vectors(
            np.diag([40.0, 45, 55]), misset=START, cells=9, shape=shape, mosaic=jb.CapMosaic(0.3, 3)
        )
        yield made(crystal=crystal), jb.Options(oversample=1, d_min=2.0)
    yield made(detector=jb.CurvedDetector((16, 16), 0.4e-3, 0.1, (3e-3, 3e-3))), jb.Options(precision="float64")
    yield made(), jb.Options(oversample=1, precision="float32", tile=1)


@pytest.mark.parametrize(
    "number",
    [
        0,
        *(pytest.param(i, marks=pytest.mark.slow) for i in (1, 2)),
        3,
        *(pytest.param(i, marks=pytest.mark.slow) for i in (4, 5, 6)),
    ],
)
def test_images_do_not_depend_on_promotion(strict, number):
    wanted_made, wanted_options = list(variants())[number]
    found = np.asarray(jb.simulate(wanted_made, wanted_options))
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        np.testing.assert_array_equal(found, jb.simulate(*list(variants())[number]))


def test_derivatives_batches_and_fits_do_not_depend_on_promotion(strict):
    options = jb.Options(oversample=1)

    def total(one):
        return jb.simulate(one, options).sum()

    def all_of_it():
        one = experiment(START)
        start = experiment(START + 0.02)
        image = np.asarray(jb.simulate(one, options))
        fitted = refine.fit(
            refine.Problem(start, ["crystal.misset", "image.scale"], np.random.default_rng(0).poisson(image))
        )
        return (
            jax.grad(total)(made()),
            jb.simulate_batch([made(), made(scan=jb.Scan((5.0, 6.0)))], options),
            jb.simulate_together([made(), made(scan=jb.Scan((5.0, 6.0)))], options),
            jb.precision_bound(made(), options),
            photon_counts(image, 3),
            list(fitted.values.values()),
            list(fitted.uncertainties.values()),
        )

    found = all_of_it()
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        wanted = all_of_it()
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6 * np.max(np.abs(other), initial=0.0))
