"""The lattice factor: values, integrals and derivatives."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.integrate import quad

from jaxbragg_kernels.reciprocal import Offsets
from jaxbragg_kernels.shapes import SHAPES
from jaxbragg_kernels.shapes.radial import metric_matrix, radius_squared
from jaxbragg_kernels.shapes.round import airy
from jaxbragg_kernels.shapes.square import grating


def square(h, k, l, na, nb, nc):
    return grating(Offsets((h, k, l), None), (na, nb, nc))


@jax.jit
def one_axis(delta, cells):
    """The square shape along one axis."""
    delta, cells = jnp.asarray(delta), jnp.asarray(cells)
    zero, one = jnp.zeros_like(delta), jnp.ones_like(delta)
    return square(delta, zero, zero, cells * one, one, one)


slopes_of_one_axis = jax.jit(jax.grad(one_axis, argnums=(0, 1)))


def exact_axis(delta, cells):
    """(sin πNδ / N sin πδ)² and its derivatives by δ and N, in 80-bit numbers."""
    d, n = np.longdouble(delta), np.longdouble(cells)
    pi = np.longdouble("3.14159265358979323846264338327950288")
    sine, cosine = np.sin(pi * n * d), np.cos(pi * n * d)
    below = np.sin(pi * d)
    g = sine / (n * below)
    by_delta = pi * (n * cosine * below - sine * np.cos(pi * d)) / (n * below**2)
    by_cells = pi * d * cosine / (n * below) - g / n
    return g * g, 2 * g * by_delta, 2 * g * by_cells


@cache
def of_shape(shape):
    """F_latt²/(NaNbNc)² as a function of Δh, Δk, Δl and Na, Nb, Nc."""
    if shape == "square":
        return jax.jit(square)

    def function(h, k, l, na, nb, nc):
        zero = jnp.zeros_like(na)
        metric = jnp.stack([na * na, nb * nb, nc * nc, zero, zero, zero])
        return SHAPES[shape].intensity(Offsets((h, k, l), None), metric_matrix(metric))

    return jax.jit(function)


PEAKS = {"square": 1.0, "round": np.pi / 6, "gauss": 1.0, "tophat": 1.0}


# Values --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("shape", "peak"), PEAKS.items())
@in_float64
def test_the_peak_at_a_bragg_point(shape, peak, dtype):
    numbers = [jnp.asarray(x, dtype) for x in (0, 0, 0, 10, 20, 1000)]
    value = of_shape(shape)(*numbers)
    assert value.dtype == dtype
    # The constant in `round` has 15 digits; float32 rounds the constant 1e-9 in `square` away altogether.
    assert abs(float(value) - peak) < (3e-7 if dtype == "float32" else 1e-14)


@given(st.integers(1, 1000), st.floats(1e-6, 0.5))
@in_float64
def test_square_is_the_ratio_of_sines_in_float64(cells, delta):
    wanted = exact_axis(delta, cells)[0]
    # 1e-12 of the peak: sin πNδ itself carries the rounding of Nδ.
    assert abs(float(one_axis(delta, float(cells))) - float(wanted)) < 1e-12


def test_square_in_float32_is_good_to_1e_6_of_the_peak():
    rng = np.random.default_rng(4)
    delta = np.concatenate([rng.uniform(-0.5, 0.5, 20_000), 10 ** rng.uniform(-9, -1, 20_000)]).astype(np.float32)
    cells = rng.choice([1.0, 2.0, 5.0, 36.0, 333.0, 1000.0], delta.shape).astype(np.float32)
    wanted = exact_axis(delta, cells)[0]
    assert np.abs(np.asarray(one_axis(delta, cells)) - wanted).max() < 1e-6


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@in_float64
def test_one_cell_gives_exactly_one(dtype):
    delta = jnp.linspace(-0.5, 0.5, 1001, dtype=dtype)
    np.testing.assert_array_equal(one_axis(delta, jnp.asarray(1, dtype)), np.ones(1001))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cells", [2, 3, 4, 5, 10, 11, 1000, 1001])
@in_float64
def test_half_way_between_bragg_points(cells, dtype):
    # sin(πN/2)/N sin(π/2): 0 for even N, 1/N for odd.
    wanted = 0.0 if cells % 2 == 0 else 1.0 / cells**2
    for half in (-0.5, 0.5):
        found = float(one_axis(jnp.asarray(half, dtype), jnp.asarray(cells, dtype)))
        assert abs(found - wanted) < (2e-7 if dtype == "float32" else 1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@in_float64
def test_the_zeros_of_the_interference_function(dtype):
    # δ = m/N with N a power of two: Nδ is exactly a whole number.
    delta = jnp.asarray([1 / 8, 2 / 8, 3 / 8, -1 / 8], dtype)
    np.testing.assert_allclose(one_axis(delta, jnp.asarray(8, dtype)), 0.0, atol=1e-30)


@given(st.sampled_from(sorted(PEAKS)), st.integers(0, 10_000))
@in_float64
def test_all_shapes_are_even_in_every_index(shape, seed):
    rng = np.random.default_rng(seed)
    delta, cells, sign = rng.uniform(-0.5, 0.5, 3), rng.uniform(1, 40, 3), rng.choice([-1.0, 1.0])
    function = of_shape(shape)
    value = float(function(*map(jnp.asarray, delta), *map(jnp.asarray, cells)))
    turned = delta * [sign, sign, sign] if shape != "square" else delta * rng.choice([-1.0, 1.0], 3)
    assert float(function(*map(jnp.asarray, turned), *map(jnp.asarray, cells))) == value
    assert 0 <= value <= PEAKS[shape] * (1 + 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@in_float64
def test_airy_is_the_transform_of_a_sphere(dtype):
    from scipy.special import spherical_jn

    x = np.concatenate([np.linspace(1e-3, 12, 4000), np.linspace(0.99, 1.01, 401), [50.0, 500.0, 2500.0]])
    u = jnp.asarray(x * x, dtype)
    x = np.sqrt(np.asarray(u, np.float64))
    wanted = 3 * spherical_jn(1, x) / x
    np.testing.assert_allclose(airy(u), wanted, rtol=0, atol=4e-7 if dtype == "float32" else 1e-14)


def test_tophat_is_a_step_at_0_63():
    radius2 = jnp.asarray([0.0, 0.3968, 0.397, 5.0])
    np.testing.assert_array_equal(SHAPES["tophat"].of_radius_squared(radius2), [1, 1, 0, 0])


def test_gauss_at_its_width():
    # F_latt falls to 1/e where r² = 0.63, F_latt² to 1/e².
    assert abs(float(SHAPES["gauss"].of_radius_squared(jnp.float32(0.63))) - np.exp(-2)) < 1e-7


@in_float64
def test_radius_squared_is_the_quadratic_form():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(3, 3))
    matrix = matrix + matrix.T
    delta = rng.normal(size=3)
    metric = jnp.asarray(matrix[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]])
    found = float(radius_squared(*map(jnp.asarray, delta), metric_matrix(metric)))
    assert abs(found - delta @ matrix @ delta) < 1e-13


# Integrals over one reciprocal cell, in units of Na Nb Nc ------------------------------------------------------------


def grid_integral(shape, cells, points):
    """Na Nb Nc · mean over an even grid; the functions are F_latt²/(Na Nb Nc)²."""
    delta = (np.arange(points) + 0.5) / points - 0.5
    h, k, l = (jnp.asarray(x) for x in np.meshgrid(delta, delta, delta, indexing="ij"))
    return float(np.prod(cells) * of_shape(shape)(h, k, l, *(jnp.float64(n) for n in cells)).mean())


@in_float64
def test_integral_of_square_is_one():
    # A trigonometric polynomial of a degree below the number of points: the grid integrates it exactly.
    assert abs(grid_integral("square", (3, 4, 5), 24) - 1) < 1e-12


@in_float64
def test_integral_of_gauss():
    assert abs(grid_integral("gauss", (6, 7, 8), 48) - 0.984443) < 1e-6


@in_float64
def test_integral_of_tophat():
    assert abs(grid_integral("tophat", (3, 4, 5), 96) - 1.047394) < 2e-3
    edge = 0.63
    shell = quad(lambda r: 4 * np.pi * r * r * float(SHAPES["tophat"].of_radius_squared(jnp.float64(r * r))), 0, edge)[
        0
    ]
    assert abs(shell - 1.047394) < 1e-6


@in_float64
def test_integral_of_round():
    # Shells up to x = πr = X, and beyond it the mean of the tail: (2/3π)·9·cos²x/x² → (2/3π)·9/2X.
    end, points = 2000 * np.pi, 2_000_000
    x = (np.arange(points) + 0.5) * end / points
    shells = 4 * np.pi * (x / np.pi) ** 2 * np.asarray(SHAPES["round"].of_radius_squared(jnp.asarray((x / np.pi) ** 2)))
    inside = shells.sum() * end / points / np.pi
    tail = 2 / (3 * np.pi) * 9 / (2 * end)
    assert abs(inside + tail - 1) < 1e-6


# Derivatives ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["square", "round", "gauss", "tophat"])
@pytest.mark.parametrize(
    "point",
    [
        (0.11, -0.07, 0.23, 5.0, 7.0, 3.0),
        (0.03, 0.02, -0.01, 12.3, 8.0, 20.5),
        (-0.31, 0.44, 0.12, 2.0, 3.0, 1.0),
        (4e-4, -3e-4, 2e-4, 5.0, 6.0, 7.0),
    ],
)
@in_float64
def test_derivatives_of_all_shapes_in_both_modes(shape, point):
    check_grads(
        of_shape(shape), tuple(map(jnp.float64, point)), order=1, modes=("fwd", "rev"), atol=1e-6, rtol=1e-6, eps=1e-6
    )


@pytest.mark.parametrize("shape", ["square", "round", "gauss"])
@in_float64
def test_second_derivatives_at_a_generic_point(shape):
    point = tuple(map(jnp.float64, (0.11, -0.07, 0.23, 5.0, 7.0, 3.0)))
    check_grads(of_shape(shape), point, order=2, modes=("fwd", "rev"), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", ["square", "round", "gauss", "tophat"])
@in_float64
def test_derivatives_at_a_bragg_point_are_zero(shape, dtype):
    point = [jnp.asarray(x, dtype) for x in (0, 0, 0, 10, 20, 30)]
    by_delta_and_cells = jax.jit(jax.grad(of_shape(shape), argnums=tuple(range(6))))(*point)
    np.testing.assert_allclose(by_delta_and_cells, 0.0, atol=1e-4 if dtype == "float32" else 1e-9)
    forward = jax.jit(jax.jacfwd(of_shape(shape), argnums=tuple(range(6))))(*point)
    np.testing.assert_allclose(forward, by_delta_and_cells, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@in_float64
def test_derivatives_are_finite_at_every_special_point(dtype):
    tiny = np.finfo(dtype).tiny
    delta = jnp.asarray([0.0, -0.0, tiny, -tiny, 1e-12, 1e-9, 1e-5, 1 / 8, -1 / 8, 0.25, 0.5, -0.5], dtype)
    for cells in (1, 2, 4, 8, 1000):
        value, slope = jax.jvp(one_axis, (delta, jnp.full_like(delta, cells)), (jnp.ones_like(delta),) * 2)
        assert np.isfinite(value).all()
        assert np.isfinite(slope).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cells", [2.0, 5.0, 36.0, 1000.0])
@in_float64
def test_derivative_near_a_bragg_point_is_that_of_the_parabola(cells, dtype):
    # g² = 1 − (N² − 1) π²δ²/3 + …, so ∂/∂δ = −2 (N² − 1) π²δ/3 and ∂/∂N = −2Nπ²δ²/3.
    delta = jnp.asarray(1e-5 / cells, dtype)
    by_delta, by_cells = slopes_of_one_axis(delta, jnp.asarray(cells, dtype))
    d = float(delta)
    np.testing.assert_allclose(by_delta, -2 * (cells**2 - 1) * np.pi**2 * d / 3, rtol=1e-6)
    np.testing.assert_allclose(by_cells, -2 * cells * np.pi**2 * d**2 / 3, rtol=1e-6)


@pytest.mark.parametrize("cells", [2.0, 5.0, 36.0, 1000.0])
@in_float64
def test_value_and_slopes_are_continuous_across_the_threshold_of_the_series(cells):
    threshold = 3e-3 / cells
    for delta in threshold * np.array([1 - 1e-9, 1 + 1e-9]):
        value, by_delta, by_cells = (float(x) for x in exact_axis(delta, cells))
        slopes = slopes_of_one_axis(jnp.float64(delta), jnp.float64(cells))
        assert abs(float(one_axis(delta, cells)) - value) < 1e-14
        np.testing.assert_allclose(slopes[0], by_delta, rtol=1e-8)
        # ∂/∂N vanishes with δ²; 1e-8 of the peak's own scale 1/N is what matters.
        assert abs(float(slopes[1]) - by_cells) < 1e-8 / cells


@in_float64
def test_airy_is_continuous_across_the_threshold_of_its_series():
    below, above = (jnp.float64(1.0 + sign * 1e-12) for sign in (-1, 1))
    for function in (airy, jax.grad(airy)):
        assert abs(float(function(below)) - float(function(above))) < 1e-11
    # 3(sin 1 − cos 1) and, by hand, 3/2 (sin 1 − 3 sin 1 + 3 cos 1)
    assert abs(float(airy(above)) - 3 * (np.sin(1) - np.cos(1))) < 1e-11
    assert abs(float(jax.grad(airy)(below)) - 1.5 * (3 * np.cos(1) - 2 * np.sin(1))) < 1e-11


@pytest.mark.parametrize("cells", [2.0, 10.0, 100.0, 1000.0])
@in_float64
def test_float32_derivatives_are_good_to_1e_4_of_their_scale(cells):
    # Dense where the peak is steep, and on both sides of the threshold of the series.
    delta = np.concatenate([np.linspace(-3, 3, 6001) / cells, np.linspace(-0.5, 0.5, 6001)]).astype(np.float32)
    delta = delta[(delta != 0) & (np.abs(delta) <= 0.5)]
    _, by_delta, by_cells = exact_axis(delta, cells)

    def slope(i):
        tangents = [jnp.zeros_like(delta), jnp.zeros_like(delta)]
        tangents[i] = jnp.ones_like(delta)
        return np.asarray(jax.jvp(one_axis, (jnp.asarray(delta), jnp.full_like(delta, cells)), tuple(tangents))[1])

    assert slope(0).dtype == np.float32
    assert np.abs(slope(0) - by_delta).max() < 1e-4 * np.abs(by_delta).max()
    assert np.abs(slope(1) - by_cells).max() < 1e-4 * np.abs(by_cells).max()


@given(st.integers(0, 100_000))
@in_float64
def test_float64_derivatives_of_square_anywhere(seed):
    rng = np.random.default_rng(seed)
    cells = float(rng.integers(1, 1001))
    delta = float(10 ** rng.uniform(-8, np.log10(0.5)) * rng.choice([-1, 1]))
    _, by_delta, by_cells = (float(x) for x in exact_axis(delta, cells))
    found = slopes_of_one_axis(jnp.float64(delta), jnp.float64(cells))
    assert abs(float(found[0]) - by_delta) < 1e-8 * cells
    assert abs(float(found[1]) - by_cells) < 1e-8 / cells
