"""Which leaves carry an axis of images, and experiments stacked."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import crystal, experiment, in_float64, panel, tilted_panel
from jaxtyping import Array, Bool, Float

import jaxbragg as jb
from jaxbragg.several.axes import Batch, batch_of

FULL = experiment(
    beam=jb.Beam(sources=jb.AbsoluteSources([[1, 0, 0], [0.8, 0.6, 0]], [1.0, 1.1])),
    crystal=crystal(orientation=np.eye(3), mosaic=jb.CapMosaic(0.5, 3)),
    detector=jb.MultiPanel([panel(mask=np.ones((32, 32))), tilted_panel()]),
    scan=jb.Scan([0.0, 1.0]),
    background=jb.AmorphousBackground(1e7, [0.0, 0.1], [2.5, 3.0]),
)
OTHER = experiment(
    beam=jb.Beam(sources=jb.RelativeSources([0.0, 1e-3], [0.0, 0.0], [1.0, 1.1])),
    crystal=crystal(mosaic=jb.RotationList(np.eye(3)[None])),
    detector=panel(sensor=jb.Sensor(1e-3, 1e-3, 2)),
)
CURVED = experiment(detector=jb.CurvedDetector((8, 8), 1e-3, 0.1, (4e-3, 4e-3)))


def own_names(batch: Batch) -> list[str]:
    """Paths of the leaves that images have of their own."""
    found, _ = jax.tree_util.tree_flatten_with_path(batch.experiment)
    return [jax.tree_util.keystr(keys) for (keys, _), batched in zip(found, batch.batched, strict=True) if batched]


def repeated(leaf, count):
    return jnp.repeat(leaf[None], count, axis=0)


def parameters_of(whole):
    return [pytest.param(whole, i, id=jax.tree_util.keystr(keys)) for i, (keys, _) in
            enumerate(jax.tree_util.tree_flatten_with_path(whole)[0])]  # fmt: skip


@pytest.mark.parametrize(("whole", "number"), [*parameters_of(FULL), *parameters_of(OTHER), *parameters_of(CURVED)])
@in_float64
def test_every_leaf_of_every_model_is_found_by_its_number_of_axes(whole, number):
    leaves, make = jax.tree.flatten(whole)
    leaves[number] = repeated(leaves[number], 4)
    batch = batch_of(jax.tree.unflatten(make, leaves), None)
    assert [i for i, batched in enumerate(batch.batched) if batched] == [number]
    assert batch.count == 4
    single = [x.shape for x in jax.tree.leaves(batch.single())]
    assert single == [x.shape for x in jax.tree.leaves(whole)]


@in_float64
def test_all_leaves_can_have_the_axis():
    batch = batch_of(jax.vmap(lambda a: eqx.tree_at(lambda e: e.crystal.cell.a, FULL, a))(jnp.arange(40.0, 43.0)), None)
    assert all(batch.batched)
    assert batch.count == 3


def test_only_what_differs_is_stacked():
    first, second = experiment(), experiment(crystal=crystal(misset=(1, 2, 3)), beam=jb.Beam(1.2, polarization=0.4))
    batch = batch_of([first, second, first], None)
    assert own_names(batch) == [".beam.wavelength", ".crystal.misset"]
    assert batch.count == 3
    assert batch.experiment.structure_factors.values is first.structure_factors.values
    np.testing.assert_array_equal(batch.experiment.beam.wavelength, [1.1, 1.2, 1.1])
    assert batch.experiment.beam.wavelength.dtype == np.float64


def test_equal_experiments_share_everything_and_any_iterable_will_do():
    batch = batch_of((experiment() for _ in range(3)), None)
    assert (any(batch.batched), batch.count) == (False, 3)


def test_traced_values_are_stacked_unless_they_are_the_same_one():
    whole = experiment()

    def names(length, fluence):
        made = [
            eqx.tree_at(lambda e: (e.crystal.cell.a, e.beam.fluence), whole, (length + i, fluence)) for i in range(2)
        ]
        return tuple(own_names(batch_of(made, None)))

    seen = []
    jax.make_jaxpr(lambda a, b: seen.append(names(a, b)))(41.0, 1e28)
    assert seen == [(".crystal.cell.a",)]


# Fields whose annotation does not say --------------------------------------------------------------------------------


class Unsaid(jb.AbstractDetector):
    """A panel whose distance is annotated as an array of any shape."""

    distance: jax.Array
    flat: jb.FlatPanel
    sensor: jb.Sensor | None = None
    mask: Bool[Array, "panel slow fast"] | None = None

    @property
    def shape(self):
        return self.flat.shape

    def position(self, panel, slow, fast):
        return self.flat.position(panel, slow, fast) * (self.distance / 0.1)

    def normal(self, panel, slow, fast):
        return self.flat.normal(panel, slow, fast)

    def plane_distance(self, panel, slow, fast):
        return self.distance

    def pixel_area(self, panel):
        return self.flat.pixel_area(panel)


class OddlyAnnotated(jb.AbstractMosaic):
    """Annotations of all sorts."""

    turns: "tuple[Float[Array, 'domain 3 3'], Float[Array, '']]"
    more: dict[str, Float[Array, "3"]]
    any_axes: Float[Array, "... 3"]
    elsewhere: "NotImportedHere" = None  # noqa: F821 # type: ignore[name-defined]

    def rotations(self):
        return self.turns[0]


@in_float64
def test_a_leaf_that_no_annotation_describes_is_shared_unless_it_is_named():
    distances = jnp.asarray([0.1, 0.2])
    whole = experiment(detector=Unsaid(distances, panel()))
    with pytest.raises(ValueError, match="but no leaf has"):
        batch_of(whole, None)
    assert own_names(batch_of(whole, ["detector.distance"])) == [".detector.distance"]
    mosaic = OddlyAnnotated((jnp.eye(3)[None], jnp.zeros(2)), {"x": jnp.zeros((2, 3))}, jnp.zeros((2, 3)))
    whole = experiment(crystal=crystal(mosaic=mosaic))
    # One annotation of that class cannot be evaluated: none of them is trusted.
    with pytest.raises(ValueError, match="but no leaf has"):
        batch_of(whole, None)
    paths = ["crystal.mosaic.turns[1]", "crystal.mosaic.more", "crystal.mosaic.any_axes"]
    assert len(own_names(batch_of(whole, paths))) == 3


@in_float64
def test_a_part_can_be_named_as_a_whole():
    cells = jax.tree.map(lambda x: repeated(x, 2), experiment().crystal.cell)
    whole = eqx.tree_at(lambda e: e.crystal.cell, experiment(), cells)
    batch = batch_of(whole, ["crystal.cell"])
    assert own_names(batch) == [f".crystal.cell.{x}" for x in ("a", "b", "c", "alpha", "beta", "gamma")]
    assert batch.batched == batch_of(whole, None).batched


# Bad input -----------------------------------------------------------------------------------------------------------


def test_what_is_no_experiment_is_refused():
    with pytest.raises(TypeError, match=r"must hold Experiments, but \[1\] is Beam"):
        batch_of([experiment(), jb.Beam()], None)  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"must hold Experiments, but \[0\] is int"):
        batch_of(5, None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must hold at least one experiment, but is empty"):
        batch_of([], None)


@pytest.mark.parametrize(
    ("other", "part"),
    [
        ({"crystal": crystal(shape="gauss")}, "crystal"),
        ({"detector": panel((16, 16))}, "detector"),
        ({"detector": tilted_panel(sensor=jb.Sensor(1e-3, 1e-3))}, "detector"),
        ({"background": jb.AmorphousBackground(1e7)}, "background"),
        ({"beam": jb.Beam(sources=jb.AbsoluteSources([[1, 0, 0]], [1.0]))}, "beam"),
        ({"structure_factors": jb.StructureFactors(np.ones((9, 11, 13)), (0, 0, 0))}, "structure_factors"),
    ],
)
def test_experiments_of_different_make_are_refused_and_the_part_is_named(other, part):
    with pytest.raises(ValueError, match=rf"of one make .*, but \[2\] and \[0\] differ in `{part}`"):
        batch_of([experiment(), experiment(), experiment(**other)], None)


def test_leaves_of_different_shapes_are_named():
    several = [experiment(crystal=crystal(mosaic=jb.CapMosaic(1.0, n))) for n in (4, 5)]
    with pytest.raises(ValueError, match=r"`crystal.mosaic.axes` has shape \(5, 3\) in \[1\] and \(4, 3\) in \[0\]"):
        batch_of(several, None)


def with_leaves(**values):
    places = {"misset": lambda e: e.crystal.misset, "fluence": lambda e: e.beam.fluence}
    whole = experiment()
    for name, value in values.items():
        whole = eqx.tree_at(places[name], whole, jnp.asarray(value))
    return whole


@pytest.mark.parametrize(
    ("leaves", "axes", "message"),
    [
        ({}, None, "must have an axis of images in front of at least one leaf, but no leaf has"),
        ({}, [], "but no leaf has"),
        (
            {"misset": np.zeros((3, 3)), "fluence": np.ones(4)},
            None,
            "of one length, but `beam.fluence` has 4 images and `crystal.misset` has 3",
        ),
        ({"misset": np.zeros((0, 3))}, None, "must hold at least one image, but `crystal.misset` has none"),
        ({"misset": np.zeros((2, 3, 3))}, None, r"in `crystal.misset` .*\(1 by itself, 2 with that of the images"),
        ({"misset": np.array(0.0)}, None, r"in `crystal.misset` .* but its shape is \(\)"),
        ({"misset": np.zeros((3, 3))}, ["beam.fluence"], r"in `beam.fluence` .* but its shape is \(\)"),
        ({"misset": np.zeros((3, 3)), "fluence": np.ones(3)}, ["beam.fluence"], "in `crystal.misset`"),
        ({"misset": np.zeros((3, 3))}, ["crystal.miss"], "must name leaves .*crystal.misset.*, but has 'crystal.miss'"),
        ({"misset": np.zeros((3, 3))}, "crystal.misset", "must be a list of paths, but is 'crystal.misset'"),
    ],
)
@in_float64
def test_axes_that_do_not_fit_are_named(leaves, axes, message):
    with pytest.raises(ValueError, match=message):
        batch_of(with_leaves(**leaves), axes)


def test_axes_are_for_one_experiment():
    with pytest.raises(ValueError, match="Argument `axes` must be left out where several"):
        batch_of([experiment()], ["crystal.misset"])


def test_the_same_object_twice_is_one_leaf_of_each_place():
    several = [replace(experiment(), scan=jb.Scan([angle])) for angle in (0.0, 1.0)]
    assert own_names(batch_of(several, None)) == [".scan.angles"]
