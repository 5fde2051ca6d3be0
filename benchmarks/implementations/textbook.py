"""The yardstick: the textbook formula in plain float64 JAX, as one writes it before thinking of speed.

Sources and orientations are scanned over, for the images of a hundred domains would not fit anywhere; the scattering
vector is taken out of the inner scan, for anybody would.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from benchmarks.cases import Case
from benchmarks.experiments import experiment_of
from benchmarks.harness import Measured, time_program
from benchmarks.implementations.base import Implementation
from benchmarks.programs import program
from jaxbragg.models import Experiment
from jaxbragg_kernels import reference, rotation, scaling


class Textbook(Implementation):
    """`jaxbragg_kernels.reference`, scanned."""

    name = "textbook"

    def refusal(self, case: Case, mode: str) -> str | None:
        """See `Implementation.refusal`."""
        if mode not in ("forward", "reverse", "jacobian"):
            return f"no mode {mode}"
        if mode != "forward":
            return "through a plain scan, gradients keep every orientation's image"
        if case.shape != "square" or case.options or case.stills > 1:
            return "square spots, one still and default options only"
        return None

    def measure(self, case: Case, mode: str, repeats: int) -> Measured:
        """See `Implementation.measure`."""
        return time_program(*program(mode, draw, experiment_of(case)), repeats)


def draw(experiment: Experiment) -> Float[Array, "..."]:
    """The image [photons] of a detector without a sensor."""
    crystal, beam, detector, factors = (
        experiment.crystal,
        experiment.beam,
        experiment.detector,
        experiment.structure_factors,
    )
    panels, slow, fast = detector.shape
    with jax.enable_x64(True):
        grid = jnp.meshgrid(jnp.arange(panels), jnp.arange(slow) + 0.5, jnp.arange(fast) + 0.5, indexing="ij")
        position = jax.vmap(jax.vmap(jax.vmap(detector.position)))(*grid)
        turns = rotation.orientation_stack(experiment.scan.rotations(), crystal.mosaic.rotations())
        rows = crystal.vectors()
        orientations = (turns[:, None, :, :] * rows[None, :, None, :]).sum(axis=-1)
        x, y, z = position[..., 0], position[..., 1], position[..., 2]
        distance = jnp.sqrt(x * x + y * y + z * z)
        unit = (x / distance, y / distance, z / distance)

        def add_source(total: Array, source: tuple) -> tuple[Array, None]:
            direction, wavelength, weight = source
            q = reference.scattering_vector(position, direction, wavelength)

            def add(inner: Array, cell: Array) -> tuple[Array, None]:
                box, low, default = factors.amplitudes(), factors.minimum, factors.default
                return inner + reference.intensity_at(q, cell, crystal.cells, box, low, default), None

            bragg = jax.lax.scan(add, jnp.zeros(distance.shape), orientations)[0]
            polarized = scaling.polarization(unit, direction, beam.polarization_axis, beam.polarization)
            return total + weight * polarized * bragg, None

        image = jax.lax.scan(add_source, jnp.zeros(distance.shape), beam.rays())[0]
        area = jax.vmap(detector.pixel_area)(jnp.arange(panels))[:, None, None]
        plane = jax.vmap(jax.vmap(jax.vmap(detector.plane_distance)))(*grid)
        scale = scaling.THOMSON_AREA * beam.fluence / turns.shape[0]
        image = image * area * plane / distance**3 * scale
        return image[0] if panels == 1 else image
