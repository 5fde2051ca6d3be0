"""Many stills in one launch, and many crystals in one image.

Serial crystallography takes thousands of small images, each of another crystal: of another orientation, size and
brightness. One experiment holds them all when the leaves that differ have an axis of images in front; `simulate_batch`
computes as many at once as suits the machine. `simulate_together` sums all crystals into one image.

Run: python examples/11_many_stills.py
"""

import time

import equinox as eqx
import jax
import numpy as np

import jaxbragg as jb

STILLS = 40
rng = np.random.default_rng(7)

# Everything that the stills have in common.
one = jb.Experiment(
    beam=jb.Beam(wavelength=1.3, fluence=1e25),
    crystal=jb.Crystal((60, 70, 80, 90, 95, 90), cells=20),
    detector=jb.FlatPanel((96, 96), 0.8e-3, (0.1, 0.0384, -0.0384), (0, 0, 1), (0, -1, 0)),
    structure_factors=jb.StructureFactors(rng.uniform(20, 200, (31, 31, 31)), (-15, -15, -15)),
)


def missets_of_uniform_rotations(count: int) -> np.ndarray:
    """Angles about x, then y, then z [deg]. Three uniform angles would not do: they prefer a plane of orientations."""
    quaternions = rng.standard_normal((4, count))
    w, x, y, z = quaternions / np.linalg.norm(quaternions, axis=0)  # uniform on the sphere of unit quaternions
    about_x = np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    about_y = np.arcsin(np.clip(2 * (w * y - z * x), -1, 1))
    about_z = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return np.degrees([about_x, about_y, about_z]).T


# What each has of its own. JAX would round to float32 outside of `enable_x64`.
with jax.enable_x64(True):
    missets = jax.numpy.asarray(missets_of_uniform_rotations(STILLS))
    cells = jax.numpy.asarray(rng.uniform(15, 25, (STILLS, 3)))
    fluences = jax.numpy.asarray(rng.lognormal(np.log(1e25), 0.5, STILLS))
stills = eqx.tree_at(lambda e: (e.crystal.misset, e.crystal.cells, e.beam.fluence), one, (missets, cells, fluences))

images = np.asarray(jb.simulate_batch(stills))
start = time.perf_counter()
np.asarray(jb.simulate_batch(stills))
took = time.perf_counter() - start
print(f"{STILLS} stills of {images.shape[2]} × {images.shape[1]} pixels: {took:.3f} s in one launch")
photons = images.sum(axis=(1, 2))
print(f"photons in a still: {photons.min():.3g} … {photons.max():.3g}")

# The same from a list of experiments; each alone is what `simulate` computes.
third = eqx.tree_at(
    lambda e: (e.crystal.misset, e.crystal.cells, e.beam.fluence), one, (missets[2], cells[2], fluences[2])
)
alone = np.asarray(jb.simulate(third))
assert np.abs(images[2] - alone).max() <= 1e-6 * alone.max()
listed = np.asarray(jb.simulate_batch([one, third]))
assert np.abs(listed[1] - alone).max() <= 1e-6 * alone.max()
print("each still is the one that is simulated alone")

# All crystals in the beam at once.
crowded = np.asarray(jb.simulate_together(stills))
assert np.abs(crowded - images.sum(axis=0)).max() <= 1e-6 * crowded.max()
print("all crystals in one image: the sum of the stills")
