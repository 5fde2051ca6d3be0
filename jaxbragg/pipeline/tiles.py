"""Tiles and images: where a tile lies, which tiles a block holds, an image put together from tiles or cut into them."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbragg.models.detector import AbstractDetector
from jaxbragg.pipeline.plan import Plan


def tiles_of_block(plan: Plan, block: Int[Array, ""]) -> Int[Array, "tile"]:
    """Numbers of the tiles of one block; the last block may repeat the last tile."""
    return jnp.minimum(block * plan.tiles_per_block + jnp.arange(plan.tiles_per_block), plan.tiles - 1)


def place_of_tiles(plan: Plan, numbers: Int[Array, "tile"]) -> tuple[Int[Array, "tile"], ...]:
    """Panel, tile row and tile column of tiles."""
    column = numbers % plan.tiles_fast
    row = (numbers // plan.tiles_fast) % plan.tiles_slow
    return numbers // (plan.tiles_fast * plan.tiles_slow), row, column


def assemble(blocks: Float[Array, "..."], detector: AbstractDetector, plan: Plan) -> Float[Array, "..."]:
    """Tiles, in the plan's order, into an image: the region of interest in its place, masked pixels 0."""
    tiles = blocks.reshape(-1, plan.tile, plan.tile)[: plan.tiles]
    tiles = tiles.reshape(plan.panels, plan.tiles_slow, plan.tiles_fast, plan.tile, plan.tile)
    region = tiles.transpose(0, 1, 3, 2, 4).reshape(
        plan.panels, plan.tiles_slow * plan.tile, plan.tiles_fast * plan.tile
    )
    fast_first, fast_last, slow_first, slow_last = plan.roi
    skipped_slow, skipped_fast = slow_first - plan.first[0], fast_first - plan.first[1]
    region = region[:, skipped_slow : slow_last - plan.first[0] + 1, skipped_fast : fast_last - plan.first[1] + 1]
    edges = ((0, 0), (slow_first, plan.slow - 1 - slow_last), (fast_first, plan.fast - 1 - fast_last))
    image = jnp.pad(region, edges)
    if detector.mask is not None:
        image = jnp.where(detector.mask, image, 0.0)
    return image.reshape(detector.image_shape)


def cut(image: Float[Array, "..."], plan: Plan, fill: float = 0.0) -> Float[Array, "tile pixel"]:
    """An image into the plan's tiles, in their order: what `assemble` undoes.

    Args:
        image: Of the whole detector, with or without an axis for its panels.
        plan: How it is cut.
        fill: For the pixels of a tile that lie outside the region of interest.
    """
    fast_first, fast_last, slow_first, slow_last = plan.roi
    region = image.reshape(plan.panels, plan.slow, plan.fast)[:, slow_first : slow_last + 1, fast_first : fast_last + 1]
    before = slow_first - plan.first[0], fast_first - plan.first[1]
    after = (
        plan.tiles_slow * plan.tile - before[0] - region.shape[1],
        plan.tiles_fast * plan.tile - before[1] - region.shape[2],
    )
    region = jnp.pad(region, ((0, 0), (before[0], after[0]), (before[1], after[1])), constant_values=fill)
    tiles = region.reshape(plan.panels, plan.tiles_slow, plan.tile, plan.tiles_fast, plan.tile)
    return tiles.transpose(0, 1, 3, 2, 4).reshape(plan.tiles, plan.tile * plan.tile)
