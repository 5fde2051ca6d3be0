"""What dxtbx, DIALS's reader, makes of our files, and we of its: in a Python of its own.

JAXBRAGG_DXTBX_PYTHON names that Python. dxtbx is not on PyPI; Debian has it (`apt-get install python3-cctbx`). It needs
nxmx, hdf5plugin and natsort beside it.
"""

import json
import os
import subprocess

import numpy as np
import pytest
from geometries import ALL, experiment_of, panels_of

import jaxbragg as jb
from jaxbragg.io.cbf import is_across
from jaxbragg.io.geometry import Rotation
from jaxbragg.io.laboratory import imgcif_axes
from jaxbragg.io.recording import Recording
from jaxbragg.io.sidecars import write_expt

PYTHON = os.environ.get("JAXBRAGG_DXTBX_PYTHON", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="JAXBRAGG_DXTBX_PYTHON names no Python that has dxtbx")

READER = """
import json, sys
import hdf5plugin  # so that images packed by bitshuffle can be read
from dxtbx.model.experiment_list import ExperimentListFactory

if sys.argv[1].endswith(".expt"):
    (found,) = ExperimentListFactory.from_json_file(sys.argv[1], check_format=len(sys.argv) > 2)
else:
    (found,) = ExperimentListFactory.from_filenames([sys.argv[1]])
said = {
    "panels": [
        {"origin": p.get_origin(), "fast": p.get_fast_axis(), "slow": p.get_slow_axis(), "pixel": p.get_pixel_size(),
         "size": p.get_image_size(), "trusted": p.get_trusted_range(), "pedestal": p.get_pedestal()}
        for p in found.detector
    ],
    "s0": found.beam.get_s0(), "polarization": found.beam.get_polarization_fraction(),
    "normal": found.beam.get_polarization_normal(),
    "spindle": found.goniometer and found.goniometer.get_rotation_axis(),
    "oscillation": found.scan and found.scan.get_oscillation(),
    "crystal": found.crystal and [found.crystal.get_real_space_vectors()[i] for i in range(3)],
}
if found.imageset and not (sys.argv[1].endswith(".expt") and len(sys.argv) == 2):
    said["frames"] = len(found.imageset)
    said["sums"] = [int(p.as_numpy_array().clip(0).sum()) for p in found.imageset.get_raw_data(len(found.imageset) - 1)]
print(json.dumps(said))
"""


def ask(code, *words, cwd=None):
    found = subprocess.run([PYTHON, "-c", code, *map(str, words)], capture_output=True, text=True, timeout=120, cwd=cwd)
    assert found.returncode == 0, found.stderr[-2000:]
    return json.loads(found.stdout.splitlines()[-1])


def counts_of(experiment, count, dtype):
    return np.random.default_rng(0).poisson(20, (count, *experiment.detector.image_shape)).astype(dtype)


def check_places(said, experiment):
    """imgCIF's frame: x along the spindle, z towards the source; millimetres."""
    axes = imgcif_axes(experiment)
    assert len(said["panels"]) == len(panels_of(experiment.detector))
    for found, panel in zip(said["panels"], panels_of(experiment.detector), strict=True):
        np.testing.assert_allclose(found["origin"], axes @ np.asarray(panel.origin) * 1e3, atol=1e-6)
        np.testing.assert_allclose(found["fast"], axes @ np.asarray(panel.fast_axis), atol=1e-9)
        np.testing.assert_allclose(found["slow"], axes @ np.asarray(panel.slow_axis), atol=1e-9)
        np.testing.assert_allclose(found["pixel"], [0.2, 0.2])
        assert tuple(found["size"]) == panel.pixels[::-1]
    np.testing.assert_allclose(said["s0"], [0, 0, -1 / 0.97], atol=1e-8)


@pytest.mark.parametrize("name", ALL)
def test_dxtbx_has_the_geometry_and_the_pixels_of_nxmx(name, tmp_path):
    experiment, path = experiment_of(name), tmp_path / "image_001.h5"
    counts = counts_of(experiment, 3, np.uint32)
    jb.save(path, experiment, counts, Rotation(10.0, 0.5), material="Si")
    said = ask(READER, path)
    check_places(said, experiment)
    np.testing.assert_allclose(said["spindle"], imgcif_axes(experiment) @ np.asarray(experiment.scan.axis), atol=1e-9)
    np.testing.assert_allclose(said["oscillation"], [10.0, 0.5])
    assert said["frames"] == 3
    layers = counts[2].reshape(experiment.detector.shape)
    there = zip(layers, panels_of(experiment.detector), strict=True)
    gap = name == "panels"  # marked in the last panel
    sums = [int(layer[: panel.pixels[0]].sum()) for layer, panel in there]
    assert said["sums"][:3] == sums[:3]
    assert gap or said["sums"] == sums
    assert said["panels"][0]["trusted"][0] in (0, -1)


@pytest.mark.parametrize("name", ALL)
def test_dxtbx_has_the_geometry_of_expt(name, tmp_path):
    experiment, path = experiment_of(name), tmp_path / "x.expt"
    write_expt(path, Recording.of(counts_of(experiment, 3, np.uint32), experiment, Rotation(10.0, 0.5)), "x.h5")
    said = ask(READER, path)
    check_places(said, experiment)
    axes = imgcif_axes(experiment)
    np.testing.assert_allclose(said["spindle"], axes @ np.asarray(experiment.scan.axis), atol=1e-9)
    np.testing.assert_allclose(said["oscillation"], [10.0, 0.5])
    np.testing.assert_allclose(said["crystal"], np.asarray(experiment.crystal.vectors()) @ axes.T, atol=1e-9)
    assert said["polarization"] == pytest.approx((1 + float(experiment.beam.polarization)) / 2)


def test_the_sidecar_finds_its_images(tmp_path):
    experiment, path = experiment_of("tilted"), tmp_path / "x_001.expt"
    counts = counts_of(experiment, 3, np.uint32)
    jb.save(tmp_path / "x_001.h5", experiment, counts, Rotation(10.0, 0.5))
    write_expt(path, Recording.of(counts, experiment, Rotation(10.0, 0.5)), "x_001.h5")
    said = ask(READER, path.name, "images", cwd=tmp_path)
    check_places(said, experiment)
    assert (said["frames"], said["sums"]) == (3, [int(counts[2].sum())])


@pytest.mark.parametrize(("ending", "pedestal"), [(".cbf", 0), (".img", 40)])
def test_dxtbx_has_the_geometry_and_the_pixels_of_headers(ending, pedestal, tmp_path):
    experiment, path = experiment_of("flat"), tmp_path / f"image_001{ending}"
    counts = counts_of(experiment, 1, np.int32)[0]
    jb.save(path, experiment, counts, Rotation(10.0, 0.5), offset=pedestal)
    said = ask(READER, path)
    check_places(said, experiment)
    np.testing.assert_allclose(said["oscillation"], [10.0, 0.5])
    assert said["panels"][0]["pedestal"] == pedestal
    assert said["sums"] == [int((counts + pedestal).sum())]
    assert is_across(Recording.of(counts, experiment))


WRITER = """
import json, sys
from dxtbx.model import Beam, Crystal, Detector, Experiment, ExperimentList, MultiAxisGoniometer, Scan
from scitbx.array_family import flex

detector = Detector()
root = detector.hierarchy()
root.set_frame((1, 0.02, 0), (-0.02, 1, 0), (-20, 30, -100))
group = root.add_group()
group.set_local_frame((0, 1, 0), (-1, 0, 0), (5, 6, 7))
for i in range(3):
    panel = (root if i == 2 else group).add_panel()
    panel.set_name(str(i))
    panel.set_type("SENSOR_PAD")
    panel.set_local_frame((1, 0, 0.01 * i), (0, 1, 0), (1 + 10 * i, 2, 3))
    panel.set_image_size((50, 40 + i))
    panel.set_pixel_size((0.1, 0.11))
    panel.set_trusted_range((0, 1000))
    panel.set_thickness(0.32)
    panel.set_material("Si")
    panel.set_mu(3.5)
beam = Beam((0.001, 0.002, 1), 0.97)
axes = flex.vec3_double([(1, 0, 0), (0.642788, -0.766044, 0), (0.6, 0.8, 0)])
goniometer = MultiAxisGoniometer(axes, flex.double([30, 40, 5]), flex.std_string(["a", "b", "c"]), int(sys.argv[2]))
scan = Scan((1, 10), (5, 0.2))
crystal = Crystal((40, 3, 1), (2, 50, 3), (1, 4, 60), space_group_symbol="P 1")
found = Experiment(beam=beam, detector=detector, goniometer=goniometer, scan=scan, crystal=crystal)
ExperimentList([found]).as_file(sys.argv[1])
from scitbx import matrix
spindle = matrix.sqr(goniometer.get_setting_rotation()) * matrix.col(goniometer.get_rotation_axis_datum())
whole = matrix.sqr(goniometer.get_setting_rotation()) * matrix.sqr(goniometer.get_fixed_rotation())
print(json.dumps({
    "panels": [[p.get_origin(), p.get_fast_axis(), p.get_slow_axis()] for p in detector],
    "direction": beam.get_unit_s0(), "axis": list(spindle),
    "vectors": [list(whole * matrix.col(v)) for v in crystal.get_real_space_vectors()],
}))
"""


@pytest.mark.parametrize("scan_axis", [0, 1, 2])
def test_we_read_what_dxtbx_writes(scan_axis, tmp_path):
    path = tmp_path / "x.expt"
    said = ask(WRITER, path, scan_axis)
    found = jb.load(path)
    assert [panel.pixels for panel in found.detector.panels] == [(40, 50), (41, 50), (42, 50)]
    for panel, (origin, fast, slow) in zip(found.detector.panels, said["panels"], strict=True):
        np.testing.assert_allclose(np.asarray(panel.origin) * 1e3, origin, atol=1e-9)
        np.testing.assert_allclose(panel.fast_axis, fast, atol=1e-9)
        np.testing.assert_allclose(panel.slow_axis, slow, atol=1e-9)
        assert float(panel.sensor.attenuation) == pytest.approx(3500)
    np.testing.assert_allclose(found.direction, said["direction"], atol=1e-12)
    np.testing.assert_allclose(found.axis, said["axis"], atol=1e-12)
    np.testing.assert_allclose(found.vectors, said["vectors"], atol=1e-9)
    assert found.wavelength == pytest.approx(0.97)
    assert found.rotation == pytest.approx((5.0, 0.2))
    assert found.images == 10
