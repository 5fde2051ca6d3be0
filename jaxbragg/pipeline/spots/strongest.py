"""Which reflection gives a pixel most of its photons, of an image by spots."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxbragg.models import Experiment
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.spots.boxes import pairs_of
from jaxbragg.pipeline.spots.drawing import in_blocks, pixels_of
from jaxbragg.pipeline.spots.programs import arrays_in, boxes_near, events_near, gaussians_in
from jaxbragg.pipeline.tiles import assemble

_SAME = 1.0 - 1e-5  # drawn twice, in two programs that may round otherwise


@partial(jax.jit, static_argnums=0)
def strongest_of_spots(settings: Settings, experiment: Experiment) -> Int[Array, "... 3"]:
    """Miller indices of the reflection that gives a pixel most; 0 0 0 where none is drawn.

    Args:
        settings: With the lengths of lists.
        experiment: Backgrounds and mask do not count.
    """
    sizes: Any = settings.options.spots
    plan, turns = settings.plan, experiment.scan.width is not None
    every = events_near(experiment, settings, sizes.limits, sizes.near)
    events, boxes, _ = boxes_near(experiment, settings, every, sizes.events)
    pairs = pairs_of(boxes, plan, sizes.pairs, sizes.events)
    arrays, found = arrays_in(experiment, settings), gaussians_in(experiment, settings)
    drawn = pixels_of(arrays, found, settings, events, turns=turns)
    event, tile = in_blocks(pairs, settings)

    def most(best: Any, one: tuple) -> tuple[Any, None]:
        return best.at[one[1]].max(drawn(*one), mode="drop"), None

    best, _ = jax.lax.scan(most, jnp.zeros((plan.tiles, plan.pixels_per_tile), settings.dtype), (event, tile))

    def which(number: Any, one: tuple) -> tuple[Any, None]:
        value = drawn(*one)
        mine = (value > 0) & (value >= _SAME * best[jnp.minimum(one[1], plan.tiles - 1)])
        return number.at[one[1]].max(jnp.where(mine, one[0][:, None] + 1, 0), mode="drop"), None

    number, _ = jax.lax.scan(which, jnp.zeros(best.shape, jnp.int32), (event, tile))
    hkl = jnp.where(number[..., None] > 0, events.hkl[number - 1], 0)
    whole: Any = SimpleNamespace(mask=None, image_shape=experiment.detector.image_shape)
    return jnp.stack([assemble(hkl[..., i], whole, plan) for i in range(3)], axis=-1)
