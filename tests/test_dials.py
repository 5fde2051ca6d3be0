"""Ten simulated images through DIALS, where it is installed: its spots, and the cell that it finds.

Debian has it (`apt-get install dials`). Its HDF5 finds the filters of hdf5plugin by HDF5_PLUGIN_PATH.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.cli import main
from jaxbragg.view import predict_spots

MODEL = Path(__file__).parents[1] / "examples" / "protein.pdb"
FLAGS = (
    f"--model {MODEL} --solvent 0.35 46 --detector eiger2-4m -distance 150 -lambda 0.9795 -misset 10 20 30 -N 25 "
    "--spot-scale 1e8 -gauss_xtal -osc 0.1 -phisteps 5 -flux 1e12 -exposure 0.05 -beamsize 0.03 -water 100 "
    "-oversample 1 --images 10 --counts -seed 1 -o ten_001.h5 --sidecar --quiet"
)
CENTROIDS = """
import json
from dials.array_family import flex
found = flex.reflection_table.from_file("indexed.refl")
x, y, z = (list(v) for v in found["xyzobs.px.value"].parts())
print(json.dumps({"x": x, "y": y, "z": z, "id": list(found["id"])}))
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("dials.index") is None, reason="DIALS is not installed"),
]


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dials")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(FLAGS.split()) == 0
    finally:
        os.chdir(before)
    plugins = pytest.importorskip("hdf5plugin").PLUGINS_PATH
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"HDF5_PLUGIN_PATH": plugins, "PATH": "/usr/bin:/bin"}
    for words in ("dials.import ten_001.h5", "dials.find_spots imported.expt nproc=2",
                  "dials.index imported.expt strong.refl"):  # fmt: skip
        done = subprocess.run(words.split(), cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    said = subprocess.run(["/usr/bin/python3", "-c", CENTROIDS], cwd=folder, env=environment, capture_output=True,
                          text=True, check=True)  # fmt: skip
    return folder, {name: np.array(values) for name, values in json.loads(said.stdout.splitlines()[-1]).items()}


def test_the_cell_comes_back_to_a_thousandth(indexed):
    folder, centroids = indexed
    cells = [np.linalg.norm(jb.load(folder / name).vectors, axis=1) for name in ("indexed.expt", "ten_001.expt")]
    np.testing.assert_allclose(np.sort(cells[0]), np.sort(cells[1]), rtol=1e-3)
    assert (centroids["id"] == 0).mean() > 0.95  # of the strong spots, those that are indexed
    assert len(centroids["id"]) > 500


def test_its_spots_are_where_ours_are_predicted(indexed):
    folder, centroids = indexed
    geometry = jb.load(folder / "ten_001.expt")
    scan = jb.Scan(np.arange(0, 1.0, 0.1), geometry.axis)
    spots = predict_spots(geometry.crystal(cells=25), geometry.beam(), geometry.detector, scan, d_min=1.5)
    far = np.hypot(centroids["x"][:, None] - spots.fast, centroids["y"][:, None] - spots.slow).min(axis=1)
    inner = (centroids["z"] > 2) & (centroids["z"] < 8)  # whole: not cut off by the ends of the rotation
    assert inner.sum() > 200
    assert np.median(far[inner]) < 0.1
    assert (far[inner] < 0.5).mean() > 0.95


SHARP = (
    f"--model {MODEL} --solvent 0.35 46 --detector rayonix-mx225hs -distance 150 -lambda 0.9795 -misset 10 20 30 -N 60 "
    "--spot-scale 3e6 -gauss_xtal --mosaic-gauss 0.02 -osc 0.1 -flux 1e12 -exposure 0.05 -beamsize 0.03 -water 100 "
    "-oversample 1 --counts -seed 1 -o one.h5 --quiet"
)


@pytest.mark.parametrize(("spread", "kept"), [("", (0.0, 0.6)), ("--psf-gauss 110", (0.9, 1.0))])
def test_a_point_spread_keeps_spots_from_being_too_small(spread, kept, tmp_path, monkeypatch):
    """Of what DIALS takes for strong it drops, by its defaults, spots of fewer than 3 pixels: most of sharp ones."""
    monkeypatch.chdir(tmp_path)
    assert main([*SHARP.split(), *spread.split()]) == 0
    plugins = pytest.importorskip("hdf5plugin").PLUGINS_PATH
    environment = {"HOME": str(tmp_path), "HDF5_PLUGIN_PATH": plugins, "PATH": "/usr/bin:/bin"}
    for words in ("dials.import one.h5", "dials.find_spots imported.expt nproc=2"):
        done = subprocess.run(words.split(), env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    extracted, saved = (
        int(re.search(pattern, done.stdout).group(1))
        for pattern in (r"Extracted (\d+) spots", r"Saved (\d+) reflections")
    )
    assert extracted > 500
    assert kept[0] <= saved / extracted <= kept[1]


BATCH = """
shots = 5
seed = 3

[base]
flags = "-cell 50 60 70 90 90 90 -default_F 100 -N 6 -detpixels 40 -pixel 1 -distance 100 -fluence 1e28 -oversample 1"

[vary]
"crystal.orientation" = "uniform"
"beam.wavelength" = {normal = [1.0, 0.01]}

[output]
chunk = 2
counts = true
compression = "gzip"
"""
OPENED = """
import json, sys
from dxtbx.model.experiment_list import ExperimentListFactory
found = ExperimentListFactory.from_filenames([sys.argv[1]])
print(json.dumps({
    "wavelengths": [each.beam.get_wavelength() for each in found],
    "distance": found[0].detector[0].get_distance(),
    "sums": [sum(each.imageset.get_raw_data(0)[0]) for each in found],
}))
"""


def test_dxtbx_opens_the_master_of_a_batch_as_stills(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("plan.toml").write_text(BATCH)
    assert main(["batch", "plan.toml", "--out", "whole", "--quiet"]) == 0
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(["/usr/bin/python3", "-c", OPENED, "whole/master.h5"], env=environment, capture_output=True,
                          text=True, check=True)  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    with h5py.File("whole/master.h5") as file:
        images = file["entry/data/data"][()]
        wavelengths = file["entry/instrument/beam/incident_wavelength"][()]
    assert found["sums"] == images.sum(axis=(1, 2)).tolist()
    np.testing.assert_allclose(found["wavelengths"], wavelengths, rtol=1e-12)
    assert found["distance"] == pytest.approx(100.0)
