"""Mosaic spread."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from jaxbragg.models.minimal_standard import MinimalStandard, rotations
from jaxbragg.models.mosaic import CapMosaic, RotationList, RoundedCapMosaic, no_mosaic


@given(st.floats(0, 90), st.integers(1, 30), st.integers(1, 2**31 - 2))
def test_the_cap(spread, domains, seed):
    turns = np.asarray(CapMosaic(spread, domains, seed).rotations())
    assert turns.shape == (domains, 3, 3)
    np.testing.assert_array_equal(turns[0], np.eye(3))
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.broadcast_to(np.eye(3), turns.shape), atol=1e-13)
    angles = Rotation.from_matrix(turns).magnitude()
    assert np.degrees(angles).max() <= spread + 1e-6


def test_the_domains_are_those_of_the_stream():
    axes, shares = rotations(42, 20)
    wanted = Rotation.from_rotvec(axes * np.radians(1.3 * shares)[:, None]).as_matrix()
    wanted[0] = np.eye(3)  # its three numbers are drawn all the same
    np.testing.assert_allclose(CapMosaic(1.3, 20, seed=42).rotations(), wanted, atol=1e-14)


@pytest.mark.parametrize(("spread", "seed"), [(0.5, 12345678), (1.3, 42), (7.0, 5)])
def test_angles_are_the_float32_numbers_of_the_c_program(spread, seed):
    """Its arithmetic step by step: shares are powf's, spread and angle are float, everything else is double."""
    stream = MinimalStandard(seed)
    wanted = []
    for domain in range(30):
        around, up, angle = (2 * np.float64(stream.uniform()) - 1 for _ in range(3))
        share = np.float32(float(np.float32(1 - angle**2)) ** float(np.float32(1 / 3)))
        turn = float(np.float32(np.radians(spread)) * share) if domain else 0.0
        level = np.sqrt(1 - up * up)
        v = np.array([level * np.sin(np.pi * around), level * np.cos(np.pi * around), up])
        cross = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
        wanted.append(np.cos(turn) * np.eye(3) + np.sin(turn) * cross + (1 - np.cos(turn)) * np.outer(v, v))
    rounded = RoundedCapMosaic(CapMosaic(spread, 30, seed))
    np.testing.assert_allclose(rounded.rotations(), wanted, rtol=0, atol=3e-16)
    np.testing.assert_allclose(CapMosaic(spread, 30, seed).rotations(), wanted, rtol=0, atol=1e-7 * spread)


def test_more_domains_leave_the_first_ones_as_they_are():
    few, many = (np.asarray(CapMosaic(2.0, n).rotations()) for n in (5, 25))
    np.testing.assert_array_equal(few, many[:5])


def test_the_default_seed_is_that_of_the_c_program():
    np.testing.assert_array_equal(CapMosaic(2.0, 9).rotations(), CapMosaic(2.0, 9, seed=-12345678).rotations())


@in_float64
def test_derivative_by_the_spread():
    def turns(spread):
        return CapMosaic(spread, 12).rotations()

    # d/dθ of a rotation by θ about v is [v]× times the rotation.
    axes, shares = rotations(12345678, 12)
    shares[0] = 0.0
    x, y, z = axes.T
    crosses = np.array([[0 * x, -z, y], [z, 0 * x, -x], [-y, x, 0 * x]]).transpose(2, 0, 1)
    wanted = np.radians(shares)[:, None, None] * (crosses @ np.asarray(turns(3.0)))
    for slope in (jax.jacfwd(turns)(jnp.float64(3.0)), jax.jacrev(turns)(jnp.float64(3.0))):
        np.testing.assert_allclose(slope, wanted, atol=1e-15)
    at_zero = jax.jacfwd(turns)(jnp.float64(0.0))
    assert np.isfinite(at_zero).all()
    assert np.abs(at_zero[1:]).max() > 1e-3


def test_a_list_gives_back_what_it_was_given():
    turns = Rotation.random(4, rng=0).as_matrix()
    np.testing.assert_array_equal(RotationList(turns).rotations(), turns)
    np.testing.assert_array_equal(no_mosaic().rotations(), np.eye(3)[None])


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: CapMosaic(-0.1), "spread"),
        (lambda: CapMosaic(float("nan")), "spread"),
        (lambda: CapMosaic([1.0, 2.0]), "spread"),
        (lambda: CapMosaic(1.0, 0), "domains"),
        (lambda: CapMosaic(1.0, 2.5), "domains"),
        (lambda: RotationList(np.zeros((0, 3, 3))), "matrices"),
        (lambda: RotationList(np.eye(3)), "matrices"),
        (lambda: RotationList(2 * np.eye(3)[None]), "matrices"),
        (lambda: RotationList(np.full((1, 3, 3), np.nan)), "matrices"),
    ],
)
def test_impossible_values_are_named(make, name):
    with pytest.raises(ValueError, match=f"Argument `{name}` must"):
        make()
