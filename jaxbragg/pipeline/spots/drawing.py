"""The image of some spots: each (event, tile) pair once, added up in the order of the list."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbragg.pipeline.arrays import Arrays
from jaxbragg.pipeline.blocks import polarization_of
from jaxbragg.pipeline.geometry import Subpixel, subpixels_of, view_of_tiles
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.spots.listing import Events, Pairs, is_there
from jaxbragg.pipeline.spots.reflections import Gaussians, passage, points_at, rate_of
from jaxbragg.pipeline.spots.sums import add_in_order, take_in_order
from jaxbragg.pipeline.tiles import place_of_tiles
from jaxbragg_kernels import hkl as tables
from jaxbragg_kernels.rays import Rays
from jaxbragg_kernels.spots.profile import Spot, still, turning

# Pairs at once: what fits the caches of a CPU. A GPU wants few launches; a number for each pixel of 2 million tiles of
# 4 × 4 is 134 MB in float32, and on paper a gradient holds thirty times that.
_BLOCK = {"cpu": 1 << 13}
_BLOCK_ACCELERATOR = 1 << 21
_ROW = 20  # numbers of an event that its pairs need


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
    dtype, plan = settings.dtype, settings.plan
    rows, place = _rows(arrays, found, events, dtype, turns=turns)
    direction = found.beam.astype(settings.index_dtype)
    wavelength = found.wavelength.astype(settings.index_dtype)
    subpixels = subpixels_of(arrays.detector, settings)
    count = pairs.tile.shape[0]
    blocks = -(-count // _BLOCK.get(jax.default_backend(), _BLOCK_ACCELERATOR))
    short = -count % blocks
    event = jnp.pad(pairs.event, (0, short)).reshape(blocks, -1)
    tile = jnp.pad(pairs.tile, (0, short), constant_values=plan.tiles).reshape(blocks, -1)
    image = jnp.zeros((plan.tiles, plan.pixels_per_tile), dtype)

    def block(image: Any, one: tuple[Int[Array, "pair"], Int[Array, "pair"]]) -> tuple[Any, None]:
        event, tile = one
        numbers = jnp.minimum(tile, plan.tiles - 1)
        mine = take_in_order(rows, event), take_in_order(place, event)
        drawn = _pixels(arrays, settings, *mine, (direction, wavelength), numbers, subpixels, turns)
        return add_in_order(image, tile, drawn), None

    block = jax.checkpoint(block, prevent_cse=False)
    image, _ = jax.lax.scan(block, image, (event, tile))
    return image * arrays.bragg_scale.astype(dtype)


def _rows(
    arrays: Arrays, found: Gaussians, events: Events, dtype: Any, *, turns: bool
) -> tuple[Float[Array, "event row"], Float[Array, "event 3"]]:
    """What the pairs of an event need, side by side in the type of the image; and its place, in that of the indices."""
    way = passage(found, events.hkl, events.side)
    phi = way.phi if turns else jnp.broadcast_to(found.start, way.phi.shape)
    points = points_at(found, events.hkl, phi)
    slide, rate = rate_of(points)
    square = (points.place**2).sum(axis=1)
    away = square > 0  # 0 0 0 is not; nothing bends there, and its direction and length do not matter
    length = jnp.where(away, jnp.sqrt(jnp.where(away, square, 1.0)), 1.0)
    unit = jnp.where(away[:, None], points.place / length[:, None], found.beam)
    factor = tables.nearest(arrays.crystal.table, events.hkl[:, 0], events.hkl[:, 1], events.hkl[:, 2])
    height = factor.astype(length.dtype) ** 2 * points.share
    start, end = jnp.zeros_like(length), jnp.zeros_like(length)
    if turns:
        # Of the rotation, the part that this event stands for.
        height = height * jnp.maximum(way.high - way.low, 0.0) / (found.end - found.start)
        start, end = way.low - phi, way.high - phi
    height = jnp.where(is_there(events), height, 0.0)
    m = points.inverse
    six = [m[:, i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))]
    columns = [*unit.T, length, points.bend, *six, *slide.T, rate, start, end, height]
    return jnp.stack([column.astype(dtype) for column in columns], axis=1), points.place


def _pixels(
    arrays: Arrays, settings: Settings, row: Float[Array, "pair row"], place: Float[Array, "pair 3"], source: Any,
    numbers: Int[Array, "pair"], subpixels: Subpixel, turns: bool,
) -> Float[Array, "pair pixel"]:  # fmt: skip
    """Photons of each pair, in units of the crystal's sum."""
    dtype = settings.dtype
    tiles = place_of_tiles(settings.plan, numbers)
    columns = [row[:, i, None] for i in range(row.shape[1])]
    spot = Spot(
        unit=(columns[0], columns[1], columns[2]), length=columns[3], bend=columns[4], inverse=jnp.stack(columns[5:11]),
        slide=jnp.stack(columns[11:14]), rate=columns[14], start=columns[15], end=columns[16],
    )  # fmt: skip
    direction, wavelength = source
    profile = turning if turns else still

    def add(total: Any, subpixel: Subpixel) -> tuple[Any, None]:
        view = view_of_tiles(arrays.detector, settings, tiles, subpixel, short_steps=True)
        seen = view.directions
        middle = ((seen.middle - direction) / wavelength - place).astype(dtype)  # what is small of large numbers
        scale = (1.0 / wavelength).astype(dtype)
        x, y, z = (middle[:, i, None] + seen.step[i] * scale for i in range(3))
        value = profile((x, y, z), spot) * (view.solid_angle * view.capture)
        if settings.options.polarization:
            value = value * polarization_of(arrays, Rays(direction, wavelength, seen))
        return total + value, None

    zero = jnp.zeros((row.shape[0], settings.plan.pixels_per_tile), dtype)
    total, _ = jax.lax.scan(add, zero, subpixels)
    return total * columns[17]
