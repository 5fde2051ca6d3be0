"""Distance, beam centre, shifts and small rotations against hand calculations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.models.unit_cell import cell_parameters
from jaxbragg.refine.paths import Assignment, assign, find, read

TILTED = (0.0, -np.cos(0.1), np.sin(0.1)), (np.sin(0.2), np.sin(0.1) * np.cos(0.2), np.cos(0.1) * np.cos(0.2))


def panel(origin=(0.1, 4e-4, -6e-4), fast=(0, 0, 1), slow=(0, -1, 0)):
    return jb.FlatPanel((8, 12), 1e-4, origin, fast, slow)


def experiment(detector, crystal=None):
    return jb.Experiment(
        beam=jb.Beam(1.0),
        crystal=crystal or jb.Crystal((55, 65, 75, 80, 95, 100), misset=(10, 20, 30)),
        detector=detector,
        structure_factors=jb.StructureFactors(default=1.0),
    )


def put(tree, path, *values):
    target = find(tree, path)
    item = Assignment(target.kind, target.owner, target.name, target.elements, tuple(range(len(target.elements))))
    with jax.enable_x64(True):
        return assign(tree, (item,), jnp.asarray(values, jnp.float64))


@pytest.mark.parametrize("detector", [panel(), jb.MultiPanel([panel(), panel((0.1, 5e-3, 0))])])
def test_distance_moves_every_panel_along_the_beam(detector):
    before = experiment(detector)
    after = put(before, "detector.distance", 0.103)
    for old, new in zip(jax.tree.leaves(before.detector), jax.tree.leaves(after.detector), strict=True):
        moved = np.asarray(new) - np.asarray(old)
        expected = [0.003, 0, 0] if np.shape(old) == (3,) and np.asarray(old)[0] == 0.1 else 0.0
        np.testing.assert_allclose(moved, np.broadcast_to(expected, moved.shape), atol=1e-16)
    assert read(after, find(after, "detector.distance"))[0] == pytest.approx(0.103, abs=1e-16)


def test_distance_and_beam_center_of_a_tilted_panel_are_where_the_beam_meets_its_plane():
    tilted = panel((0.1, 4e-4, -6e-4), *TILTED)
    tree = experiment(tilted)
    distance, center = read(tree, find(tree, "detector.distance"))[0], read(tree, find(tree, "detector.beam_center"))
    spot = np.asarray(tilted.origin) + center[0] * np.array(TILTED[0]) + center[1] * np.array(TILTED[1])
    np.testing.assert_allclose(spot, [distance, 0, 0], atol=1e-15)


def test_beam_center_slides_the_panel_in_its_plane():
    tree = experiment(panel((0.1, 4e-4, -6e-4), *TILTED))
    after = put(tree, "detector.beam_center[1]", 2e-3)
    old, new = (read(t, find(t, "detector.beam_center")) for t in (tree, after))
    np.testing.assert_allclose(new, [old[0], 2e-3], atol=1e-16)
    assert read(after, find(after, "detector.distance")) == pytest.approx(read(tree, find(tree, "detector.distance")))


def test_a_curved_detector_has_a_distance_of_its_own():
    curved = jb.CurvedDetector((8, 8), 1e-4, 0.1, (4e-4, 4e-4))
    assert find(experiment(curved), "detector.distance").kind == "leaf"


def test_a_shift_goes_along_the_panels_own_axes():
    tree = experiment(jb.MultiPanel([panel(), panel((0.1, 5e-3, 0))]))
    after = put(tree, "detector.panels[1].shift", 1e-3, 2e-3, 3e-3)
    # fast is z, slow is −y, their product x.
    np.testing.assert_allclose(after.detector.panels[1].origin, [0.103, 3e-3, 1e-3], atol=1e-16)
    np.testing.assert_array_equal(after.detector.panels[0].origin, tree.detector.panels[0].origin)


def test_a_rotation_leaves_the_middle_where_it_is():
    tree = experiment(panel())
    after = put(tree, "detector.rotation", 0.0, 0.0, 90.0)
    # About the normal, fast goes to slow and slow to −fast.
    np.testing.assert_allclose(after.detector.fast_axis, [0, -1, 0], atol=1e-15)
    np.testing.assert_allclose(after.detector.slow_axis, [0, 0, -1], atol=1e-15)
    with jax.enable_x64(True):
        middle = (jnp.asarray(0), jnp.asarray(4.0), jnp.asarray(6.0))
        old, new = (np.asarray(t.detector.position(*middle)) for t in (tree, after))
    np.testing.assert_allclose(new, old, atol=1e-16)


def test_a_crystal_rotation_is_about_the_laboratory_after_the_misset():
    tree = experiment(panel())
    after = put(tree, "crystal.rotation[2]", 90.0)
    old, new = np.asarray(tree.crystal.vectors()), np.asarray(after.crystal.vectors())
    np.testing.assert_allclose(new, np.stack([-old[:, 1], old[:, 0], old[:, 2]], axis=1), atol=1e-12)
    np.testing.assert_array_equal(after.crystal.misset, tree.crystal.misset)


def test_vectors_set_cell_and_orientation():
    tree = experiment(panel())
    wanted = np.asarray(tree.crystal.vectors()) + np.arange(9.0).reshape(3, 3) / 10
    after = put(tree, "crystal.vectors", *wanted.ravel())
    np.testing.assert_allclose(after.crystal.vectors(), wanted, atol=1e-12)
    cell = after.crystal.cell
    found = [float(v) for v in (cell.a, cell.b, cell.c, cell.alpha, cell.beta, cell.gamma)]
    np.testing.assert_allclose(found, cell_parameters(wanted), rtol=1e-12)
    np.testing.assert_allclose(np.linalg.det(after.crystal.orientation), 1.0, rtol=1e-12)
