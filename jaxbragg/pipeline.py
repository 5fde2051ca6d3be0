"""The experiment as arrays, and some tiles of its image: the physics, put together from the kernels.

I = r_e² Φ / (n_sub² n_phi n_mos) · Σ_layer Σ_sub-pixel Σ_source w P Ω C · Σ_phi Σ_mosaic |F_cell|² |F_latt|²
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float, Int

from jaxbragg.geometry import Sample, look, samples_of
from jaxbragg.models import Crystal, Experiment
from jaxbragg.models.background import AmorphousBackground
from jaxbragg.models.detector import AbstractDetector
from jaxbragg.options import Options
from jaxbragg.plan import PIXELS_PER_TILE, Plan
from jaxbragg.precision import types
from jaxbragg.tiles import place_of_tiles
from jaxbragg_kernels import accumulate, background, dispatch, fences, hkl, reciprocal, rotation, scaling
from jaxbragg_kernels.namespace import namespace_of

_Pixels = Float[Array, "tile pixel"]
_Sums = tuple[_Pixels, _Pixels | None]  # the crystal's, and the background's where there is one

_BRAGG = "sum over orientations"
_KEPT_SUMS = 8  # images that reverse mode may keep
_SAMPLED_TILES = 256
_SAMPLED_ORIENTATIONS = 16


# 1. The experiment as arrays -----------------------------------------------------------------------------------------


class Arrays(NamedTuple):
    """What the blocks have in common."""

    crystal: accumulate.Crystal
    detector: AbstractDetector
    background: AmorphousBackground | None
    beam_direction: Float[Array, "3"]
    polarization_axis: Float[Array, "3"]
    polarization: Float[Array, ""]
    sources: tuple[Float[Array, "source 3"], Float[Array, "source"], Float[Array, "source"]]
    bragg_scale: Float[Array, ""]
    background_scale: Float[Array, ""]
    least: Float[Array, ""] | None = None  # see `with_skipping`


def unpack(experiment: Experiment, options: Options) -> Arrays:
    """Models into arrays: exact types for what Miller indices are made of, the image's type for the rest.

    Of a model whose leaves are numpy's, the arrays are numpy's too, all but those of a class that knows only JAX.
    """
    exact, dtype = types(options)
    experiment = jax.tree.map(lambda x: x.astype(exact) if jnp.issubdtype(x.dtype, jnp.floating) else x, experiment)
    beam, crystal, factors = experiment.beam, experiment.crystal, experiment.structure_factors
    stack = rotation.orientation_stack(experiment.scan.rotations(), crystal.mosaic.rotations())
    vectors = crystal.vectors()
    orientations = (stack[:, None, :, :] * vectors[None, :, None, :]).sum(axis=-1)  # each row a, b, c turned
    steps = options.oversample**2 * stack.shape[0]
    molecules: Any = experiment.background.molecules if experiment.background is not None else np.zeros((), exact)
    return Arrays(
        crystal=accumulate.Crystal(
            orientations=orientations.astype(exact),
            cells=crystal.cells.astype(dtype),
            metric=spot_metric(crystal, vectors, options).astype(dtype),
            table=hkl.make_table(factors.values.astype(dtype), factors.minimum, factors.default),
            default=factors.default,
        ),
        detector=experiment.detector,
        background=experiment.background,
        beam_direction=beam.direction,
        polarization_axis=beam.polarization_axis,
        polarization=beam.polarization,
        sources=tuple(x.astype(exact) for x in beam.rays()),  # type: ignore[arg-type]
        bragg_scale=scaling.photon_scale(beam.fluence, crystal.volume(), steps),
        background_scale=background.photon_scale(beam.fluence, molecules, options.oversample**2),
    )


def spot_metric(crystal: Crystal, vectors: Float[Array, "3 3"], options: Options) -> Float[Array, "6"]:
    """M of `jaxbragg_kernels.lattice.radius_squared`: fudge · NᵀN, or what the C program takes instead."""
    xp = namespace_of(vectors, crystal.cells, crystal.fudge)
    if options.spot_width == "miller" or options.shape == "round":
        rows = crystal.cells_matrix()
    else:
        rows = crystal.volume() * xp.linalg.inv(vectors).T
    tensor = (rows[:, None, :] * rows[None, :, :]).sum(axis=-1)
    # Not by arrays of indices: where the caller has float64 off, reverse mode would scatter float32 into float64.
    return crystal.fudge * xp.stack([tensor[i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))])


# 2. A block of tiles: layers and sub-pixels, sources, orientations ---------------------------------------------------


def with_skipping(arrays: Arrays, options: Options, plan: Plan) -> Arrays:
    """The same arrays, with the bound below which orientations may be left out of a tile.

    What is left out of a pixel is at most the sum over all steps of the largest |F|² times the bound times the largest
    correction; it is to stay below `skip_below` of the brightest pixel. The brightest of some tiles, drawn with some
    orientations, cannot be brighter than that.

    Args:
        arrays: The experiment, unpacked.
        options: How it is to be drawn; the shape must be set.
        plan: How the image is cut.
    """
    share, count = options.share_skipped, arrays.crystal.orientations.shape[0]
    if share == 0.0 or count < dispatch.FEWEST_TO_SKIP:
        return arrays
    fixed = jax.lax.stop_gradient(arrays)
    numbers = jnp.arange(0, plan.tiles, max(1, plan.tiles // _SAMPLED_TILES))
    some = fixed.crystal.orientations[:: max(1, count // _SAMPLED_ORIENTATIONS)]
    sample = fixed._replace(crystal=fixed.crystal._replace(orientations=some), background=None)
    brightest = draw_tiles(sample, replace(options, unroll=1), plan, numbers).max()
    exact, _ = types(options)
    samples = samples_of(arrays.detector, options)
    places = place_of_tiles(plan, numbers)
    first = jax.tree.map(lambda x: x[0], samples)
    # All of these before their maximum: a reduction that makes its own operands makes them one by one.
    solid_angle = fences.apart(lambda *tiles: look(fixed.detector, options, plan, tiles, first)[1], *places)
    factor = jnp.maximum(jnp.abs(fixed.crystal.table.values).max(), jnp.abs(fixed.crystal.default)).astype(exact)
    steps = samples.layer.shape[0] * count * jnp.abs(fixed.sources[2]).sum()
    # Twice: the sample may have missed the largest solid angle.
    most = 2.0 * factor**2 * steps * solid_angle.max() * fixed.bragg_scale
    least = share * brightest / jnp.where(most > 0, most, 1.0)
    return arrays._replace(least=jnp.clip(least, 1e-30, 1.0).astype(exact))


def draw_tiles(arrays: Arrays, options: Options, plan: Plan, numbers: Int[Array, "tile"]) -> _Pixels:
    """Photons in the pixels of some tiles, whatever the mask says.

    Args:
        arrays: The experiment, unpacked.
        options: How it is to be drawn.
        plan: How the image is cut.
        numbers: Of the tiles, in the plan's counting.
    """
    _, dtype = types(options)
    # Divisions of whole numbers, for the tiles alone: not to be fused with what is done to each pixel.
    tiles = fences.apart(partial(place_of_tiles, plan), numbers)
    samples = samples_of(arrays.detector, options)
    zeros = _zeros(arrays, jnp.zeros((numbers.shape[0], PIXELS_PER_TILE), dtype))

    def add(sums: _Sums, sample: Sample) -> tuple[_Sums, None]:
        rays, solid_angle, capture = look(arrays.detector, options, plan, tiles, sample)
        more = _over_sources(arrays, options, rays)
        if options.corrections == "each":
            more = jax.tree.map(lambda x: x * (solid_angle * capture), more)
        return jax.tree.map(jnp.add, sums, more), None

    sums, _ = jax.lax.scan(checkpointed(add, arrays, options), zeros, samples)
    corrections = None
    if options.corrections == "first":
        corrections = _first_corrections(arrays, options, plan, tiles, samples)

    def scaled(bragg: _Pixels, amorphous: _Pixels | None, corrections: _Pixels | None) -> _Pixels:
        photons = bragg * arrays.bragg_scale
        if amorphous is not None:
            photons = photons + amorphous * arrays.background_scale
        return (photons if corrections is None else photons * corrections).astype(dtype)

    # What puts a block into the image runs on one core: not to be fused with all that makes the block.
    return fences.apart(scaled, *sums, corrections)


def _zeros(arrays: Arrays, zero: _Pixels) -> _Sums:
    return zero, None if arrays.background is None else zero


def checkpointed(function: Callable, arrays: Arrays, options: Options) -> Callable:
    """The function, of whose inside reverse mode keeps nothing but sums over orientations, and these only if few.

    Three loops lie round such a sum: without it, each would compute it again.
    """
    layers = 1 if arrays.detector.sensor is None else arrays.detector.sensor.layers
    sums = arrays.sources[2].shape[0] * layers * options.oversample**2
    names = (_BRAGG,) if sums <= _KEPT_SUMS else ()
    policy = jax.checkpoint_policies.save_only_these_names(*names)
    return jax.checkpoint(function, prevent_cse=False, policy=policy)


def _over_sources(arrays: Arrays, options: Options, rays: reciprocal.Directions) -> _Sums:
    """Weighted sums over all sources of the crystal's and of the background's |F|²."""
    zero = jnp.zeros_like(rays.unit[0])

    def add(sums: _Sums, source: tuple) -> tuple[_Sums, None]:
        direction, wavelength, weight = source
        factor = weight.astype(zero.dtype)
        if options.polarization and options.corrections == "each":
            factor = factor * polarization_of(arrays, rays, direction)
        bragg = dispatch.over_orientations(
            arrays.crystal,
            direction,
            wavelength,
            rays,
            shape=str(options.shape),
            interpolation=options.interpolation,
            unroll=options.unroll,
            kernel=options.kernel,
            least=arrays.least,
            flat=arrays.detector.is_flat,
        )
        bragg = checkpoint_name(bragg, _BRAGG)
        length = reciprocal.scattering_length(rays.unit, direction, wavelength)
        if options.d_min > 0:
            bragg = jnp.where(length * options.d_min <= 1.0, bragg, 0.0)
        amorphous = None
        if arrays.background is not None:
            molecule = background.structure_factor(length / 2, arrays.background.stol, arrays.background.factor)
            amorphous = factor * (molecule * molecule)
        return jax.tree.map(jnp.add, sums, (factor * bragg, amorphous)), None

    return jax.lax.scan(checkpointed(add, arrays, options), _zeros(arrays, zero), arrays.sources)[0]


def polarization_of(arrays: Arrays, rays: reciprocal.Directions, direction: Float[Array, "3"]) -> _Pixels:
    """The polarization factor of photons that came along `direction`."""
    return scaling.polarization(rays.unit, direction, arrays.polarization_axis, arrays.polarization)


def _first_corrections(
    arrays: Arrays, options: Options, plan: Plan, tiles: tuple[Int[Array, "tile"], ...], samples: Sample
) -> _Pixels:
    """What the C program multiplies all sub-pixels, sources and layers by.

    Polarization and solid angle of the first of them; capture fraction of the last layer at its first sub-pixel.
    """
    first = jax.tree.map(lambda x: x[0], samples)
    rays, solid_angle, _ = look(arrays.detector, options, plan, tiles, first)
    _, _, capture = look(arrays.detector, options, plan, tiles, first._replace(layer=samples.layer[-1]))
    corrections = solid_angle * capture
    if options.polarization:
        corrections = corrections * polarization_of(arrays, rays, arrays.sources[0][0])
    return corrections
