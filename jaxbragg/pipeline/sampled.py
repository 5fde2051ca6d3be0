"""Samples in place of what is Gaussian and of an even rotation: one low-discrepancy set for all of it.

Gauss spots have it in closed form; everything else takes samples, and says so.
"""

import warnings
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, Int

from jaxbragg.models import AbstractSources, Beam, Crystal, Experiment, GaussianMosaic, RelativeSources, Scan
from jaxbragg.models.mosaic import no_mosaic
from jaxbragg.models.sequence import normal_of, uniform_points
from jaxbragg.models.sources import Rays
from jaxbragg.options import Options
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation
from jaxbragg_kernels.namespace import namespace_of
from jaxbragg_kernels.numerics import numerics

DEFAULT_SAMPLES = 4096


class SampledWarning(UserWarning):
    """Samples stand for what is Gaussian or turns evenly; the message says how many."""


class Sampled(NamedTuple):
    """Orientations and sources of an experiment, listed or sampled.

    Attributes:
        rotations: From φ = 0 of the mean crystal; of each source its own where both are sampled.
        lengths: What multiplies a, b, c of each; None for alike cells.
        rays: Directions, wavelengths [Å] and weights of the sources.
        lines: The number of the line that each source is a sample of; None for sources that are listed, each its own.
    """

    rotations: Float[Array, "*source orientation 3 3"]
    lengths: Float[Array, "*source orientation 3"] | None
    rays: Rays
    lines: Int[Array, "source"] | None = None


def asks_for_spots(experiment: Experiment) -> bool:
    """Whether a model is there that other ways only sample."""
    return _orientations_are(experiment) or _sources_are(experiment.beam)


def _orientations_are(experiment: Experiment) -> bool:
    crystal = experiment.crystal
    return (
        isinstance(crystal.mosaic, GaussianMosaic)
        or crystal.cell_spread is not None
        or experiment.scan.width is not None
    )


def _sources_are(beam: Beam) -> bool:
    return type(beam.sources).gaussians is not AbstractSources.gaussians


def samples_of(experiment: Experiment, options: Options) -> tuple[int, int]:
    """How many sources there are samples of, and how many orientations for each; 0 where there is nothing to sample."""
    count = options.samples or DEFAULT_SAMPLES
    if not _sources_are(experiment.beam):
        return 0, count if _orientations_are(experiment) else 0
    if not _orientations_are(experiment):
        return count, 0
    sources = 2 ** int(np.log2(count) / 2)
    return sources, max(1, count // sources)


def steps_of(experiment: Experiment, options: Options) -> tuple[int, int]:
    """How many sources an image by samples has, and how many orientations for each."""
    crystal, scan = experiment.crystal, experiment.scan
    sources, each = samples_of(experiment, options)
    domains = 1 if isinstance(crystal.mosaic, GaussianMosaic) else crystal.mosaic.rotations().shape[0]
    return sources or experiment.beam.rays()[1].shape[0], max(each, 1) * scan.angles.shape[0] * domains


def steps_per_pixel(experiment: Experiment, options: Options) -> int:
    """Sub-pixels × layers × sources × orientations, of an image by samples."""
    sensor = getattr(experiment.detector, "sensor", None)
    sources, orientations = steps_of(experiment, options)
    return options.oversample**2 * (1 if sensor is None else sensor.layers) * sources * orientations


def steps_text(experiment: Experiment, options: Options) -> str:
    """The steps of `steps_of` in words."""
    sources, orientations = steps_of(experiment, options)
    _, each = samples_of(experiment, options)
    if each:
        return f"{sources} source(s) × {orientations} sampled orientation(s)"
    angles = experiment.scan.angles.shape[0]
    return f"{sources} source(s) × {angles} φ step(s) × {orientations // angles} domain(s)"


def angles_of(experiment: Experiment, options: Options) -> np.ndarray:
    """Spindle angles: those that are listed, whatever the source; or those of every orientation that is sampled.

    Returns:
        [source, angle; deg], of one source alone where it is the same for all.
    """
    scan = experiment.scan
    sources, each = samples_of(experiment, options)
    if not each:
        return np.asarray(scan.angles)[None]
    points = uniform_points(max(sources, 1) * each, 7, options.sample_seed + 1)
    _, orientations = steps_of(experiment, options)
    angles = np.asarray(scan.angles) + (0.0 if scan.width is None else np.asarray(scan.width) * points[:, 6:])
    domains = orientations // (each * scan.angles.shape[0])
    whole = np.broadcast_to(angles, (max(sources, 1) * each, scan.angles.shape[0]))
    return np.repeat(whole.reshape(max(sources, 1), -1), domains, axis=1)


def warn_of_samples(experiment: Experiment, options: Options) -> None:
    """Warn, unless the options ask for samples."""
    if options.method == "samples" or not asks_for_spots(experiment):
        return
    sources, each = samples_of(experiment, options)
    warnings.warn(
        f"{max(sources, 1) * max(each, 1)} samples stand for what is Gaussian or turns evenly: this has no closed form "
        "of it. Options(method='samples') takes them as they are, as many as Options(samples=…) says; simulate with "
        "method='spots' says what it lacks.",
        SampledWarning,
        stacklevel=3,
    )


def plain(experiment: Experiment) -> Experiment:
    """The experiment with one orientation, and one source for each box of |F|."""
    boxes = (*experiment.structure_factors.amplitudes().shape[:-3], 1)[0]
    none = np.zeros(boxes)
    return eqx.tree_at(
        lambda e: (e.crystal.mosaic, e.crystal.cell_spread, e.beam.sources, e.scan), experiment,
        (no_mosaic(), None, RelativeSources(none, none, np.ones(boxes)), Scan((0.0,), (0.0, 0.0, 1.0))),
        is_leaf=lambda x: x is None,
    )  # fmt: skip


def sampled(experiment: Experiment, options: Options) -> Sampled:
    """The orientations and sources of an experiment; samples of what is Gaussian, all else as it is listed.

    Args:
        experiment: Its leaves may be traced.
        options: For the number of samples and the seed.
    """
    crystal, beam, scan = experiment.crystal, experiment.beam, experiment.scan
    sources, each = samples_of(experiment, options)
    with numerics():
        rays, lines = beam.rays(), None
        if sources:
            rays, lines = _samples(beam, uniform_points(sources, 4, options.sample_seed))
        if not each:
            return Sampled(rotation.orientation_stack(scan.rotations(), crystal.mosaic.rotations()), None, rays, lines)
        points = uniform_points(max(sources, 1) * each, 7, options.sample_seed + 1)
        rotations, lengths = _orientations(crystal, scan, points)
        if sources:
            rotations = rotations.reshape(sources, -1, 3, 3)
            lengths = None if lengths is None else lengths.reshape(sources, -1, 3)
        return Sampled(rotations, lengths, rays, lines)


def _samples(beam: Beam, points: np.ndarray) -> tuple[Rays, Int[Array, "source"]]:
    """Samples of Gaussian lines, and the line of each: of each line its share, by the first number of a point."""
    lines = beam.gaussians()
    xp = namespace_of(*lines)
    normal = normal_of(points[:, 1:])
    # Which line is no matter of derivatives, but how much it weighs is: a line's samples share its weight.
    ends = xp.cumsum(lines.weights)
    which = xp.minimum(xp.searchsorted(ends, points[:, 0]), ends.shape[0] - 1)
    weights = (lines.weights / xp.maximum((xp.arange(ends.shape[0])[:, None] == which).sum(axis=1), 1))[which]
    ratios = lines.wavelengths[which] * (1.0 + normal[:, 2] * lines.bandwidths[which]) / beam.wavelength
    each = RelativeSources(normal[:, 0] * lines.horizontal, normal[:, 1] * lines.vertical, ratios, weights)
    directions, wavelengths, weights = each.rays(beam.direction, beam.polarization_axis, beam.wavelength)
    return (directions, wavelengths, weights / weights.sum()), which


def _orientations(crystal: Crystal, scan: Scan, points: np.ndarray) -> tuple[Any, Any]:
    """Rotations of samples, and what multiplies a, b, c; every sample with all domains and angles that are listed."""
    xp = namespace_of(*jax.tree.leaves((crystal, scan)))
    normal = normal_of(points[:, :6])
    mosaic, spread, count = crystal.mosaic, crystal.cell_spread, points.shape[0]
    if isinstance(mosaic, GaussianMosaic):
        frame = crystal.frame()
        about = mosaic.rotations_of(normal[:, :3])
        domains = rotation.product(rotation.product(frame, about), frame.T)[:, None]
    else:
        domains = xp.broadcast_to(mosaic.rotations(), (count, *mosaic.rotations().shape))
    if scan.width is None:
        turns = xp.broadcast_to(scan.rotations(), (count, *scan.rotations().shape))
    else:
        turns = rotation.axis_angle(scan.spindle(), (scan.angles + scan.width * points[:, 6]) * RADIANS)[:, None]
    # Domains of the C program's kind are turned after the spindle, whatever its angle; a crystal's own axes go with it.
    pair = turns[:, :, None], domains[:, None]
    rotations = rotation.product(*(pair if isinstance(mosaic, GaussianMosaic) else pair[::-1]))
    lengths = None
    if spread is not None:
        lengths = xp.broadcast_to(spread.factors_of(normal[:, 3:])[:, None, None], (*rotations.shape[:3], 3))
        lengths = lengths.reshape(-1, 3)
    return rotations.reshape(-1, 3, 3), lengths
