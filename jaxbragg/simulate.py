"""From an experiment to its image: the pipeline, to be read from top to bottom.

    I = r_e² Φ / (n_sub² n_phi n_mos) · Σ_layer Σ_sub-pixel Σ_source w P Ω C · Σ_phi Σ_mosaic |F_cell|² |F_latt|²

The models are unpacked into arrays here; the kernels do the arithmetic.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxbragg.models import Experiment
from jaxbragg.models.background import AmorphousBackground
from jaxbragg.models.detector import AbstractDetector
from jaxbragg.options import Options
from jaxbragg.plan import PIXELS_PER_TILE, TILE, Plan, make_plan
from jaxbragg_kernels import accumulate, background, hkl, reciprocal, rotation, scaling

_Pixels = Float[Array, "tile pixel"]


def simulate(
    experiment: Experiment, options: Options = Options(), *, progress: Callable[[float], None] | None = None
) -> Float[Array, "slow fast"] | Float[Array, "panel slow fast"]:
    """The diffraction image of an experiment.

    Pure: `jax.jit`, `grad`, `jacfwd` and `vmap` work on it as on any function of arrays, and a new value of a leaf
    compiles nothing anew. Float64 is opened inside, whatever the caller's settings are.

    Args:
        experiment: What is in the beam, and where.
        options: How it is to be drawn.
        progress: Called with the share that is done, from time to time; the image is then drawn in several launches.
            Not for use under a transformation.

    Returns:
        Photons in each pixel, mean values: float64 with `precision="float64"`, otherwise float32. Several panels have
        an axis of their own in front. Pixels outside the region of interest, and masked ones, are 0.

    Raises:
        TypeError: If the experiment or the options are something else.
        ValueError: If the region of interest is not on the detector.
    """
    if not isinstance(experiment, Experiment):
        raise TypeError(f"Argument `experiment` must be an Experiment, but is {type(experiment).__name__}.")
    if not isinstance(options, Options):
        raise TypeError(f"Argument `options` must be Options, but is {type(options).__name__}.")
    plan = make_plan(experiment.detector.shape, options)
    options = replace(options, shape=options.shape or experiment.crystal.shape)
    with jax.enable_x64(True):
        if progress is None:
            return _simulate(experiment, options, plan)
        return _in_steps(experiment, options, plan, progress)


@partial(jax.jit, static_argnames=("options", "plan"))
def _simulate(experiment: Experiment, options: Options, plan: Plan) -> Float[Array, "..."]:
    arrays = _unpack(experiment, options)
    draw = jax.checkpoint(partial(_draw_block, arrays, options, plan), prevent_cse=False)
    return _assemble(jax.lax.map(draw, jnp.arange(plan.blocks)), experiment.detector, plan)


def _in_steps(
    experiment: Experiment, options: Options, plan: Plan, progress: Callable[[float], None]
) -> Float[Array, "..."]:
    """The same, some blocks at a time, so that a person can see it advance."""
    launches = min(plan.blocks, 50)
    at_once = -(-plan.blocks // launches)
    drawn = []
    for first in range(0, plan.blocks, at_once):
        drawn.append(_draw_some(experiment, options, plan, jnp.asarray(first), at_once).block_until_ready())
        progress(min(1.0, (first + at_once) / plan.blocks))
    return _assemble_jitted(jnp.concatenate(drawn)[: plan.blocks], experiment.detector, plan)


@partial(jax.jit, static_argnames=("options", "plan", "count"))
def _draw_some(
    experiment: Experiment, options: Options, plan: Plan, first: Int[Array, ""], count: int
) -> Float[Array, "..."]:
    arrays = _unpack(experiment, options)
    return jax.lax.map(partial(_draw_block, arrays, options, plan), first + jnp.arange(count))


# 1. The experiment as arrays -----------------------------------------------------------------------------------------


class _Arrays(NamedTuple):
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


def _unpack(experiment: Experiment, options: Options) -> _Arrays:
    """Models into arrays: exact types for what Miller indices are made of, the image's type for the rest."""
    exact, dtype = types(options)
    experiment = jax.tree.map(lambda x: x.astype(exact) if jnp.issubdtype(x.dtype, jnp.floating) else x, experiment)
    beam, crystal, factors = experiment.beam, experiment.crystal, experiment.structure_factors
    stack = rotation.orientation_stack(experiment.scan.rotations(), crystal.mosaic.rotations())
    vectors = crystal.vectors()
    orientations = (stack[:, None, :, :] * vectors[None, :, None, :]).sum(axis=-1)  # each row a, b, c turned
    steps = options.oversample**2 * stack.shape[0]
    molecules = experiment.background.molecules if experiment.background is not None else jnp.zeros((), exact)
    return _Arrays(
        crystal=accumulate.Crystal(
            orientations=orientations.astype(exact),
            cells=crystal.cells.astype(dtype),
            metric=spot_metric(crystal.cells, vectors, crystal.fudge, options).astype(dtype),
            table=hkl.make_table(factors.values.astype(dtype), factors.minimum, factors.default),
            default=factors.default,
        ),
        detector=experiment.detector,
        background=experiment.background,
        beam_direction=beam.direction,
        polarization_axis=beam.polarization_axis,
        polarization=beam.polarization,
        sources=tuple(x.astype(exact) for x in beam.rays()),  # type: ignore[arg-type]
        bragg_scale=scaling.photon_scale(beam.fluence, crystal.cells, steps),
        background_scale=background.photon_scale(beam.fluence, molecules, options.oversample**2),
    )


def types(options: Options) -> tuple[jnp.dtype, jnp.dtype]:
    """The type of what Miller indices are made of, and that of the image."""
    single, double = jnp.dtype("float32"), jnp.dtype("float64")
    return {"mixed": (double, single), "float64": (double, double), "float32": (single, single)}[options.precision]


def spot_metric(
    cells: Float[Array, "3"], vectors: Float[Array, "3 3"], fudge: Float[Array, ""], options: Options
) -> Float[Array, "6"]:
    """M of `jaxbragg_kernels.lattice.radius_squared`."""
    if options.spot_width == "miller" or options.shape == "round":
        return fudge * jnp.concatenate([cells * cells, jnp.zeros(3)])
    volume = cells[0] * cells[1] * cells[2]
    reciprocal_rows = jnp.linalg.inv(vectors).T
    tensor = (reciprocal_rows[:, None, :] * reciprocal_rows[None, :, :]).sum(axis=-1)
    return fudge * volume**2 * tensor[jnp.array([0, 1, 2, 0, 0, 1]), jnp.array([0, 1, 2, 1, 2, 2])]


# 2. A block of tiles: layers and sub-pixels, sources, orientations ---------------------------------------------------


class _Sample(NamedTuple):
    """One sub-pixel of every pixel, in one layer of the sensor."""

    layer: Float[Array, ""]
    slow: Float[Array, ""]
    fast: Float[Array, ""]


def _draw_block(arrays: _Arrays, options: Options, plan: Plan, block: Int[Array, ""]) -> _Pixels:
    """Photons in the pixels of one block."""
    exact, dtype = types(options)
    tiles = _tiles_of_block(plan, block)
    samples = _samples(arrays.detector, options, exact)
    zero = jnp.zeros((plan.tiles_per_block, PIXELS_PER_TILE), dtype)

    def add(sums: tuple[_Pixels, _Pixels], sample: _Sample) -> tuple[tuple[_Pixels, _Pixels], None]:
        rays, solid_angle, capture = _look(arrays, options, plan, tiles, sample)
        bragg, amorphous = _over_sources(arrays, options, rays)
        if options.corrections == "each":
            bragg, amorphous = (x * (solid_angle * capture) for x in (bragg, amorphous))
        return (sums[0] + bragg, sums[1] + amorphous), None

    sums, _ = jax.lax.scan(jax.checkpoint(add, prevent_cse=False), (zero, zero), samples)
    photons = sums[0] * arrays.bragg_scale + sums[1] * arrays.background_scale
    if options.corrections == "first":
        photons = photons * _first_corrections(arrays, options, plan, tiles, samples)
    return photons.astype(dtype)


def _tiles_of_block(plan: Plan, block: Int[Array, ""]) -> tuple[Int[Array, "tile"], ...]:
    """Panel, tile row and tile column of a block's tiles."""
    number = jnp.minimum(block * plan.tiles_per_block + jnp.arange(plan.tiles_per_block), plan.tiles - 1)
    column = number % plan.tiles_fast
    row = (number // plan.tiles_fast) % plan.tiles_slow
    return number // (plan.tiles_fast * plan.tiles_slow), row, column


def _samples(detector: AbstractDetector, options: Options, exact: jnp.dtype) -> _Sample:
    """Every layer and sub-pixel; sub-pixels at the middles of an even division of the pixel."""
    layers = 1 if detector.sensor is None else detector.sensor.layers
    n = options.oversample
    layer, slow, fast = np.meshgrid(np.arange(layers), np.arange(n), np.arange(n), indexing="ij")
    return _Sample(*(jnp.asarray(x.ravel(), exact) for x in (layer, (slow + 0.5) / n, (fast + 0.5) / n)))


def _look(
    arrays: _Arrays, options: Options, plan: Plan, tiles: tuple[Int[Array, "tile"], ...], sample: _Sample
) -> tuple[reciprocal.Directions, _Pixels, _Pixels]:
    """Directions to the sub-pixels, their solid angles, and the share of photons that their layer stops."""
    exact, dtype = types(options)
    panel, row, column = tiles
    inside = np.arange(PIXELS_PER_TILE)
    slow = (plan.first[0] + TILE * row)[:, None] + (inside // TILE)[None, :] + sample.slow
    fast = (plan.first[1] + TILE * column)[:, None] + (inside % TILE)[None, :] + sample.fast

    def each(function: Callable) -> Array:
        return jax.vmap(jax.vmap(function, (None, 0, 0)))(panel, slow.astype(exact), fast.astype(exact))

    detector, sensor = arrays.detector, arrays.detector.sensor
    position, capture = each(detector.position), jnp.ones((), dtype)
    if sensor is None:
        rays = reciprocal.directions(position, dtype)
    else:
        normal = each(detector.normal)
        position = position + sample.layer * sensor.layer_thickness * normal
        rays = reciprocal.directions(position, dtype)
        obliquity = (position * normal).sum(axis=-1) / rays.distance
        capture = scaling.capture_fraction(obliquity, sample.layer, sensor.layer_thickness, sensor.attenuation)
    area = jax.vmap(detector.pixel_area)(panel)[:, None]
    plane = each(detector.plane_distance)
    solid_angle = scaling.solid_angle(rays.distance, area, plane, point_pixel=options.point_pixel)
    return rays, solid_angle.astype(dtype), capture.astype(dtype)


def _over_sources(arrays: _Arrays, options: Options, rays: reciprocal.Directions) -> tuple[_Pixels, _Pixels]:
    """Weighted sums over all sources of the crystal's and of the background's |F|²."""
    zero = jnp.zeros_like(rays.unit[0])

    def add(sums: tuple[_Pixels, _Pixels], source: tuple) -> tuple[tuple[_Pixels, _Pixels], None]:
        direction, wavelength, weight = source
        factor = weight.astype(zero.dtype)
        if options.polarization and options.corrections == "each":
            factor = factor * _polarization(arrays, rays, direction)
        bragg = accumulate.over_orientations(
            arrays.crystal,
            direction,
            wavelength,
            rays,
            shape=str(options.shape),
            interpolation=options.interpolation,
            unroll=options.unroll,
        )
        length = reciprocal.scattering_length(rays.unit, direction, wavelength)
        if options.d_min > 0:
            bragg = jnp.where(length * options.d_min <= 1.0, bragg, 0.0)
        amorphous = jnp.zeros_like(zero)
        if arrays.background is not None:
            molecule = background.structure_factor(length / 2, arrays.background.stol, arrays.background.factor)
            amorphous = molecule * molecule
        return (sums[0] + factor * bragg, sums[1] + factor * amorphous), None

    return jax.lax.scan(jax.checkpoint(add, prevent_cse=False), (zero, zero), arrays.sources)[0]


def _polarization(arrays: _Arrays, rays: reciprocal.Directions, direction: Float[Array, "3"]) -> _Pixels:
    return scaling.polarization(rays.unit, direction, arrays.polarization_axis, arrays.polarization)


def _first_corrections(
    arrays: _Arrays, options: Options, plan: Plan, tiles: tuple[Int[Array, "tile"], ...], samples: _Sample
) -> _Pixels:
    """What the C program multiplies all sub-pixels, sources and layers by.

    Polarization and solid angle of the first of them; capture fraction of the last layer at its first sub-pixel.
    """
    first = jax.tree.map(lambda x: x[0], samples)
    rays, solid_angle, _ = _look(arrays, options, plan, tiles, first)
    _, _, capture = _look(arrays, options, plan, tiles, first._replace(layer=samples.layer[-1]))
    corrections = solid_angle * capture
    if options.polarization:
        corrections = corrections * _polarization(arrays, rays, arrays.sources[0][0])
    return corrections


# 3. The image --------------------------------------------------------------------------------------------------------


def _assemble(blocks: Float[Array, "block tile pixel"], detector: AbstractDetector, plan: Plan) -> Float[Array, "..."]:
    """Tiles back into an image: the region of interest in its place, masked pixels 0."""
    tiles = blocks.reshape(-1, TILE, TILE)[: plan.tiles]
    tiles = tiles.reshape(plan.panels, plan.tiles_slow, plan.tiles_fast, TILE, TILE)
    region = tiles.transpose(0, 1, 3, 2, 4).reshape(plan.panels, plan.tiles_slow * TILE, plan.tiles_fast * TILE)
    fast_first, fast_last, slow_first, slow_last = plan.roi
    skipped_slow, skipped_fast = slow_first - plan.first[0], fast_first - plan.first[1]
    region = region[:, skipped_slow : slow_last - plan.first[0] + 1, skipped_fast : fast_last - plan.first[1] + 1]
    edges = ((0, 0), (slow_first, plan.slow - 1 - slow_last), (fast_first, plan.fast - 1 - fast_last))
    image = jnp.pad(region, edges)
    if detector.mask is not None:
        image = jnp.where(detector.mask, image, 0.0)
    return image.reshape(detector.image_shape)


_assemble_jitted = jax.jit(_assemble, static_argnames="plan")
