"""The equations-shaped equations against the dense ones of numpy."""

import numpy as np
import pytest

from jaxbragg.refine.normal_equations import NormalEquations


def normal_equations(shared, per_image, images, seed=0):
    random = np.random.default_rng(seed)
    n = shared + images * per_image
    shapes = (shared, shared), (images, shared, per_image), (images, per_image, per_image)
    total = NormalEquations(0.0, random.standard_normal(n), *map(np.zeros, shapes))
    for i in range(images):
        columns = random.standard_normal((30, shared + per_image)) * 10.0 ** random.uniform(-4, 4, shared + per_image)
        block = columns.T @ columns
        total.shared[:] += block[:shared, :shared]
        total.cross[i], total.per_image[i] = block[:shared, shared:], block[shared:, shared:]
    return total


@pytest.mark.parametrize(("shared", "per_image", "images"), [(4, 3, 5), (6, 0, 3), (0, 4, 3), (5, 2, 1)])
def test_it_solves_as_the_dense_matrix_does(shared, per_image, images):
    system = normal_equations(shared, per_image, images)
    dense = system.dense()
    np.testing.assert_array_equal(system.diagonal(), np.diagonal(dense))
    scale = 1 / np.sqrt(np.diagonal(dense))
    for damping in (0.0, 0.3):
        unit = dense * scale[:, None] * scale + damping * np.eye(len(dense))
        expected = -scale * np.linalg.solve(unit, scale * system.gradient)
        np.testing.assert_allclose(system.solve(damping), expected, rtol=1e-8, atol=1e-12 * abs(expected).max())
    step = np.random.default_rng(1).standard_normal(len(dense)) * scale
    assert system.quadratic(step) == pytest.approx(step @ dense @ step, rel=1e-12)


def test_held_and_dead_values_do_not_move():
    system = normal_equations(3, 2, 2)
    system.shared[1] = system.shared[:, 1] = 0.0
    system.cross[:, 1] = 0.0
    held = np.array([False, False, False, True, False, False, False])
    step, dense = system.solve(0.0, held), system.dense()
    assert step[1] == step[3] == 0.0
    rest = [0, 2, 4, 5, 6]
    expected = -np.linalg.solve(dense[np.ix_(rest, rest)], system.gradient[rest])
    np.testing.assert_allclose(step[rest], expected, rtol=1e-6)
