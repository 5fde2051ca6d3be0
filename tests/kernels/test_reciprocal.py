"""Scattering vectors, and the tiles that keep Miller indices exact in float32."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import directions_of, in_float64
from hypothesis import given
from hypothesis import strategies as st

from jaxbragg_kernels import reciprocal
from jaxbragg_kernels.rays import Directions, Rays
from jaxbragg_kernels.shapes import SHAPES


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
    middles = reciprocal.at_middles(jnp.asarray(cell)[None], found)
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


def _exact_indices(position, cell):
    exact = np.asarray(position, np.longdouble)
    unit = exact / np.sqrt((exact * exact).sum(axis=-1))[..., None]
    return (unit - [1, 0, 0]) @ cell.T.astype(np.longdouble) / np.longdouble(0.98)


def _followed(shape, size):
    return reciprocal.Phases(partial(shape.phases, size=size), partial(shape.phases_beside, size=size))


@given(st.integers(0, 1000), st.booleans())
@in_float64
def test_fringes_of_single_pixels_do_not_depend_on_how_many_cells_there_are(seed, whole):
    rng = np.random.default_rng(seed)
    cell, n_cells = rng.uniform(-250, 250, (3, 3)), rng.uniform(1, 1_000_000, 3)
    n_cells = np.round(n_cells) if whole else n_cells
    position = positions(seed=seed).reshape(-1, 1, 3)
    rays = Rays(jnp.asarray([1.0, 0, 0]), jnp.asarray(0.98), directions_of(position, "float32"))
    phases = _followed(SHAPES["square"], jnp.asarray(n_cells))
    found = reciprocal.at_middles(jnp.asarray(cell)[None], rays, phases)
    index = _exact_indices(position[:, 0], cell)
    delta = index - np.round(index)
    np.testing.assert_allclose(found.delta[0, :, :, 0].T, delta.astype(float), rtol=1e-6, atol=1e-10)
    # Half a rounding of float32 and what float64 leaves of N·h.
    away = np.asarray(found.phases[0, :, :, 0].T) - n_cells * delta
    assert np.abs(away - np.round(away)).max() < 4e-8 + 1e6 * 500 * 4e-16


@given(st.integers(0, 1000), st.booleans())
@in_float64
def test_fringes_of_tiles_lose_only_what_their_steps_lose(seed, whole):
    rng = np.random.default_rng(seed)
    cell, n_cells = rng.uniform(-250, 250, (3, 3)), rng.uniform(1, 3000, 3)
    n_cells = np.round(n_cells) if whole else n_cells
    position = positions(seed=seed)
    rays = Rays(jnp.asarray([1.0, 0, 0]), jnp.asarray(0.98), directions_of(position, "float32"))
    phases = _followed(SHAPES["square"], jnp.asarray(n_cells))
    middle = jax.tree.map(lambda x: x[0], reciprocal.at_middles(jnp.asarray(cell)[None], rays, phases))
    offsets, nearest = reciprocal.at_pixels(middle, jnp.asarray(cell), rays, phases)
    index = _exact_indices(position, cell)
    point = np.asarray(middle.whole) + np.stack(nearest)
    away = np.stack(offsets.phases) - n_cells[:, None, None] * (np.moveaxis(index, -1, 0) - point)
    steps = np.abs(np.stack(rays.directions.step)).max() * np.abs(cell).sum(axis=1) / 0.98
    error = np.abs(away - np.round(away)).max(axis=(1, 2))
    assert (error < 1e-7 + 4 * n_cells * steps * 2.0**-24).all()


@given(st.integers(0, 1000))
@in_float64
def test_phases_of_a_sphere_are_half_its_radius(seed):
    rng = np.random.default_rng(seed)
    deltas, n = rng.uniform(-0.5, 0.5, (3, 40)), rng.uniform(1, 1e6)
    found = SHAPES["round"].phases(tuple(deltas), jnp.eye(3) * n**2)[0]
    away = np.asarray(found) - n * np.linalg.norm(deltas.astype(np.longdouble), axis=0) / 2
    assert np.abs(found).max() <= 0.5
    assert np.abs(away - np.round(away)).max() < 1e6 * 1e-15
