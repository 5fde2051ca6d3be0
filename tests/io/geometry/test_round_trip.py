"""What is written with a geometry is read with the same one, whatever the frame."""

import json

import numpy as np
import pytest
from geometries import ALL, experiment_of, panels_of, scalars

import jaxbragg as jb
from jaxbragg.io.cbf import write_cbf
from jaxbragg.io.geometry import Rotation
from jaxbragg.io.nxmx import write_nxmx
from jaxbragg.io.recording import Recording
from jaxbragg.io.sidecars import write_expt, write_geom
from jaxbragg.io.smv_fields import write_smv_recording

TURNING = Rotation(10.0, 0.1)


def recording_of(experiment, dtype="float32", rotation=TURNING, **others):
    return Recording.of(np.zeros(experiment.detector.image_shape, dtype), experiment, rotation, **others)


WRITERS = {"x.expt": write_expt, "x.nxs": write_nxmx, "x.geom": write_geom}


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("name", ALL)
def test_places_come_back(name, ending, tmp_path):
    experiment, path = experiment_of(name), tmp_path / ending
    WRITERS[ending](path, recording_of(experiment, material="Si"))
    found = jb.load(path)
    axis = experiment.scan.axis
    if ending == "x.geom":  # which knows no spindle
        axis, found_axis = experiment.beam.direction, found.direction
    else:
        found_axis = found.axis
        assert found.rotation == pytest.approx((10.0, 0.1))
    vectors = experiment.crystal.vectors() if ending == "x.expt" else None
    ours = scalars(experiment.detector, experiment.beam.direction, axis, vectors)
    theirs = scalars(found.detector, found.direction, found_axis, found.vectors)
    np.testing.assert_allclose(theirs, ours, atol=1e-11)  # 1e-9 m and less
    assert found.wavelength == pytest.approx(0.97, rel=1e-12)
    for one, other in zip(panels_of(experiment.detector), panels_of(found.detector), strict=True):
        assert one.pixels == other.pixels
        np.testing.assert_allclose(other.pixel_size, one.pixel_size, rtol=1e-12)
        assert (one.sensor is None) == (other.sensor is None) or ending == "x.geom"


@pytest.mark.parametrize("ending", ["x.expt", "x.nxs"])
@pytest.mark.parametrize("name", ["flat", "tilted", "mirrored"])
def test_polarization_comes_back(name, ending, tmp_path):
    experiment, path = experiment_of(name), tmp_path / ending
    WRITERS[ending](path, recording_of(experiment))
    found, beam = jb.load(path), experiment.beam
    assert found.polarization == pytest.approx(float(beam.polarization), abs=1e-12) or (
        # The field of −1/2 along one direction is that of 1/2 across it.
        found.polarization == pytest.approx(-float(beam.polarization), abs=1e-12)
    )
    panel, placed = experiment.detector, found.detector

    def along(vector, axis):
        return (np.asarray(vector, float) @ np.asarray(axis, float)) ** 2

    # Kahn's correction of the panel's fast axis, whichever of the two ways of saying it.
    if float(beam.polarization):
        ours = float(beam.polarization) * (2 * along(panel.fast_axis, beam.polarization_axis) - 1)
        theirs = found.polarization * (2 * along(placed.fast_axis, found.polarization_axis) - 1)
        assert theirs == pytest.approx(ours, abs=1e-9)


def test_masks_and_sensors_come_back(tmp_path):
    experiment, path = experiment_of("panels"), tmp_path / "x.nxs"
    write_nxmx(path, recording_of(experiment))
    found = panels_of(jb.load(path).detector)
    assert [panel.mask is None for panel in found] == [True, True, True, False]
    np.testing.assert_array_equal(found[3].mask, experiment.detector.panels[3].mask)
    sensor = experiment_of("sensor")
    for ending in ("x.expt", "x.nxs"):
        WRITERS[ending](tmp_path / ending, recording_of(sensor, material="Si"))
        back = jb.load(tmp_path / ending)
        assert back.material == "Si"
        assert float(back.detector.sensor.layer_thickness) * back.detector.sensor.layers == pytest.approx(450e-6)
    # .expt has the attenuation itself; NXmx the material alone.
    attenuation = jb.load(tmp_path / "x.expt").detector.sensor.attenuation
    assert float(attenuation) == pytest.approx(1 / 250e-6)


def test_the_same_image_comes_of_what_is_read(tmp_path):
    experiment, path = experiment_of("sensor"), tmp_path / "x.expt"
    write_expt(path, recording_of(experiment, rotation=None, material="Si"))
    again = jb.load(path).experiment(experiment.structure_factors, cells=5)
    options = jb.Options(oversample=1)
    image, other = (np.asarray(jb.simulate(each, options)) for each in (experiment, again))
    np.testing.assert_allclose(other, image, atol=1e-5 * image.max())
    assert image.max() > 0


def test_a_spectrum_comes_back(tmp_path):
    flags = "-cell 40 -default_F 10 -N 5 -detpixels 20 -lambda 0.97 -dispersion 2 -dispsteps 5"
    experiment, path = jb.read_experiment(flags.split())[0], tmp_path / "x.h5"
    write_nxmx(path, recording_of(experiment))
    found = jb.load(path)
    wavelengths, weights = found.spectrum
    np.testing.assert_allclose(np.sort(wavelengths), np.sort(experiment.beam.rays()[1]))
    np.testing.assert_allclose(weights / weights.sum(), 0.2)
    np.testing.assert_allclose(np.sort(found.beam().rays()[1]), np.sort(experiment.beam.rays()[1]))
    assert np.asarray(jb.load(path).beam(0.5).rays()[1]).tolist() == [0.5]


@pytest.mark.parametrize(("ending", "writer", "dtype"), [("x.cbf", write_cbf, "int32"),
                                                         ("x.img", write_smv_recording, "uint16")])  # fmt: skip
def test_headers_know_panels_across_the_beam(ending, writer, dtype, tmp_path):
    experiment, path = experiment_of("flat"), tmp_path / ending
    writer(path, recording_of(experiment, dtype))
    found = jb.load(path)
    ours = scalars(experiment.detector, experiment.beam.direction, experiment.scan.axis)
    np.testing.assert_allclose(scalars(found.detector, found.direction, found.axis), ours, atol=1e-11)
    assert found.wavelength == pytest.approx(0.97)
    assert found.rotation == pytest.approx((10.0, 0.1))
    if ending == "x.cbf":
        assert found.polarization == pytest.approx(0.9)


def test_a_goniometer_of_several_axes(tmp_path):
    """Kappa geometry: what is inside of the scan axis turns the crystal, what is outside turns the axis too."""
    experiment, path = experiment_of("flat"), tmp_path / "x.expt"
    write_expt(path, recording_of(experiment))
    content = json.loads(path.read_text())
    kappa = [0.642788, -0.766044, 0.0]
    content["goniometer"] = [
        {"axes": [[1, 0, 0], kappa, [1, 0, 0]], "angles": [30.0, 40.0, 5.0], "names": ["phi", "kappa", "omega"],
         "scan_axis": 2}
    ]  # fmt: skip
    path.write_text(json.dumps(content))
    plain, found = experiment.crystal.vectors(), jb.load(path)

    def about(axis, angle):
        axis, angle = np.array(axis) / np.linalg.norm(axis), np.radians(angle)
        cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
        return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross

    turned = about(kappa, 40.0) @ about([1, 0, 0], 30.0)
    original = np.array([content["crystal"][0][f"real_space_{name}"] for name in "abc"])
    np.testing.assert_allclose(found.vectors, original @ turned.T, atol=1e-9)
    np.testing.assert_allclose(found.axis, [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(original, axis=1), np.linalg.norm(plain, axis=1), rtol=1e-6)
    content["goniometer"][0]["scan_axis"] = 0
    path.write_text(json.dumps(content))
    outside = about([1, 0, 0], 5.0) @ about(kappa, 40.0)
    np.testing.assert_allclose(jb.load(path).axis, outside @ [1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(jb.load(path).vectors, original @ outside.T, atol=1e-9)


def test_panels_in_groups(tmp_path):
    """A group turned by 90° about the beam and shifted: its panels go with it."""
    experiment, path = experiment_of("panels"), tmp_path / "x.expt"
    write_expt(path, recording_of(experiment))
    content = json.loads(path.read_text())
    before = panels_of(jb.load(path).detector)
    frame = {"fast_axis": [0, 1, 0], "slow_axis": [-1, 0, 0], "origin": [1.0, 2.0, 3.0]}
    whole = {"fast_axis": [1, 0, 0], "slow_axis": [0, 1, 0], "origin": [0, 0, 0]}
    content["detector"][0]["hierarchy"] = whole | {
        "children": [
            {"panel": 0},
            frame | {"children": [{"panel": 1}, frame | {"children": [{"panel": 2}]}]},
            {"panel": 3},
        ]
    }
    path.write_text(json.dumps(content))
    after = panels_of(jb.load(path).detector)
    turn, shift = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]]), np.array([1e-3, 2e-3, 3e-3])
    np.testing.assert_allclose(after[0].origin, before[0].origin, atol=1e-15)
    np.testing.assert_allclose(after[1].origin, turn @ np.asarray(before[1].origin) + shift, atol=1e-12)
    np.testing.assert_allclose(after[1].fast_axis, turn @ np.asarray(before[1].fast_axis), atol=1e-12)
    np.testing.assert_allclose(
        after[2].origin, turn @ (turn @ np.asarray(before[2].origin) + shift) + shift, atol=1e-12
    )
    np.testing.assert_allclose(after[3].slow_axis, before[3].slow_axis, atol=1e-15)
