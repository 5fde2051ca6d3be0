"""To which tiles each event is drawn: the box of pixels that holds all of it but what may be left out."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbragg.models import AbstractDetector, FlatPanel, MultiPanel
from jaxbragg.pipeline.plan import Plan
from jaxbragg.pipeline.spots.listing import Events
from jaxbragg.pipeline.spots.parts import Gaussians, Part
from jaxbragg.pipeline.spots.passages import stretch_of
from jaxbragg.pipeline.spots.reflections import points_at, rate_of
from jaxbragg.pipeline.spots.search import entry_of
from jaxbragg_kernels.spots.matrices import dot, times

_MARGIN = 1.1  # on the half-widths of boxes, whose curvature is left out
_PIXELS = 1.5  # beside
_LONGER = 0.3  # of the level of the ellipsoid around a stretch of the way, for its length


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


class _Ellipsoid(NamedTuple):
    """What holds an event: δ about a place with δᵀMδ below twice a level [event ...]."""

    place: Float[Array, "event 3"]
    inverse: Float[Array, "event 3 3"]
    level: Float[Array, "event"]


class _Span(NamedTuple):
    """Pixels along fast and slow that a box reaches, and whether there is one [event]."""

    x: Float[Array, "event"]
    y: Float[Array, "event"]
    width: Float[Array, "event"]
    height: Float[Array, "event"]
    there: Any


def boxes_of(found: Gaussians, events: Events, detector: AbstractDetector, plan: Plan, *, turns: bool) -> Boxes:
    """The tiles that hold all of an event but what may be left out."""
    part = found.of(events.part)
    ellipsoids = _ellipsoids(found, part, events, turns=turns)
    panels: Any = detector.panels if isinstance(detector, MultiPanel) else (detector,)
    # A spot at an edge is seen by both panels.
    boxes = [_box_on(part, ellipsoids, panel, i, plan) for i, panel in enumerate(panels)]
    return Boxes(*(jnp.concatenate(parts) for parts in zip(*boxes, strict=True)))


def _ellipsoids(found: Gaussians, part: Part, events: Events, *, turns: bool) -> list[_Ellipsoid]:
    """Each holds all of an event: so does what they have in common."""
    stretch = stretch_of(part, events, turns=turns)
    points = points_at(found, part, events.hkl, stretch.phi)
    m = points.inverse
    if not turns:
        return [_Ellipsoid(points.place, m, events.depth)]
    slide, rate = rate_of(points)
    # Whatever the angle: without what lies along the motion.
    along = slide / jnp.where(rate > 0, rate, 1.0)[:, None]
    streak = _Ellipsoid(points.place, m - along[:, :, None] * along[:, None, :], events.depth)
    # A sum of the spot and of what it passes between low and high, ±h v: of the ellipsoids around such a sum,
    # S + h² v vᵀ/(α 2 level) at (1 + α) of the level.
    low, high = jnp.maximum(stretch.low, events.reach.low), jnp.minimum(stretch.high, events.reach.high)
    middle, half = 0.5 * (low + high), 0.5 * jnp.maximum(high - low, 0.0)
    longer = half * half / (_LONGER * 2.0 * jnp.maximum(events.depth, 1e-3))
    less = longer / (1.0 + longer * rate * rate)
    passed = _Ellipsoid(
        points.place + (middle - stretch.phi)[:, None] * points.velocity,
        m - less[:, None, None] * slide[:, :, None] * slide[:, None, :],
        (1.0 + _LONGER) * events.depth,
    )
    return [streak, passed]


def _box_on(part: Part, ellipsoids: list[_Ellipsoid], panel: FlatPanel, number: int, plan: Plan) -> Boxes:
    spans = [_span_on(part, one, panel) for one in ellipsoids]
    left_edge, right_edge, top, bottom = plan.roi
    right_edge = min(right_edge, panel.pixels[1] - 1)
    bottom = min(bottom, panel.pixels[0] - 1)
    there = spans[0].there
    low_x, low_y, high_x, high_y = (jnp.asarray(edge) for edge in (left_edge, top, right_edge, bottom))
    for span in spans:
        there = there & span.there
        first, last = _clipped(span.x, span.width, left_edge, right_edge)
        low_x, high_x = jnp.maximum(low_x, first), jnp.minimum(high_x, last)
        first, last = _clipped(span.y, span.height, top, bottom)
        low_y, high_y = jnp.maximum(low_y, first), jnp.minimum(high_y, last)
    there &= (low_x <= high_x) & (low_y <= high_y)
    first_slow, first_fast = plan.first
    row, column = (low_y - first_slow) // plan.tile, (low_x - first_fast) // plan.tile
    rows = jnp.where(there, (high_y - first_slow) // plan.tile - row + 1, 0)
    columns = jnp.where(there, (high_x - first_fast) // plan.tile - column + 1, 0)
    return Boxes(jnp.full_like(row, number), row, column, rows, columns)


def _span_on(part: Part, one: _Ellipsoid, panel: FlatPanel) -> _Span:
    """The pixels of a panel whose scattering vectors are in an ellipsoid, by the plane that touches the sphere."""
    beam = part.beam / part.wavelength[:, None]
    ray = beam + one.place
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
    steps = [(v - unit * dot(unit, v)[:, None]) / (distance * part.wavelength)[:, None] for v in (fast, slow)]
    delta = unit / part.wavelength[:, None] - beam - one.place
    m = one.inverse
    m_delta, m_fast, m_slow = times(m, delta), times(m, steps[0]), times(m, steps[1])
    a, b, c = dot(steps[0], m_fast), dot(steps[0], m_slow), dot(steps[1], m_slow)
    g, h = dot(steps[0], m_delta), dot(steps[1], m_delta)
    det = a * c - b * b
    # A way along the sphere is no ellipse on it: what is left of its width is not to be told from rounding.
    solid = det > 1e-9 * a * c
    det = jnp.where(solid, det, 1.0)
    across, down = (jnp.where(solid, -v / det, 0.0) for v in (c * g - b * h, a * h - b * g))
    least = jnp.where(solid, jnp.maximum(0.5 * (dot(delta, m_delta) + g * across + h * down), 0.0), 0.0)
    left = 2.0 * jnp.maximum(one.level - least, 0.0)
    width, height = (jnp.where(solid, _MARGIN * jnp.sqrt(left * v / det) + _PIXELS, jnp.inf) for v in (c, a))
    # Deeper layers of a sensor see oblique rays farther out.
    tangent = jnp.sqrt(jnp.maximum(dot(normal, normal) / jnp.where(hits, cosine * cosine, 1.0) - 1.0, 0.0))
    width, height = width + depth * tangent / jnp.sqrt(ff), height + depth * tangent / jnp.sqrt(ss)
    return _Span(x + across, y + down, width, height, hits & (one.level > least))


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
    box = entry_of(ends, jnp.arange(count, dtype=jnp.int32))
    there = box < each.shape[0]
    box = jnp.minimum(box, each.shape[0] - 1)
    inside = jnp.arange(count, dtype=jnp.int32) - (ends - each)[box]
    columns = jnp.maximum(boxes.columns[box], 1)
    row, column = boxes.row[box] + inside // columns, boxes.column[box] + inside % columns
    tile = (boxes.panel[box] * plan.tiles_slow + row) * plan.tiles_fast + column
    return Pairs(box % events, jnp.where(there, tile, plan.tiles).astype(jnp.int32))
