"""What an image is made of: photons of each reflection and where their middle is, the strongest one of each pixel.

The image is quadratic in the structure factors: of h k l there are ½ F ∂(Σ photons)/∂F photons on the detector,
whatever overlaps; the middle comes likewise from photons times their places. Reverse mode has all reflections at once,
in the time of some images.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from jaxbragg.models import AbsoluteSources, AbstractSources, Experiment, SourceStructureFactors, StructureFactors
from jaxbragg.models.components import only_component
from jaxbragg.models.sources import GaussianRays
from jaxbragg.models.unit_cell import reciprocal_vectors
from jaxbragg.options import Options
from jaxbragg.pipeline.arrays import Arrays, unpack
from jaxbragg.pipeline.blocks import crystal_of, numbered_sources
from jaxbragg.pipeline.geometry import Subpixel, subpixels_of, view_of_tiles
from jaxbragg.pipeline.plan import TILE
from jaxbragg.pipeline.settings import Settings, make_settings
from jaxbragg.pipeline.spots.closed_form import by_spots
from jaxbragg.pipeline.spots.strongest import strongest_of_spots
from jaxbragg.pipeline.tiles import assemble, place_of_tiles, tiles_of_block
from jaxbragg.several import spot_options
from jaxbragg.simulate import simulate
from jaxbragg_kernels import hkl as tables
from jaxbragg_kernels.numerics import numerics
from jaxbragg_kernels.orientations import Choices
from jaxbragg_kernels.orientations.one import indices, intensity
from jaxbragg_kernels.rays import Rays

_MOST = 100_000_000  # indices of a box
_LEAST = 1e-9  # share of the brightest reflection's photons, below which one is left out
_SURE = 1.02  # compiled together a list may get one entry more than where its length was found
_GRID = 33  # points along a panel's side at which its resolution is taken


class Truth(NamedTuple):
    """The ground truth of one image.

    Attributes:
        hkl: Miller indices of the reflections with photons on the detector, the brightest first [n, 3].
        photons: Mean number of photons of each on the detector [n].
        panel: On which most of them are [n].
        slow, fast: The middle of these [n, pixels; 0.5 is the middle of the first].
        spacing: [n, Å].
        strongest: Miller indices that are nearest in the strongest term of each pixel's sum [slow, fast, 3], or
            [panel, slow, fast, 3].
        wavelength: Mean of each pixel's photons [Å], those of backgrounds included; NaN where there are none.
    """

    hkl: NDArray[np.int64]
    photons: NDArray[np.float64]
    panel: NDArray[np.int64]
    slow: NDArray[np.float64]
    fast: NDArray[np.float64]
    spacing: NDArray[np.float64]
    strongest: NDArray[np.int32]
    wavelength: NDArray[np.float32]


def ground_truth(experiment: Experiment, options: Options = Options()) -> Truth:
    """What each reflection gives to an image.

    Args:
        experiment: Of one image, with known values. Photons are those that come: its response does not count.
        options: As for `simulate`. With tricubic interpolation photons are shared out to the indices between which |F|
            is taken.

    Raises:
        ValueError: If there are more indices within the detector's resolution than can be counted: `Options.d_min`
            cuts it.
    """
    experiment = _covering(only_component(jax.device_get(replace(experiment, response=None))), options)
    spots = by_spots(experiment, make_settings(experiment, options, warns=False))
    if spots:
        options = spot_options(experiment, options, margin=_SURE)
    factors: Any = experiment.structure_factors
    photons, middles = _photons(experiment, options)
    panel = photons.argmax(axis=0)
    low = np.array(factors.minimum)
    total = photons.sum(axis=0)
    found = np.argwhere(total > _LEAST * max(total.max(), 0.0)) if total.max() > 0 else np.zeros((0, 3), int)
    found = found[np.argsort(-total[tuple(found.T)], kind="stable")]
    at = tuple(found.T)
    own = panel[at]
    slow, fast = (middles[i][(own, *at)] for i in (0, 1))
    stars = reciprocal_vectors(np.asarray(experiment.crystal.vectors(), float))
    with np.errstate(divide="ignore"):
        spacing = 1 / np.linalg.norm((found + low) @ stars, axis=1)
    strongest = (_strongest_spots if spots else _strongest)(experiment, options)
    wavelength = (_mean_wavelengths if spots else _wavelengths)(experiment, options)
    return Truth(found + low, total[at], own, slow, fast, spacing, strongest, wavelength)


def _covering(experiment: Experiment, options: Options) -> Experiment:
    """The experiment with a table that has every index within the detector's resolution."""
    factors = experiment.structure_factors
    amplitudes = np.asarray(factors.amplitudes(), float)
    several = amplitudes.ndim == 4
    boxes = amplitudes if several else amplitudes[None]
    lengths = np.linalg.norm(np.asarray(experiment.crystal.vectors(), float), axis=1)
    most = np.floor(lengths * _reach(experiment, options)).astype(int) + 1
    low, high, first = -most, most, np.array(factors.minimum)
    if 0 not in boxes.shape:
        low, high = np.minimum(low, first), np.maximum(high, first + np.array(boxes.shape[1:]) - 1)
    size = high - low + 1
    if float(np.prod(size, dtype=float)) * len(boxes) > _MOST:
        raise ValueError(
            f"Argument `experiment` must have at most {_MOST} indices within the resolution of the detector, but has "
            f"{' × '.join(map(str, size))}: Options(d_min=…), -dmin, cuts it."
        )
    whole = np.full((len(boxes), *size), float(factors.default))
    if 0 not in boxes.shape:
        inside = (slice(s, s + n) for s, n in zip(first - low, boxes.shape[1:], strict=True))
        whole[(slice(None), *inside)] = boxes
    kind, values = (SourceStructureFactors, whole) if several else (StructureFactors, whole[0])
    made: Any = kind(values, low, factors.default)
    return eqx.tree_at(lambda e: e.structure_factors, experiment, jax.device_get(made))


def _reach(experiment: Experiment, options: Options) -> float:
    """The largest 1/d on the detector [1/Å], of any source."""
    panels, slow, fast = experiment.detector.shape
    grid = np.meshgrid(np.arange(panels), np.linspace(0, slow, _GRID), np.linspace(0, fast, _GRID), indexing="ij")
    with numerics():
        places = np.asarray(jax.jit(jax.vmap(experiment.detector.position))(*(axis.ravel() for axis in grid)))
    towards = places / np.linalg.norm(places, axis=1, keepdims=True)
    directions, wavelengths, _ = (np.asarray(x) for x in experiment.beam.rays())
    reached = max(
        float(np.linalg.norm(towards - direction, axis=1).max() / wavelength)
        for direction, wavelength in zip(directions, wavelengths, strict=True)
    )
    return min(reached, 1 / options.d_min) if options.d_min > 0 else reached


def _photons(experiment: Experiment, options: Options) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Photons of every index on each panel [panel, h, k, l], and the middle of them, slow and fast [2, panel, …]."""
    values = np.asarray(experiment.structure_factors.values)  # type: ignore[attr-defined]
    shape = experiment.detector.shape
    slow, fast = (np.arange(n) + 0.5 for n in shape[1:])
    weights = (np.ones(shape[1:]), np.broadcast_to(slow[:, None], shape[1:]), np.broadcast_to(fast, shape[1:]))
    with numerics():

        @jax.jit
        def pulled(values: Any, weight: Any) -> Any:
            def image(values: Any) -> Any:
                return simulate(eqx.tree_at(lambda e: e.structure_factors.values, experiment, values), options)

            made, pull = jax.vjp(image, values)
            return pull(weight.reshape(made.shape).astype(made.dtype))[0]

        sums = []
        for panel in range(shape[0]):
            for weight in weights:
                on = np.zeros(shape)
                on[panel] = weight
                slope = np.asarray(pulled(jnp.asarray(values), jnp.asarray(on)), float)
                product = 0.5 * values * slope
                sums.append(product.sum(axis=0) if product.ndim == 4 else product)
    table = np.array(sums).reshape(shape[0], 3, *sums[0].shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        return table[:, 0], np.moveaxis(table[:, 1:] / table[:, :1], 1, 0)


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


def _mean_wavelengths(experiment: Experiment, options: Options) -> NDArray[np.float32]:
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
