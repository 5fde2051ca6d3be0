"""An image by its spots, from the experiment: lists of fitting lengths, the drawing, and backgrounds."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg.models import Experiment
from jaxbragg.models.checks import is_traced
from jaxbragg.pipeline.backgrounds import background_tiles
from jaxbragg.pipeline.readout import image_of
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.spots.boxes import Boxes, pairs_of
from jaxbragg.pipeline.spots.drawing import tiles_of_spots
from jaxbragg.pipeline.spots.limits import reached
from jaxbragg.pipeline.spots.listing import Events
from jaxbragg.pipeline.spots.lists import lists_of, with_cuts
from jaxbragg.pipeline.spots.programs import arrays_in, boxes_near, count_near, events_near, gaussians_in
from jaxbragg_kernels.numerics import numerics, with_numerics


def simulate_spots(experiment: Experiment, settings: Settings) -> Float[Array, "..."]:
    """The image by spots; lists are as long as `Options.spots` says, or as the values ask for.

    Args:
        experiment: Which `has_closed_form`.
        settings: How the image is simulated.

    Raises:
        ValueError: If there are no values and no sizes, or too many reflections.
    """
    if settings.options.spots is not None:
        return with_numerics(image_of_spots)(settings, experiment)
    if is_traced(jax.tree.leaves(experiment)):
        raise ValueError(
            "Option `spots` must be given where values are traced, as under jax.jit and jax.grad: "
            "jb.spot_options(experiment, options) finds it from the values at which you begin."
        )
    with numerics():
        found = lists_of(experiment, settings, 1.0)
        settings = with_cuts(settings, found.sizes.cuts)
        return _drawn(experiment, settings, found.events, found.boxes, found.sizes.pairs)


@partial(jax.jit, static_argnums=0)
def image_of_spots(settings: Settings, experiment: Experiment) -> Float[Array, "..."]:
    """All of it in one program; NaN where a list is too short for the values."""
    return image_of_tiles(tiles_of_crystal(settings, experiment), experiment, settings)


def tiles_of_crystal(settings: Settings, experiment: Experiment) -> Float[Array, "tile pixel"]:
    """The crystal's photons in all tiles, lists included; NaN where a list is too short for the values.

    Args:
        settings: With the lengths of lists.
        experiment: Its backgrounds do not count.
    """
    sizes: Any = settings.options.spots
    fixed = jax.lax.stop_gradient(experiment)
    near = count_near(fixed, settings, sizes.limits)
    every = events_near(fixed, settings, sizes.limits, sizes.near)
    events, boxes, pairs = boxes_near(fixed, settings, every, sizes.events)
    enough = (near.max() <= sizes.near) & (every.pieces.sum() <= sizes.events) & (pairs <= sizes.pairs)
    enough &= (jnp.floor(jnp.minimum(*reached(fixed, settings))) <= jnp.array(sizes.limits)).all()
    return jnp.where(enough, _tiles(experiment, settings, events, boxes, sizes.pairs), jnp.nan)


@partial(jax.jit, static_argnames=("settings", "count"))
def _drawn(experiment: Experiment, settings: Settings, events: Events, boxes: Boxes, count: int) -> Float[Array, "..."]:
    return image_of_tiles(_tiles(experiment, settings, events, boxes, count), experiment, settings)


def _tiles(
    experiment: Experiment, settings: Settings, events: Events, boxes: Boxes, count: int
) -> Float[Array, "tile pixel"]:
    pairs = pairs_of(boxes, settings.plan, count, events.side.shape[0])
    arrays, found = arrays_in(experiment, settings), gaussians_in(experiment, settings)
    return tiles_of_spots(arrays, found, settings, events, pairs, turns=experiment.scan.width is not None)


def image_of_tiles(
    tiles: Float[Array, "tile pixel"], experiment: Experiment, settings: Settings
) -> Float[Array, "..."]:
    """The image of a crystal's tiles, with the backgrounds, as the detector reads it out.

    Args:
        tiles: The crystal's photons.
        experiment: For backgrounds, detector and response.
        settings: How the image is simulated.
    """
    plan = settings.plan
    if experiment.backgrounds:
        tiles = tiles + background_tiles(experiment, settings)
    return image_of(tiles, experiment.detector, experiment.response, plan)
