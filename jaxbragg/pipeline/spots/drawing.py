"""The image of some spots: each (event, tile) pair once, added up in the order of the list."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbragg.pipeline.arrays import Arrays
from jaxbragg.pipeline.devices import spread_over_devices
from jaxbragg.pipeline.geometry import Subpixel, subpixels_of, view_of_tiles
from jaxbragg.pipeline.plan import bytes_per_pixel
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.spots.boxes import Pairs
from jaxbragg.pipeline.spots.listing import Events, is_there
from jaxbragg.pipeline.spots.parts import Gaussians
from jaxbragg.pipeline.spots.passages import stretch_of
from jaxbragg.pipeline.spots.reflections import motion_of, points_at, six_of
from jaxbragg.pipeline.spots.sums import add_in_order, take_in_order
from jaxbragg.pipeline.tiles import place_of_tiles
from jaxbragg_kernels import hkl as tables
from jaxbragg_kernels.scaling import PolarizationFrame, polarization_frame, polarized
from jaxbragg_kernels.spots.profile import Motion, Spot, still, turning

# Pairs at once: what fits the caches of a CPU. A GPU wants few launches; a number for each pixel of 2 million tiles of
# 4 × 4 is 134 MB in float32, and on paper a gradient holds thirty times that.
_BLOCK = {"cpu": 1 << 13}
_BLOCK_ACCELERATOR = 1 << 21

_Blocks = tuple[Int[Array, "*block pair"], Int[Array, "*block pair"]]


def tiles_of_spots(
    arrays: Arrays, found: Gaussians, settings: Settings, events: Events, pairs: Pairs, *, turns: bool
) -> Float[Array, "tile pixel"]:
    """Photons of all spots in the pixels of all tiles, backgrounds left out.

    Args:
        arrays: The experiment.
        found: Its Gaussians.
        settings: How the image is simulated.
        events: Reflections.
        pairs: What is drawn where.
        turns: Whether the crystal turns.
    """
    plan = settings.plan

    def some(shared: tuple[Arrays, Gaussians, Events], blocks: _Blocks) -> Float[Array, "1 tile pixel"]:
        drawn = pixels_of(*shared[:2], settings, shared[2], turns=turns)

        def block(image: Any, one: _Blocks) -> tuple[Any, None]:
            return add_in_order(image, one[1], drawn(*one)), None

        empty = jnp.zeros((plan.tiles, plan.pixels_per_tile), settings.dtype)
        return jax.lax.scan(jax.checkpoint(block, prevent_cse=False), empty, blocks)[0][None]

    images = spread_over_devices(some, settings.options.devices)((arrays, found, events), in_blocks(pairs, settings))
    return images.sum(axis=0) * arrays.bragg_scale.astype(settings.dtype)


def in_blocks(pairs: Pairs, settings: Settings) -> _Blocks:
    """Events and tiles of the pairs, as many at once as suits device and options, an equal number for each device.

    Beyond the last of them are tiles that are not there.

    Args:
        pairs: What is drawn where.
        settings: How the image is simulated.
    """
    options, count = settings.options, pairs.tile.shape[0]
    devices = options.devices or 1
    blocks = -(-count // (pairs_at_once(settings) * devices)) * devices
    short = -count % blocks
    event = jnp.pad(pairs.event, (0, short)).reshape(blocks, -1)
    return event, jnp.pad(pairs.tile, (0, short), constant_values=settings.plan.tiles).reshape(blocks, -1)


def pairs_at_once(settings: Settings) -> int:
    """How many pairs are drawn at once.

    Args:
        settings: For block size and memory limit.
    """
    options, pixels = settings.options, settings.plan.pixels_per_tile
    most = _BLOCK.get(jax.default_backend(), _BLOCK_ACCELERATOR)
    if options.block_pixels is not None:
        most = options.block_pixels // pixels
    elif options.memory_limit is not None:
        most = min(most, options.memory_limit // (bytes_per_pixel(options, settings.plan.tile) * pixels))
    return max(1, most)


def pixels_of(
    arrays: Arrays, found: Gaussians, settings: Settings, events: Events, *, turns: bool
) -> Callable[[Int[Array, "pair"], Int[Array, "pair"]], Float[Array, "pair pixel"]]:
    """What draws some pairs of an event and a tile, in units of the crystal's sum.

    Args:
        arrays: The experiment.
        found: Its Gaussians.
        settings: How the image is simulated.
        events: Reflections.
        turns: Whether the crystal turns.
    """
    rows, exact = _rows(arrays, found, events, settings, turns=turns)
    subpixels = subpixels_of(arrays.detector, settings)
    frames = jax.vmap(polarization_frame, (0, None))(found.parts.beam, arrays.polarization_axis)

    def drawn(event: Int[Array, "pair"], tile: Int[Array, "pair"]) -> Float[Array, "pair pixel"]:
        numbers = jnp.minimum(tile, settings.plan.tiles - 1)
        mine, where = take_in_order(rows, event), take_in_order(exact, event)
        place = _Exact(where[:, :3], where[:, 3:6], where[:, 6])
        return _pixels(arrays, settings, mine, place, _of(frames, events.part[event]), numbers, subpixels, turns)

    return drawn


class _Exact(NamedTuple):
    """Of each pair, in the type of the indices: what a spot's place is made of, of which large parts cancel.

    Attributes:
        place: G [pair 3; 1/Å].
        beam: [pair 3].
        wavelength: [pair; Å].
    """

    place: Float[Array, "pair 3"]
    beam: Float[Array, "pair 3"]
    wavelength: Float[Array, "pair"]


def _of(frames: PolarizationFrame, part: Int[Array, "pair"]) -> PolarizationFrame:
    """The frame of each pair; one alone where there is one beam."""
    if frames.sign.shape[0] == 1:
        return PolarizationFrame(*(x[0] for x in frames))
    return PolarizationFrame(*(x[part] for x in frames))


def _rows(
    arrays: Arrays, found: Gaussians, events: Events, settings: Settings, *, turns: bool
) -> tuple[Float[Array, "event row"], Float[Array, "event 7"]]:
    """What the pairs of an event need, side by side in the type of the image; and what they need exactly."""
    part = found.of(events.part)
    stretch = stretch_of(part, events, turns=turns)
    points = points_at(found, part, events.hkl, stretch.phi)
    square = (points.place**2).sum(axis=1)
    away = square > 0  # 0 0 0 is not; nothing bends there, and its direction and length do not matter
    length = jnp.where(away, jnp.sqrt(jnp.where(away, square, 1.0)), 1.0)
    unit = jnp.where(away[:, None], points.place / length[:, None], part.beam)
    factor = tables.nearest(arrays.crystal.table.of(part.line), events.hkl[:, 0], events.hkl[:, 1], events.hkl[:, 2])
    # Of a rotation, the part that this event stands for.
    height = factor.astype(length.dtype) ** 2 * points.share * part.weight * stretch.share
    height = jnp.where(is_there(events), height, 0.0)
    shared = points.stretch
    columns = [height, *unit.T, length, points.bend, shared / length, 3.0 * shared - 2.0, (1.0 - shared) / points.along]
    columns += [*six_of(points.inverse).T]
    if turns:
        motion = motion_of(points, stretch.low - stretch.phi, stretch.high - stretch.phi)
        columns += [column for each in motion for column in (each.T if each.ndim == 2 else [each])]
    rows = jnp.stack([column.astype(settings.dtype) for column in columns], axis=1)
    wavelength = jnp.broadcast_to(part.wavelength, length.shape)
    exact = [points.place, jnp.broadcast_to(part.beam, unit.shape), wavelength[:, None]]
    return rows, jnp.concatenate(exact, axis=1).astype(settings.index_dtype)


def _pixels(
    arrays: Arrays, settings: Settings, row: Float[Array, "pair row"], exact: _Exact, frame: PolarizationFrame,
    numbers: Int[Array, "pair"], subpixels: Subpixel, turns: bool,
) -> Float[Array, "pair pixel"]:  # fmt: skip
    """Photons of each pair, in units of the crystal's sum."""
    dtype = settings.dtype
    tiles = place_of_tiles(settings.plan, numbers)
    height, *columns = [row[:, i, None] for i in range(row.shape[1])]
    spot = Spot((columns[0], columns[1], columns[2]), *columns[3:8], inverse=jnp.stack(columns[8:14]))
    profile = partial(still, spot=spot)
    if turns:
        slide, rate, twist, more = columns[14:17], columns[17], columns[18:24], columns[24:30]
        vectors = jnp.stack(slide), rate, jnp.stack(twist), jnp.stack(more[:3]), jnp.stack(more[3:])
        profile = partial(turning, spot=spot, motion=Motion(*vectors, *columns[30:34]))
    inverse = 1.0 / exact.wavelength
    scale = inverse.astype(dtype)[:, None]

    def add(total: Any, subpixel: Subpixel) -> tuple[Any, None]:
        view = view_of_tiles(arrays, settings, tiles, subpixel, short_steps=True)
        seen = view.directions
        # What is small of large numbers.
        middle = ((seen.middle - exact.beam) * inverse[:, None] - exact.place).astype(dtype)
        x, y, z = (middle[:, i, None] + seen.step[i] * scale for i in range(3))
        value = profile((x, y, z)) * (view.solid_angle * view.capture)
        if settings.options.polarization:
            value = value * polarized(seen.unit, frame, arrays.polarization)
        return total + value, None

    zero = jnp.zeros((row.shape[0], settings.plan.pixels_per_tile), dtype)
    total, _ = jax.lax.scan(add, zero, subpixels)
    return total * height
