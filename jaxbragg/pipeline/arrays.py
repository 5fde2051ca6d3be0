"""The experiment as arrays: what its blocks have in common, made once."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbragg.models import AbstractAbsorber, AbstractBackground, AbstractDetector, Crystal, Experiment, Response
from jaxbragg.pipeline.sampled import sampled, warn_of_samples
from jaxbragg.pipeline.settings import Settings
from jaxbragg_kernels import crystal as kernel
from jaxbragg_kernels import hkl, scaling
from jaxbragg_kernels.namespace import namespace_of
from jaxbragg_kernels.shapes import SHAPES


class Arrays(NamedTuple):
    """What the blocks of an image have in common.

    Attributes:
        crystal: With all its orientations; with none where only backgrounds are wanted.
        detector: With leaves of the type of the indices.
        backgrounds: Likewise.
        absorbers: Likewise.
        beam_direction: Unit vector, of the beam as a whole.
        polarization_axis: Of the beam.
        polarization: Kahn's factor.
        sources: Photon directions, wavelengths [Å] and weights.
        bragg_scale: Photons for one unit of the crystal's sum.
        background_scale: Photons for one unit of the backgrounds' sum.
        response: Of the detector, with leaves of the type of the indices.
        lines: See `jaxbragg.pipeline.sampled.Sampled`.
        threshold: What may be left out, see `jaxbragg_kernels.orientations`; None until `with_threshold` has found it,
            and where nothing may.
    """

    crystal: kernel.Crystal
    detector: AbstractDetector
    backgrounds: tuple[AbstractBackground, ...]
    absorbers: tuple[AbstractAbsorber, ...]
    beam_direction: Float[Array, "3"]
    polarization_axis: Float[Array, "3"]
    polarization: Float[Array, ""]
    sources: tuple[Float[Array, "source 3"], Float[Array, "source"], Float[Array, "source"]]
    bragg_scale: Float[Array, ""]
    background_scale: Float[Array, ""]
    response: Response | None = None
    lines: Int[Array, "source"] | None = None
    threshold: Float[Array, ""] | None = None


def unpack(experiment: Experiment, settings: Settings, *, warns: bool = True) -> Arrays:
    """Models into arrays: the type of the indices for what Miller indices are made of, the image's type for the rest.

    Of a model whose leaves are numpy's, the arrays are numpy's too, except those of a class that knows only JAX.

    Args:
        experiment: The models.
        settings: How the image is simulated.
        warns: Whether to warn where samples stand for what has a closed form: under jit, only where it is compiled.
    """
    index_dtype, dtype, options = settings.index_dtype, settings.dtype, settings.options
    experiment = jax.tree.map(
        lambda x: x.astype(index_dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x, experiment
    )
    beam, crystal, factors = experiment.beam, experiment.crystal, experiment.structure_factors
    found = sampled(experiment, options)
    if warns:
        warn_of_samples(experiment, options)
    vectors = crystal.vectors()
    each = vectors if found.lengths is None else found.lengths[..., :, None] * vectors
    # Each row a, b, c rotated.
    orientations = (found.rotations[..., None, :, :] * each[..., :, None, :]).sum(axis=-1)
    metric, subpixels = spot_metric(crystal, vectors, settings), options.oversample**2
    steps = subpixels * orientations.shape[-3]
    phase_size = settings.shape.size(crystal.cells, metric) if settings.exact_phases else None
    directions, wavelengths, weights = found.rays
    amplitudes = factors.amplitudes()
    if crystal.b_factor is not None:
        amplitudes = amplitudes * crystal.damping(factors.minimum, amplitudes.shape[-3:])
    lines = wavelengths.shape[0] if found.lines is None else beam.gaussians().weights.shape[0]
    if amplitudes.ndim == 4 and lines % amplitudes.shape[0]:
        raise ValueError(
            "Argument `structure_factors` must have one box for all sources or some that are dealt out evenly, "
            f"but has {amplitudes.shape[0]} where the beam has {lines}."
        )
    return Arrays(
        crystal=kernel.Crystal(
            orientations=orientations.astype(index_dtype),
            n_cells=crystal.cells.astype(dtype),
            metric=metric.astype(dtype),
            table=hkl.make_table(amplitudes.astype(dtype), factors.minimum, factors.default),
            default=factors.default,
            phase_size=phase_size,
        ),
        detector=experiment.detector,
        backgrounds=experiment.backgrounds,
        absorbers=experiment.absorbers,
        beam_direction=beam.direction,
        polarization_axis=beam.polarization_axis,
        polarization=beam.polarization,
        sources=(directions.astype(index_dtype), wavelengths.astype(index_dtype), weights.astype(index_dtype)),
        bragg_scale=scaling.photon_scale(beam.fluence, crystal.volume(), steps) * crystal.blocks,
        background_scale=scaling.THOMSON_AREA * beam.fluence / subpixels,
        response=experiment.response,
        lines=found.lines,
    )


def spot_metric(crystal: Crystal, vectors: Float[Array, "3 3"], settings: Settings) -> Float[Array, "6"]:
    """M of `jaxbragg_kernels.shapes.radial`: fudge · NᵀN, or what the C program takes instead."""
    xp = namespace_of(vectors, crystal.cells, crystal.fudge)
    if settings.options.spot_width == "miller" or settings.shape == SHAPES["round"]:
        rows = crystal.cells_matrix()
    else:
        rows = crystal.volume() * xp.linalg.inv(vectors).T
    tensor = (rows[:, None, :] * rows[None, :, :]).sum(axis=-1)
    # Not by arrays of indices: where the caller has float64 off, reverse mode would scatter float32 into float64.
    return crystal.fudge * xp.stack([tensor[i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))])
