"""The crystal, against gemmi's cell and scipy's rotations."""

import gemmi
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from jaxbragg.models.crystal import Crystal, cells_of_size
from jaxbragg.models.mosaic import CapMosaic
from jaxbragg.models.unit_cell import UnitCell, reciprocal_vectors
from jaxbragg_kernels.shapes import SHAPES

TRICLINIC = (41.0, 52.0, 63.0, 82.0, 97.0, 105.0)
seeds = st.integers(0, 2**31)
angles = st.tuples(*[st.floats(-360, 360)] * 3)


def six(cell):
    return [float(getattr(cell, name)) for name in ("a", "b", "c", "alpha", "beta", "gamma")]


def any_rotation(seed):
    return Rotation.random(rng=np.random.default_rng(seed)).as_matrix()


@given(
    st.tuples(*[st.floats(5.0, 300.0)] * 3, *[st.floats(65.0, 115.0)] * 3),  # three angles that any cell can have
    seeds,
    angles,
)
def test_reciprocal_vectors_have_the_metric_of_gemmi_whatever_the_orientation(cell, seed, misset):
    crystal = Crystal(cell, orientation=any_rotation(seed), misset=misset)
    star = reciprocal_vectors(np.asarray(crystal.vectors()))
    wanted = gemmi.UnitCell(*cell).reciprocal_metric_tensor().as_mat33().tolist()
    np.testing.assert_allclose(star @ star.T, wanted, rtol=0, atol=1e-11 * np.max(wanted))


@given(seeds, angles)
def test_the_misset_turns_about_x_y_and_z_of_the_laboratory_after_the_orientation(seed, misset):
    orientation = any_rotation(seed)
    turn = Rotation.from_euler("xyz", misset, degrees=True).as_matrix() @ orientation
    wanted = np.asarray(UnitCell(*TRICLINIC).vectors()) @ turn.T
    np.testing.assert_allclose(Crystal(TRICLINIC, orientation=orientation, misset=misset).vectors(), wanted, atol=1e-11)


@pytest.mark.parametrize(
    ("misset", "rows"),
    [
        ((90, 0, 0), ([10, 0, 0], [0, 0, 20], [0, -30, 0])),
        ((0, 90, 0), ([0, 0, -10], [0, 20, 0], [30, 0, 0])),
        ((0, 0, 90), ([0, 10, 0], [-20, 0, 0], [0, 0, 30])),
        ((90, 90, 0), ([0, 0, -10], [20, 0, 0], [0, -30, 0])),  # y first would send a to y
        ((90, 0, 90), ([0, 10, 0], [0, 0, 20], [30, 0, 0])),  # z first would send a to z
    ],
)
def test_quarter_turns_done_by_hand(misset, rows):
    np.testing.assert_allclose(Crystal((10, 20, 30, 90, 90, 90), misset=misset).vectors(), rows, atol=1e-13)


@given(seeds, st.booleans())
def test_from_vectors_gives_back_the_vectors_left_handed_ones_too(seed, left_handed):
    vectors = np.asarray(UnitCell(*TRICLINIC).vectors()) @ any_rotation(seed).T
    if left_handed:
        vectors[2] *= -1
    assert (np.linalg.det(vectors) < 0) == left_handed
    crystal = Crystal.from_vectors(vectors)
    np.testing.assert_allclose(crystal.vectors(), vectors, atol=1e-11)
    orientation = np.asarray(crystal.orientation)
    np.testing.assert_allclose(orientation @ orientation.T, np.eye(3), atol=1e-13)
    # −c turns α and β into their supplements.
    a, b, c, alpha, beta, gamma = TRICLINIC
    wanted = (a, b, c, 180 - alpha, 180 - beta, gamma) if left_handed else TRICLINIC
    np.testing.assert_allclose(six(crystal.cell), wanted, rtol=1e-12)


def test_from_vectors_hands_the_other_arguments_on():
    crystal = Crystal.from_vectors(10 * np.eye(3), misset=(0, 0, 90), cells=4, shape="gauss")
    np.testing.assert_allclose(crystal.vectors(), [[0, 10, 0], [-10, 0, 0], [0, 0, 10]], atol=1e-13)
    np.testing.assert_array_equal(crystal.cells, [4, 4, 4])
    assert crystal.shape == "gauss"


def test_six_numbers_and_a_unit_cell_are_the_same():
    np.testing.assert_array_equal(Crystal(TRICLINIC).vectors(), Crystal(UnitCell(*TRICLINIC)).vectors())


def test_a_size_becomes_whole_cells():
    # 1 µm, 105 Å and 1 Å of a cell of 100, 50 and 30 Å.
    crystal = Crystal((100, 50, 30, 90, 90, 90), size=(1e-6, 105e-10, 1e-10))
    np.testing.assert_array_equal(crystal.cells, [100, 3, 1])
    np.testing.assert_array_equal(Crystal((100, 50, 30, 90, 90, 90), size=1.01e-8).cells, [2, 3, 4])


@given(st.floats(1e-10, 1e-4), st.floats(3, 500))
def test_the_cells_cover_the_size_and_one_less_would_not(size, length):
    cells = cells_of_size(np.full(3, size), np.full(3, length))[0]
    covered = cells * length * 1e-10
    assert cells == np.round(cells) >= 1
    assert covered >= size * (1 - 1e-12)
    assert cells == 1 or covered - length * 1e-10 <= size * (1 + 1e-12)


def test_cells_are_one_number_or_three_and_need_not_be_whole():
    np.testing.assert_array_equal(Crystal(TRICLINIC, cells=5.5).cells, [5.5, 5.5, 5.5])
    np.testing.assert_array_equal(Crystal(TRICLINIC, cells=(1, 2, 3)).cells, [1, 2, 3])


def test_six_cells_are_a_symmetric_matrix_in_the_order_of_diffbragg():
    crystal = Crystal(TRICLINIC, cells=(7, 6, 5, 0.6, -0.4, 0.5), shape="gauss")
    np.testing.assert_array_equal(crystal.cells, [7, 6, 5])
    np.testing.assert_array_equal(crystal.shear, [0.6, -0.4, 0.5])
    matrix = [[7, 0.6, 0.5], [0.6, 6, -0.4], [0.5, -0.4, 5]]
    np.testing.assert_array_equal(crystal.cells_matrix(), matrix)
    np.testing.assert_allclose(crystal.volume(), np.linalg.det(matrix), rtol=1e-14)
    three = Crystal(TRICLINIC, cells=(7, 6, 5))
    np.testing.assert_array_equal(three.cells_matrix(), np.diag([7, 6, 5]))
    assert float(three.volume()) == 210.0


@pytest.mark.parametrize(
    ("shape", "spot_width", "message"),
    [
        (None, "miller", None),
        ("round", "miller", None),
        ("square", "miller", "where spots are square, but has six"),
        (None, "reciprocal", "where spots are as wide as the C program has them .*, but has six"),
    ],
)
def test_a_matrix_of_cells_suits_spots_that_depend_on_a_distance_alone(shape, spot_width, message):
    sheared = Crystal(TRICLINIC, cells=(7, 6, 5, 0, 0, 0.1), shape="gauss")
    if message is None:
        assert sheared.spot_shape(shape, spot_width) == SHAPES[shape or "gauss"]
    else:
        with pytest.raises(ValueError, match=f"Argument `cells` must be one number or three {message}"):
            sheared.spot_shape(shape, spot_width)
    # With nothing beside the diagonal six numbers are three.
    plain = Crystal(TRICLINIC, cells=(7, 6, 5, 0, 0, 0), shape="square")
    assert plain.spot_shape(shape, spot_width) == SHAPES[shape or "square"]


def test_a_crystal_is_perfect_unless_told_otherwise():
    np.testing.assert_array_equal(Crystal(TRICLINIC).mosaic.rotations(), np.eye(3)[None])
    mosaic = CapMosaic(1.0, 3)
    np.testing.assert_array_equal(Crystal(TRICLINIC, mosaic=mosaic).mosaic.rotations(), mosaic.rotations())


@in_float64
def test_derivatives_by_the_misset():
    def vectors(misset):
        return Crystal(TRICLINIC, misset=misset).vectors()

    at = np.array([10.0, -20.0, 30.0])
    slope = np.asarray(jax.jit(jax.jacfwd(vectors))(jnp.asarray(at)))
    for i in range(3):
        step = 1e-4 * np.eye(3)[i]
        wanted = (np.asarray(vectors(at + step)) - np.asarray(vectors(at - step))) / 2e-4
        np.testing.assert_allclose(slope[..., i], wanted, atol=1e-8)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"cell": (10, 10, 10)}, "cell"),
        ({"cell": "p1"}, "cell"),
        ({"cell": (10, 10, -10, 90, 90, 90)}, "c"),
        ({"cell": (10, 10, 10, 90, 180, 90)}, "beta"),
        ({"cell": (10, float("nan"), 10, 90, 90, 90)}, "b"),
        ({"orientation": np.eye(2)}, "orientation"),
        ({"orientation": 1.1 * np.eye(3)}, "orientation"),
        ({"orientation": np.full((3, 3), np.nan)}, "orientation"),
        ({"misset": (1, 2)}, "misset"),
        ({"misset": (1, 2, float("inf"))}, "misset"),
        ({"cells": (1, 2)}, "cells"),
        ({"cells": 0}, "cells"),
        ({"cells": (1, -2, 3)}, "cells"),
        ({"cells": float("nan")}, "cells"),
        ({"cells": (7, 6, 5, 0.6, -0.4, 0.5)}, "cells"),  # square spots
        ({"cells": (7, 6, 5, 6.5, 0, 0), "shape": "gauss"}, "cells"),  # 7·6 < 6.5²
        ({"cells": (1, 1, 1, 0.6, 0.6, -0.6), "shape": "gauss"}, "cells"),  # each pair would do, not all three
        ({"cells": (7, 6, 5, 0, float("nan"), 0), "shape": "gauss"}, "cells"),
        ({"cells": (7, 6, 5, 1), "shape": "gauss"}, "cells"),
        ({"size": -1e-6}, "size"),
        ({"size": (1e-6, 0, 1e-6)}, "size"),
        ({"size": (1e-6, 1e-6)}, "size"),
        ({"size": float("nan")}, "size"),
        ({"size": float("inf")}, "size"),
        ({"size": "large"}, "size"),
        ({"fudge": 0.0}, "fudge"),
        ({"blocks": -1.0}, "blocks"),
        ({"fudge": float("nan")}, "fudge"),
        ({"fudge": (1.0, 2.0)}, "fudge"),
        ({"mosaic": 0.5}, "mosaic"),
        ({"shape": "cube"}, "shape"),
    ],
)
def test_impossible_values_are_named(arguments, name):
    with pytest.raises(ValueError, match=f"Argument `{name}` must"):
        Crystal(**{"cell": TRICLINIC, **arguments})


def test_angles_that_no_cell_has_are_shown():
    with pytest.raises(ValueError, match="No unit cell has the angles alpha 30°, beta 30°, gamma 120°"):
        Crystal((10, 10, 10, 30, 30, 120))


@pytest.mark.parametrize(
    "vectors",
    [
        np.zeros((3, 3)),
        [[1, 0, 0], [0, 1, 0], [1, 1, 0]],
        [[1, 0, 0], [0, 1, 0], [0, 0, np.nan]],
        np.eye(2),
        [1, 2, 3],
        "abc",
    ],
)
def test_vectors_that_span_no_cell_are_named(vectors):
    with pytest.raises(ValueError, match="Argument `vectors` must"):
        Crystal.from_vectors(vectors)
