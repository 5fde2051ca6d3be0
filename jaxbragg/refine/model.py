"""The model of one image: its local free values → experiment and terms of the image → mean photons of some tiles."""

from dataclasses import dataclass
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxbragg.models import Experiment
from jaxbragg.pipeline.arrays import unpack
from jaxbragg.pipeline.blocks import simulate_tiles
from jaxbragg.pipeline.settings import Settings
from jaxbragg.refine.image_terms import IMAGE_TERMS, background
from jaxbragg.refine.paths import Assignment, assign


@dataclass(frozen=True)
class Recipe:
    """What is static about a model. Hashable: images and fits of one recipe share a compilation.

    Attributes:
        assignments: Where the free values go.
        settings: How the image is simulated.
    """

    assignments: tuple[Assignment, ...]
    settings: Settings


class Tiles(NamedTuple):
    """The pixels of one image that are used, in blocks of tiles.

    Attributes:
        numbers: Of the tiles, in the plan's counting.
        counts: What was measured [photons]; 0 where not used.
        used: Which pixels count.
        known: Background that is known [photons], or None.
        blocks: How many blocks there are; what follows is padding.
    """

    numbers: Int[Array, "block tile"]
    counts: Float[Array, "block tile pixel"]
    used: Bool[Array, "block tile pixel"]
    known: Float[Array, "block tile pixel"] | None
    blocks: Int[Array, ""]


def photons(
    recipe: Recipe,
    experiment: Experiment,
    local: Float[Array, "local"],
    blur: Float[Array, ""],
    numbers: Int[Array, "tile"],
    known: Float[Array, "tile pixel"] | None,
    bragg: Float[Array, ""] | float = 1.0,
) -> Float[Array, "tile pixel"]:
    """Mean photons of some tiles; differentiable by the local values.

    Args:
        recipe: What is static.
        experiment: What is not free.
        local: Free values of this image.
        blur: Spots are simulated that many times wider, at the same sum over the image; 1 for what they are.
        numbers: Of the tiles.
        known: Background that is known.
        bragg: Multiplies the Bragg part: 0 for the background alone.
    """
    changed = assign(experiment, recipe.assignments, local)
    changed = eqx.tree_at(lambda e: e.crystal.fudge, changed, changed.crystal.fudge / blur**2)
    terms = image_terms(recipe, local)
    arrays = unpack(changed, recipe.settings)
    arrays = arrays._replace(bragg_scale=arrays.bragg_scale * terms.get("scale", 1.0) * (bragg / blur**2))
    total = simulate_tiles(arrays, recipe.settings, numbers)
    total = total + background(terms, changed, recipe.settings.plan, numbers)
    return total if known is None else total + known


def image_terms(recipe: Recipe, local: Float[Array, "local"]) -> dict[str, Float[Array, "..."]]:
    """The free terms of the image, by name."""
    terms = {}
    for item in recipe.assignments:
        if item.kind == "image":
            term = IMAGE_TERMS[item.name]
            whole = jnp.full(term.shape, term.start, local.dtype).ravel()
            whole = whole.at[jnp.array(item.elements)].set(local[jnp.array(item.sources)])
            terms[item.name] = whole.reshape(term.shape)
    return terms
