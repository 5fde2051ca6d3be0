"""How far from a spot an orientation may be left out of a tile: found once for an image, before its blocks."""

from dataclasses import replace

import jax
import jax.numpy as jnp

from jaxbragg.pipeline.arrays import Arrays
from jaxbragg.pipeline.blocks import simulate_tiles
from jaxbragg.pipeline.geometry import subpixels_of, view_of_tiles
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.tiles import place_of_tiles
from jaxbragg_kernels.fusion import fusion_barrier
from jaxbragg_kernels.orientations import FEWEST_TO_SKIP

_SAMPLED_TILES = 256
_SAMPLED_ORIENTATIONS = 16


def with_threshold(arrays: Arrays, settings: Settings) -> Arrays:
    """The arrays with the threshold of (F_latt / det N)² below which orientations may be left out of a tile.

    What is left out of a pixel is at most the sum over all steps of the largest |F|² times the threshold times the
    largest correction; it is to stay below `skip_below` of the brightest pixel. The brightest of some tiles, simulated
    with some orientations, cannot be brighter than that.

    Args:
        arrays: The experiment.
        settings: How the image is simulated.
    """
    share, count = settings.skip_below, arrays.crystal.orientations.shape[-3]
    if share == 0.0 or count < FEWEST_TO_SKIP:
        return arrays
    fixed = jax.lax.stop_gradient(arrays)
    numbers = jnp.arange(0, settings.plan.tiles, max(1, settings.plan.tiles // _SAMPLED_TILES))
    some = fixed.crystal.orientations[..., :: max(1, count // _SAMPLED_ORIENTATIONS), :, :]
    sample = fixed._replace(crystal=fixed.crystal._replace(orientations=some), backgrounds=())
    one_by_one = replace(settings, options=replace(settings.options, unroll=1))
    brightest = simulate_tiles(sample, one_by_one, numbers).max()
    subpixels = subpixels_of(arrays.detector, settings)
    tiles = place_of_tiles(settings.plan, numbers)
    first = jax.tree.map(lambda x: x[0], subpixels)
    # All of these before their maximum: a reduction that makes its own operands makes them one by one.
    solid_angle = fusion_barrier(lambda *tiles: view_of_tiles(fixed, settings, tiles, first)[1], *tiles)
    exact = settings.index_dtype
    factor = jnp.maximum(jnp.abs(fixed.crystal.table.values).max().astype(exact), jnp.abs(fixed.crystal.default))
    steps = subpixels.layer.shape[0] * count * jnp.abs(fixed.sources[2]).sum()
    # Twice: the sample may have missed the largest solid angle.
    most = 2.0 * factor**2 * steps * solid_angle.max().astype(exact) * fixed.bragg_scale
    threshold = share * brightest.astype(exact) / jnp.where(most > 0, most, 1.0)
    return arrays._replace(threshold=jnp.clip(threshold, 1e-30, 1.0))
