"""A still image of a small crystal, from nothing but numbers.

Run: python examples/01_first_image.py
"""

import numpy as np

import jaxbragg as jb

# Beam along +x, as everywhere unless told otherwise; fast axis along +z, slow axis along -y.
experiment = jb.Experiment(
    beam=jb.Beam(wavelength=1.0, polarization=0.9, flux=1e12, exposure=0.1, size=20e-6),
    crystal=jb.Crystal(
        cell=(40, 40, 55, 90, 90, 90),  # [Å, deg]
        misset=(10, 20, 30),  # [deg] about x, y, z
        cells=(60, 60, 40),
        mosaic=jb.CapMosaic(spread=0.2, domains=20),
        shape="gauss",
    ),
    detector=jb.FlatPanel(
        pixels=(256, 256),
        pixel_size=0.2e-3,  # [m]
        origin=(0.1, 0.0256, -0.0256),  # outer corner of the first pixel [m]
        fast_axis=(0, 0, 1),
        slow_axis=(0, -1, 0),
    ),
    structure_factors=jb.StructureFactors(default=100.0),
)

image = np.asarray(jb.simulate(experiment))

slow, fast = np.unravel_index(image.argmax(), image.shape)
print(f"{image.shape[1]} × {image.shape[0]} pixels, {image.sum():.4g} photons")
print(f"brightest pixel: {image.max():.4g} photons at slow {slow}, fast {fast}")
