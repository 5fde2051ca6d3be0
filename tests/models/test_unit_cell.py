"""The unit cell, against textbook formulas and gemmi."""

import gemmi
import jax
import numpy as np
import pytest
from cases import in_float64
from hypothesis import assume, given
from hypothesis import strategies as st

from jaxbragg.models.unit_cell import (
    UnitCell,
    cell_parameters,
    cell_vectors,
    cell_volume,
    reciprocal_vectors,
    volume_ratio_squared,
)

LYSOZYME = (27.07, 31.25, 33.76, 87.98, 108.0, 112.11)
lengths = st.floats(2.0, 500.0)
angles = st.floats(40.0, 140.0)
cells = st.tuples(lengths, lengths, lengths, angles, angles, angles)


def possible(cell):
    return volume_ratio_squared(*np.cos(np.radians(cell[3:]))) > 1e-3


@given(cells)
def test_vectors_have_the_lengths_and_angles_asked_for(cell):
    assume(possible(cell))
    np.testing.assert_allclose(cell_parameters(np.asarray(UnitCell(*cell).vectors())), cell, rtol=1e-11)


@given(cells)
def test_vectors_agree_with_gemmi(cell):
    assume(possible(cell))
    oracle = gemmi.UnitCell(*cell)
    vectors = np.asarray(UnitCell(*cell).vectors())
    np.testing.assert_allclose(cell_volume(vectors), oracle.volume, rtol=1e-9)
    star = reciprocal_vectors(vectors)
    for hkl in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (3, -2, 5), (-7, 1, 4)):
        np.testing.assert_allclose(1 / np.linalg.norm(hkl @ star), oracle.calculate_d(hkl), rtol=1e-9)


@given(cells)
def test_reciprocal_vectors_are_those_of_the_textbook(cell):
    assume(possible(cell))
    a, b, c, *deg = cell
    (ca, cb, cg), (sa, sb, sg) = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    volume = a * b * c * np.sqrt(1 - ca**2 - cb**2 - cg**2 + 2 * ca * cb * cg)
    vectors = np.asarray(UnitCell(*cell).vectors())
    star = reciprocal_vectors(vectors)
    # a* = bc sin α / V, and so on
    wanted = (b * c * sa / volume, c * a * sb / volume, a * b * sg / volume)
    np.testing.assert_allclose(np.linalg.norm(star, axis=1), wanted, rtol=1e-10)
    np.testing.assert_allclose(star @ vectors.T, np.eye(3), atol=1e-11)


@given(cells)
def test_the_setting_has_a_star_along_x_and_b_star_in_the_xy_plane(cell):
    assume(possible(cell))
    star = reciprocal_vectors(np.asarray(UnitCell(*cell).vectors()))
    scale = np.abs(star).max()
    assert star[0, 0] > 0
    assert star[1, 1] > 0
    assert star[2, 2] > 0
    assert np.abs([star[0, 1], star[0, 2], star[1, 2]]).max() < 1e-12 * scale


def test_the_cell_asked_for_is_the_cell_drawn():
    # physics.md §6: the C program draws 75 85 95 as 75.039 85.014 95.008.
    vectors = np.asarray(UnitCell(70, 80, 90, 75, 85, 95).vectors())
    np.testing.assert_allclose(cell_parameters(vectors)[3:], (75, 85, 95), atol=1e-11)


def test_numpy_and_jax_agree():
    np.testing.assert_allclose(UnitCell(*LYSOZYME).vectors(), cell_vectors(*np.asarray(LYSOZYME)), atol=1e-13)


def test_the_leaves_are_float64_and_the_angles_right_by_default():
    cell = UnitCell(10, 20, 30)
    assert cell.a.dtype == np.float64
    np.testing.assert_allclose(cell.vectors(), np.diag([10.0, 20, 30]), atol=1e-14)


@in_float64
def test_derivatives_by_the_six_numbers():
    def vectors(six):
        return UnitCell(*six).vectors()

    six = np.array(LYSOZYME)
    slope = np.asarray(jax.jacfwd(vectors)(jax.numpy.asarray(six)))
    for i in range(6):
        step = 1e-5 * np.eye(6)[i]
        wanted = (cell_vectors(*(six + step)) - cell_vectors(*(six - step))) / 2e-5
        np.testing.assert_allclose(slope[..., i], wanted, atol=1e-8)


@pytest.mark.parametrize("name", ["a", "b", "c"])
@pytest.mark.parametrize("value", [0.0, -10.0, float("nan"), float("inf"), "long", [1.0, 2.0]])
def test_an_impossible_length_is_named(name, value):
    with pytest.raises(ValueError, match=f"Argument `{name}` must"):
        UnitCell(**{"a": 10, "b": 20, "c": 30, name: value})


@pytest.mark.parametrize("name", ["alpha", "beta", "gamma"])
@pytest.mark.parametrize("value", [0.0, 180.0, 200.0, -90.0, float("nan")])
def test_an_impossible_angle_is_named(name, value):
    with pytest.raises(ValueError, match=f"Argument `{name}` must"):
        UnitCell(10, 20, 30, **{name: value})


@pytest.mark.parametrize(
    "three", [(30, 30, 120), (120, 120, 120), (120, 120, 130), (60, 60, 120), (10, 90, 90.0001 + 10)]
)
def test_angles_that_no_cell_has_are_shown(three):
    with pytest.raises(ValueError, match=f"No unit cell has the angles alpha {three[0]}°, beta {three[1]}°, gamma"):
        UnitCell(10, 20, 30, *three)
