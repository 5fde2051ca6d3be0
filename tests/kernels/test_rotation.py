"""Rotations, against scipy."""

import jax
import jax.numpy as jnp
import numpy as np
from cases import in_float64
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from jaxbragg_kernels import rotation

angles = st.floats(-10.0, 10.0)
axes = st.integers(0, 10_000).map(lambda seed: _unit(np.random.default_rng(seed).normal(size=3)))


def _unit(vector):
    return vector / np.linalg.norm(vector)


@given(axes, angles)
def test_axis_angle_is_the_right_handed_rotation(axis, angle):
    wanted = Rotation.from_rotvec(angle * axis).as_matrix()
    np.testing.assert_allclose(rotation.axis_angle(axis, np.float64(angle)), wanted, atol=1e-14)


@given(axes, st.floats(-1e-6, 1e-6))
def test_small_angles_keep_their_digits(axis, angle):
    # To second order: I + θ[n]× + ½θ²[n]×²
    cross = np.cross(np.eye(3), axis)
    wanted = np.eye(3) + angle * cross + 0.5 * angle**2 * cross @ cross
    np.testing.assert_allclose(rotation.axis_angle(axis, np.float64(angle)), wanted, rtol=0, atol=3e-16)


@given(st.tuples(angles, angles, angles))
def test_about_xyz_turns_about_x_first(three):
    wanted = Rotation.from_euler("xyz", three).as_matrix()
    np.testing.assert_allclose(rotation.about_xyz(np.array(three)), wanted, atol=1e-14)


def test_a_quarter_turn_about_each_axis():
    quarter = np.pi / 2
    for axis, start, end in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        turn = rotation.axis_angle(np.eye(3)[axis], np.float64(quarter))
        np.testing.assert_allclose(rotation.apply(turn, np.eye(3)[start]), np.eye(3)[end], atol=1e-15)


def test_numpy_answers_numpy_and_jax_answers_jax():
    assert isinstance(rotation.about_xyz(np.zeros(3)), np.ndarray)
    assert isinstance(rotation.about_xyz(jnp.zeros(3)), jax.Array)


@in_float64
def test_jax_and_numpy_agree():
    three = np.array([0.3, -0.7, 1.9])
    np.testing.assert_allclose(rotation.about_xyz(jnp.asarray(three)), rotation.about_xyz(three), atol=1e-15)


def test_product_and_apply_are_the_matrix_products():
    left, right = np.random.default_rng(1).normal(size=(2, 3, 3))
    np.testing.assert_allclose(rotation.product(left, right), left @ right, rtol=1e-13)
    np.testing.assert_allclose(rotation.apply(left, right[0]), left @ right[0], rtol=1e-13)


def test_the_stack_turns_by_the_spindle_first_and_its_domains_run_fastest():
    spindle, mosaic = Rotation.random(3, rng=2).as_matrix(), Rotation.random(4, rng=3).as_matrix()
    stack = rotation.orientation_stack(spindle, mosaic)
    assert stack.shape == (12, 3, 3)
    for i in range(3):
        for j in range(4):
            np.testing.assert_allclose(stack[4 * i + j], mosaic[j] @ spindle[i], atol=1e-14)


@in_float64
def test_derivative_at_no_rotation_is_the_generator():
    axis = jnp.asarray([0.0, 0.6, 0.8])
    slope = jax.jacfwd(rotation.axis_angle, argnums=1)(axis, jnp.float64(0.0))
    np.testing.assert_allclose(slope, [[0, -0.8, 0.6], [0.8, 0, 0], [-0.6, 0, 0]], atol=1e-15)
