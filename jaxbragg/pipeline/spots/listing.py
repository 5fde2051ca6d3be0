"""Which reflections give photons, and to which tiles: lists whose lengths are chosen before they are made.

What is left out of a pixel is to stay below a share of the brightest spot. Nothing is differentiated by the lists.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxbragg.models import AbstractDetector, FlatPanel, MultiPanel
from jaxbragg.pipeline.plan import Plan
from jaxbragg.pipeline.spots.reflections import Gaussians, Points, passage, points_at, rate_of
from jaxbragg_kernels import hkl as tables
from jaxbragg_kernels import rotation
from jaxbragg_kernels.spots.matrices import dot, times

_MARGIN = 1.1  # on the half-widths of boxes, whose curvature is left out
_PIXELS = 1.5  # beside
_CURVED = 1.2  # on the reach of a reflection, whose second order is left out
_DEEPER = 8.0  # −ln of what the brightest spot of an image may be below the highest one


class Events(NamedTuple):
    """Reflections that meet the sphere, or come near enough, once each.

    Attributes:
        hkl: Miller indices [event 3].
        side: Before (−1) or after (1) it is deepest inside the sphere.
        phi: Angle at which each is looked at [rad].
        depth: −ln of what may be left out of its height; below 0 it is not there at all.
    """

    hkl: Int[Array, "event 3"]
    side: Float[Array, "event"]
    phi: Float[Array, "event"]
    depth: Float[Array, "event"]


class Boxes(NamedTuple):
    """The tiles that each event is drawn in.

    Attributes:
        panel, row, column: First tile, of all events on the first panel, then on the next [box].
        rows, columns: How many; 0 where the event does not reach the panel.
    """

    panel: Int[Array, "box"]
    row: Int[Array, "box"]
    column: Int[Array, "box"]
    rows: Int[Array, "box"]
    columns: Int[Array, "box"]


class Pairs(NamedTuple):
    """Which event is drawn in which tile.

    Attributes:
        event: Numbers of events [pair].
        tile: Numbers of tiles; that of the first beyond all for pairs that only fill the list.
    """

    event: Int[Array, "pair"]
    tile: Int[Array, "pair"]


def grid_of(limits: tuple[int, int, int]) -> np.ndarray:
    """Every index within the limits [index 3]."""
    axes = [np.arange(-n, n + 1, dtype=np.int32) for n in limits]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def candidates(found: Gaussians, limits: tuple[int, int, int], skip: float, d_min: float) -> Bool[Array, "index"]:
    """Which indices may come near enough to the sphere: by a bound that costs little for each.

    2 s₀·G(φ) + G² is 0 on the sphere. A rotation changes it by no more than 2 |s₀ × u| |u × G| times the angle.
    """
    deepest = np.log(1.0 / skip) + _DEEPER
    beam = found.beam / found.wavelength
    h, k, l = (jnp.arange(-n, n + 1, dtype=found.stars.dtype) for n in limits)
    half = 0.5 * (found.end - found.start)
    middle = rotation.axis_angle(found.axis, found.start + half)
    stars = times(middle[None], found.stars)
    # By components, each a sum of three tables: whole numbers times vectors.
    x, y, z = (
        h[:, None, None] * stars[0, i] + k[None, :, None] * stars[1, i] + l[None, None, :] * stars[2, i]
        for i in range(3)
    )
    square = x * x + y * y + z * z
    value = 2.0 * (x * beam[0] + y * beam[1] + z * beam[2]) + square
    along = x * found.axis[0] + y * found.axis[1] + z * found.axis[2]
    moved = 2.0 * half * jnp.sqrt(jnp.maximum(square - along * along, 0.0)) * _length(jnp.cross(beam, found.axis))
    # The variance of that for a point G whose place is Gaussian: of its gradient, 2 (s₀ + G), times how far it moves.
    v = (x + beam[0], y + beam[1], z + beam[2])
    inward = v[0] * x + v[1] * y + v[2] * z
    length = v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
    turned = jnp.maximum(length * square - inward * inward, 0.0)
    wide = length * (_trace(found.size) + _trace(found.divergence)) + _largest(found.mosaic) * turned
    reach = 2.0 * jnp.sqrt(2.0 * deepest * (wide + found.bandwidth * inward * inward))
    near = jnp.abs(value) <= moved + _CURVED * reach
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
    grid: Int[Array, "index 3"],
    filled: Bool[Array, "index"],
    skip: float,
    d_min: float,
    *,
    turns: bool,
) -> Events:
    """Some indices; of a rotation each twice, before and after the angle at which it is deepest inside the sphere.

    Args:
        found: What the experiment is made of.
        table: |F|.
        grid: The indices.
        filled: Which of them are not there to fill the list.
        skip: What may be left out, as a share of the brightest.
        d_min: [Å].
        turns: Whether the crystal turns.
    """
    amplitude = tables.nearest(table, grid[:, 0], grid[:, 1], grid[:, 2]).astype(found.stars.dtype)
    beam = found.beam / found.wavelength
    events = []
    for side in (-1.0, 1.0) if turns else (1.0,):
        sides = jnp.full(grid.shape[:1], side, found.stars.dtype)
        way = passage(found, grid, sides)
        phi = way.phi if turns else jnp.broadcast_to(found.start, sides.shape)
        points = points_at(found, grid, phi)
        _, rate = rate_of(points)
        ray = beam + points.place
        length = jnp.sqrt(dot(ray, ray))
        off = length - 1.0 / found.wavelength
        # The least exponent on the sphere: that of the plane at the point.
        least = 0.5 * off * off / _along(points, ray / length[:, None])
        square = dot(points.place, points.place)
        height = amplitude * amplitude * points.share
        wanted = filled & (amplitude != 0)
        if d_min > 0:
            wanted &= square * d_min**2 <= 1.0
        if turns:
            share = np.sqrt(2 * np.pi) / jnp.where(rate > 0, rate * (found.end - found.start), 1e-9)
            height = height * jnp.minimum(1.0, share)
            least = jnp.where(way.crosses, 0.0, least)
            wanted &= way.low < way.high
        height = jnp.where(wanted, height, 0.0)
        events.append((sides, phi, height, height * jnp.exp(-least)))
    side, phi, height, seen = (jnp.concatenate(parts) for parts in zip(*events, strict=True))
    brightest = seen.max()
    depth = jnp.log(jnp.where(height > 0, height, 1.0) / jnp.where(brightest > 0, skip * brightest, 1.0))
    hidden = jnp.where(seen > 0, jnp.log(jnp.where(height > 0, height, 1.0) / jnp.where(seen > 0, seen, 1.0)), jnp.inf)
    depth = jnp.where((height > 0) & (hidden < depth), depth, -1.0)
    return Events(jnp.concatenate([grid] * len(events)), side, phi, depth)


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
    """The first so many events that are there; what only fills the list is not there."""
    (which,) = jnp.nonzero(events.depth > 0, size=count, fill_value=0)
    filled = jnp.arange(count) < (events.depth > 0).sum()
    some = Events(*(x[which] for x in events))
    return some._replace(depth=jnp.where(filled, some.depth, -1.0))


def boxes_of(found: Gaussians, events: Events, detector: AbstractDetector, plan: Plan, *, turns: bool) -> Boxes:
    """The tiles that hold all of an event but what may be left out."""
    points = points_at(found, events.hkl, events.phi)
    m = points.inverse
    if turns:  # whatever the angle: without what lies along the motion
        slide, rate = rate_of(points)
        part = slide / jnp.where(rate > 0, rate, 1.0)[:, None]
        m = m - part[:, :, None] * part[:, None, :]
    panels: Any = detector.panels if isinstance(detector, MultiPanel) else (detector,)
    # A spot at an edge is seen by both panels.
    boxes = [_box_on(found, points.place, m, events, panel, i, plan) for i, panel in enumerate(panels)]
    return Boxes(*(jnp.concatenate(parts) for parts in zip(*boxes, strict=True)))


def _box_on(
    found: Gaussians, place: Float[Array, "event 3"], m: Float[Array, "event 3 3"], events: Events, panel: FlatPanel,
    number: int, plan: Plan,
) -> Boxes:  # fmt: skip
    ray = found.beam / found.wavelength + place
    unit = ray / jnp.sqrt(dot(ray, ray))[:, None]
    fast, slow = panel.fast_axis * panel.pixel_size[0], panel.slow_axis * panel.pixel_size[1]
    normal = jnp.cross(fast, slow)
    depth = 0.0 if panel.sensor is None else panel.sensor.layer_thickness * (panel.sensor.layers - 1)
    cosine = dot(unit, normal)
    plane = dot(panel.origin, normal)
    hits = cosine * jnp.sign(plane) > 1e-6 * jnp.sqrt(dot(normal, normal))
    distance = plane / jnp.where(hits, cosine, 1.0)
    spot = unit * distance[:, None] - panel.origin
    # Along axes that need not be at right angles.
    ff, fs, ss = dot(fast, fast), dot(fast, slow), dot(slow, slow)
    whole = ff * ss - fs * fs
    x = (ss * dot(spot, fast) - fs * dot(spot, slow)) / whole
    y = (ff * dot(spot, slow) - fs * dot(spot, fast)) / whole
    # q changes by so much from pixel to pixel.
    steps = [(v - unit * dot(unit, v)[:, None]) / (distance * found.wavelength)[:, None] for v in (fast, slow)]
    delta = (unit - found.beam) / found.wavelength - place
    m_delta, m_fast, m_slow = times(m, delta), times(m, steps[0]), times(m, steps[1])
    a, b, c = dot(steps[0], m_fast), dot(steps[0], m_slow), dot(steps[1], m_slow)
    g, h = dot(steps[0], m_delta), dot(steps[1], m_delta)
    det = a * c - b * b
    solid = hits & (det > 0)
    det = jnp.where(solid, det, 1.0)
    across, down = -(c * g - b * h) / det, -(a * h - b * g) / det
    least = 0.5 * (dot(delta, m_delta) + g * across + h * down)
    left = 2.0 * jnp.maximum(events.depth - jnp.maximum(least, 0.0), 0.0)
    width, height = (_MARGIN * jnp.sqrt(left * v / det) + _PIXELS for v in (c, a))
    # Deeper layers of a sensor see oblique rays farther out.
    tangent = jnp.sqrt(jnp.maximum(dot(normal, normal) / jnp.where(hits, cosine * cosine, 1.0) - 1.0, 0.0))
    width, height = width + depth * tangent / jnp.sqrt(ff), height + depth * tangent / jnp.sqrt(ss)
    there = solid & (events.depth > jnp.maximum(least, 0.0))
    left_edge, right_edge, top, bottom = plan.roi
    right_edge = min(right_edge, panel.pixels[1] - 1)
    bottom = min(bottom, panel.pixels[0] - 1)
    low_x, high_x = _clipped(x + across, width, left_edge, right_edge)
    low_y, high_y = _clipped(y + down, height, top, bottom)
    there &= (low_x <= high_x) & (low_y <= high_y)
    first_slow, first_fast = plan.first
    row, column = (low_y - first_slow) // plan.tile, (low_x - first_fast) // plan.tile
    rows = jnp.where(there, (high_y - first_slow) // plan.tile - row + 1, 0)
    columns = jnp.where(there, (high_x - first_fast) // plan.tile - column + 1, 0)
    return Boxes(jnp.full_like(row, number), row, column, rows, columns)


def _clipped(middle: Array, half: Array, first: int, last: int) -> tuple[Int[Array, "event"], Int[Array, "event"]]:
    """First and last pixel of a range that are on the image; the last before the first where none is."""
    low = jnp.clip(jnp.floor(middle - half), first, last + 1.0).astype(jnp.int32)
    high = jnp.clip(jnp.floor(middle + half), first - 1.0, last).astype(jnp.int32)
    return low, high


def pairs_in(boxes: Boxes) -> Int[Array, ""]:
    """How many pairs of an event and a tile there are."""
    return (boxes.rows.astype(jnp.int32) * boxes.columns).sum()


def pairs_of(boxes: Boxes, plan: Plan, count: int, events: int) -> Pairs:
    """The pairs, event by event."""
    each = (boxes.rows * boxes.columns).astype(jnp.int32)
    ends = jnp.cumsum(each)
    box = jnp.searchsorted(ends, jnp.arange(count, dtype=jnp.int32), side="right").astype(jnp.int32)
    there = box < each.shape[0]
    box = jnp.minimum(box, each.shape[0] - 1)
    inside = jnp.arange(count, dtype=jnp.int32) - (ends - each)[box]
    columns = jnp.maximum(boxes.columns[box], 1)
    row, column = boxes.row[box] + inside // columns, boxes.column[box] + inside % columns
    tile = (boxes.panel[box] * plan.tiles_slow + row) * plan.tiles_fast + column
    return Pairs(box % events, jnp.where(there, tile, plan.tiles).astype(jnp.int32))


def is_there(events: Events) -> Bool[Array, "event"]:
    """Which events are not only there to fill the list."""
    return events.depth > 0
