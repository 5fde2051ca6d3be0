"""What holds for every model: a pytree of float64 leaves that survives a trip through jit, whatever the settings."""

import dataclasses

import cases
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import jaxbragg as jb
from jaxbragg import models

SENSOR = jb.Sensor(4e-4, 3e-4, 3)
CURVED = jb.CurvedDetector((8, 9), (1e-3, 2e-3), 0.1, (4e-3, 5e-3), sensor=SENSOR, mask=np.eye(8, 9))
PAIR = jb.MultiPanel([cases.panel(mask=np.eye(32)), cases.tilted_panel()])
SOURCES = jb.RelativeSources((0.0, 1e-3), (2e-3, 0.0), (1.0, 1.01), (1.0, 3.0))
ORIENTED = cases.crystal(orientation=Rotation.random(rng=1).as_matrix(), mosaic=jb.CapMosaic(1.0, 3), shape="gauss")


def points(detector):
    """Every answer of a detector at two points of its last panel."""
    panel = jnp.asarray(detector.shape[0] - 1)
    slow, fast = jnp.asarray([0.5, 3.25]), jnp.asarray([7.75, 2.5])
    with jax.enable_x64(True):
        slow, fast = slow.astype(np.float64), fast.astype(np.float64)
        answers = [
            jax.vmap(getattr(detector, name), (None, 0, 0))(panel, slow, fast)
            for name in ("position", "normal", "plane_distance")
        ]
        return [*answers, detector.pixel_area(panel), detector.mask]


def source_rays(sources):
    with jax.enable_x64(True):
        return sources.rays(jnp.asarray([1.0, 0, 0]), jnp.asarray([0, 0, 1.0]), jnp.asarray(1.1))


def experiment_rays(experiment):
    crystal, detector = experiment.crystal, experiment.detector
    return (
        crystal.vectors(),
        crystal.mosaic.rotations(),
        experiment.scan.rotations(),
        experiment.beam.rays(),
        points(detector),
    )


# (model, what is asked of it)
EVERY = {
    "UnitCell": (cases.crystal().cell, lambda m: m.vectors()),
    "Crystal": (ORIENTED, lambda m: (m.vectors(), m.mosaic.rotations(), m.cells, m.fudge, m.blocks)),
    "CapMosaic": (jb.CapMosaic(2.0, 5), lambda m: m.rotations()),
    "GaussianMosaic": (jb.GaussianMosaic((0.1, 0.2, 0.3, 0.01, 0.02, -0.01)), lambda m: m.rotations()),
    "GaussianSources": (jb.GaussianSources(0.01, 1e-3, 2e-3), source_rays),
    "CellSpread": (jb.CellSpread((0.01, 0.0, 0.02)), lambda m: (m.covariance(), m.factors_of(np.ones((2, 3))))),
    "SpectrumTable": (jb.SpectrumTable((1.0, 1.1), (1.0, 2.0)), source_rays),
    "RotationList": (jb.RotationList(Rotation.random(4, rng=0).as_matrix()), lambda m: m.rotations()),
    "Scan": (jb.Scan((0.0, 1.0, 2.5)), lambda m: m.rotations()),
    "RelativeSources": (SOURCES, source_rays),
    "AbsoluteSources": (jb.AbsoluteSources([[1, 0, 0], [0, 1, 0]], [1.0, 1.1], [2.0, 3.0]), source_rays),
    "Beam": (
        jb.Beam(1.1, polarization=0.4, flux=1e12, sources=SOURCES),
        lambda m: (m.rays(), m.fluence, m.polarization),
    ),
    "Sensor": (SENSOR, lambda m: m.layer_thickness * m.attenuation),
    "FlatPanel": (cases.tilted_panel(sensor=SENSOR, mask=np.eye(32)), points),
    "MultiPanel": (PAIR, points),
    "CurvedDetector": (CURVED, points),
    "SourceStructureFactors": (jb.SourceStructureFactors(np.ones((2, 3, 3, 3))), lambda m: (m.amplitudes(), m.default)),
    "StructureFactors": (cases.structure_factors(), lambda m: (m.values, m.default)),
    "AmorphousBackground": (jb.AmorphousBackground.water(1e-5), lambda m: (m.molecules, m.stol, m.factor)),
    "PowderRings": (jb.PowderRings.ice(1e-15, d_min=3.0), lambda m: (m.cells, m.radius, m.strength, m.width)),
    "RadialTable": (models.RadialTable(0.01, (3.0, 2.0, 1.0)), lambda m: (m.step, m.values)),
    "LiquidLikeMotions": (
        jb.LiquidLikeMotions(10 * np.eye(3), np.ones((3, 3, 3)), (-1, -1, -1), 8.0),
        lambda m: (m.vectors, m.values, m.cells, m.sigma, m.gamma),
    ),
    "AirPath": (jb.AirPath(0.3, 0.01), lambda m: (m.attenuation, m.start)),
    "BeamStop": (jb.BeamStop(1e-3, 0.02), lambda m: (m.radius, m.distance, m.penumbra)),
    "Goniometer": (
        jb.Goniometer({"omega": (0, 0, 1), "phi": (0, 0.6, 0.8)}, {"phi": 20.0}, tilts=[[0, 0.1], [0.2, 0]]),
        lambda m: (m.spindle(), m.mounted()),
    ),
    "GaussianProfile": (jb.GaussianProfile((1e-4, 2e-4)), lambda m: m.share(*m.widths)),
    "TophatProfile": (jb.TophatProfile(1e-4), lambda m: m.share(*m.widths)),
    "Damage": (jb.Damage(3.0), lambda m: m.b_factor()),
    "LogNormalSizes": (jb.LogNormalSizes(0.2, 3), lambda m: m.factors()[0]),
    "ConvexAbsorption": (
        jb.ConvexAbsorption.box((1e-4, 2e-4, 3e-4), 1e3, points=8),
        lambda m: (m.normals, m.distances, m.attenuation),
    ),
    "Response": (jb.Response([jb.Counting(1e-7, 0.1), jb.Gain(2.0), jb.ReadNoise(3.0)]), jax.tree.leaves),
    "Experiment": (
        cases.experiment(crystal=ORIENTED, detector=PAIR, background=jb.AmorphousBackground.water(1e-5)),
        experiment_rays,
    ),
}


@pytest.fixture(params=sorted(EVERY))
def asked(request):
    model, ask = EVERY[request.param]
    assert type(model).__name__ == request.param
    return model, ask


def test_no_model_is_left_out():
    concrete = {name for name in vars(models) if name[0].isupper() and not name.startswith("Abstract")}
    assert concrete == set(EVERY)


def test_flatten_unflatten_and_jit_give_the_same(asked):
    model, ask = asked
    leaves, structure = jax.tree.flatten(model)
    rebuilt = jax.tree.unflatten(structure, leaves)
    assert eqx.tree_equal(rebuilt, model)
    with jax.enable_x64(True):
        wanted, found = jax.tree.leaves(ask(model)), jax.tree.leaves(jax.jit(ask)(rebuilt))
    assert wanted
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-14)


def test_under_default_settings_leaves_and_answers_are_float64_and_the_settings_stay(asked):
    assert jax.config.jax_enable_x64 is False
    model, ask = asked
    assert {leaf.dtype for leaf in jax.tree.leaves(model)} <= {np.dtype(np.float64), np.dtype(bool)}
    if not isinstance(model, jb.Sensor):  # a product of two leaves is the caller's own, in the caller's precision
        answers = jax.tree.leaves(ask(model))
        assert {leaf.dtype for leaf in answers} <= {np.dtype(np.float64), np.dtype(bool)}
    assert jax.config.jax_enable_x64 is False


def test_numbers_are_kept_to_the_last_digit_under_default_settings():
    assert float(jb.Beam(1.0000000001).wavelength) == 1.0000000001
    assert float(jb.UnitCell(41.00000000001, 52, 63).a) == 41.00000000001
    assert float(jb.FlatPanel((2, 2), 1e-3, (0.1, 0, 1e-9 / 3), (0, 0, 1), (0, -1, 0)).origin[2]) == 1e-9 / 3


@pytest.mark.parametrize("change", [lambda c: cases.crystal(shape=c), lambda c: cases.crystal(mosaic=None, shape=c)])
def test_what_is_chosen_is_part_of_the_structure_and_no_leaf(change):
    one, same, other = (jax.tree.structure(change(shape)) for shape in ("square", "square", "round"))
    assert one == same
    assert one != other


def test_models_are_frozen(asked):
    model, _ = asked
    field = dataclasses.fields(model)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(model, field, getattr(model, field))


def test_a_model_can_be_made_of_traced_numbers():
    @jax.jit
    def make(wavelength, cell, misset, distance):
        beam = jb.Beam(wavelength, flux=wavelength * 1e12)
        detector = jb.CurvedDetector((4, 4), 1e-3, distance, (distance / 50, 0.0))
        flat = jb.FlatPanel((4, 4), 1e-3, (distance, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0))
        return beam, jb.Crystal(cell, misset=misset, cells=wavelength), detector, flat

    with jax.enable_x64(True):
        made = make(1.1, jnp.asarray([41.0, 52.0, 63.0, 82.0, 97.0, 105.0]), jnp.asarray([1.0, 2.0, 3.0]), 0.2)
    beam, crystal, detector, flat = made
    np.testing.assert_allclose(beam.fluence, 1.1e20, rtol=1e-14)
    wanted = jb.Crystal((41.0, 52.0, 63.0, 82.0, 97.0, 105.0), misset=(1.0, 2.0, 3.0))
    np.testing.assert_allclose(crystal.vectors(), wanted.vectors(), atol=1e-13)
    np.testing.assert_array_equal(crystal.cells, [1.1, 1.1, 1.1])
    np.testing.assert_allclose(detector.beam_center, [0.004, 0.0], rtol=1e-15)
    np.testing.assert_array_equal(flat.origin, [0.2, 0, 0])
    np.testing.assert_array_equal(flat.normal_axis, [1, 0, 0])
