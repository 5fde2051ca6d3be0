"""How the image changes with every number that describes the experiment, in one call.

Run: python examples/03_gradient.py
"""

import shlex

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxbragg as jb

experiment, options = jb.read_experiment(
    shlex.split(
        "-cell 40 50 60 85 95 100 -misset 5 15 25 -default_F 100 -N 8 -gauss_xtal -lambda 1 "
        "-distance 100 -detpixels 64 -pixel 0.4 -oversample 1"
    )
)


def brightness(e: jb.Experiment, options: jb.Options = options) -> jax.Array:
    """Photons in the middle of the image."""
    return jb.simulate(e, options)[24:40, 24:40].sum()


# One number by all numbers: reverse mode.
slopes = jax.jit(jax.grad(brightness))(experiment)
print(f"brightness {float(brightness(experiment)):.6g} photons; it grows by")
for name, where, unit in (
    ("a", lambda e: e.crystal.cell.a, "Å"),
    ("gamma", lambda e: e.crystal.cell.gamma, "deg"),
    ("misset x", lambda e: e.crystal.misset[0], "deg"),
    ("wavelength", lambda e: e.beam.wavelength, "Å"),
):
    print(f"  {float(where(slopes)):12.5g} per {unit} of {name}")

# The same by a small step, in float64 so that there is something left after the subtraction. jaxbragg opens float64 by
# itself; what we do with its float64 images is our own arithmetic, and JAX wants to be told.
with jax.enable_x64(True):
    double = jb.Options(oversample=options.oversample, precision="float64")
    a, step = experiment.crystal.cell.a, 1e-5
    up, down = (
        float(brightness(eqx.tree_at(lambda e: e.crystal.cell.a, experiment, a + s), double)) for s in (step, -step)
    )
np.testing.assert_allclose(slopes.crystal.cell.a, (up - down) / (2 * step), rtol=1e-4)
print("the first agrees with central differences to 1e-4")


# An image by one number: forward mode.
def moved(shift: jax.Array) -> jax.Array:
    with jax.enable_x64(True):
        origin = experiment.detector.origin + shift * experiment.beam.direction
    return jb.simulate(eqx.tree_at(lambda e: e.detector.origin, experiment, origin), options)


image, derivative = jax.jvp(moved, (jnp.float32(0.0),), (jnp.float32(1.0),))
print(f"by the distance: an image of {derivative.shape}, up to {float(jnp.abs(derivative).max()):.4g} photons/m")
