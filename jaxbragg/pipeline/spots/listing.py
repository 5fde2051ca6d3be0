"""Which reflections give photons: lists whose lengths are chosen before they are made.

What is left out of a pixel is to stay below a share of the brightest spot. Nothing is differentiated by the lists.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxbragg.pipeline.spots.parts import Gaussians, Part
from jaxbragg.pipeline.spots.pieces import Reach, pieces_of, reach_of
from jaxbragg.pipeline.spots.reflections import Points, passage, points_at, rate_of
from jaxbragg.pipeline.spots.search import entry_of
from jaxbragg_kernels import hkl as tables
from jaxbragg_kernels import rotation
from jaxbragg_kernels.spots.matrices import dot, times

_CURVED = 1.2  # on the reach of a reflection, whose second order is left out
_DEEPER = 8.0  # −ln of what the brightest spot of an image may be below the highest one


class Reflections(NamedTuple):
    """Indices that may come near enough to the sphere.

    Attributes:
        hkl: Miller indices [index 3].
        part: Number of the part of the experiment [index].
        filled: Which are not there to fill the list [index].
    """

    hkl: Int[Array, "index 3"]
    part: Int[Array, "index"]
    filled: Bool[Array, "index"]


class Events(NamedTuple):
    """Passages of reflections through the sphere, or near it; in pieces where a way is not straight.

    Attributes:
        hkl: Miller indices [event 3].
        part: Number of the part of the experiment [event].
        side: Before (−1) or after (1) it is deepest inside the sphere [event].
        depth: −ln of what may be left out of its height; below 0 it is not there at all [event].
        reach: Where it gives photons, and how far it is from a straight way [event].
        pieces: How many it is cut into [event].
        piece: Which of them it is, from 0 on [event].
    """

    hkl: Int[Array, "event 3"]
    part: Int[Array, "event"]
    side: Float[Array, "event"]
    depth: Float[Array, "event"]
    reach: Reach
    pieces: Int[Array, "event"]
    piece: Int[Array, "event"]


def near_in(found: Gaussians, limits: tuple[int, int, int], skip: float, d_min: float) -> Int[Array, "part"]:
    """How many indices of each part may come near enough to the sphere."""

    def count(part: Part) -> Int[Array, ""]:
        return candidates(found, part, limits, skip, d_min).sum()

    return jax.lax.map(count, found.parts)


def candidates_of_all(
    found: Gaussians, limits: tuple[int, int, int], skip: float, d_min: float
) -> Bool[Array, "part index"]:
    """Which indices of each part may come near enough to the sphere."""

    def of_part(part: Part) -> Bool[Array, "index"]:
        return candidates(found, part, limits, skip, d_min)

    if found.parts.weight.shape[0] == 1:  # in a loop only one core would be at work
        return jax.vmap(of_part)(found.parts)
    return jax.lax.map(of_part, found.parts)


def reflections_near(
    found: Gaussians, limits: tuple[int, int, int], skip: float, d_min: float, count: int
) -> Reflections:
    """Indices that may come near enough to the sphere, as many places for each part.

    Args:
        found: The experiment.
        limits: Largest |h|, |k|, |l|.
        skip: What may be left out, as a share of the brightest.
        d_min: [Å].
        count: Places for each part.
    """

    def of_part(part: Part) -> tuple[Int[Array, "index"], Int[Array, ""]]:
        near = candidates(found, part, limits, skip, d_min)
        (which,) = jnp.nonzero(near, size=count, fill_value=0)
        return which.astype(jnp.int32), near.sum()

    which, filled = jax.lax.map(of_part, found.parts)
    return reflections_of(which, filled, limits)


def reflections_of(
    which: Int[Array, "part index"], filled: Int[Array, "part"], limits: tuple[int, int, int]
) -> Reflections:
    """The reflections of places in the box of all indices.

    Args:
        which: Places, for each part.
        filled: How many of them are there for more than to fill the list.
        limits: Largest |h|, |k|, |l|.
    """
    parts, count = which.shape
    sizes = [2 * n + 1 for n in limits]
    h, rest = jnp.divmod(which.ravel(), sizes[1] * sizes[2])
    k, l = jnp.divmod(rest, sizes[2])
    hkl = jnp.stack([h - limits[0], k - limits[1], l - limits[2]], axis=1)
    number = jnp.repeat(jnp.arange(parts, dtype=jnp.int32), count)
    return Reflections(hkl, number, (jnp.arange(count) < filled[:, None]).ravel())


def candidates(
    found: Gaussians, part: Part, limits: tuple[int, int, int], skip: float, d_min: float
) -> Bool[Array, "index"]:
    """Which indices may come near enough to the sphere of one part: by a bound that costs little for each.

    2 s₀·G(φ) + G² is 0 on the sphere. A rotation changes it by no more than 2 |s₀ × u| |u × G| times the angle.
    """
    deepest = np.log(1.0 / skip) + _DEEPER
    beam = part.beam / part.wavelength
    h, k, l = (jnp.arange(-n, n + 1, dtype=part.stars.dtype) for n in limits)
    half = 0.5 * (part.end - part.start)
    middle = rotation.axis_angle(part.axis, part.start + half)
    stars = times(middle[None], part.stars)
    # By components, each a sum of three tables: whole numbers times vectors.
    x, y, z = (
        h[:, None, None] * stars[0, i] + k[None, :, None] * stars[1, i] + l[None, None, :] * stars[2, i]
        for i in range(3)
    )
    square = x * x + y * y + z * z
    value = 2.0 * (x * beam[0] + y * beam[1] + z * beam[2]) + square
    along = x * part.axis[0] + y * part.axis[1] + z * part.axis[2]
    moved = 2.0 * half * jnp.sqrt(jnp.maximum(square - along * along, 0.0)) * _length(jnp.cross(beam, part.axis))
    # The variance of that for a point G whose place is Gaussian: of its gradient, 2 (s₀ + G), times how far it moves.
    v = (x + beam[0], y + beam[1], z + beam[2])
    inward = v[0] * x + v[1] * y + v[2] * z
    length = v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
    turned = jnp.maximum(length * square - inward * inward, 0.0)
    wide = length * (_trace(part.size) + _trace(part.divergence)) + _largest(found.mosaic) * turned
    wide = wide + part.bandwidth * inward * inward
    if found.strain is not None:
        for index, star in zip((h[:, None, None], k[None, :, None], l[None, None, :]), stars, strict=True):
            wide = wide + _largest(found.strain) * (index * (v[0] * star[0] + v[1] * star[1] + v[2] * star[2])) ** 2
    near = jnp.abs(value) <= moved + _CURVED * 2.0 * jnp.sqrt(2.0 * deepest * wide)
    if d_min > 0:
        near &= square * d_min**2 <= 1.0
    return near.ravel()


def _trace(m: Float[Array, "3 3"]) -> Float[Array, ""]:
    return m[0, 0] + m[1, 1] + m[2, 2]


def _largest(m: Float[Array, "3 3"]) -> Float[Array, ""]:
    """No smaller than the largest eigenvalue: the largest sum of a row."""
    return jnp.abs(m).sum(axis=1).max()


def _length(v: Float[Array, "3"]) -> Float[Array, ""]:
    return jnp.sqrt((v * v).sum())


def all_events(
    found: Gaussians,
    table: tables.Table,
    near: Reflections,
    skip: float,
    d_min: float,
    tolerance: float,
    *,
    turns: bool,
) -> Events:
    """Some reflections; of a rotation each twice, before and after the angle at which it is deepest inside the sphere.

    Args:
        found: The experiment.
        table: |F|.
        near: The reflections.
        skip: What may be left out, as a share of the brightest.
        d_min: [Å].
        tolerance: How far a way may be from a straight one, see `pieces_of`.
        turns: Whether the crystal turns.
    """
    hkl, part = near.hkl, found.of(near.part)
    amplitude = tables.nearest(table.of(part.line), hkl[:, 0], hkl[:, 1], hkl[:, 2]).astype(part.stars.dtype)
    wanted = near.filled & (amplitude != 0)
    beam = part.beam / part.wavelength[:, None]
    events = []
    for side in (-1.0, 1.0) if turns else (1.0,):
        sides = jnp.full(near.part.shape, side, part.stars.dtype)
        way = passage(part, hkl, sides)
        phi = way.phi if turns else jnp.broadcast_to(part.start, sides.shape)
        points = points_at(found, part, hkl, phi)
        _, rate = rate_of(points)
        ray = beam + points.place
        length = jnp.sqrt(dot(ray, ray))
        off, width = length - 1.0 / part.wavelength, _along(points, ray / length[:, None])
        least = 0.5 * off * off / width  # the least exponent on the sphere: that of the plane at the point
        there = wanted
        if d_min > 0:
            there = there & (dot(points.place, points.place) * d_min**2 <= 1.0)
        height = amplitude * amplitude * points.share * part.weight
        if turns:
            share = np.sqrt(2 * np.pi) / jnp.where(rate > 0, rate * (part.end - part.start), 1e-9)
            height = height * jnp.minimum(1.0, share)
            least = jnp.where(way.crosses, 0.0, least)
            there = there & (way.low < way.high)
        height = jnp.where(there, height, 0.0)
        events.append((sides, height, height * jnp.exp(-least), reach_of(points, way, phi, ray, jnp.sqrt(width))))
    side, height, seen, reach = jax.tree.map(lambda *both: jnp.concatenate(both), *events)
    brightest = seen.max()
    depth = jnp.log(jnp.where(height > 0, height, 1.0) / jnp.where(brightest > 0, skip * brightest, 1.0))
    hidden = jnp.where(seen > 0, jnp.log(jnp.where(height > 0, height, 1.0) / jnp.where(seen > 0, seen, 1.0)), jnp.inf)
    depth = jnp.where((height > 0) & (hidden < depth), depth, -1.0)
    pieces = jnp.zeros(depth.shape, jnp.int32)
    if turns:
        reach, pieces = pieces_of(reach, depth, tolerance)
    pieces = jnp.where(depth > 0, jnp.maximum(pieces, 1), 0)
    times_two = len(events)
    return Events(
        jnp.concatenate([hkl] * times_two), jnp.concatenate([near.part] * times_two), side, depth, reach, pieces,
        jnp.zeros_like(pieces),
    )  # fmt: skip


def _along(points: Points, unit: Float[Array, "event 3"]) -> Float[Array, "event"]:
    """nᵀ S n, of S = M⁻¹, without its inverse: 1 / the least of δᵀMδ on the plane n·δ = 1, by two tangents."""
    helper = jnp.where(jnp.abs(unit[:, :1]) < 0.7, jnp.asarray([1.0, 0.0, 0.0]), jnp.asarray([0.0, 1.0, 0.0]))
    one = jnp.cross(unit, helper)
    one = one / jnp.sqrt(dot(one, one))[:, None]
    other = jnp.cross(unit, one)
    m_unit, m_one, m_other = (times(points.inverse, v) for v in (unit, one, other))
    a, b, c = dot(one, m_one), dot(one, m_other), dot(other, m_other)
    d, e = dot(unit, m_one), dot(unit, m_other)
    least = dot(unit, m_unit) - (c * d * d - 2 * b * d * e + a * e * e) / (a * c - b * b)
    return 1.0 / least


def chosen(events: Events, count: int) -> Events:
    """The pieces of the events that are there, so many; what only fills the list is not there."""
    ends = jnp.cumsum(events.pieces)
    number = jnp.arange(count, dtype=jnp.int32)
    which = entry_of(ends, number)
    filled = which < ends.shape[0]
    which = jnp.minimum(which, ends.shape[0] - 1)
    some = jax.tree.map(lambda x: x[which], events)
    return some._replace(depth=jnp.where(filled, some.depth, -1.0), piece=number - (ends - events.pieces)[which])


def is_there(events: Events) -> Bool[Array, "event"]:
    """Which events are not only there to fill the list."""
    return events.depth > 0
