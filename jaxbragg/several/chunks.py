"""How many images are simulated at once, and a function of one image run over all of them by such chunks.

Each chunk has a checkpoint around it: reverse mode keeps nothing of an image but what it has of its own.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from jaxbragg.models import Experiment
from jaxbragg.models.components import components
from jaxbragg.pipeline.arrays import unpack
from jaxbragg.pipeline.plan import bytes_per_pixel
from jaxbragg.pipeline.settings import Settings
from jaxbragg_kernels.orientations import FEWEST_TO_SKIP
from jaxbragg_kernels.sharded import varying

# Pixels simulated at once, of whole images or of a block of each: what images share, such as where the pixels are, is
# computed once for all of them. On a CPU of two cores 2¹⁸ and 2²⁰ are alike, and a fifth faster than 2¹⁴ (stills of
# 128², 10 domains). For a GPU, which wants enough to do, nothing has been measured yet.
_PIXELS_AT_ONCE = {"cpu": 1 << 18}
_PIXELS_AT_ONCE_ACCELERATOR = 1 << 22
# Under vmap both branches of a `cond` are computed, so images in which orientations are skipped go one by one, and a
# small one takes longer that way than whole among others: twice as long with 128² pixels and 10 to 300 domains, about
# as long with 192² or 256² and 100 (two cores, gauss and tophat spots).
_FEWEST_PIXELS_TO_SKIP = 1 << 15

_Batched = TypeVar("_Batched")


def settings_and_chunk(single: Experiment, settings: Settings, bytes_of_one: int, count: int) -> tuple[Settings, int]:
    """Settings for one image of a batch, and how many images to simulate at once.

    Args:
        single: Shapes of one experiment.
        settings: For block sizes, memory limit and skipping.
        bytes_of_one: Of the leaves that one image does not share.
        count: Images.
    """
    options, plan = settings.options, settings.plan
    if options.devices is not None and plan.blocks > options.devices:
        return settings, 1
    orientations = jax.eval_shape(lambda e: unpack(components(e, 1)[0], settings).crystal.orientations, single)
    pixels = plan.tiles_per_block * plan.pixels_per_tile
    if settings.skip_below > 0:
        if pixels >= _FEWEST_PIXELS_TO_SKIP and orientations.shape[-3] >= FEWEST_TO_SKIP:
            return settings, 1
        settings = replace(settings, options=replace(options, skip_below=0.0))
    at_once = _PIXELS_AT_ONCE.get(jax.default_backend(), _PIXELS_AT_ONCE_ACCELERATOR) // pixels
    if options.memory_limit is not None:
        # Leaves and orientations with the copies on the way from one type and form to another.
        each = pixels * bytes_per_pixel(options, plan.tile) + 4 * (math.prod(orientations.shape) * 8 + bytes_of_one)
        at_once = min(at_once, options.memory_limit // each)
    at_once = max(1, min(at_once, count))
    return settings, -(-count // -(-count // at_once))  # as many in the last chunk, as far as may be


def map_in_chunks(function: Callable[[_Batched], Array], batched: _Batched, count: int, at_once: int) -> Array:
    """`function` of every image, stacked.

    Args:
        function: Of what one image has of its own.
        batched: The same of all images, in arrays with an axis in front.
        count: Images.
        at_once: How many to compute at once.
    """
    function = jax.checkpoint(function, prevent_cse=False)
    if at_once == 1:
        return jax.lax.map(function, batched)
    chunks, _ = _chunks(batched, count, at_once)
    images = jax.lax.map(jax.vmap(function), chunks)
    return images.reshape(-1, *images.shape[2:])[:count]


def sum_in_chunks(function: Callable[[_Batched], Array], batched: _Batched, count: int, at_once: int) -> Array:
    """The sum of `function` of every image, in memory that does not grow with their number.

    Args:
        function: Of what one image has of its own.
        batched: The same of all images, in arrays with an axis in front.
        count: Images.
        at_once: How many to compute at once.
    """

    def of_chunk(some: _Batched, exists: Bool[Array, "image"]) -> Array:
        if at_once == 1:
            return function(some)
        images = jax.vmap(function)(some)
        return jnp.where(exists.reshape(-1, *[1] * (images.ndim - 1)), images, 0.0).sum(axis=0)

    def add(total: Array, chunk: tuple[Any, Bool[Array, "image"]]) -> tuple[Array, None]:
        return total + jax.checkpoint(of_chunk, prevent_cse=False)(*chunk), None

    one = jax.eval_shape(function, jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), batched))
    chunks = (batched, jnp.ones(count, bool)) if at_once == 1 else _chunks(batched, count, at_once)
    return jax.lax.scan(add, varying(jnp.zeros(one.shape, one.dtype), batched), chunks)[0]


def _chunks(batched: _Batched, count: int, at_once: int) -> tuple[_Batched, Bool[Array, "chunk image"]]:
    """An axis of chunks in front, the last padded with repetitions of the last image; and which are not padding."""
    number = -(-count // at_once)
    padding = number * at_once - count

    def cut(leaf: Array) -> Array:
        if padding:
            leaf = jnp.concatenate([leaf, jnp.repeat(leaf[-1:], padding, axis=0)])
        return leaf.reshape(number, at_once, *leaf.shape[1:])

    return jax.tree.map(cut, batched), (jnp.arange(number * at_once) < count).reshape(number, at_once)
