"""A new detector geometry is one class: here a cylinder about the spindle, as on some neutron and powder instruments.

Run: python examples/04_your_own_detector.py
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxbragg as jb


class Cylinder(jb.AbstractDetector):
    """Pixels on a cylinder about z: fast runs along z, slow around it."""

    radius: jax.Array | np.float64
    pixel: jax.Array | np.float64
    sensor: jb.Sensor | None = None
    mask: None = None
    pixels: tuple[int, int] = eqx.field(static=True, default=(128, 128))

    @property
    def shape(self):
        return (1, *self.pixels)

    def normal(self, panel, slow, fast):
        angle = (self.pixels[0] / 2 - slow) * self.pixel / self.radius
        return jnp.stack([jnp.cos(angle), jnp.sin(angle), 0.0 * angle])

    def position(self, panel, slow, fast):
        height = (fast - self.pixels[1] / 2) * self.pixel
        return self.radius * self.normal(panel, slow, fast) + jnp.array([0.0, 0.0, 1.0]) * height

    def plane_distance(self, panel, slow, fast):
        return self.radius

    def pixel_area(self, panel):
        return self.pixel**2


experiment = jb.Experiment(
    beam=jb.Beam(1.0),
    crystal=jb.Crystal((40, 40, 55, 90, 90, 90), misset=(10, 20, 30), cells=6, shape="gauss"),
    detector=Cylinder(radius=np.float64(0.1), pixel=np.float64(0.8e-3)),
    structure_factors=jb.StructureFactors(default=100.0),
)
image = np.asarray(jb.simulate(experiment))
print(f"{image.shape[1]} × {image.shape[0]} pixels on a cylinder, {image.sum():.4g} photons, all finite")
assert np.isfinite(image).all()
