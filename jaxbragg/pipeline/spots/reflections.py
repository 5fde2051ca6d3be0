"""The Gaussians of an experiment, and its reflections as points with a shape of their own."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxbragg.models import Experiment
from jaxbragg.models.gaussian import GaussianMosaic, GaussianSources
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation
from jaxbragg_kernels.shapes.gauss import WIDTH
from jaxbragg_kernels.spots.matrices import determinant, dot, inverse, outer, product, times


class Gaussians(NamedTuple):
    """What an experiment is made of, where all of it is Gaussian.

    Attributes:
        stars: Rows a*, b*, c* at φ = 0 [1/Å].
        size: S of a spot of the crystal's size at φ = 0 [1/Å²].
        mosaic: Covariance of the domains' rotations in the laboratory [rad²].
        beam: Unit vector of the photons.
        wavelength: Mean [Å].
        bandwidth: Variance of the wavelength, as a share of it.
        divergence: What the beam's directions add to S [1/Å²].
        axis: Of the spindle.
        start, end: Of the rotation [rad].
    """

    stars: Float[Array, "3 3"]
    size: Float[Array, "3 3"]
    mosaic: Float[Array, "3 3"]
    beam: Float[Array, "3"]
    wavelength: Float[Array, ""]
    bandwidth: Float[Array, ""]
    divergence: Float[Array, "3 3"]
    axis: Float[Array, "3"]
    start: Float[Array, ""]
    end: Float[Array, ""]


class Points(NamedTuple):
    """Some reflections at the angles at which they are looked at.

    Attributes:
        place: G [event 3; 1/Å].
        inverse: M = S⁻¹, all that widens it included [event 3 3; Å²].
        velocity: u × G [event 3; 1/Å/rad].
        share: √(|S of the size| / |S|): the height that widening leaves [event].
        bend: Share of the mosaic spread in the width across G [event].
    """

    place: Float[Array, "event 3"]
    inverse: Float[Array, "event 3 3"]
    velocity: Float[Array, "event 3"]
    share: Float[Array, "event"]
    bend: Float[Array, "event"]


def gaussians_of(experiment: Experiment) -> Gaussians:
    """The Gaussians of an experiment; in float64, where that is on.

    Raises:
        ValueError: If its mosaic, sources or scan are others.
    """
    crystal, beam, scan = experiment.crystal, experiment.beam, experiment.scan
    vectors = crystal.vectors()
    cells = product(crystal.cells_matrix(), vectors)
    squared = (cells[:, :, None] * cells[:, None, :]).sum(axis=0)
    mosaic: Any = crystal.mosaic
    sources: Any = beam.sources
    direction = beam.direction
    divergence, bandwidth = jnp.zeros((3, 3)), jnp.zeros(())
    if isinstance(sources, GaussianSources):
        bandwidth = sources.bandwidth**2
        field = beam.polarization_axis
        for width, across in ((sources.horizontal, field), (sources.vertical, jnp.cross(field, direction))):
            divergence = divergence + (width / beam.wavelength) ** 2 * outer(across, across)
    start = scan.angles[0] * RADIANS
    return Gaussians(
        stars=inverse(vectors).T,
        size=inverse(4.0 * crystal.fudge / WIDTH * squared),
        mosaic=mosaic.covariance() if isinstance(mosaic, GaussianMosaic) else jnp.zeros((3, 3)),
        beam=direction,
        wavelength=beam.wavelength,
        bandwidth=bandwidth,
        divergence=divergence,
        axis=scan.axis,
        start=start,
        end=start if scan.width is None else start + scan.width * RADIANS,
    )


def points_at(found: Gaussians, hkl: Int[Array, "event 3"], phi: Float[Array, "event"]) -> Points:
    """Reflections turned by φ [rad], and all that widens them there."""
    at_zero = (hkl.astype(found.stars.dtype)[:, :, None] * found.stars).sum(axis=1)
    turn = rotation.axis_angle(jnp.broadcast_to(found.axis, at_zero.shape), phi)
    place = times(turn, at_zero)
    size = product(product(turn, jnp.broadcast_to(found.size, turn.shape)), jnp.swapaxes(turn, -1, -2))
    zero = jnp.zeros_like(place[:, 0])
    x, y, z = place[:, 0], place[:, 1], place[:, 2]
    cross = jnp.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(-1, 3, 3)  # [G]×
    moved = product(product(cross, jnp.broadcast_to(found.mosaic, cross.shape)), jnp.swapaxes(cross, -1, -2))
    whole = size + moved + found.bandwidth * outer(place, place) + found.divergence
    share = jnp.sqrt(determinant(found.size) / determinant(whole))
    spread, rest = (m[:, 0, 0] + m[:, 1, 1] + m[:, 2, 2] for m in (moved, size))
    bend = spread / (spread + rest)
    return Points(place, inverse(whole), jnp.cross(jnp.broadcast_to(found.axis, place.shape), place), share, bend)


class Passage(NamedTuple):
    """How reflections pass the sphere on one side of where they are deepest inside it [rad].

    Attributes:
        phi: Where they meet it, or come nearest to it within the part of the rotation.
        low, high: That part; the end before the beginning where there is none.
        crosses: Whether they meet it within.
    """

    phi: Float[Array, "event"]
    low: Float[Array, "event"]
    high: Float[Array, "event"]
    crosses: Bool[Array, "event"]


def passage(found: Gaussians, hkl: Int[Array, "event 3"], side: Float[Array, "..."]) -> Passage:
    """How some reflections pass the sphere: before they are deepest inside it (side −1), or after (1).

    2 s₀·G(φ) + G² = 0 is reach · cos(φ − middle) = rest. A reflection is inside from the one root to the other; each
    side is half a turn.
    """
    at_zero = (hkl.astype(found.stars.dtype)[:, :, None] * found.stars).sum(axis=1)
    beam = found.beam / found.wavelength
    axis = jnp.broadcast_to(found.axis, at_zero.shape)
    along = dot(at_zero, axis)[:, None] * axis
    first = at_zero - along
    a, b = dot(first, beam), dot(jnp.cross(axis, first), beam)
    square = a * a + b * b
    moves = square > 1e-24 * dot(beam, beam) * dot(at_zero, at_zero)  # 0 for those along the spindle
    reach = jnp.sqrt(jnp.where(moves, square, 1.0))
    middle = jnp.arctan2(jnp.where(moves, b, 0.0), jnp.where(moves, a, 1.0))
    cosine = (-0.5 * dot(at_zero, at_zero) - dot(along, beam)) / reach
    meets = moves & (jnp.abs(cosine) < 1.0 - 1e-12)
    half = jnp.where(meets, jnp.arccos(jnp.where(meets, cosine, 0.0)), jnp.where(cosine < 0, np.pi, 0.0))
    center = middle + side * (np.pi / 2)
    turns = jnp.round((0.5 * (found.start + found.end) - center) / (2 * np.pi))
    center = center + 2 * np.pi * jax.lax.stop_gradient(turns)
    low = jnp.maximum(center - np.pi / 2, found.start)
    high = jnp.minimum(center + np.pi / 2, found.end)
    crossing = center + side * (half - np.pi / 2)
    phi = jnp.clip(crossing, low, jnp.maximum(low, high))
    return Passage(phi, low, high, meets & (crossing > low) & (crossing < high))


def rate_of(points: Points) -> tuple[Float[Array, "event 3"], Float[Array, "event"]]:
    """M v and √(vᵀMv)."""
    slide = times(points.inverse, points.velocity)
    square = dot(points.velocity, slide)
    turning = square > 0
    return slide, jnp.where(turning, jnp.sqrt(jnp.where(turning, square, 1.0)), 0.0)
