"""What people read when a model is printed."""

import re

import equinox as eqx
import jax
import numpy as np
import pytest
from geometries import experiment_of

import jaxbragg as jb
from jaxbragg.models.readable import Readable


def printed(model):
    """Value by name; of names that come twice the last."""
    return dict(re.split(r"\s{2,}|(?<=_axis) ", line.strip(), maxsplit=1) for line in str(model).split("\n")[1:]
                if re.search(r"\S(\s{2,}|(?<=_axis) )\S", line.strip()))  # fmt: skip


def test_values_and_units_are_shown():
    said = printed(experiment_of("sensor"))
    assert said["wavelength"] == "0.97 Å"
    assert said["a"] == "40 Å"
    assert said["beta"] == "95 deg"
    assert said["misset"] == "20 30 40 deg"
    assert said["pixel_size"] == "0.0002 0.0002 m"
    assert said["attenuation"] == "4000 1/m"
    assert said["pixels"] == "(40, 60)"
    assert "is_flat" not in said
    assert "f64" not in str(experiment_of("sensor"))


def test_what_is_large_is_said_by_its_range_and_masks_by_their_count():
    factors = jb.StructureFactors(np.arange(120.0).reshape(4, 5, 6), (0, 0, 0))
    assert printed(factors)["values"] == "4 × 5 × 6 from 0 to 119 electrons"
    detector = experiment_of("panels").detector
    text = str(detector)
    assert "4 of them" in text
    assert "1 × 40 × 60, 2286 of 2400 True" in text


def test_what_is_traced_says_so():
    seen = []
    jax.jit(lambda beam: (seen.append(printed(beam)), beam.fluence)[1])(jb.Beam(1.1))
    assert seen[0]["wavelength"] == "traced, float64 Å"
    assert seen[0]["direction"] == "traced, float64 of 3"


def test_a_notebook_has_a_table():
    table = experiment_of("flat")._repr_html_()
    assert table.startswith("<table><caption>Experiment</caption>")
    assert "0.97 Å" in table
    assert table.count("<tr>") == len(str(experiment_of("flat")).split("\n")) - 1


def test_classes_of_ones_own_are_readable_too():
    class Thin(jb.AbstractBackground):
        """<b>"""

        thickness: jax.Array

        def scattering(self, rays):
            return rays.wavelength

    own = Thin(np.float64(2e-6))
    assert str(own) == "Thin\n  thickness         2e-06 m"
    assert "<table><caption>Thin" in own._repr_html_()


@pytest.mark.parametrize(
    "name", ["Beam", "Crystal", "Experiment", "FlatPanel", "MultiPanel", "Scan", "Sensor", "UnitCell"]
)
def test_every_model_is_readable(name):
    assert issubclass(getattr(jb, name), Readable)
    assert issubclass(getattr(jb, name), eqx.Module)


def test_replace_changes_fields_and_checks_them() -> None:
    beam = jb.Beam(1.1, polarization=0.4)
    assert float(beam.replace(wavelength=0.9).wavelength) == 0.9
    assert beam.replace(wavelength=0.9).replace(wavelength=1.1).wavelength.dtype == beam.wavelength.dtype
    crystal = jb.Crystal((40, 50, 60, 90, 90, 90), cells=(3, 4, 5))
    np.testing.assert_array_equal(crystal.replace(cells=7).cells, [7.0, 7.0, 7.0])
    assert crystal.replace(mosaic=jb.GaussianMosaic(0.1)).mosaic.spread.shape == (1,)
    for change, says in (({"wavelength": -1}, "wavelength"), ({"polarization": [0.1, 0.2]}, "shape")):
        with pytest.raises(ValueError, match=says):
            beam.replace(**change)
    with pytest.raises(TypeError, match="no attribute 'flux'"):
        beam.replace(flux=1e12)
    with pytest.raises(TypeError, match="b_factor"):
        crystal.replace(b_factor=20)


def test_replace_takes_lists_as_constructors_do() -> None:
    experiment = experiment_of("flat")
    water = jb.AmorphousBackground.water(1e-5)
    changed = experiment.replace(background=[water], lattices=[experiment.crystal], absorbers=[jb.AirPath(0.1)])
    assert changed.backgrounds == (water,)
    assert len(changed.lattices) == 1
    with pytest.raises(TypeError, match="position"):
        experiment.crystal.replace(position=jax.numpy.zeros(2))
