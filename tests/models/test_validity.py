"""Numbers that no constructor would take, put into a model by another way."""

import re

import equinox as eqx
import jax
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.models.validity import check_model

PANEL = dict(pixels=(8, 8), pixel_size=1e-3, origin=(0.1, 0.004, -0.004), fast_axis=(0, 0, 1), slow_axis=(0, -1, 0))


@pytest.fixture(scope="module")
def experiment():
    panel = jb.FlatPanel(**PANEL, sensor=jb.Sensor(4e-4, 3e-4))
    return jb.Experiment(
        beam=jb.Beam(1.0, polarization=0.5),
        crystal=jb.Crystal((40, 45, 55, 90, 95, 90), orientation=np.eye(3), cells=5, mosaic=jb.CapMosaic(0.3, 3)),
        detector=jb.MultiPanel([panel, panel]),
        structure_factors=jb.StructureFactors(default=1.0),
        background=[jb.AmorphousBackground.water(1e-4)],
    )


CASES = [
    ("crystal.cell.a", lambda e: e.crystal.cell.a, -40.0, "be positive, but is -40.0"),
    ("crystal.cell.beta", lambda e: e.crystal.cell.beta, 181.0, "be between 0° and 180°"),
    ("crystal.orientation", lambda e: e.crystal.orientation, np.ones((3, 3)), "be orthonormal"),
    ("crystal.cells", lambda e: e.crystal.cells, np.array([5.0, 0.0, 5.0]), "be positive"),
    ("crystal.cells", lambda e: e.crystal.shear, np.array([9.0, 0.0, 0.0]), "positive eigenvalues"),
    ("crystal.fudge", lambda e: e.crystal.fudge, 0.0, "be positive"),
    ("crystal.mosaic.spread", lambda e: e.crystal.mosaic.spread, -1.0, "not be negative"),
    ("crystal.misset", lambda e: e.crystal.misset, np.array([0.0, np.nan, 0.0]), "be finite"),
    ("beam.wavelength", lambda e: e.beam.wavelength, -1.0, "be positive"),
    ("beam.fluence", lambda e: e.beam.fluence, -1.0, "not be negative"),
    ("beam.polarization", lambda e: e.beam.polarization, 2.0, "be between -1 and 1"),
    ("beam.direction", lambda e: e.beam.direction, np.ones(3), "be a vector of length 1"),
    ("beam.polarization_axis", lambda e: e.beam.polarization_axis, np.array([1.0, 0, 0]), "not be along the beam"),
    ("beam.sources.weights", lambda e: e.beam.sources.weights, np.array([0.0]), "not all be zero"),
    ("beam.sources.wavelength_ratios", lambda e: e.beam.sources.wavelength_ratios, np.array([-1.0]), "be positive"),
    ("scan.axis", lambda e: e.scan.axis, np.zeros(3), "be a vector of length 1"),
    ("detector.panels[1].pixel_size", lambda e: e.detector.panels[1].pixel_size, np.zeros(2), "be positive"),
    ("detector.panels[0].fast_axis", lambda e: e.detector.panels[0].fast_axis, np.ones(3), "be a vector of length 1"),
    ("detector.panels[1].sensor.attenuation", lambda e: e.detector.panels[1].sensor.attenuation, -1.0, "be positive"),
    ("background[0].molecules", lambda e: e.background[0].molecules, -1.0, "not be negative"),
    ("structure_factors.default", lambda e: e.structure_factors.default, np.inf, "be finite, but is inf"),
]


@pytest.mark.parametrize(("path", "where", "value", "message"), CASES, ids=[f"{c[0]}-{c[3][:12]}" for c in CASES])
def test_a_number_that_cannot_be_is_named_by_its_path(experiment, path, where, value, message):
    if path == "crystal.cells" and message.startswith("positive"):
        crystal = jb.Crystal((40, 45, 55, 90, 95, 90), cells=5, shape="gauss")
        experiment = eqx.tree_at(lambda e: e.crystal, experiment, crystal)
    changed = eqx.tree_at(where, experiment, np.asarray(value, float))
    with pytest.raises(ValueError, match="^Argument `" + re.escape(path) + "` must .*" + message):
        check_model(changed)


def test_angles_that_no_cell_has(experiment):
    changed = eqx.tree_at(lambda e: e.crystal.cell.alpha, experiment, np.asarray(5.0))
    with pytest.raises(ValueError, match=r"^crystal.cell: No unit cell has the angles alpha 5°, beta 95°"):
        check_model(changed)


def test_what_can_be_passes_and_so_does_what_is_traced(experiment):
    check_model(experiment)
    check_model(jax.device_get(experiment))
    jax.jit(check_model)(experiment)
    jax.eval_shape(check_model, experiment)


def test_a_class_from_outside_is_asked_too(experiment):
    class Halo(jb.AbstractBackground):
        strength: jax.Array

        def __check_init__(self):
            if float(self.strength) < 0:
                raise ValueError("Argument `strength` must not be negative.")

        def scattering(self, rays):
            return self.strength + 0.0 * rays.scattering_length()

    changed = eqx.tree_at(lambda e: e.background, experiment, (Halo(jax.numpy.asarray(1.0)),))
    check_model(changed)
    changed = eqx.tree_at(lambda e: e.background[0].strength, changed, jax.numpy.asarray(-1.0))
    with pytest.raises(ValueError, match=r"Argument `background\[0\].strength` must not be negative"):
        check_model(changed)
