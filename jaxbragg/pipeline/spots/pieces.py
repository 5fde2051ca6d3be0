"""How far along the rotation a reflection gives photons, and how straight its way is there.

A point turns on a circle: δ(t) = δ₀ − t v − ½ t² a, with v = u × G and a = u × v. Spots take all three terms, but
expand about one angle (`jaxbragg_kernels.spots.profile`). Where the third is as long as a share of the spot's width,
the rotation is cut into pieces, each about its own middle.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbragg.pipeline.spots.reflections import Passage, Points, bow_and_turns
from jaxbragg_kernels.spots.matrices import dot, product, times

_MARGIN = 1.1  # on how far photons reach, whose third order is left out
_MOST = 4096  # pieces of an event


class Reach(NamedTuple):
    """Where along the rotation an event gives photons.

    Attributes:
        phi: Angle at which it is looked at as a whole [rad].
        speed: Of its distance from the sphere there, over its standard deviation [1/rad].
        bow: Half of what that speed changes by, over the same [1/rad²].
        bend: Half of a, and what turning does to a spot that is not round, in standard deviations of it [1/rad²].
        low, high: The part of the rotation that can give photons [rad].
    """

    phi: Float[Array, "event"]
    speed: Float[Array, "event"]
    bow: Float[Array, "event"]
    bend: Float[Array, "event"]
    low: Float[Array, "event"]
    high: Float[Array, "event"]


def reach_of(
    points: Points, way: Passage, phi: Float[Array, "event"], ray: Float[Array, "event 3"],
    width: Float[Array, "event"],
) -> Reach:  # fmt: skip
    """The reach of some reflections, before anything is known of how bright they are.

    Args:
        points: The reflections at `phi`.
        way: Through the sphere.
        phi: [rad].
        ray: s₀ + G [1/Å].
        width: Standard deviation of the distance from the sphere [1/Å].
    """
    length = jnp.sqrt(dot(ray, ray))
    unit = ray / length[:, None]
    inward = jnp.cross(points.axis, points.velocity)
    speed = dot(unit, points.velocity)
    bow = 0.5 * (dot(unit, inward) + (dot(points.velocity, points.velocity) - speed * speed) / length)
    _, turns = bow_and_turns(points)
    bend = 0.5 * jnp.sqrt(jnp.maximum(dot(inward, times(points.inverse, inward)), 0.0))
    bend = bend + (product(points.inverse, turns) * product(turns, points.whole)).sum(axis=(1, 2))
    return Reach(phi, jnp.abs(speed) / width, jnp.abs(bow) / width, bend, way.low, way.high)


def pieces_of(reach: Reach, depth: Float[Array, "event"], tolerance: float) -> tuple[Reach, Int[Array, "event"]]:
    """The reach as far as there are photons, and how many pieces it needs.

    From where it meets the sphere, s standard deviations s away are |speed| t ∓ bow t² apart: t is below both
    2 s/|speed| and √(s/bow), whatever the sign.

    Args:
        reach: Of each event.
        depth: −ln of what may be left out of its height.
        tolerance: The longest third term, in standard deviations of the spot.
    """
    away = jnp.sqrt(2.0 * jnp.maximum(depth, 0.0))
    tiny = 1e-9
    far = _MARGIN * jnp.minimum(
        2.0 * away / jnp.maximum(reach.speed, tiny), jnp.sqrt(away / jnp.maximum(reach.bow, tiny))
    )
    low, high = jnp.maximum(reach.low, reach.phi - far), jnp.minimum(reach.high, reach.phi + far)
    longest = jnp.sqrt(tolerance / jnp.maximum(reach.bend, tiny))  # of t
    whole = jnp.maximum(high - reach.phi, reach.phi - low)
    # What is farther than two standard deviations counts for little.
    near = jnp.minimum(whole, 2.0 * whole / jnp.maximum(away, 2.0))
    count = jnp.clip(jnp.ceil(0.5 * (high - low) / longest), 1, _MOST).astype(jnp.int32)
    return reach._replace(low=low, high=high), jnp.where(near <= longest, 1, count)
