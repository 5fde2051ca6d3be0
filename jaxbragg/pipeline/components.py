"""An image from the components of its experiment, where it is not one crystal at the sample's place."""

from functools import reduce
from operator import add

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg.models import Experiment
from jaxbragg.models.components import background_of, components
from jaxbragg.pipeline.arrays import unpack
from jaxbragg.pipeline.blocks import simulate_blocks
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.spots.image import image_of_tiles, tiles_of_crystal
from jaxbragg.pipeline.threshold import with_threshold


def image_of_components(settings: Settings, experiment: Experiment) -> Float[Array, "..."]:
    """The image, backgrounds and response included.

    Args:
        settings: How it is simulated; by spots, with the lengths of lists.
        experiment: Any; its leaves may be traced.
    """
    return image_of_tiles(tiles_of_components(settings, experiment), background_of(experiment), settings)


def tiles_of_components(settings: Settings, experiment: Experiment) -> Float[Array, "tile pixel"]:
    """The photons of all its crystals in all tiles.

    Args:
        settings: As for `image_of_components`.
        experiment: Likewise; its backgrounds do not count.
    """
    return reduce(add, [_tiles_of_one(settings, each) for each in components(experiment, settings.options.places)])


def _tiles_of_one(settings: Settings, component: Experiment) -> Float[Array, "tile pixel"]:
    if settings.options.method == "spots":
        return tiles_of_crystal(settings, component)
    plan, arrays = settings.plan, unpack(component, settings, warns=False)._replace(backgrounds=())
    blocks = simulate_blocks(with_threshold(arrays, settings), settings, jnp.arange(plan.blocks))
    return blocks.reshape(-1, plan.pixels_per_tile)[: plan.tiles]
