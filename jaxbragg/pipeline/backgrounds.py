"""Backgrounds without the crystal: of images by spots, where they are the only thing that every pixel has."""

from functools import reduce
from operator import add

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import (
    AbsoluteSources,
    AbstractBackground,
    AbstractRadialBackground,
    Experiment,
    RadialTable,
    StructureFactors,
)
from jaxbragg.models.sources import GaussianRays
from jaxbragg.pipeline.arrays import Arrays, unpack
from jaxbragg.pipeline.blocks import simulate_blocks
from jaxbragg.pipeline.sampled import plain
from jaxbragg.pipeline.settings import Settings

_SOURCES = 8
_POINTS = 1 << 16


def background_arrays(experiment: Experiment, settings: Settings) -> Arrays:
    """What is not crystalline: no crystal, a few sources, and one table for all that is radial.

    Backgrounds hardly change within a line of the spectrum, or from one to the next: neighbours in wavelength share a
    source.

    Args:
        experiment: With backgrounds.
        settings: How the image is simulated.
    """
    none = plain(eqx.tree_at(lambda e: e.structure_factors, experiment, StructureFactors(default=0.0)))
    none = eqx.tree_at(lambda e: e.beam.sources, none, _means_of(experiment.beam.gaussians()))
    arrays = unpack(none, settings, warns=False)
    crystal = arrays.crystal._replace(orientations=arrays.crystal.orientations[:0])
    return arrays._replace(crystal=crystal, backgrounds=_looked_up(arrays.backgrounds, arrays.sources[1]))


def background_tiles(experiment: Experiment, settings: Settings) -> Float[Array, "tile pixel"]:
    """Photons of the backgrounds in all tiles.

    Args:
        experiment: With backgrounds; its crystal and response do not count.
        settings: How the image is simulated.
    """
    plan = settings.plan
    blocks = simulate_blocks(background_arrays(experiment, settings), settings, jnp.arange(plan.blocks))
    return blocks.reshape(-1, plan.pixels_per_tile)[: plan.tiles]


def _looked_up(
    backgrounds: tuple[AbstractBackground, ...], wavelengths: Float[Array, "source"]
) -> tuple[AbstractBackground, ...]:
    """With one table of even steps for all that are radial, unless these are constants."""
    radial = [each for each in backgrounds if isinstance(each, AbstractRadialBackground)]
    if all(each.is_constant for each in radial):
        return backgrounds
    step = 1.0 / wavelengths.min() / (_POINTS - 2)  # one point beyond what light can be scattered to
    stol = step * jnp.arange(_POINTS, dtype=step.dtype)
    table = RadialTable(step, reduce(add, (each.intensity(stol) for each in radial)))
    return (table, *(each for each in backgrounds if not isinstance(each, AbstractRadialBackground)))


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
