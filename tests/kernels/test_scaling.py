"""Polarization, solid angle, capture, photon scale."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64, textbook_polarization
from hypothesis import given
from hypothesis import strategies as st

from jaxbragg_kernels import scaling

X, Y, Z = np.eye(3)


def polarization(d, beam=X, axis=Z, factor=0.0):
    return scaling.polarization(tuple(jnp.asarray(d)), jnp.asarray(beam), jnp.asarray(axis), jnp.asarray(factor))


@given(st.integers(0, 100_000), st.floats(-1, 1))
@in_float64
def test_polarization_is_kahns_formula(seed, factor):
    d, beam, axis = np.random.default_rng(seed).normal(size=(3, 3))
    d, beam = d / np.linalg.norm(d), beam / np.linalg.norm(beam)
    wanted = textbook_polarization(d, beam, axis, factor)
    assert abs(float(polarization(d, beam, axis, factor)) - wanted) < 1e-13


@in_float64
def test_polarization_of_the_plain_cases():
    # Unpolarized: ½(1 + cos²2θ). Polarized along z: nothing goes along z, everything along y.
    two_theta = np.radians(37.0)
    for across in (Y, Z):
        d = np.cos(two_theta) * X + np.sin(two_theta) * across
        assert abs(float(polarization(d)) - 0.5 * (1 + np.cos(two_theta) ** 2)) < 1e-15
        assert abs(float(polarization(d, factor=1.0)) - (np.cos(two_theta) ** 2 if across is Z else 1)) < 1e-15
    assert abs(float(polarization(Z, factor=1.0))) < 1e-15
    assert abs(float(polarization(Y, factor=1.0)) - 1) < 1e-15
    assert abs(float(polarization(Z, factor=-1.0)) - 1) < 1e-15


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("factor", [-1.0, 0.0, 0.7, 1.0])
@in_float64
def test_forward_scattering_has_the_value_one_and_no_slope_across(factor, dtype):
    def value(d):
        return scaling.polarization(tuple(d), jnp.asarray(X), jnp.asarray(Z), jnp.asarray(factor))

    forward = jnp.asarray(X, dtype)
    assert float(value(forward)) == 1.0
    np.testing.assert_array_equal(jax.grad(value)(forward), 0.0)
    np.testing.assert_array_equal(jax.jacfwd(value)(forward), 0.0)


@in_float64
def test_solid_angle_of_a_pixel():
    # A pixel of 0.1 mm at 0.2 m, seen under 60°, of a tile whose middle is at 0.25 m.
    middle, nearer, area = jnp.asarray(0.25), jnp.asarray(1.25), jnp.asarray(1e-8)
    found = scaling.solid_angle(middle, nearer, area, jnp.asarray(0.1))
    assert abs(float(found) / (1e-8 / 0.04 * 0.5) - 1) < 1e-14
    point = scaling.solid_angle(
        jnp.asarray(0.25), jnp.asarray(1.25), jnp.asarray(1e-8), jnp.asarray(0.1), point_pixel=True
    )
    assert abs(float(point) / 25 - 1) < 1e-14


@in_float64
def test_solid_angles_of_all_pixels_sum_to_that_of_the_rectangle():
    # A rectangle 2a × 2b at distance d: 4 atan(ab / d√(a² + b² + d²)).
    a, b, d, pixels = 0.09, 0.06, 0.1, 400
    x, y = ((np.arange(pixels) + 0.5) / pixels * 2 - 1 for _ in range(2))
    distance = np.sqrt((a * x[:, None]) ** 2 + (b * y[None, :]) ** 2 + d * d)
    area = jnp.asarray(4 * a * b / pixels**2)
    total = float(scaling.solid_angle(jnp.asarray(d), jnp.asarray(d / distance), area, jnp.asarray(d)).sum())
    wanted = 4 * np.arctan(a * b / (d * np.sqrt(a * a + b * b + d * d)))
    assert abs(total / wanted - 1) < 1e-5


@given(st.floats(1e-9, 1e-2), st.floats(1e-6, 1e-2), st.floats(0.05, 1.0), st.integers(1, 12))
@in_float64
def test_capture_of_all_layers_sums_to_that_of_the_whole_sensor(thickness, depth, obliquity, layers):
    found = scaling.capture_fraction(
        jnp.asarray(obliquity), jnp.arange(layers) * 1.0, jnp.asarray(thickness / layers), jnp.asarray(1 / depth)
    )
    wanted = -np.expm1(-thickness / (depth * obliquity))
    np.testing.assert_allclose(found.sum(), wanted, rtol=1e-12)


@in_float64
def test_capture_of_one_layer():
    found = scaling.capture_fraction(jnp.asarray(0.8), jnp.asarray(2.0), jnp.asarray(1e-4), jnp.asarray(3e3))
    assert abs(float(found) - (np.exp(-2 * 0.3 / 0.8) - np.exp(-3 * 0.3 / 0.8))) < 1e-15


@in_float64
def test_photon_scale():
    scale = scaling.photon_scale(jnp.asarray(1e24), jnp.asarray(24.0), 12)
    np.testing.assert_allclose(scale, 7.94079248018965e-30 * 1e24 * 24**2 / 12, rtol=1e-14)


def test_the_default_fluence_makes_one_electron_the_unit():
    assert abs(scaling.THOMSON_AREA * 125932015286227086360700780544.0 - 1) < 1e-14


@pytest.mark.parametrize("factor", [0.0, 0.7])
@pytest.mark.parametrize("along", [(0, 0, 1), (1, 0, 0), (1, 1, 1), (-1, -1, -1), (1, -1, 0), (0.3, 0.5, -0.8)])
@pytest.mark.parametrize("length", [1.0, -1.0, 1e-7])
@in_float64
def test_along_the_polarization_axis_psi_is_zero_and_everything_finite(along, length, factor):
    beam = np.asarray(along) / np.linalg.norm(along)
    directions = np.random.default_rng(0).normal(size=(20, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    directions[0] = beam

    def polarized(beam, axis, factor):
        return scaling.polarization(tuple(map(jnp.asarray, directions.T)), beam, axis, factor)

    cosine = directions @ beam
    wanted = 0.5 * (1 + cosine**2 - factor * (1 - cosine**2))
    at = jnp.asarray(beam), jnp.asarray(length * beam), jnp.asarray(factor)
    np.testing.assert_allclose(polarized(*at), wanted, atol=1e-14)
    assert all(np.isfinite(slope).all() for slope in jax.jacfwd(polarized, argnums=(0, 1, 2))(*at))


@in_float64
def test_a_short_polarization_axis_is_as_good_as_a_long_one():
    d = np.asarray([0.6, 0.64, 0.48])
    np.testing.assert_allclose(polarization(d, X, 1e-7 * Z, 0.8), polarization(d, X, Z, 0.8), rtol=1e-12)
