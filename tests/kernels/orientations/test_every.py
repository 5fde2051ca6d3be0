"""The sum over all orientations and its rule of differentiation, against JAX's own derivatives of one step."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import directions_of, in_float64
from jax.test_util import check_grads

from jaxbragg_kernels import hkl
from jaxbragg_kernels.crystal import Crystal
from jaxbragg_kernels.orientations.every import sum_over_every
from jaxbragg_kernels.orientations.one import Choices, scanned_sum
from jaxbragg_kernels.rays import Directions, Rays
from jaxbragg_kernels.shapes import SHAPES as NAMED

SHAPES = ("square", "round", "gauss", "tophat")
NAMES = ("orientations", "cells", "metric", "values", "default", "beam", "wavelength", "position")


def some_case(dtype="float64", count=5, tiles=6, cells=(5.3, 7.0, 4.2)):
    """Random orientations of a triclinic crystal, random pixels, and what each can be differentiated by."""
    rng = np.random.default_rng(3)
    vectors = np.diag([40.0, 50, 60]) + rng.uniform(-5, 5, (3, 3))
    turns = np.eye(3) + 0.01 * rng.normal(size=(count, 3, 3))
    metric = np.asarray([*np.square(cells), 0.4, -0.3, 0.2])
    position = np.stack([np.full((tiles, 16), 0.1), *rng.uniform(-0.03, 0.03, (2, tiles, 16))], axis=-1)
    position[:, :, 1:] = position[:, :1, 1:] + rng.uniform(-2e-4, 2e-4, (tiles, 16, 2))
    return {
        "orientations": jnp.asarray(vectors @ turns),
        "cells": jnp.asarray(cells, dtype),
        "metric": jnp.asarray(metric, dtype),
        "values": jnp.asarray(rng.uniform(10, 100, (21, 21, 21)), dtype),
        "default": jnp.asarray(3.0, dtype),
        "beam": jnp.asarray([1.0, 0.002, -0.001]),
        "wavelength": jnp.asarray(1.1),
        "position": jnp.asarray(position),
    }


def summed(sum_up, case, shape, dtype="float64"):
    crystal = Crystal(
        case["orientations"],
        case["cells"],
        case["metric"],
        hkl.make_table(case["values"], (-10, -10, -10), case["default"]),
        case["default"],
    )
    rays = Rays(case["beam"], case["wavelength"], directions_of(case["position"], dtype))
    return sum_up(crystal, rays, Choices(NAMED[shape], unroll=2))


def plain(case, shape, dtype="float64"):
    return summed(scanned_sum, case, shape, dtype)


def ruled(case, shape, dtype="float64"):
    return summed(sum_over_every, case, shape, dtype)


@pytest.mark.parametrize("shape", SHAPES)
@in_float64
def test_values_are_those_of_one_step_after_the_other(shape):
    case = some_case()
    wanted = np.asarray(plain(case, shape))
    np.testing.assert_allclose(np.asarray(ruled(case, shape)), wanted, rtol=0, atol=1e-13 * wanted.max())


@pytest.mark.parametrize("shape", SHAPES)
@in_float64
def test_reverse_derivatives_by_everything_are_those_of_one_step(shape):
    case = some_case()
    weight = jnp.asarray(np.random.default_rng(0).random((6, 16)))
    wanted, found = (jax.jit(jax.grad(lambda case, f=f: (f(case, shape) * weight).sum()))(case) for f in (plain, ruled))
    for name in case:
        scale = np.abs(wanted[name]).max()
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-9, atol=1e-11 * scale, err_msg=name)


@pytest.mark.parametrize(("name", "shape"), [*((name, "square") for name in NAMES), ("metric", "gauss")])
@in_float64
def test_each_derivative_alone_is_that_of_one_step_in_both_modes(name, shape):
    # Alone: the rule leaves out what has no tangent.
    case, rng = some_case(), np.random.default_rng(1)
    change = jnp.asarray(rng.normal(size=case[name].shape)) * 1e-3
    weight = jnp.asarray(rng.random((6, 16)))

    def alone(f):
        return lambda value: f({**case, name: value}, shape)

    _, wanted = jax.jvp(alone(plain), (case[name],), (change,))
    _, found = jax.jvp(alone(ruled), (case[name],), (change,))
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-11 * np.abs(wanted).max())
    (back,) = jax.vjp(alone(ruled), case[name])[1](weight)
    assert abs((back * change).sum() - (found * weight).sum()) <= 1e-10 * abs(found * weight).sum()


@in_float64
def test_derivatives_agree_with_differences():
    case = some_case(count=3)
    smooth = {name: case[name] for name in ("orientations", "cells", "beam", "wavelength")}
    check_grads(lambda some: ruled({**case, **some}, "square") / 1e3, (smooth,), order=1, rtol=1e-4, eps=1e-7)


@pytest.mark.parametrize("shape", ["square", "gauss"])
@in_float64
def test_batches_and_second_derivatives_agree_with_what_they_are_made_of(shape):
    case, rng = some_case(count=2, tiles=2), np.random.default_rng(4)
    some = {name: case[name] for name in ("orientations", "cells", "metric", "wavelength", "values")}
    several = jax.tree.map(lambda x: jnp.stack([x, x * (1 + 1e-4)]), some)

    def total(some):
        image = ruled({**case, **some}, shape)
        return (image * jnp.linspace(0.5, 1.5, image.size).reshape(image.shape)).sum()

    # The gradient of a batch, a batch of gradients, and the gradients one by one.
    gradient = jax.jit(jax.grad(total))
    outside = jax.jit(jax.grad(lambda several: jax.vmap(total)(several).sum()))(several)
    inside = jax.jit(jax.vmap(jax.grad(total)))(several)
    for i in range(2):
        alone = gradient(jax.tree.map(lambda x, i=i: x[i], several))
        for name, wanted in alone.items():
            scale = np.abs(wanted).max()
            np.testing.assert_allclose(outside[name][i], wanted, rtol=1e-9, atol=1e-11 * scale, err_msg=name)
            np.testing.assert_allclose(inside[name][i], wanted, rtol=1e-9, atol=1e-11 * scale, err_msg=name)
    # Second derivatives along a direction, forward over reverse, against differences of the gradient.
    change = jax.tree.map(lambda x: jnp.asarray(rng.normal(size=x.shape)) * x, some)
    _, found = jax.jit(lambda x, d: jax.jvp(jax.grad(total), (x,), (d,)))(some, change)
    step = 1e-6
    gradients = [gradient(jax.tree.map(lambda x, d, s=s: x + s * d, some, change)) for s in (step, -step)]
    for name, above, below in ((name, *(g[name] for g in gradients)) for name in some):
        wanted = (above - below) / (2 * step)
        np.testing.assert_allclose(found[name], wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max(), err_msg=name)


@pytest.mark.parametrize("count", [1, 2, 3])
@in_float64
def test_any_number_of_orientations(count):
    case = some_case(count=count)
    wanted, found = (
        jax.grad(lambda o, f=f: f({**case, "orientations": o}, "square").sum())(case["orientations"])
        for f in (plain, ruled)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-10 * np.abs(wanted).max())


@in_float64
def test_derivatives_at_exact_bragg_points_half_way_and_at_the_zeros_are_finite_and_right():
    # h = δ for a cell of 1 Å, a wavelength of 1 Å and rays that need not be of unit length.
    case = some_case(count=1, tiles=1)
    delta = np.array([0.0, 1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, -1e-9, -0.2, -0.5, 1 / 7])
    unit: tuple = tuple(jnp.asarray(x)[None] for x in (delta, 0.01 + 0 * delta, 0.02 + 0 * delta))
    zero = jnp.zeros((1, 3))
    rays = Directions(unit, unit, zero, jnp.ones(1), jnp.ones((1, 16)))
    crystal = Crystal(
        jnp.eye(3)[None],
        jnp.asarray([5.0, 7, 3]),
        case["metric"],
        hkl.make_table(jnp.zeros((0, 0, 0)), (0, 0, 0), jnp.asarray(1.0)),
        jnp.asarray(1.0),
    )

    def image(unit, cells):
        some = Rays(jnp.zeros(3), jnp.asarray(1.0), rays._replace(unit=unit))
        return sum_over_every(crystal._replace(n_cells=cells), some, Choices(NAMED["square"]))

    slope = jax.jvp(lambda x: image((x, *unit[1:]), crystal.n_cells), (unit[0],), (jnp.ones((1, 16)),))[1][0]
    d, n = np.longdouble(delta), np.longdouble(5)
    pi = np.longdouble("3.14159265358979323846264338327950288")
    with np.errstate(invalid="ignore", divide="ignore"):
        g = np.sin(pi * n * d) / (n * np.sin(pi * d))
        by_delta = pi * (n * np.cos(pi * n * d) * np.sin(pi * d) - np.sin(pi * n * d) * np.cos(pi * d))
        by_delta = np.where(d == 0, 0, 2 * g * by_delta / (n * np.sin(pi * d) ** 2))
    others = float(image(unit, crystal.n_cells)[0, 0])
    assert np.isfinite(slope).all()
    # At 1e-9 and nearer to the point even 80 bits leave the closed form only some 1e-10.
    np.testing.assert_allclose(slope, by_delta.astype(float) * others, rtol=1e-8, atol=1e-9)
    assert np.isfinite(jax.jacfwd(lambda cells: image(unit, cells))(crystal.n_cells)).all()


@in_float64
def test_single_precision_slopes_are_near_those_of_double_precision():
    weight = jnp.asarray(np.random.default_rng(0).random((6, 16)))

    def slopes(dtype):
        case = some_case(dtype, cells=(20, 31, 17))

        def loss(some):
            return (ruled({**case, **some}, "square", dtype) * weight.astype(dtype)).sum()

        return jax.grad(loss)({name: case[name] for name in ("orientations", "cells", "values", "wavelength")})

    single, double = slopes("float32"), slopes("float64")
    for name, wanted in double.items():
        np.testing.assert_allclose(single[name], wanted, rtol=0, atol=1e-4 * np.abs(wanted).max(), err_msg=name)


def test_a_table_is_a_pytree_with_static_bounds():
    table = hkl.make_table(jnp.ones((2, 3, 4)), (0, 0, 0), jnp.asarray(1.0))
    leaves, tree = jax.tree.flatten(table)
    assert len(leaves) == 1
    assert jax.tree.unflatten(tree, leaves).size == (4, 5, 6)
    assert replace(table, values=table.values).minimum == (-1, -1, -1)


@pytest.mark.parametrize("shape", ["square", "gauss"])
@in_float64
def test_each_tile_may_have_orientations_of_its_own(shape):
    case = some_case(count=2, tiles=6)
    other = case["orientations"] @ jnp.asarray(np.eye(3) + 0.02 * np.random.default_rng(5).normal(size=(3, 3)))
    choice = np.arange(6) % 2 == 0
    # [orientation 3 3 tile]
    own = jnp.where(choice, case["orientations"][..., None], other[..., None])
    weight = jnp.asarray(np.random.default_rng(0).random((6, 16)))

    def image(wavelength, orientations):
        return ruled({**case, "wavelength": wavelength, "orientations": orientations}, shape)

    def both(wavelength):
        one, two = image(wavelength, case["orientations"]), image(wavelength, other)
        return jnp.where(choice[:, None], one, two)

    at = case["wavelength"]
    np.testing.assert_allclose(image(at, own), both(at), rtol=1e-12, atol=1e-12)
    for f in (lambda x: (image(x, own) * weight).sum(), lambda x: (both(x) * weight).sum()):
        forward, reverse = jax.jvp(f, (at,), (jnp.ones(()),))[1], jax.grad(f)(at)
        np.testing.assert_allclose(forward, reverse, rtol=1e-10)
    found, wanted = (jax.grad(lambda x, f=f: (f(x) * weight).sum())(at) for f in (lambda x: image(x, own), both))
    np.testing.assert_allclose(found, wanted, rtol=1e-10)
