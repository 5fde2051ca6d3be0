"""Means of a Gaussian over a stretch of the rotation, near the spot and far from it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from jaxbragg_kernels.spots.profile import _mean

# Middles and widths, in standard deviations. Below 0.3 a series stands for the difference of two error functions, which
# in float32 is that of two of 3e-7 over the width.
PLACES = np.array([0.0, 0.3, 1.5, 4.0, 6.0])
WIDTHS = np.array([1e-3, 0.05, 0.29, 0.31, 1.0, 5.0])


@pytest.mark.parametrize(("dtype", "off"), [("float32", 5e-6), ("float64", 1e-7)])
def test_the_mean_of_a_stretch_is_the_difference_of_error_functions(dtype, off) -> None:
    middle, width = np.meshgrid(PLACES, WIDTHS)
    low, high = middle - 0.5 * width, middle + 0.5 * width
    wanted = np.sqrt(np.pi / 2) * (erf(high / np.sqrt(2)) - erf(low / np.sqrt(2))) / width
    with jax.enable_x64(True):
        found = np.asarray(_mean(jnp.asarray(low, dtype), jnp.asarray(high, dtype)))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, wanted, rtol=0, atol=off)


@pytest.mark.parametrize("middle", [1e2, 1e8, 1e15, 1e19, 1e30])
@pytest.mark.parametrize("width", [0.0, 0.1, 10.0])
def test_far_from_a_spot_the_slope_is_0_and_a_number(middle, width) -> None:
    low, high = jnp.float32(middle - 0.5 * width), jnp.float32(middle + 0.5 * width)
    assert _mean(low, high) == 0
    assert jax.grad(_mean, (0, 1))(low, high) == (0, 0)
