"""The rotation during an image."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from jaxbragg.models.scan import Scan


@given(st.floats(-360, 360), st.floats(0, 20), st.integers(1, 30))
def test_angles_start_at_the_start_and_have_no_mid_points(start, width, steps):
    angles = np.asarray(Scan.from_range(start, width, steps).angles)
    np.testing.assert_allclose(angles, [start + i * width / steps for i in range(steps)], atol=1e-12)


@given(st.lists(st.floats(-720, 720), min_size=1, max_size=6), st.integers(0, 1000))
def test_rotations_are_right_handed_about_the_axis(angles, seed):
    axis = np.random.default_rng(seed).normal(size=3)
    axis /= np.linalg.norm(axis)
    wanted = Rotation.from_rotvec(np.radians(angles)[:, None] * axis).as_matrix()
    np.testing.assert_allclose(Scan(angles, axis).rotations(), wanted, atol=1e-12)


def test_a_still_image_is_one_step_without_rotation():
    np.testing.assert_array_equal(Scan().rotations(), np.eye(3)[None])


@in_float64
def test_derivative_by_the_angle():
    slope = jax.jacfwd(lambda angle: Scan((angle,)).rotations()[0])(jnp.float64(0.0))
    np.testing.assert_allclose(slope, np.radians(1) * np.array([[0, -1, 0], [1, 0, 0], [0, 0, 0]]), atol=1e-15)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Scan(()), "angles"),
        (lambda: Scan(3.0), "angles"),
        (lambda: Scan((0.0, float("nan"))), "angles"),
        (lambda: Scan((0.0,), (0, 0, 2)), "axis"),
        (lambda: Scan((0.0,), (0, 1)), "axis"),
        (lambda: Scan.from_range(0, 1, 0), "steps"),
        (lambda: Scan.from_range(0, 1, 1.5), "steps"),
    ],
)
def test_impossible_values_are_named(make, name):
    with pytest.raises(ValueError, match=f"Argument `{name}` must"):
        make()
