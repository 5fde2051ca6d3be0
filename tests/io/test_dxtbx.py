"""What dxtbx, DIALS's reader, makes of our files: in a Python of its own, which JAXBRAGG_DXTBX_PYTHON names.

dxtbx is not on PyPI; Debian has it (`apt-get install python3-cctbx`). It needs nxmx, hdf5plugin and natsort beside it.
"""

import json
import os
import subprocess

import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.io.nxmx import Rotation, write_nxmx

PYTHON = os.environ.get("JAXBRAGG_DXTBX_PYTHON", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="JAXBRAGG_DXTBX_PYTHON names no Python that has dxtbx")

READER = """
import json, sys
from dxtbx.model.experiment_list import ExperimentListFactory

(found,) = ExperimentListFactory.from_filenames([sys.argv[1]])
(panel,) = found.detector
print(json.dumps({
    "origin": panel.get_origin(), "fast": panel.get_fast_axis(), "slow": panel.get_slow_axis(),
    "pixel": panel.get_pixel_size(), "s0": found.beam.get_s0(), "wavelength": found.beam.get_wavelength(),
    "trusted": panel.get_trusted_range(), "spindle": found.goniometer and found.goniometer.get_rotation_axis(),
    "oscillation": found.scan and found.scan.get_oscillation(), "frames": len(found.imageset),
    "sum": int(found.imageset.get_raw_data(1)[0].as_numpy_array().sum()),
}))
"""
BASE = "-cell 40 -default_F 10 -N 5 -detpixels_f 60 -detpixels_s 40 -pixel 0.2 -lambda 0.97 -distance 80"


@pytest.mark.parametrize(
    "flags",
    [
        BASE,
        f"{BASE} -detector_rotx 3 -detector_roty -2 -detector_rotz 5 -twotheta 7 -Xbeam 5 -Ybeam 3",
        f"{BASE} -fdet_vector 0 0 -1 -sdet_vector 0 -1 0 -odet_vector 1 0 0",
        f"{BASE} -xds -detector_rotz 4",
    ],
    ids=["flat", "tilted", "mirrored", "xds"],
)
def test_dxtbx_has_the_geometry_and_the_pixels(flags, tmp_path):
    experiment, _ = jb.read_experiment(flags.split())
    counts = np.random.default_rng(0).poisson(20, (3, 40, 60)).astype(np.uint32)
    path = tmp_path / "image_001.h5"
    write_nxmx(path, counts, experiment, Rotation(10.0, 0.5))
    said = subprocess.run([PYTHON, "-c", READER, str(path)], capture_output=True, text=True, check=True, timeout=120)
    found = json.loads(said.stdout.splitlines()[-1])
    # imgCIF's frame: x along the spindle, z towards the source.
    z, x = -np.asarray(experiment.beam.direction), np.asarray(experiment.scan.axis)
    axes, panel = np.stack([x, np.cross(z, x), z]), experiment.detector
    np.testing.assert_allclose(found["origin"], axes @ np.asarray(panel.origin) * 1e3, atol=1e-6)  # [mm]
    np.testing.assert_allclose(found["fast"], axes @ np.asarray(panel.fast_axis), atol=1e-9)
    np.testing.assert_allclose(found["slow"], axes @ np.asarray(panel.slow_axis), atol=1e-9)
    np.testing.assert_allclose(found["pixel"], [0.2, 0.2])
    np.testing.assert_allclose(found["s0"], [0, 0, -1 / 0.97], atol=1e-9)
    np.testing.assert_allclose(found["spindle"], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found["oscillation"], [10.0, 0.5])
    assert found["frames"] == 3
    assert found["sum"] == counts[1].sum()
    assert found["trusted"][0] in (0, -1)
