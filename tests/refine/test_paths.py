"""Paths: what they name, what is suggested for one that names nothing, and how values are set."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.refine.paths import Assignment, assign, find, known_paths, read

PANEL = jb.FlatPanel((8, 8), 1e-4, (0.1, 4e-4, -4e-4), (0, 0, 1), (0, -1, 0))


def experiment(**changes) -> jb.Experiment:
    parts = {
        "beam": jb.Beam(1.0),
        "crystal": jb.Crystal((55, 65, 75, 90, 95, 90), misset=(1, 2, 3)),
        "detector": jb.MultiPanel([PANEL, PANEL]),
        "structure_factors": jb.StructureFactors(np.arange(24.0).reshape(2, 3, 4)),
    }
    return jb.Experiment(**{**parts, **changes})


def put(tree, path, *values):
    target = find(tree, path)
    item = Assignment(target.kind, target.owner, target.name, target.elements, tuple(range(len(target.elements))))
    with jax.enable_x64(True):
        return assign(tree, (item,), jnp.asarray(values, jnp.float64))


@pytest.mark.parametrize(
    ("path", "names", "values"),
    [
        ("crystal.cell.beta", ["crystal.cell.beta"], [95.0]),
        ("crystal.misset", ["crystal.misset[0]", "crystal.misset[1]", "crystal.misset[2]"], [1.0, 2.0, 3.0]),
        ("crystal.misset[1]", ["crystal.misset[1]"], [2.0]),
        ("crystal.shear[1]", ["crystal.shear[1]"], [0.0]),
        ("detector.panels[1].origin[2]", ["detector.panels[1].origin[2]"], [-4e-4]),
        ("structure_factors.values[1,2,3]", ["structure_factors.values[1,2,3]"], [23.0]),
        ("beam.sources.weights[0]", ["beam.sources.weights[0]"], [1.0]),
        ("image.scale", ["image.scale"], [1.0]),
        ("image.radial[1]", ["image.radial[1]"], [0.0]),
        ("detector.distance", ["detector.distance"], [0.1]),
        ("detector.beam_center", ["detector.beam_center[0]", "detector.beam_center[1]"], [4e-4, 4e-4]),
    ],
)
def test_a_path_names_and_reads(path, names, values):
    target = find(experiment(), path)
    assert target.names() == names
    np.testing.assert_allclose(read(experiment(), target), values, rtol=1e-14)


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("crystal.cel.a", "crystal.cell.a"),
        ("crystal.missset", "crystal.misset"),
        ("detector.distanze", "detector.distance"),
        ("detector.panels[1].orgin", "detector.panels[1].origin"),
        ("wavelength", "beam.wavelength"),
        ("image.scal", "image.scale"),
    ],
)
def test_an_unknown_path_suggests_the_nearest(path, nearest):
    with pytest.raises(ValueError, match="must name a real leaf") as raised:
        find(experiment(), path)
    assert f"the nearest path is {nearest!r}" in str(raised.value)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "crystal",
        "crystal..cell",
        "crystal.cell[0]",
        "crystal.shape",
        "detector.panels[2].origin",
        "image.scale[0].x",
        "detector.panels",
        "crystal.cell.a.b",
        "image",
        "crystal.misset[x]",
        "scan.rotations",
        "background.molecules",
    ],
)
def test_what_is_no_real_leaf_cannot_be_free(path):
    with pytest.raises(ValueError, match="Argument `path` must"):
        find(experiment(), path)


def test_an_index_out_of_its_shape_is_an_error():
    with pytest.raises(ValueError, match=r"index within shape \(3,\), but is 'crystal.misset\[3\]'"):
        find(experiment(), "crystal.misset[3]")
    with pytest.raises(ValueError, match="index within shape"):
        find(experiment(), "image.radial[4]")


def test_every_known_path_can_be_found():
    for path in known_paths(experiment()):
        if path != "structure_factors.values":
            assert find(experiment(), path).text == path


def test_setting_a_leaf_changes_that_leaf_alone():
    before, after = experiment(), put(experiment(), "detector.panels[1].origin[2]", 7.0)
    changed = [
        (b, a) for b, a in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True) if not np.array_equal(b, a)
    ]
    assert len(changed) == 1
    np.testing.assert_array_equal(changed[0][1], [0.1, 4e-4, 7.0])


def test_a_direction_keeps_its_length():
    # atan of 0.01 is the angle by which the beam then points away from x.
    after = put(experiment(), "beam.direction[1]", 0.01)
    expected = np.array([1.0, 0.01, 0.0]) / np.hypot(1.0, 0.01)
    np.testing.assert_allclose(after.beam.direction, expected, rtol=1e-14)
