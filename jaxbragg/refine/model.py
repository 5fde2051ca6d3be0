"""The model of one image: its local free values → experiment and terms of the image → mean photons of some tiles."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxbragg.models import CellSpread, Crystal, Experiment, GaussianMosaic, GaussianSources, SpectrumTable
from jaxbragg.models.components import background_of, components, is_plain
from jaxbragg.models.readable import with_fields
from jaxbragg.pipeline.arrays import unpack
from jaxbragg.pipeline.backgrounds import background_arrays
from jaxbragg.pipeline.blocks import simulate_blocks, simulate_tiles
from jaxbragg.pipeline.components import sum_over
from jaxbragg.pipeline.readout import image_of
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.spots.image import tiles_of_crystal
from jaxbragg.pipeline.tiles import cut
from jaxbragg.refine.image_terms import IMAGE_TERMS, background
from jaxbragg.refine.paths import Assignment, assign

# What makes spots wide, by model.
_WIDTHS: dict[type, tuple[str, ...]] = {
    GaussianMosaic: ("spread",),
    CellSpread: ("spread",),
    GaussianSources: ("bandwidth", "horizontal", "vertical"),
    SpectrumTable: ("bandwidths", "horizontal", "vertical"),
}


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
    """Mean photons of some tiles, or what a response makes of them; differentiable by the local values.

    Args:
        recipe: What is static.
        experiment: What is not free.
        local: Free values of this image.
        blur: Spots are simulated that many times wider, at the same sum over the image; 1 for what they are.
        numbers: Of the tiles.
        known: Background that is known.
        bragg: Multiplies the Bragg part: 0 for the background alone.
    """
    changed, plan = drawn(recipe, experiment, local, blur), recipe.settings.plan
    terms = image_terms(recipe, local)
    if changed.response is None:
        total = _before_response(recipe, changed, terms, bragg, blur, numbers)
    else:
        all_tiles = _before_response(recipe, changed, terms, bragg, blur, jnp.arange(plan.tiles))
        total = cut(image_of(all_tiles, changed.detector, changed.response, plan), plan)[numbers]
    return total if known is None else total + known


def _before_response(
    recipe: Recipe,
    changed: Experiment,
    terms: dict[str, Float[Array, "..."]],
    bragg: Float[Array, ""] | float,
    blur: Float[Array, ""],
    numbers: Int[Array, "tile"],
) -> Float[Array, "tile pixel"]:
    settings, scale = recipe.settings, terms.get("scale", 1.0) * bragg
    whole = changed.response is not None
    total = sum_over(
        lambda component: _of_component(settings, component, scale, blur, numbers, whole=whole),
        components(changed, settings.options.places),
    )
    if changed.backgrounds and (by_spots(settings) or not is_plain(changed)):
        alone = background_arrays(background_of(changed), settings)
        total = total + simulate_tiles(alone, settings, numbers)
    return total + background(terms, changed, settings.plan, numbers)


def _of_component(
    settings: Settings,
    component: Experiment,
    scale: Float[Array, ""] | float,
    blur: Float[Array, ""],
    numbers: Int[Array, "tile"],
    *,
    whole: bool,
) -> Float[Array, "tile pixel"]:
    """A component's photons in some tiles; by samples those of its backgrounds too, where it has any."""
    if by_spots(settings):
        # A rotation brings more of a spot that is wider along it, too: to the sphere it comes once in any case.
        scale = scale / (blur**2 if component.scan.width is None else blur**3)
        return (tiles_of_crystal(settings, component)[numbers] * scale).astype(settings.dtype)
    arrays = unpack(component, settings)
    arrays = arrays._replace(bragg_scale=arrays.bragg_scale * (scale / blur**2))
    if not whole:
        return simulate_tiles(arrays, settings, numbers)
    blocks = simulate_blocks(arrays, settings, jnp.arange(settings.plan.blocks))
    return blocks.reshape(-1, settings.plan.pixels_per_tile)[: settings.plan.tiles]


def by_spots(settings: Settings) -> bool:
    """Whether the model is drawn by spots."""
    return settings.options.method == "spots"


def at_once(settings: Settings, experiment: Experiment) -> bool:
    """Whether all tiles are computed at once, and to be one block: by spots, and where a detector reads them out.

    Args:
        settings: How the image is simulated.
        experiment: For its response.
    """
    return by_spots(settings) or experiment.response is not None


def drawn(recipe: Recipe, experiment: Experiment, local: Float[Array, "local"], blur: Float[Array, ""]) -> Experiment:
    """The experiment that is drawn: with the local values, and spots that many times wider.

    By spots all that makes them wide counts; by samples it is the size of the crystal alone.
    """
    changed = assign(experiment, recipe.assignments, local)
    everything = by_spots(recipe.settings)
    crystal, *lattices = (_wider_crystal(each, blur, everything) for each in changed.crystals)
    changed = with_fields(changed, crystal=crystal, lattices=tuple(lattices))
    if not everything:
        return changed
    return with_fields(changed, beam=with_fields(changed.beam, sources=_wider(changed.beam.sources, blur)))


def _wider_crystal(crystal: Crystal, blur: Float[Array, ""], everything: bool) -> Crystal:
    crystal = with_fields(crystal, fudge=crystal.fudge / blur**2)
    if not everything:
        return crystal
    return with_fields(crystal, mosaic=_wider(crystal.mosaic, blur), cell_spread=_wider(crystal.cell_spread, blur))


def _wider(model: Any, blur: Float[Array, ""]) -> Any:
    names = _WIDTHS.get(type(model), ())
    return with_fields(model, **{name: getattr(model, name) * blur for name in names}) if names else model


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
