"""The hand-written kernel against its twin in XLA: interpreted, lowered for CUDA, and run where there is a GPU."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64, rays_of, relative
from jax.extend.core import jaxprs_in_params
from jax.sharding import AbstractDevice, AbstractMesh, use_abstract_mesh

from jaxbragg_kernels import accumulate, dense, hkl
from jaxbragg_kernels.pallas import arithmetic, three_parts
from jaxbragg_kernels.pallas.sum_over_orientations import Blocks, over_orientations

# What jax 0.11 says of every such kernel; jaxbragg asks for jax below 0.12.
pytestmark = pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated:DeprecationWarning")

SHAPES = ("square", "round", "gauss", "tophat")
SMALL = Blocks(tiles=4, pixels=2)
interpreted = partial(over_orientations, blocks=SMALL, interpret=True)
IMPLEMENTATIONS = {"dense": dense.over_orientations, "pallas": interpreted}


def some_case(count=5, tiles=6, cells=(5.3, 7.0, 4.2), box=21):
    """Random orientations of a triclinic crystal and random pixels."""
    rng = np.random.default_rng(3)
    vectors = np.diag([40.0, 50, 60]) + rng.uniform(-5, 5, (3, 3))
    position = np.stack([np.full((tiles, 16), 0.1), *rng.uniform(-0.03, 0.03, (2, tiles, 16))], axis=-1)
    position[:, :, 1:] = position[:, :1, 1:] + rng.uniform(-2e-4, 2e-4, (tiles, 16, 2))
    return {
        "orientations": jnp.asarray(vectors @ (np.eye(3) + 0.01 * rng.normal(size=(count, 3, 3)))),
        "cells": jnp.asarray(cells),
        "metric": jnp.asarray([*np.square(cells), 0.4, -0.3, 0.2]),
        "values": jnp.asarray(rng.uniform(10, 100, (box,) * 3)),
        "beam": jnp.asarray([1.0, 0.002, -0.001]),
        "wavelength": jnp.asarray(1.1),
        "position": jnp.asarray(position),
    }


@partial(jax.jit, static_argnums=(0, 2, 3))
def draw(sum_up, case, shape, dtype="float32"):
    low = -(case["values"].shape[0] // 2)
    cells, metric, values = (case[name].astype(dtype) for name in ("cells", "metric", "values"))
    default = jnp.asarray(3.0, dtype)
    table = hkl.make_table(values, (low, low, low), default)
    crystal = accumulate.Crystal(case["orientations"], cells, metric, table, default)
    rays = rays_of(case["position"], dtype)
    return sum_up(crystal, case["beam"], case["wavelength"], rays, shape=shape, unroll=1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", IMPLEMENTATIONS)
@in_float64
def test_the_image_is_that_of_float64(name, shape):
    case = some_case()
    wanted = draw(dense.over_orientations, case, shape, "float64")
    assert np.asarray(wanted).max() > 0
    assert relative(draw(IMPLEMENTATIONS[name], case, shape), wanted) < 2e-6


@pytest.mark.parametrize(("count", "tiles", "blocks"), [(1, 8, SMALL), (3, 1, SMALL), (2, 5, Blocks(2, pixels=5))])
@in_float64
def test_any_number_of_orientations_tiles_and_pixels_to_a_program(count, tiles, blocks):
    case = some_case(count, tiles)
    found = draw(partial(over_orientations, blocks=blocks, interpret=True), case, "square")
    assert relative(found, draw(dense.over_orientations, case, "square")) < 1e-6


@in_float64
def test_indices_outside_the_table_get_the_default():
    case = some_case(box=3)
    found = draw(interpreted, case, "gauss")
    assert relative(found, draw(dense.over_orientations, case, "gauss", "float64")) < 2e-6
    assert np.count_nonzero(found) == found.size


@in_float64
def test_a_large_crystal_is_as_good_as_the_twin():
    case = some_case(cells=(1000.0, 1000.0, 1000.0))
    wanted = draw(dense.over_orientations, case, "square", "float64")
    error, twins = (relative(draw(f, case, "square"), wanted) for f in (interpreted, dense.over_orientations))
    assert error < 1.5 * twins + 1e-6


@in_float64
def test_three_parts_give_indices_to_a_billionth():
    rng = np.random.default_rng(1)
    cells = rng.uniform(-290, 290, (3, 1, 2000))  # |h| reaches 500
    directions = rng.uniform(-0.99, 0.99, (3, 2000))
    cell, direction = three_parts.parts_of_cells(cells), three_parts.parts_of_directions(directions)
    axes = ([three_parts.Parts(*(part[j].ravel() for part in parts)) for j in range(3)] for parts in (cell, direction))
    found = three_parts.index(*axes, arithmetic.XLA)
    exact = (cells[:, 0].astype(np.longdouble) * directions).sum(axis=0)
    assert 500 < np.abs(exact).max() < 1000
    error = np.asarray(found.whole, np.longdouble) - exact + np.asarray(found.fraction) + np.asarray(found.low)
    assert np.abs(error).max() < 1e-10
    assert np.abs(found.fraction).max() <= 0.5
    assert np.abs(found.low).max() < 1e-3


def test_rounding_by_shifts_is_rounding():
    # Operation by operation: compiled together, XLA takes (x + s) − s for x.
    x = jnp.asarray([0.0, 0.49999997, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5000002, 1234.5, -4e6, 4e6], jnp.float32)
    found, wanted = arithmetic.GPU.nearest(x), arithmetic.XLA.nearest(x)
    np.testing.assert_array_equal(found.number, wanted.number)
    np.testing.assert_array_equal(found.integer, wanted.integer)


@pytest.mark.parametrize(
    ("shape", "names"), [("square", ("orientations", "cells", "wavelength")), ("gauss", ("metric",))]
)
@in_float64
def test_derivatives_in_both_modes_are_those_of_the_twin(shape, names):
    case = some_case(count=3, tiles=2)
    some = {name: case[name] for name in (*names, "values", "position")}
    rng = np.random.default_rng(2)
    change = jax.tree.map(lambda x: 1e-3 * jnp.asarray(rng.normal(size=x.shape)), some)
    weight = jnp.asarray(rng.random((2, 16)), jnp.float32)

    def both_modes(sum_up):
        def image(some):
            return draw(sum_up, {**case, **some}, shape)

        def slopes(some):
            return jax.jvp(image, (some,), (change,))[1], jax.grad(lambda some: (image(some) * weight).sum())(some)

        return jax.jit(slopes)(some)

    (forward, reverse), (wanted_forward, wanted_reverse) = map(both_modes, (interpreted, dense.over_orientations))
    assert relative(forward, wanted_forward) < 1e-6
    for name in some:
        assert relative(reverse[name], wanted_reverse[name]) < 1e-6, name


@in_float64
def test_vmap():
    case = some_case(count=2, tiles=3)
    wavelengths = jnp.asarray([1.0, 1.3])

    def slope(sum_up, wavelength):
        return jax.value_and_grad(lambda x: draw(sum_up, {**case, "wavelength": x}, "square").sum())(wavelength)

    found = jax.jit(jax.vmap(partial(slope, interpreted)))(wavelengths)
    wanted = jax.jit(jax.vmap(partial(slope, dense.over_orientations)))(wavelengths)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


@in_float64
def test_float64_images_are_the_twins():
    case = some_case(count=2)
    wanted = draw(dense.over_orientations, case, "square", "float64")
    np.testing.assert_array_equal(draw(over_orientations, case, "square", "float64"), wanted)


@pytest.mark.parametrize("shape", SHAPES)
@in_float64
def test_it_lowers_for_cuda_and_holds_no_float64(shape):
    # jax 0.11 asks what GPU it is to be; 0.10 assumes one.
    gpu = AbstractMesh((), (), abstract_device=AbstractDevice("NVIDIA H100", num_cores=132, platform="gpu"))
    with use_abstract_mesh(gpu):
        program = draw.trace(over_orientations, some_case(), shape)
        text = program.lower(lowering_platforms=("cuda",)).as_text()
    assert "__gpu$xla.gpu.triton" in text
    assert f"sum_over_orientations_{shape}" in text
    if shape != "tophat":  # whose 1 or 0 is chosen in float64 and converted, until the GPU's compiler turns that round
        assert f"f64[{Blocks().tiles}]" not in str(_kernel_of(program.jaxpr))


def _kernel_of(jaxpr):
    """The jaxpr inside the one pallas_call."""
    found = []

    def look(jaxpr):
        for equation in jaxpr.eqns:
            if equation.primitive.name == "pallas_call":
                found.append(equation.params["jaxpr"])
            for inner in jaxprs_in_params(equation.params):
                look(inner)

    look(jaxpr.jaxpr)
    (kernel,) = found
    return kernel


@pytest.mark.gpu
@pytest.mark.parametrize("pixels", [4, 8, 16])
@pytest.mark.parametrize("shape", SHAPES)
@in_float64
def test_on_a_gpu_the_image_is_that_of_float64(shape, pixels):
    if jax.default_backend() != "gpu":
        pytest.skip("JAX sees no GPU")
    case = some_case(tiles=300)
    wanted = draw(dense.over_orientations, case, shape, "float64")
    found = draw(partial(over_orientations, blocks=Blocks(pixels=pixels)), case, shape)
    assert relative(found, wanted) < 2e-6
