"""Reflections as points of the reciprocal lattice that turn, each with a shape of its own."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxbragg.pipeline.spots.parts import Gaussians, Part
from jaxbragg_kernels import rotation
from jaxbragg_kernels.spots.matrices import determinant, dot, inverse, outer, product, times
from jaxbragg_kernels.spots.profile import Motion


class Points(NamedTuple):
    """Some reflections at the angles at which they are looked at.

    Attributes:
        place: G [event 3; 1/Å].
        whole: S, all that widens it included [event 3 3; 1/Å²].
        inverse: M = S⁻¹ [event 3 3; Å²].
        axis: u [event 3].
        velocity: u × G [event 3; 1/Å/rad].
        share: √(|S of the size| / |S|): the height that widening leaves [event].
        bend: Share of the mosaic spread in the width across G [event].
        along: Variance of the place along G [event; 1/Å²].
        stretch: Share of the bandwidth in it [event].
    """

    place: Float[Array, "event 3"]
    whole: Float[Array, "event 3 3"]
    inverse: Float[Array, "event 3 3"]
    axis: Float[Array, "event 3"]
    velocity: Float[Array, "event 3"]
    share: Float[Array, "event"]
    bend: Float[Array, "event"]
    along: Float[Array, "event"]
    stretch: Float[Array, "event"]


def points_at(found: Gaussians, part: Part, hkl: Int[Array, "event 3"], phi: Float[Array, "event"]) -> Points:
    """Reflections turned by φ, and all that widens them there.

    Args:
        found: The experiment.
        part: That of each reflection.
        hkl: Miller indices.
        phi: [rad].
    """
    indices = hkl.astype(part.stars.dtype)
    turn = rotation.axis_angle(jnp.broadcast_to(part.axis, (*phi.shape, 3)), phi)
    place = times(turn, (indices[:, :, None] * part.stars).sum(axis=1))
    size = product(product(turn, jnp.broadcast_to(part.size, turn.shape)), jnp.swapaxes(turn, -1, -2))
    cross = _cross_matrix(place)
    # The domains' rotations are those of the crystal at φ = 0.
    mosaic = product(product(turn, jnp.broadcast_to(found.mosaic, turn.shape)), jnp.swapaxes(turn, -1, -2))
    moved = product(product(cross, mosaic), jnp.swapaxes(cross, -1, -2))
    whole = size + moved + part.bandwidth[:, None, None] * outer(place, place) + part.divergence
    if found.strain is not None:
        rows = times(turn[:, None], indices[:, :, None] * part.stars)  # h a*, k b*, l c*
        whole = whole + (found.strain[:, :, None, None] * outer(rows[:, :, None], rows[:, None])).sum(axis=(1, 2))
    share = jnp.sqrt(determinant(part.size) / determinant(whole))
    spread, rest = (m[:, 0, 0] + m[:, 1, 1] + m[:, 2, 2] for m in (moved, size))
    bend = spread / (spread + rest)
    square = dot(place, place)
    away = square > 0  # 0 0 0 is not: nothing stretches there
    square = jnp.where(away, square, 1.0)
    along = dot(place, times(whole, place)) / square
    along = jnp.where(away, along, 1.0)
    stretch = jnp.where(away, part.bandwidth * square / along, 0.0)
    axis = jnp.broadcast_to(part.axis, place.shape)
    velocity = jnp.cross(axis, place)
    return Points(place, whole, inverse(whole), axis, velocity, share, bend, along, stretch)


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


def passage(part: Part, hkl: Int[Array, "event 3"], side: Float[Array, "event"]) -> Passage:
    """How some reflections pass the sphere: before they are deepest inside it (side −1), or after (1).

    2 s₀·G(φ) + G² = 0 is reach · cos(φ − middle) = rest. A reflection is inside from the one root to the other; each
    side is half a turn.
    """
    at_zero = (hkl.astype(part.stars.dtype)[:, :, None] * part.stars).sum(axis=1)
    beam = part.beam / part.wavelength[:, None]
    axis = jnp.broadcast_to(part.axis, at_zero.shape)
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
    turns = jnp.round((0.5 * (part.start + part.end) - center) / (2 * np.pi))
    center = center + 2 * np.pi * jax.lax.stop_gradient(turns)
    low = jnp.maximum(center - np.pi / 2, part.start)
    high = jnp.minimum(center + np.pi / 2, part.end)
    crossing = center + side * (half - np.pi / 2)
    phi = jnp.clip(crossing, low, jnp.maximum(low, high))
    return Passage(phi, low, high, meets & (crossing > low) & (crossing < high))


def rate_of(points: Points) -> tuple[Float[Array, "event 3"], Float[Array, "event"]]:
    """M v and √(vᵀMv)."""
    slide = times(points.inverse, points.velocity)
    square = dot(points.velocity, slide)
    turning = square > 0
    return slide, jnp.where(turning, jnp.sqrt(jnp.where(turning, square, 1.0)), 0.0)


def motion_of(points: Points, start: Float[Array, "event"], end: Float[Array, "event"]) -> Motion:
    """How reflections turn, to second order, in arc coordinates as far as a spot bends.

    There a rotation leaves the distance along G alone, and what lies across G is carried along at the mean radius.

    Args:
        points: The reflections.
        start: Of the stretch, from where they are looked at [rad].
        end: Likewise.
    """
    m, velocity = points.inverse, points.velocity
    bow, turns = bow_and_turns(points)
    slide = times(m, velocity)
    twist = product(jnp.swapaxes(turns, 1, 2), m)
    m_bow = times(m, bow)
    return Motion(
        slide=slide, rate=dot(velocity, slide), twist=six_of(0.5 * (twist + jnp.swapaxes(twist, 1, 2))),
        faster=2.0 * times(jnp.swapaxes(turns, 1, 2), slide), bow=m_bow, cubic=dot(velocity, m_bow),
        quartic=dot(bow, m_bow), start=start, end=end,
    )  # fmt: skip


def bow_and_turns(points: Points) -> tuple[Float[Array, "event 3"], Float[Array, "event 3 3"]]:
    """a, and L, which gives what δ adds to the velocity."""
    axis, velocity, bend = points.axis, points.velocity, points.bend
    square = dot(points.place, points.place)
    away = square > 0
    length = jnp.where(away, jnp.sqrt(jnp.where(away, square, 1.0)), 1.0)
    unit = points.place / length[:, None]
    around = dot(axis, unit)[:, None] * unit  # of the axis, along G
    bow = jnp.cross(axis, velocity)
    bow = bow - (bend * dot(bow, unit))[:, None] * unit
    longer = bend * 0.5 * (1.0 - points.stretch) / length
    turns = _cross_matrix(around + (1.0 - bend)[:, None] * (axis - around))
    return bow, turns + longer[:, None, None] * outer(velocity, unit)


def six_of(m: Float[Array, "event 3 3"]) -> Float[Array, "event 6"]:
    """xx, yy, zz, xy, xz, yz of symmetric matrices."""
    return jnp.stack([m[:, i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))], axis=1)


def _cross_matrix(v: Float[Array, "event 3"]) -> Float[Array, "event 3 3"]:
    """[v]×."""
    zero = jnp.zeros_like(v[:, 0])
    x, y, z = v[:, 0], v[:, 1], v[:, 2]
    return jnp.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(-1, 3, 3)
