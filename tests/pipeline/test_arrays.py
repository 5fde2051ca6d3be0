"""Spots of a symmetric matrix N: against the formula from first principles, and what must hold whatever the numbers.

Everything else of the pipeline is tested through `simulate`.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from cases import crystal, experiment, in_float64, panel, relative, textbook_image
from scipy.spatial.transform import Rotation

import jaxbragg as jb
from jaxbragg.compat import as_the_c_program_draws
from jaxbragg.pipeline.arrays import spot_metric
from jaxbragg.pipeline.settings import make_settings
from jaxbragg_kernels.reciprocal import Offsets
from jaxbragg_kernels.shapes import SHAPES
from jaxbragg_kernels.shapes.radial import metric_matrix

DOUBLE = jb.Options(precision="float64", skip_below=0.0)
SIX = (7.0, 6.0, 5.0, 1.5, -1.2, 2.0)


def of_matrix(matrix):
    """The six numbers Na … Nf."""
    return [matrix[i][j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2))]


@pytest.mark.parametrize(("shape", "bound"), [("gauss", 1e-10), ("round", 1e-10), ("tophat", 1e-10)])
def test_spots_of_a_matrix_are_those_of_the_formula(shape, bound):
    made = experiment(crystal=crystal(cells=SIX, fudge=1.1, shape=shape), detector=panel((24, 24), 1.3e-3))
    image = np.asarray(jb.simulate(made, DOUBLE))
    assert relative(image, textbook_image(made, DOUBLE)) < bound
    # The numbers beside the diagonal matter: without them the image is another one.
    plain = experiment(crystal=crystal(cells=SIX[:3], fudge=1.1, shape=shape), detector=made.detector)
    assert relative(jb.simulate(plain, DOUBLE), image) > 0.1


@pytest.mark.parametrize(("shape", "integral", "bound"), [("gauss", 0.984443, 1e-6), ("tophat", 1.047394, 2e-3)])
@in_float64
def test_the_integral_over_a_reciprocal_cell_is_in_units_of_det_n(shape, integral, bound):
    made, points = crystal(cells=[2 * n for n in SIX], shape=shape), 96
    metric = spot_metric(made, made.vectors(), make_settings(experiment(crystal=made), jb.Options()))
    delta = (np.arange(points) + 0.5) / points - 0.5
    h, k, l = (jnp.asarray(x) for x in np.meshgrid(delta, delta, delta, indexing="ij"))
    # The spread is F_latt²/det²N; ∫F_latt² = integral · det N.
    mean = float(SHAPES[shape].intensity(Offsets((h, k, l), None), metric_matrix(metric)).mean())
    matrix = [[14, 3, 4], [3, 12, -2.4], [4, -2.4, 10]]
    assert abs(mean * np.linalg.det(matrix) - integral) < bound


@pytest.mark.parametrize("shape", ["gauss", "round", "tophat"])
@pytest.mark.parametrize("precision", ["float64", "mixed"])
def test_nothing_beside_the_diagonal_is_three_numbers_to_the_last_digit(shape, precision):
    three, six = (experiment(crystal=crystal(cells=cells, shape=shape)) for cells in ((7, 6, 5), (7, 6, 5, 0, 0, 0)))
    options = jb.Options(precision=precision)
    np.testing.assert_array_equal(jb.simulate(six, options), jb.simulate(three, options))


def cube(cells, turn, detector):
    """A cubic cell whose spots do not know which axis is which."""
    return jb.Experiment(
        beam=jb.Beam(1.1),
        crystal=jb.Crystal(
            (50.0,) * 3 + (90.0,) * 3,
            orientation=Rotation.from_euler("xyz", [10, -20, 30], degrees=True).as_matrix() @ turn,
            cells=cells,
            shape="gauss",
        ),
        detector=detector,
        structure_factors=jb.StructureFactors(default=20.0),
    )


@pytest.mark.parametrize(
    ("turn", "pixels", "size"),
    [
        (Rotation.from_rotvec([0, 0, np.pi / 2]).as_matrix(), 24, 1.3e-3),  # b takes the place of a, with other signs
        (np.roll(np.eye(3), 1, axis=0), 24, 1.3e-3),  # a third of a turn about the diagonal
        (Rotation.random(rng=np.random.default_rng(0)).as_matrix(), 32, 3e-5),  # any turn, about h = 0 alone
    ],
    ids=["quarter", "third", "any"],
)
def test_a_crystal_turned_in_its_cell_has_its_matrix_turned(turn, pixels, size):
    matrix = np.array([[7, 1.5, 2.0], [1.5, 6, -1.2], [2.0, -1.2, 5]])
    plane = panel((pixels, pixels), size)
    image = jb.simulate(cube(of_matrix(matrix), np.eye(3), plane), DOUBLE)
    turned = jb.simulate(cube(of_matrix(turn.T @ matrix @ turn), turn, plane), DOUBLE)
    assert relative(turned, image) < 1e-10
    assert relative(jb.simulate(cube(of_matrix(matrix), turn, plane), DOUBLE), image) > 0.01


def test_spots_far_off_the_axes_are_not_left_out():
    # Half-axes in a ratio of 1 to 10, along none of the cell's axes: the bound of what is near must hold all of it.
    turn = Rotation.from_rotvec([0.5, -0.8, 0.3]).as_matrix()
    cells = of_matrix(turn @ np.diag([10.0, 30.0, 100.0]) @ turn.T)
    sheared = crystal(cells=cells, shape="gauss", mosaic=jb.CapMosaic(3.0, 40))
    made = experiment(crystal=sheared, detector=panel((96, 96), 1e-4))
    whole, some = (
        np.asarray(jb.simulate(made, jb.Options(precision="float64", skip_below=skip))) for skip in (0.0, 1e-4)
    )
    assert np.abs(some - whole).max() < 1e-4 * whole.max()
    assert (some == 0).mean() > (whole == 0).mean() + 0.2  # much is left out all the same


def test_a_trace_has_the_lattice_factor_of_the_matrix():
    made = experiment(crystal=crystal(cells=SIX, shape="gauss"))
    found = jb.trace_pixel(made, DOUBLE, 20, 9)
    index = np.array([found.steps[0].h_frac, found.steps[0].k_frac, found.steps[0].l_frac])
    matrix = np.array([[7, 1.5, 2.0], [1.5, 6, -1.2], [2.0, -1.2, 5]])
    away = matrix @ (index - np.round(index))
    wanted = np.linalg.det(matrix) * np.exp(-(away @ away) / 0.63)
    np.testing.assert_allclose(found.steps[0].F_latt, wanted, rtol=1e-9)


def test_what_has_no_matrix_is_refused():
    made = experiment(crystal=crystal(cells=SIX, shape="gauss"))
    with pytest.raises(ValueError, match="where spots are square, but has six"):
        jb.simulate(made, jb.Options(shape="square"))
    with pytest.raises(ValueError, match="where spots are square, but has six"):
        jb.trace_pixel(made, jb.Options(shape="square"), 1, 1)
    with pytest.raises(ValueError, match="as the C program has them"):
        jb.simulate(*as_the_c_program_draws(made, jb.Options()))
