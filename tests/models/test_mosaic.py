"""Mosaic spread."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from jaxbragg.models.minimal_standard import rotations
from jaxbragg.models.mosaic import CapMosaic, RotationList, no_mosaic


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


def test_more_domains_leave_the_first_ones_as_they_are():
    few, many = (np.asarray(CapMosaic(2.0, n).rotations()) for n in (5, 25))
    np.testing.assert_array_equal(few, many[:5])


def test_the_default_seed_is_that_of_the_c_program():
    np.testing.assert_array_equal(CapMosaic(2.0, 9).rotations(), CapMosaic(2.0, 9, seed=-12345678).rotations())


@in_float64
def test_derivative_by_the_spread():
    def turns(spread):
        return CapMosaic(spread, 12).rotations()

    slope = jax.jacfwd(turns)(jnp.float64(3.0))
    wanted = (np.asarray(turns(3.0 + 1e-4)) - np.asarray(turns(3.0 - 1e-4))) / 2e-4
    np.testing.assert_allclose(slope, wanted, atol=1e-10)
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
