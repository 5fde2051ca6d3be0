"""An image from the components of its experiment, where it is not one crystal at the sample's place."""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from operator import add
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
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
    return sum_over(partial(_tiles_of_one, settings), components(experiment, settings.options.places))


def sum_over(function: Callable[[Experiment], Array], several: Sequence[Experiment]) -> Array:
    """The sum of a function of each component; those of one make are compiled once.

    Args:
        function: From a component to an array, of one shape for all.
        several: At least one.
    """
    makes: dict[Any, list[list[Any]]] = {}
    for component in several:
        leaves, structure = jax.tree.flatten(component)
        shapes = tuple((np.shape(leaf), np.result_type(leaf)) for leaf in leaves)
        makes.setdefault((structure, shapes), []).append(leaves)
    return reduce(add, [_sum_of_one_make(function, make, each) for (make, _), each in makes.items()])


def _sum_of_one_make(function: Callable[[Experiment], Array], make: Any, several: list[list[Any]]) -> Array:
    if len(several) == 1:
        return function(jax.tree.unflatten(make, several[0]))
    alike = [all(leaf is column[0] for leaf in column) for column in zip(*several, strict=True)]
    own = [jnp.stack(column) for column, same in zip(zip(*several, strict=True), alike, strict=True) if not same]

    def of_one(mine: list[Array]) -> Array:
        each = iter(mine)
        leaves = [leaf if same else next(each) for leaf, same in zip(several[0], alike, strict=True)]
        return function(jax.tree.unflatten(make, leaves))

    def more(total: Array, mine: list[Array]) -> tuple[Array, None]:
        return total + jax.checkpoint(of_one, prevent_cse=False)(mine), None  # reverse mode keeps nothing of it

    shape = jax.eval_shape(of_one, [leaf[0] for leaf in own])
    return jax.lax.scan(more, jnp.zeros(shape.shape, shape.dtype), own, len(several))[0]


def _tiles_of_one(settings: Settings, component: Experiment) -> Float[Array, "tile pixel"]:
    if settings.options.method == "spots":
        return tiles_of_crystal(settings, component)
    plan, arrays = settings.plan, unpack(component, settings, warns=False)._replace(backgrounds=())
    blocks = simulate_blocks(with_threshold(arrays, settings), settings, jnp.arange(plan.blocks))
    return blocks.reshape(-1, plan.pixels_per_tile)[: plan.tiles]
