"""Scattering vectors, and the tiles that keep Miller indices exact in float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import directions_of, in_float64
from hypothesis import given
from hypothesis import strategies as st

from jaxbragg_kernels import reciprocal
from jaxbragg_kernels.rays import Directions, Rays


def positions(tiles=3, seed=0):
    """Tiles of 4 × 4 pixels of 0.1 mm about 0.1 m from the sample [m]."""
    rng = np.random.default_rng(seed)
    corner = np.array([0.1, 0, 0]) + rng.uniform(-0.05, 0.05, (tiles, 1, 3)) * [0, 1, 1]
    slow, fast = np.divmod(np.arange(16), 4)
    return jnp.asarray(corner + 1e-4 * np.stack([0 * fast, slow, fast], axis=-1))


@in_float64
def test_middle_and_step_make_up_the_unit_vector():
    position = positions()
    rays = directions_of(position, "float32")
    distance = np.linalg.norm(position, axis=-1)
    unit = np.asarray(position) / distance[..., None]
    np.testing.assert_allclose(rays.distance[:, None] / np.float64(rays.nearer), distance, rtol=1e-7)
    assert rays.middle.dtype == jnp.float64
    for i in range(3):
        assert rays.unit[i].dtype == rays.step[i].dtype == jnp.float32
        whole = np.asarray(rays.middle)[:, i : i + 1] + np.asarray(rays.step[i], np.float64)
        # The steps are below 1e-2, so their float32 rounding is below 1e-9.
        np.testing.assert_allclose(whole, unit[..., i], rtol=0, atol=1e-9)
        np.testing.assert_allclose(rays.unit[i], unit[..., i], rtol=1e-6, atol=1e-8)


@given(st.integers(0, 1000))
@in_float64
def test_miller_indices_are_good_to_four_roundings_of_a_fraction(seed):
    rng = np.random.default_rng(seed)
    cell = rng.uniform(-250, 250, (3, 3))
    position = positions(seed=seed)
    rays = directions_of(position, "float32")
    found = Rays(jnp.asarray([1.0, 0, 0]), jnp.asarray(0.98), rays)
    middles = reciprocal.at_middles(jnp.asarray(cell)[None], jnp.ones(3, jnp.float32), found)
    middle_of_one = jax.tree.map(lambda x: x[0], middles)
    offsets, nearest = reciprocal.at_pixels(middle_of_one, jnp.asarray(cell), found)
    parts = zip(middle_of_one.whole, offsets.delta, nearest, strict=True)
    unit = np.asarray(position) / np.linalg.norm(position, axis=-1, keepdims=True)
    wanted = (unit - [1, 0, 0]) @ cell.T / 0.98
    middle = np.mean(np.asarray(position), axis=1)
    at_middle = (middle / np.linalg.norm(middle, axis=-1, keepdims=True) - [1, 0, 0]) @ cell.T / 0.98
    for i, (whole, offset, near) in enumerate(parts):
        assert offset.dtype == jnp.float32
        assert (np.asarray(whole) == np.round(whole)).all()
        # At the middle, not on the average of the pixels: unit vectors are not linear in positions.
        assert (np.abs(at_middle[:, i : i + 1] - whole) <= 0.5 + 1e-9).all()
        # The fraction and three sums, each below 1 and rounded to half of 2⁻²⁴, and the roundings of the factors.
        # float32 on whole indices of up to 200 would leave 2e-5.
        np.testing.assert_allclose(
            np.float64(whole) + np.float64(near) + np.float64(offset), wanted[..., i], rtol=0, atol=2e-7
        )


def scattering_length(unit, wavelength):
    zero = jnp.zeros((1, 3))
    directions = Directions(unit, unit, zero, zero[:, 0], unit[0])
    return Rays(jnp.asarray([1.0, 0, 0]), jnp.asarray(wavelength), directions).scattering_length()


@in_float64
def test_scattering_length_is_braggs_law():
    two_theta = np.linspace(0.0, np.pi, 50)
    unit = tuple(jnp.asarray(x) for x in (np.cos(two_theta), np.sin(two_theta), 0 * two_theta))
    found = scattering_length(unit, 0.9)
    np.testing.assert_allclose(found, 2 * np.sin(two_theta / 2) / 0.9, atol=1e-15)


@pytest.mark.parametrize("transform", [jax.grad, jax.jacfwd])
@in_float64
def test_scattering_length_has_finite_derivatives_at_forward_scattering(transform):
    def length(y, wavelength):
        unit = tuple(x[None] for x in (jnp.float64(1.0), y, jnp.float64(0.0)))
        return scattering_length(unit, wavelength)[0]

    slopes = transform(length, argnums=(0, 1))(jnp.float64(0.0), jnp.float64(1.0))
    np.testing.assert_array_equal(slopes, 0.0)


@given(st.integers(0, 1000))
@in_float64
def test_fringes_of_single_pixels_do_not_depend_on_how_many_cells_there_are(seed):
    rng = np.random.default_rng(seed)
    cell, n_cells = rng.uniform(-250, 250, (3, 3)), rng.integers(1, 1_000_000, 3).astype(float)
    position = positions(seed=seed).reshape(-1, 1, 3)
    rays = Rays(jnp.asarray([1.0, 0, 0]), jnp.asarray(0.98), directions_of(position, "float32"))
    found = reciprocal.at_middles(jnp.asarray(cell)[None], jnp.asarray(n_cells, jnp.float32), rays)
    exact = np.asarray(position[:, 0], np.longdouble)
    unit = exact / np.sqrt((exact * exact).sum(axis=1))[:, None]
    index = (unit - [1, 0, 0]) @ cell.T.astype(np.longdouble) / np.longdouble(0.98)
    delta = index - np.round(index)
    np.testing.assert_allclose(found.delta[0, :, :, 0].T, delta.astype(float), rtol=1e-6, atol=1e-10)
    part = n_cells * delta
    # Half a rounding of float32 and what float64 leaves of N·h.
    away = np.asarray(found.part[0, :, :, 0].T) - part
    assert np.abs(away - np.round(away)).max() < 4e-8 + 1e6 * 500 * 4e-16
