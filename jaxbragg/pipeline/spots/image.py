"""An image by its spots, from the experiment: lists of fitting lengths, the drawing, and backgrounds."""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import AbsoluteSources, Experiment, StructureFactors
from jaxbragg.models.checks import is_traced
from jaxbragg.models.sources import GaussianRays
from jaxbragg.pipeline.arrays import unpack
from jaxbragg.pipeline.blocks import simulate_blocks
from jaxbragg.pipeline.readout import image_of
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.spots.boxes import Boxes, pairs_of
from jaxbragg.pipeline.spots.drawing import tiles_of_spots
from jaxbragg.pipeline.spots.limits import reached
from jaxbragg.pipeline.spots.listing import Events
from jaxbragg.pipeline.spots.lists import lists_of, with_cuts
from jaxbragg.pipeline.spots.programs import arrays_in, boxes_near, count_near, events_near, gaussians_in, plain
from jaxbragg_kernels.numerics import numerics, with_numerics

_SOURCES = 8  # of backgrounds


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
        blocks = simulate_blocks(unpack(without_crystal(experiment), settings), settings, jnp.arange(plan.blocks))
        tiles = tiles + blocks.reshape(-1, plan.pixels_per_tile)[: plan.tiles]
    return image_of(tiles, experiment.detector, experiment.response, plan)


def without_crystal(experiment: Experiment) -> Experiment:
    """What is not crystalline: the experiment without structure factors, of one orientation and a few sources.

    Backgrounds hardly change within a line, or from one to the next: neighbours in wavelength share a source.
    """
    none = plain(eqx.tree_at(lambda e: e.structure_factors, experiment, StructureFactors(default=0.0)))
    return eqx.tree_at(lambda e: e.beam.sources, none, _means_of(experiment.beam.gaussians()))


def _means_of(lines: GaussianRays) -> AbsoluteSources:
    """The lines' mean directions and wavelengths, in groups of neighbours in wavelength."""
    count = lines.weights.shape[0]
    order = jnp.argsort(lines.wavelengths)
    group = np.arange(count) * min(count, _SOURCES) // count
    weights = jnp.asarray(lines.weights)[order]

    def total(numbers: Array) -> Array:
        return jnp.zeros((group[-1] + 1, *numbers.shape[1:]), numbers.dtype).at[group].add(numbers)

    whole = total(weights)
    some = jnp.where(whole > 0, whole, 1.0)  # where none weighs anything, any direction will do
    directions = total(weights[:, None] * lines.directions[order])
    directions = jnp.where((whole > 0)[:, None], directions, lines.directions[:1])
    wavelengths = jnp.where(whole > 0, total(weights * lines.wavelengths[order]) / some, lines.wavelengths[0])
    return AbsoluteSources(directions / jnp.sqrt((directions**2).sum(axis=1, keepdims=True)), wavelengths, whole)
