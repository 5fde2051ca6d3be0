"""sin πz by polynomial."""

import jax
import jax.numpy as jnp
import numpy as np
from cases import in_float64

from jaxbragg_kernels import trigonometry


def test_the_polynomial_is_good_to_1e_7_on_the_half_period():
    z = np.linspace(1e-6, 0.5, 200_001)
    polynomial = np.polynomial.polynomial.polyval(z * z, trigonometry._SINE)
    assert np.abs(polynomial / (np.sin(np.pi * z) / z) - 1).max() < 1e-7
    assert abs(polynomial[0] - np.pi) < 1.3e-8 * np.pi


def test_float32_adds_no_more_than_its_own_rounding():
    z = np.linspace(-0.5, 0.5, 200_001).astype(np.float32)
    z = z[z != 0]
    wanted = np.sin(np.pi * z.astype(np.float64)) / z.astype(np.float64)
    found = np.asarray(trigonometry.sine_ratio(jnp.asarray(z)), np.float64)
    assert np.abs(found / wanted - 1).max() < 3 * np.finfo(np.float32).eps


def test_float32_at_zero_is_pi():
    assert abs(float(trigonometry.sine_ratio(jnp.float32(0.0))) - np.pi) < 1e-6


@in_float64
def test_float64_is_the_sine_itself():
    z = np.linspace(-0.5, 0.5, 1000)
    np.testing.assert_allclose(z * trigonometry.sine_ratio(jnp.asarray(z)), np.sin(np.pi * z), rtol=1e-15)


@in_float64
def test_float64_at_zero_is_pi():
    assert float(trigonometry.sine_ratio(jnp.float64(0.0))) == np.pi


def test_fold_is_the_distance_to_the_nearest_whole_number():
    z = jnp.asarray([0.0, 0.25, 0.75, -0.75, 3.0, 1000.25, -7.5], jnp.float32)
    np.testing.assert_array_equal(trigonometry.fold(z), np.float32([0, 0.25, -0.25, 0.25, 0, 0.25, 0.5]))


def test_fold_keeps_the_slope():
    assert float(jax.grad(trigonometry.fold)(jnp.float32(2.3))) == 1.0


@in_float64
def test_cotangent_less_its_pole():
    z = np.concatenate([np.linspace(-0.5, 0.5, 1001), [1e-3, 1e-9, 0.0, 0.25, 1 / 3]])
    # sin and cos by their series where the difference would cancel.
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = 1 / np.tan(np.pi * z) - 1 / (np.pi * z)
    x = np.pi * z
    series = -x / 3 - x**3 / 45 - 2 * x**5 / 945 - x**7 / 4725
    wanted = np.where(np.abs(z) < 0.02, series, plain)
    np.testing.assert_allclose(trigonometry.cotangent_less_pole(jnp.asarray(z)), wanted, atol=3e-14)
    single = trigonometry.cotangent_less_pole(jnp.asarray(z, jnp.float32))
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, wanted, atol=1.5e-7)
    np.testing.assert_allclose(
        trigonometry.cotangent_less_pole(jnp.asarray([0.25, 0.5, 1 / 3])),
        [1 - 4 / np.pi, -2 / np.pi, 3**-0.5 - 3 / np.pi],
        rtol=1e-14,
    )
