"""The Gaussians of an experiment: one for each orientation, angle and line of the beam that are listed one by one."""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbragg.models import Experiment
from jaxbragg.models.gaussian import GaussianMosaic
from jaxbragg.options import Options
from jaxbragg.pipeline.spots.cuts import cut_lines, cut_mosaic, cuts_in
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation
from jaxbragg_kernels.shapes.gauss import WIDTH
from jaxbragg_kernels.spots.matrices import inverse, outer, product


class Part(NamedTuple):
    """What one part of an experiment is made of; or many, with an axis in front.

    Attributes:
        stars: Rows a*, b*, c* at φ = 0 [3 3; 1/Å].
        size: S of a spot of the crystal's size at φ = 0 [3 3; 1/Å²].
        beam: Unit vector of the photons [3].
        wavelength: Mean [Å].
        bandwidth: Variance of the wavelength, as a share of it.
        divergence: What the beam's directions add to S [3 3; 1/Å²].
        weight: Share of the image.
        line: Number of the line of the beam.
        axis: Unit vector of the spindle [3]; of a listed domain, which is turned last, turned with it.
        start, end: Of the rotation [rad].
    """

    stars: Float[Array, "*part 3 3"]
    size: Float[Array, "*part 3 3"]
    beam: Float[Array, "*part 3"]
    wavelength: Float[Array, "*part"]
    bandwidth: Float[Array, "*part"]
    divergence: Float[Array, "*part 3 3"]
    weight: Float[Array, "*part"]
    line: Int[Array, "*part"]
    axis: Float[Array, "*part 3"]
    start: Float[Array, "*part"]
    end: Float[Array, "*part"]


class Gaussians(NamedTuple):
    """An experiment whose spots are Gaussian.

    Attributes:
        parts: Of which its image is the weighted sum.
        mosaic: Covariance of the domains' rotations in the laboratory [rad²].
        strain: Covariance of the relative changes of a, b, c; None for cells that are alike.
    """

    parts: Part
    mosaic: Float[Array, "3 3"]
    strain: Float[Array, "3 3"] | None

    def of(self, part: Int[Array, "event"]) -> Part:
        """The part of each event."""
        if self.parts.weight.shape[0] == 1:
            return self.parts  # an axis of length 1, which goes with any
        return Part(*(x[part] for x in self.parts))


def gaussians_of(experiment: Experiment, cuts: tuple[int, ...]) -> Gaussians:
    """The Gaussians of an experiment with gauss spots; in float64, where that is on.

    Args:
        experiment: Its leaves may be traced.
        cuts: See `jaxbragg.pipeline.spots.cuts`.
    """
    crystal, beam, scan = experiment.crystal, experiment.beam, experiment.scan
    vectors, frame = crystal.vectors(), crystal.frame()
    cells = product(crystal.cells_matrix(), vectors)
    squared = (cells[:, :, None] * cells[:, None, :]).sum(axis=0)
    stars, size = inverse(vectors).T, inverse(4.0 * crystal.fudge / WIDTH * squared)
    mosaic: Any = crystal.mosaic
    if isinstance(mosaic, GaussianMosaic):
        about, weights, narrow = cut_mosaic(mosaic, cuts)
        turns = rotation.product(rotation.product(frame, about), frame.T)
        covariance = rotation.product(rotation.product(frame, narrow), frame.T)
        axes = jnp.broadcast_to(scan.spindle(), (turns.shape[0], 3))
    else:
        turns, covariance = jnp.asarray(mosaic.rotations()), jnp.zeros((3, 3))
        weights = jnp.full(turns.shape[0], 1.0 / turns.shape[0])
        axes = (turns * scan.spindle()).sum(axis=2)
    whole = beam.gaussians()
    lines = cut_lines(whole, beam.polarization_axis, cuts)
    of_one = lines.weights.shape[0] // whole.weights.shape[0]
    angles = scan.angles * RADIANS
    counts = turns.shape[0], angles.shape[0], lines.weights.shape[0]

    def spread(x: Any, axis: int) -> Any:
        """All parts, of what there is for each orientation (0), angle (1) or line (2)."""
        shape = [1, 1, 1, *x.shape[1:]]
        shape[axis] = counts[axis]
        return jnp.broadcast_to(x.reshape(shape), (*counts, *x.shape[1:])).reshape(-1, *x.shape[1:])

    return Gaussians(
        parts=Part(
            stars=spread(product(jnp.broadcast_to(stars, turns.shape), jnp.swapaxes(turns, 1, 2)), 0),
            size=spread(product(product(turns, jnp.broadcast_to(size, turns.shape)), jnp.swapaxes(turns, 1, 2)), 0),
            beam=spread(lines.directions, 2),
            wavelength=spread(lines.wavelengths, 2),
            bandwidth=spread(lines.bandwidths**2, 2),
            divergence=spread(_divergence(lines, beam.polarization_axis), 2),
            weight=spread(weights / counts[1], 0) * spread(lines.weights, 2),
            line=spread(jnp.arange(counts[2], dtype=jnp.int32) // of_one, 2),
            axis=spread(axes, 0),
            start=spread(angles, 1),
            end=spread(angles if scan.width is None else angles + scan.width * RADIANS, 1),
        ),
        mosaic=covariance,
        strain=None if crystal.cell_spread is None else crystal.cell_spread.covariance(),
    )


def parts_of(experiment: Experiment, options: Options) -> int:
    """How many parts an experiment has, without making them.

    Args:
        experiment: With values.
        options: For the cuts.
    """
    mosaic: Any = experiment.crystal.mosaic
    domains = 1 if isinstance(mosaic, GaussianMosaic) else mosaic.rotations().shape[0]
    lines = experiment.beam.gaussians().weights.shape[0]
    return domains * experiment.scan.angles.shape[0] * lines * math.prod(cuts_in(options))


def _divergence(lines: Any, field: Float[Array, "3"]) -> Float[Array, "line 3 3"]:
    """What directions across each line's own add to S: about beam × field, and about the field."""
    field = jnp.broadcast_to(field / jnp.sqrt((field * field).sum()), lines.directions.shape)
    across = jnp.cross(field, lines.directions)
    square = (across * across).sum(axis=1, keepdims=True)
    across = across / jnp.sqrt(jnp.where(square > 0, square, 1.0))  # a line along the field has neither
    along = jnp.cross(lines.directions, across)
    return sum(
        ((width / lines.wavelengths) ** 2)[:, None, None] * outer(one, one)
        for width, one in ((lines.horizontal, along), (lines.vertical, across))
    )  # type: ignore[return-value]
