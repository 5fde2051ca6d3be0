"""Scattering vectors, and the tiles that keep Miller indices exact in float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64, rays_of
from hypothesis import given
from hypothesis import strategies as st

from jaxbragg_kernels import reciprocal


def positions(tiles=3, seed=0):
    """Tiles of 4 × 4 pixels of 0.1 mm about 0.1 m from the sample [m]."""
    rng = np.random.default_rng(seed)
    corner = np.array([0.1, 0, 0]) + rng.uniform(-0.05, 0.05, (tiles, 1, 3)) * [0, 1, 1]
    slow, fast = np.divmod(np.arange(16), 4)
    return jnp.asarray(corner + 1e-4 * np.stack([0 * fast, slow, fast], axis=-1))


@in_float64
def test_middle_and_step_make_up_the_unit_vector():
    position = positions()
    rays = rays_of(position, "float32")
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
    rays = rays_of(position, "float32")
    parts = reciprocal.miller_offsets(jnp.asarray(cell), jnp.asarray([1.0, 0, 0]), jnp.asarray(0.98), rays)
    unit = np.asarray(position) / np.linalg.norm(position, axis=-1, keepdims=True)
    wanted = (unit - [1, 0, 0]) @ cell.T / 0.98
    middle = np.mean(np.asarray(position), axis=1)
    at_middle = (middle / np.linalg.norm(middle, axis=-1, keepdims=True) - [1, 0, 0]) @ cell.T / 0.98
    for i, (whole, offset) in enumerate(parts):
        assert offset.dtype == jnp.float32
        assert (np.asarray(whole) == np.round(whole)).all()
        # At the middle, not on the average of the pixels: unit vectors are not linear in positions.
        assert (np.abs(at_middle[:, i : i + 1] - whole) <= 0.5 + 1e-9).all()
        # The fraction and three sums, each below 1 and rounded to half of 2⁻²⁴, and the roundings of the factors.
        # float32 on whole indices of up to 200 would leave 2e-5.
        np.testing.assert_allclose(np.float64(whole) + np.float64(offset), wanted[..., i], rtol=0, atol=2e-7)


@in_float64
def test_scattering_length_is_braggs_law():
    two_theta = np.linspace(0.0, np.pi, 50)
    unit = tuple(jnp.asarray(x) for x in (np.cos(two_theta), np.sin(two_theta), 0 * two_theta))
    found = reciprocal.scattering_length(unit, jnp.asarray([1.0, 0, 0]), jnp.asarray(0.9))
    np.testing.assert_allclose(found, 2 * np.sin(two_theta / 2) / 0.9, atol=1e-15)


@pytest.mark.parametrize("transform", [jax.grad, jax.jacfwd])
@in_float64
def test_scattering_length_has_finite_derivatives_at_forward_scattering(transform):
    def length(y, wavelength):
        unit = tuple(x[None] for x in (jnp.float64(1.0), y, jnp.float64(0.0)))
        return reciprocal.scattering_length(unit, jnp.asarray([1.0, 0, 0]), wavelength)[0]

    slopes = transform(length, argnums=(0, 1))(jnp.float64(0.0), jnp.float64(1.0))
    np.testing.assert_array_equal(slopes, 0.0)
