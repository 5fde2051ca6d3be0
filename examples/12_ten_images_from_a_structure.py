"""From a structure to a rotation series that processing programs open: ten images with noise, and their geometry.

The same as a command, of the whole 16-megapixel detector:

    jaxbragg --model examples/protein.pdb --solvent 0.35 46 --detector eiger2-16m -distance 250 -lambda 0.9795 \
        -misset 10 20 30 -N 25 --spot-scale 1e8 -gauss_xtal -osc 0.1 -phisteps 5 -flux 1e12 -exposure 0.05 \
        -beamsize 0.03 -water 100 -oversample 1 --images 10 --counts -seed 1 -o ten_001.h5 --sidecar

Run: python examples/12_ten_images_from_a_structure.py
"""

from pathlib import Path

import equinox as eqx
import numpy as np

import jaxbragg as jb
from jaxbragg.counting import poisson_counts

MODEL = Path(__file__).with_name("protein.pdb")
WAVELENGTH, WIDTH, IMAGES = 0.9795, 0.1, 10

# One of the detectors that `jaxbragg --detectors` lists, with the gaps between its modules and its sensor.
detector = jb.detector("eiger2-1m", distance=0.12, wavelength=WAVELENGTH)
experiment = jb.Experiment(
    # A flux of 10¹² photons/s for 50 ms, in a beam of 30 µm.
    beam=jb.Beam(WAVELENGTH, flux=1e12, exposure=0.05, size=30e-6),
    # A crystal of 10⁸ mosaic blocks of 25 × 25 × 25 cells, which are what makes spots as wide as they are.
    crystal=jb.Crystal((58, 58, 150, 90, 90, 90), misset=(10, 20, 30), cells=25, blocks=1e8, shape="gauss"),
    detector=detector,
    structure_factors=jb.StructureFactors.from_model(MODEL, 1.8, solvent=(0.35, 46.0)),
    scan=jb.Scan.from_range(0.0, WIDTH, 5),
    background=jb.AmorphousBackground.water(100e-6),
)
print(experiment.beam)

images = []
for i in range(IMAGES):  # what is compiled for the first serves all
    turned = eqx.tree_at(lambda e: e.scan.angles, experiment, np.asarray(experiment.scan.angles) + i * WIDTH)
    photons = np.asarray(jb.simulate(turned, jb.Options(oversample=1)))
    images.append(poisson_counts(photons, seed=i))
counts = np.stack(images)
print(f"{IMAGES} images of {counts.shape[2]} × {counts.shape[1]} pixels, {counts.sum():.3g} photons")

# NeXus NXmx for DIALS, XDS, silx, …; any other ending (.cbf, .npy, .tif) takes one image or all of them.
jb.save("ten_001.h5", experiment, counts, (0.0, WIDTH), material="Si")

# What was written is read as any other file of a beamline is.
geometry = jb.load("ten_001.h5")
moved = np.asarray(geometry.detector.origin) @ geometry.direction - 0.12
series = f"{geometry.images} images of {geometry.rotation.width}°"
print(f"{geometry.kind}: {series}, the panel is where it was to {moved:.0e} m")
assert abs(moved) < 1e-12
