"""Sums into tiles: in whole numbers as in floats, and the same whatever the order."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxbragg.pipeline.spots import sums


@pytest.fixture(autouse=True)
def wide_numbers():
    with jax.enable_x64(True):
        yield


def some(dtype=np.float64, pairs=5000, tiles=40, columns=3):
    """Many numbers of a wide range for few tiles, and some for none."""
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(pairs, columns)) * 10.0 ** rng.uniform(-9, 3, (pairs, columns)) * [1e-20, 1.0, 1e12]
    tile = rng.integers(0, tiles + 3, pairs).astype(np.int32)
    image = rng.normal(size=(tiles, columns)) * [1e-17, 1e3, 1e15]
    return jnp.asarray(image, dtype), jnp.asarray(tile), jnp.asarray(drawn, dtype)


@pytest.mark.parametrize(("dtype", "share"), [(np.float64, 1e-14), (np.float32, 1e-5)])
def test_whole_numbers_and_floats_agree(dtype, share):
    image, tile, drawn = some(dtype)
    floats, whole = (np.asarray(add(image, tile, drawn)) for add in (sums._add, sums._add_reproducibly))
    assert whole.dtype == dtype
    assert (np.abs(whole - floats).max(axis=0) <= share * np.abs(floats).max(axis=0)).all()
    # Sums of whole numbers are rounded but once; in float32 there are 61 − 13 bits.
    exact = np.asarray(sums._add(jnp.zeros(image.shape), tile, drawn.astype(np.float64)))
    found = np.asarray(sums._sums(image.shape[0], tile, drawn))
    assert (np.abs(found - exact) <= np.finfo(dtype).eps * np.abs(exact) + 1e-14 * np.abs(exact).max(axis=0)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whole_numbers_give_the_same_bytes_in_any_order(dtype):
    image, tile, drawn = some(dtype)
    first = np.asarray(sums._add_reproducibly(image, tile, drawn))
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(tile.size)
        np.testing.assert_array_equal(np.asarray(sums._add_reproducibly(image, tile[order], drawn[order])), first)


def test_the_widest_sums_do_not_overflow():
    many = 1 << 12
    tile = jnp.zeros(many, np.int32)

    def total(value, **changed):
        drawn = jnp.full((many, 1), np.float32(value)).at[3].set(changed.get("third", np.float32(value)))
        return float(np.asarray(sums._sums(2, tile, drawn))[0, 0])

    below_two = np.nextafter(np.float32(2), np.float32(1))
    for sign in (-1.0, 1.0):
        assert total(sign * below_two) == pytest.approx(sign * 2.0 * many, rel=1e-6)
        assert total(sign * 1e38) == sign * np.inf  # as for a sum of floats
    assert total(0.0) == 0.0
    assert 0 <= total(1e-44) < 1e-40
    assert np.isnan(total(1.0, third=np.nan))
    assert np.isnan(total(1.0, third=np.inf))


@pytest.mark.parametrize("add", [sums._add, sums._add_reproducibly, sums.add_in_order])
def test_numbers_out_of_range_are_dropped(add):
    image, _, _ = some()
    found = np.asarray(add(image, jnp.asarray([1, 40, 41, 1_000_000]), jnp.full((4, 3), 7.0)) - image)
    np.testing.assert_allclose(found[1], [7.0, 7.0, 7.0], rtol=0.5)
    assert not np.delete(found, 1, axis=0).any()


@pytest.mark.parametrize("take", [sums._take, sums._take_reproducibly, sums.take_in_order])
def test_rows_out_of_range_are_zero(take):
    image, _, _ = some()
    found = np.asarray(take(image, jnp.asarray([1, 40, 41, 1_000_000])))
    np.testing.assert_array_equal(found, [np.asarray(image[1]), *np.zeros((3, 3))])


@pytest.mark.parametrize(
    ("add", "take"),
    [(sums._add, sums._take), (sums._add_reproducibly, sums._take_reproducibly)],
    ids=["floats", "whole"],
)
def test_both_are_differentiable_in_both_modes(add, take):
    _, tile, _ = some(pairs=9, tiles=4)
    rng = np.random.default_rng(1)
    image, drawn = jnp.asarray(rng.normal(size=(4, 3))), jnp.asarray(rng.normal(size=(9, 3)))

    @jax.jit
    def both(image, drawn):
        return take(add(jnp.sin(image), tile, drawn**2) ** 2, tile[::-1])

    check_grads(both, (image, drawn), order=2, modes=("fwd", "rev"))
    # Of one of the two alone, the other constant, by vmap.
    columns, rows = (np.asarray(jac(lambda d: both(image, d))(drawn)) for jac in (jax.jacfwd, jax.jacrev))
    np.testing.assert_allclose(columns, rows, atol=1e-14)
    many = jax.vmap(both, (0, None))(jnp.stack([image, 2 * image]), drawn)
    np.testing.assert_allclose(np.asarray(many[1]), np.asarray(both(2 * image, drawn)), rtol=1e-12)


def test_a_gpu_adds_no_floats_to_the_same_place():
    """As lowered for CUDA: the scatters that it holds are of whole numbers, derivatives included."""
    image, tile, drawn = some(np.float32)

    def both(image, drawn):
        return (sums.take_in_order(sums.add_in_order(image, tile, drawn), tile) ** 2).sum()

    for function in (both, jax.grad(both, (0, 1)), lambda i, d: jax.jvp(both, (i, d), (i, d))):
        traced = jax.jit(function).trace(image, drawn)
        kinds = {}
        for platform in ("cpu", "cuda"):
            text = traced.lower(lowering_platforms=(platform,)).as_text()
            kinds[platform] = set(re.findall(r'"stablehlo\.scatter".*?\^bb0\(%\w+: tensor<(\w+)>', text, re.DOTALL))
        assert kinds == {"cpu": {"f32"}, "cuda": {"i64"}}
