"""What each pixel of an image shows: the strongest reflection, and the mean wavelength of its photons."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from jaxbragg.models import AbsoluteSources, AbstractSources, Experiment
from jaxbragg.models.sources import GaussianRays
from jaxbragg.options import Options
from jaxbragg.pipeline.arrays import Arrays, unpack
from jaxbragg.pipeline.blocks import crystal_of, numbered_sources
from jaxbragg.pipeline.geometry import Subpixel, subpixels_of, view_of_tiles
from jaxbragg.pipeline.plan import TILE
from jaxbragg.pipeline.settings import Settings, make_settings
from jaxbragg.pipeline.spots.strongest import strongest_of_spots
from jaxbragg.pipeline.tiles import assemble, place_of_tiles, tiles_of_block
from jaxbragg.simulate import simulate
from jaxbragg_kernels import hkl as tables
from jaxbragg_kernels.numerics import numerics
from jaxbragg_kernels.orientations import Choices
from jaxbragg_kernels.orientations.one import indices, intensity
from jaxbragg_kernels.rays import Rays


def strongest(experiment: Experiment, options: Options, *, by_spots: bool) -> NDArray[np.int32]:
    """Miller indices of the reflection that gives each pixel most; those of pixels that are not simulated are 0.

    Args:
        experiment: Of one crystal, whose table has every index within the detector's resolution.
        options: As for `simulate`; by spots with the lengths of lists.
        by_spots: Whether the image is drawn so.
    """
    return (_strongest_spots if by_spots else _strongest)(experiment, options)


def mean_wavelengths(experiment: Experiment, options: Options, *, by_spots: bool) -> NDArray[np.float32]:
    """Mean wavelength of each pixel's photons, those of backgrounds included; NaN where there are none [Å].

    Args:
        experiment: As for `strongest`.
        options: Likewise.
        by_spots: Likewise.
    """
    return (_wavelengths_by_spots if by_spots else _wavelengths)(experiment, options)


def _wavelengths(experiment: Experiment, options: Options) -> NDArray[np.float32]:
    """Mean wavelength of each pixel's photons: of an image whose sources weigh as much as their wavelength."""
    directions, wavelengths, weights = (np.asarray(x, float) for x in experiment.beam.rays())
    image = np.asarray(simulate(experiment, options), float)
    with np.errstate(divide="ignore", invalid="ignore"):
        if np.ptp(wavelengths) == 0:
            return np.where(image > 0, wavelengths[0], np.nan).astype(np.float32)
        heavier = weights * wavelengths
        sources = AbsoluteSources(directions, wavelengths, heavier)
        made = eqx.tree_at(lambda e: e.beam.sources, experiment, jax.device_get(sources))
        return (np.asarray(simulate(made, options), float) * heavier.sum() / image).astype(np.float32)


class _Lines(AbstractSources):
    """Gaussian lines as they are, whatever model they are of."""

    lines: GaussianRays

    def rays(self, direction: Any, polarization_axis: Any, wavelength: Any) -> tuple[Any, Any, Any]:
        return self.lines[:3]

    def gaussians(self, direction: Any, polarization_axis: Any, wavelength: Any) -> GaussianRays:
        return self.lines


def _wavelengths_by_spots(experiment: Experiment, options: Options) -> NDArray[np.float32]:
    """The same by spots: of a Gaussian λ with mean m and variance v, E[λ I(λ)] is m E[I] + v ∂E[I]/∂m (Stein)."""
    with numerics():
        lines = experiment.beam.gaussians()
        widths = lines.bandwidths * lines.wavelengths

        @jax.jit
        def image(means: Any, weights: Any) -> Any:
            mine = lines._replace(wavelengths=means, weights=weights, bandwidths=widths / means)
            return simulate(eqx.tree_at(lambda e: e.beam.sources, experiment, _Lines(mine)), options)

        means, weights = jnp.asarray(lines.wavelengths), jnp.asarray(lines.weights)
        whole, slope = (
            np.asarray(x, float) for x in jax.jvp(lambda m: image(m, weights), (means,), (jnp.asarray(widths**2),))
        )
        heavier = weights * means
        first = np.asarray(image(means, heavier), float) * float(heavier.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, (first + slope) / whole, np.nan).astype(np.float32)


def _strongest_spots(experiment: Experiment, options: Options) -> NDArray[np.int32]:
    """Miller indices of the reflection that gives each pixel most; by spots."""
    settings = make_settings(experiment, replace(options, tile=options.tile or TILE, exact_phases=False), warns=False)
    with numerics():
        return _simulated(np.array(strongest_of_spots(settings, experiment)), experiment, settings)


def _strongest(experiment: Experiment, options: Options) -> NDArray[np.int32]:
    """Miller indices of the strongest term of every pixel; those of pixels that are not simulated are 0."""
    settings = make_settings(experiment, options, warns=False)
    with numerics():
        places = np.asarray(_strongest_places(experiment, settings))
    factors: Any = experiment.structure_factors
    size = np.array(factors.amplitudes().shape[-3:]) + 2  # the table has a layer all round
    found = np.stack(np.unravel_index(places.astype(np.int64) % int(size.prod()), tuple(size)), axis=-1)
    return _simulated((found + np.array(factors.minimum) - 1).astype(np.int32), experiment, settings)


def _simulated(found: NDArray[np.int32], experiment: Experiment, settings: Settings) -> NDArray[np.int32]:
    """The indices with 0 where no pixel is simulated."""
    left, right, top, bottom = settings.plan.roi
    simulated = np.zeros(experiment.detector.shape, bool)
    simulated[:, top : bottom + 1, left : right + 1] = True
    if experiment.detector.mask is not None:
        simulated &= np.asarray(experiment.detector.mask)
    found[~simulated.reshape(found.shape[:-1])] = 0
    return found


@partial(jax.jit, static_argnames="settings")
def _strongest_places(experiment: Experiment, settings: Settings) -> Int[Array, "..."]:
    arrays = unpack(experiment, settings)

    def block(number: Int[Array, ""]) -> Int[Array, "tile pixel"]:
        return _strongest_of_tiles(arrays, settings, tiles_of_block(settings.plan, number))

    blocks = jax.lax.map(block, jnp.arange(settings.plan.blocks))
    whole: Any = SimpleNamespace(mask=None, image_shape=experiment.detector.image_shape)  # places are whole numbers
    return assemble(blocks, whole, settings.plan)


def _strongest_of_tiles(arrays: Arrays, settings: Settings, numbers: Int[Array, "tile"]) -> Int[Array, "tile pixel"]:
    """Where |F| of the strongest term stands in the table."""
    tiles = place_of_tiles(settings.plan, numbers)
    choices = Choices(settings.shape, "nearest")
    shape = (numbers.shape[0], settings.plan.pixels_per_tile)

    def per_subpixel(best: Any, subpixel: Subpixel) -> tuple[Any, None]:
        seen = view_of_tiles(arrays, settings, tiles, subpixel).directions

        def per_source(best: Any, source: tuple) -> tuple[Any, None]:
            direction, wavelength, weight, *number = source
            rays, crystal = Rays(direction, wavelength, seen), crystal_of(arrays, *number)

            def per_orientation(best: Any, orientation: Float[Array, "3 3"]) -> tuple[Any, None]:
                strength = intensity(orientation, crystal, rays, choices) * weight.astype(settings.dtype)
                wholes, _, nearest = indices(orientation, crystal, rays, settings.shape)
                place = tables.place_of_parts(crystal.table, wholes, nearest)
                stronger = strength > best[0]
                return (jnp.where(stronger, strength, best[0]), jnp.where(stronger, place, best[1])), None

            return jax.lax.scan(per_orientation, best, crystal.orientations)[0], None

        return jax.lax.scan(per_source, best, numbered_sources(arrays))[0], None

    none = (jnp.full(shape, -1.0, settings.dtype), jnp.zeros(shape, jnp.uint32))
    return jax.lax.scan(per_subpixel, none, subpixels_of(arrays.detector, settings))[0][1]
