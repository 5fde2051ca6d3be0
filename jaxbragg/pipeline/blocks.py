"""Photons in some tiles of the image: the physics, put together from the kernels.

I = r_e² Φ / (n_sub² n_phi n_mos) · Σ_layer Σ_sub-pixel Σ_source w P Ω C · Σ_phi Σ_mosaic |F_cell|² |F_latt|²
"""

from collections.abc import Callable
from functools import partial, reduce
from operator import add

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float, Int

from jaxbragg.pipeline.arrays import Arrays
from jaxbragg.pipeline.devices import spread_over_devices
from jaxbragg.pipeline.geometry import Subpixel, subpixels_of, view_of_tiles
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.tiles import place_of_tiles, tiles_of_block
from jaxbragg_kernels import crystal as kernel
from jaxbragg_kernels import orientations, scaling
from jaxbragg_kernels.fusion import fusion_barrier
from jaxbragg_kernels.rays import Directions, Rays
from jaxbragg_kernels.sharded import varying

_Pixels = Float[Array, "tile pixel"]
_Sums = tuple[_Pixels | None, _Pixels | None]  # the crystal's and the backgrounds', where there are any

_BRAGG = "sum over orientations"
_KEPT_SUMS = 8  # images that reverse mode may keep


# Blocks: one after the other on each device -------------------------------------------------------------------------


def simulate_blocks(
    arrays: Arrays, settings: Settings, blocks: Int[Array, "block"]
) -> Float[Array, "block tile pixel"]:
    """Photons in the pixels of some blocks.

    Args:
        arrays: The experiment, with its threshold.
        settings: How the image is simulated.
        blocks: Numbers of the blocks, a multiple of the devices. Past the plan's last one they repeat the last tile.
    """

    def one(arrays: Arrays, block: Int[Array, ""]) -> _Pixels:
        return simulate_tiles(arrays, settings, tiles_of_block(settings.plan, block))

    def some(arrays: Arrays, blocks: Int[Array, "block"]) -> Float[Array, "block tile pixel"]:
        # Reverse mode keeps next to nothing of a block.
        return jax.lax.map(_checkpointed(partial(one, arrays), arrays, settings), blocks)

    return spread_over_devices(some, settings.options.devices)(arrays, blocks)


# Tiles: layers and sub-pixels, sources, orientations ----------------------------------------------------------------


def simulate_tiles(arrays: Arrays, settings: Settings, numbers: Int[Array, "tile"]) -> _Pixels:
    """Photons in the pixels of some tiles, whatever the mask says.

    Args:
        arrays: The experiment, with its threshold.
        settings: How the image is simulated.
        numbers: Of the tiles, in the plan's counting.
    """
    arrays = varying(arrays, arrays, numbers)
    each = settings.options.corrections == "each"
    # Divisions of whole numbers, for the tiles alone: not to be fused with what is done to each pixel.
    tiles = fusion_barrier(partial(place_of_tiles, settings.plan), numbers)
    subpixels = subpixels_of(arrays.detector, settings)
    zero = jnp.zeros((numbers.shape[0], settings.plan.pixels_per_tile), settings.dtype)
    zeros = _zeros(arrays, varying(zero, arrays, numbers))

    def more_of(sums: _Sums, subpixel: Subpixel) -> tuple[_Sums, None]:
        # What has no spots does not need to be exact to a fraction of one.
        view = view_of_tiles(arrays, settings, tiles, subpixel, short_steps=not _is_crystalline(arrays))
        more = _over_sources(arrays, settings, view.directions)
        if each:
            more = jax.tree.map(lambda x: x * (view.solid_angle * view.capture), more)
        return jax.tree.map(jnp.add, sums, more), None

    sums, _ = jax.lax.scan(_checkpointed(more_of, arrays, settings), zeros, subpixels)
    corrections = None if each else _first_corrections(arrays, settings, tiles, subpixels)

    def scaled(bragg: _Pixels | None, background: _Pixels | None, corrections: _Pixels | None) -> _Pixels:
        parts = ((bragg, arrays.bragg_scale), (background, arrays.background_scale))
        photons = reduce(add, [part.astype(scale.dtype) * scale for part, scale in parts if part is not None])
        return (photons if corrections is None else photons * corrections.astype(photons.dtype)).astype(settings.dtype)

    # What puts a block into the image runs on one core: not to be fused with all that makes the block.
    return fusion_barrier(scaled, *sums, corrections)


def _is_crystalline(arrays: Arrays) -> bool:
    return arrays.crystal.orientations.shape[-3] > 0


def _zeros(arrays: Arrays, zero: _Pixels) -> _Sums:
    return zero if _is_crystalline(arrays) else None, zero if arrays.backgrounds else None


def _checkpointed(function: Callable, arrays: Arrays, settings: Settings) -> Callable:
    """The function, of whose inside reverse mode keeps nothing but sums over orientations, and these only if few.

    Three loops lie round such a sum: without it, each would compute it again.
    """
    layers = 1 if arrays.detector.sensor is None else arrays.detector.sensor.layers
    sums = arrays.sources[2].shape[0] * layers * settings.options.oversample**2
    names = (_BRAGG,) if sums <= _KEPT_SUMS else ()
    policy = jax.checkpoint_policies.save_only_these_names(*names)
    return jax.checkpoint(function, prevent_cse=False, policy=policy)


def _over_sources(arrays: Arrays, settings: Settings, directions: Directions) -> _Sums:
    """Weighted sums over all sources of the crystal's and of the backgrounds' |F|²."""
    options, dtype = settings.options, settings.dtype

    def more_of(sums: _Sums, source: tuple) -> tuple[_Sums, None]:
        direction, wavelength, weight, *number = source
        rays = Rays(direction, wavelength, directions)
        factor = weight.astype(dtype)
        if options.polarization and options.corrections == "each":
            factor = factor * polarization_of(arrays, rays)
        bragg = factor * _of_crystal(arrays, settings, rays, *number) if _is_crystalline(arrays) else None
        scattered = [background.scattering(rays).astype(dtype) for background in arrays.backgrounds]
        background = factor * sum(scattered[1:], scattered[0]) if scattered else None
        return jax.tree.map(jnp.add, sums, (bragg, background)), None

    zeros = _zeros(arrays, jnp.zeros_like(directions.unit[0]))
    return jax.lax.scan(_checkpointed(more_of, arrays, settings), zeros, numbered_sources(arrays))[0]


def _of_crystal(arrays: Arrays, settings: Settings, rays: Rays, *number: Int[Array, ""]) -> _Pixels:
    """The sum of one source over the crystal's orientations."""
    options = settings.options
    choices = orientations.Choices(settings.shape, options.interpolation, options.unroll, flat=arrays.detector.is_flat)
    bragg = orientations.sum_over_orientations(crystal_of(arrays, *number), rays, arrays.threshold, choices)
    bragg = checkpoint_name(bragg, _BRAGG)
    return jnp.where(rays.scattering_length() * options.d_min <= 1.0, bragg, 0.0) if options.d_min > 0 else bragg


def numbered_sources(arrays: Arrays) -> tuple:
    """The sources, with their numbers and lines where each has structure factors or orientations of its own."""
    if arrays.crystal.table.boxes == 1 and arrays.crystal.orientations.ndim == 3:
        return arrays.sources
    numbers = jnp.arange(arrays.sources[2].shape[0])
    return (*arrays.sources, numbers, numbers if arrays.lines is None else arrays.lines)


def crystal_of(
    arrays: Arrays, number: Int[Array, ""] | None = None, line: Int[Array, ""] | None = None
) -> kernel.Crystal:
    """The crystal as a source sees it."""
    crystal = arrays.crystal
    if number is None or line is None:
        return crystal
    if crystal.orientations.ndim == 4:
        crystal = crystal._replace(orientations=crystal.orientations[number])
    return crystal if crystal.table.boxes == 1 else crystal._replace(table=crystal.table.of(line))


def polarization_of(arrays: Arrays, rays: Rays) -> _Pixels:
    """The polarization factor of photons that came along `rays.beam`."""
    return scaling.polarization(rays.directions.unit, rays.beam, arrays.polarization_axis, arrays.polarization)


def _first_corrections(
    arrays: Arrays, settings: Settings, tiles: tuple[Int[Array, "tile"], ...], subpixels: Subpixel
) -> _Pixels:
    """What the C program multiplies all sub-pixels, sources and layers by.

    Polarization and solid angle of the first of them; capture fraction of the last layer at its first sub-pixel.
    """
    first = jax.tree.map(lambda x: x[0], subpixels)
    view = view_of_tiles(arrays, settings, tiles, first)
    last = view_of_tiles(arrays, settings, tiles, first._replace(layer=subpixels.layer[-1]))
    corrections = view.solid_angle * last.capture
    if settings.options.polarization:
        rays = Rays(arrays.sources[0][0], arrays.sources[1][0], view.directions)
        corrections = corrections * polarization_of(arrays, rays)
    return corrections
