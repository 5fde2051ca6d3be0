"""An image by its spots, from the experiment: lists of fitting lengths, the drawing, and backgrounds."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxbragg.models import Experiment, FlatPanel, MultiPanel, RelativeSources, Scan, StructureFactors
from jaxbragg.models.checks import is_traced
from jaxbragg.models.gaussian import GaussianMosaic, GaussianSources, SpectrumTable
from jaxbragg.models.mosaic import no_mosaic
from jaxbragg.options import DEFAULT_SKIP_BELOW, Options, SpotSizes
from jaxbragg.pipeline.arrays import Arrays, unpack
from jaxbragg.pipeline.blocks import simulate_blocks
from jaxbragg.pipeline.plan import TILE
from jaxbragg.pipeline.sampled import asks_for_spots
from jaxbragg.pipeline.settings import Settings, make_settings
from jaxbragg.pipeline.spots.boxes import Boxes, boxes_of, pairs_in, pairs_of
from jaxbragg.pipeline.spots.drawing import tiles_of_spots
from jaxbragg.pipeline.spots.listing import Events, all_events, chosen, near_in, reflections_near
from jaxbragg.pipeline.spots.parts import gaussians_of
from jaxbragg.pipeline.tiles import assemble
from jaxbragg_kernels.numerics import numerics, with_numerics
from jaxbragg_kernels.shapes import SHAPES

_GROWTH = 1.25  # from one length of a list to the next: that many compilations, and that much idle work
_MOST_INDICES = 50_000_000
# Widest standard deviations that were compared with samples; a divergence of 10 mrad is 6 % of the brightest pixel off.
_COMPARED = {
    "spread": (3.0, "°"),
    **dict.fromkeys(("bandwidth", "bandwidths"), (0.01, "")),
    **dict.fromkeys(("horizontal", "vertical"), (2e-3, " rad")),
}


def has_closed_form(experiment: Experiment, settings: Settings) -> str:
    """Why an image cannot be made by spots; "" where it can."""
    crystal, sources = experiment.crystal, experiment.beam.sources
    if settings.shape != SHAPES["gauss"] or settings.options.spot_width != "miller":
        return "spots must be gauss ones, of width N in Miller indices"
    if not isinstance(experiment.detector, FlatPanel | MultiPanel):
        return f"the detector must be of flat panels, but is a {type(experiment.detector).__name__}"
    for model in (crystal.mosaic, sources):
        for name, (most, unit) in _COMPARED.items():
            value = (
                getattr(model, name, 0.0)
                if isinstance(model, GaussianMosaic | GaussianSources | SpectrumTable)
                else 0.0
            )
            if not is_traced(value) and float(np.max(np.asarray(value))) > most * (1 + 1e-6):  # float32 may be above it
                return f"`{name}` must be at most {most:g}{unit}, to which spots were compared with samples"
    options = settings.options
    if (options.devices or 1) > 1:
        return "the image must be made on one device"
    if options.memory_limit is not None or options.block_pixels is not None:
        return "the image must be made as a whole, without a memory limit and blocks of its pixels"
    if options.skip_below == 0:
        return "something must be skipped (`skip_below` above 0): a Gaussian has no end"
    if experiment.structure_factors.amplitudes().ndim > 3:
        return "there must be one |F| for all wavelengths"
    if options.interpolation != "nearest" or options.corrections != "each":
        return "|F| must be taken at the reflections, and corrections at each pixel"
    return ""


def by_spots(experiment: Experiment, settings: Settings) -> bool:
    """Whether an image is to be made by spots.

    Raises:
        ValueError: If it must, by `Options.method`, and cannot.
    """
    method = settings.options.method
    if method == "samples" or (method is None and not asks_for_spots(experiment)):
        return False
    reason = has_closed_form(experiment, settings)
    if reason and method == "spots":
        raise ValueError(f"Option `method` cannot be 'spots': {reason}.")
    return not reason


def simulate_spots(experiment: Experiment, settings: Settings) -> Float[Array, "..."]:
    """The image by spots; lists are as long as `Options.spots` says, or as the values ask for.

    Args:
        experiment: Which `has_closed_form`.
        settings: How the image is simulated.

    Raises:
        ValueError: If there are no values and no sizes, or too many reflections.
    """
    if settings.options.spots is not None:
        return with_numerics(_image)(settings, experiment)
    if is_traced(jax.tree.leaves(experiment)):
        raise ValueError(
            "Option `spots` must be given where values are traced, as under jax.jit and jax.grad: "
            "jb.spot_options(experiment, options) finds it from the values at which you begin."
        )
    with numerics():
        found = _lists(experiment, settings, _rounded)
        return _drawn(experiment, settings, found.events, found.boxes, found.sizes.pairs)


def spot_options(experiment: Experiment, options: Options = Options(), *, margin: float = 1.5) -> Options:
    """The options with `spots` chosen for an experiment: for `jax.jit` and `jax.grad`, where values are not known.

    Args:
        experiment: With values.
        options: What else they say stays.
        margin: How much longer the lists are than this experiment needs, for others that are like it.

    Raises:
        ValueError: If the image cannot be made by spots, or there are too many reflections.
    """
    settings = make_settings(experiment, replace(options, method="spots", tile=options.tile or TILE), warns=False)
    by_spots(experiment, settings)
    with numerics():
        sizes = _lists(experiment, settings, lambda count: _rounded(int(margin * count))).sizes
    return replace(options, method="spots", spots=sizes)


class _Lists(NamedTuple):
    sizes: SpotSizes
    events: Events
    boxes: Boxes


def _lists(experiment: Experiment, settings: Settings, length: Callable[[int], int]) -> _Lists:
    """The lists of an experiment with values: each is as long as the one before says."""
    limits = _limits(experiment, settings.options)
    near = length(int(_near(experiment, settings, limits).max()))
    every = _events(experiment, settings, limits, near)
    count = length(int(every.pieces.sum()))
    events, boxes, pairs = _boxes(experiment, settings, every, count)
    return _Lists(SpotSizes(limits, near, count, length(int(pairs))), events, boxes)


@partial(jax.jit, static_argnums=0)
def _image(settings: Settings, experiment: Experiment) -> Float[Array, "..."]:
    """All of it in one program; NaN where a list is too short for the values."""
    sizes: Any = settings.options.spots
    fixed = jax.lax.stop_gradient(experiment)
    near = _near(fixed, settings, sizes.limits)
    every = _events(fixed, settings, sizes.limits, sizes.near)
    events, boxes, pairs = _boxes(fixed, settings, every, sizes.events)
    enough = (near.max() <= sizes.near) & (every.pieces.sum() <= sizes.events) & (pairs <= sizes.pairs)
    return jnp.where(enough, _drawn(experiment, settings, events, boxes, sizes.pairs), jnp.nan)


@partial(jax.jit, static_argnames=("settings", "count"))
def _drawn(experiment: Experiment, settings: Settings, events: Events, boxes: Boxes, count: int) -> Float[Array, "..."]:
    plan, turns = settings.plan, experiment.scan.width is not None
    pairs = pairs_of(boxes, plan, count, events.side.shape[0])
    arrays, found = _unpacked(experiment, settings), gaussians_of(experiment)
    tiles = tiles_of_spots(arrays, found, settings, events, pairs, turns=turns)
    image = assemble(tiles, experiment.detector, plan)
    return image if not experiment.backgrounds else image + _background(experiment, settings)


@partial(jax.jit, static_argnames=("settings", "limits"))
def _near(experiment: Experiment, settings: Settings, limits: tuple[int, int, int]) -> Int[Array, "part"]:
    return near_in(gaussians_of(experiment), limits, _skip(settings), settings.options.d_min)


@partial(jax.jit, static_argnames=("settings", "limits", "count"))
def _events(experiment: Experiment, settings: Settings, limits: tuple[int, int, int], count: int) -> Events:
    found, options, skip = gaussians_of(experiment), settings.options, _skip(settings)
    near = reflections_near(found, limits, skip, options.d_min, count)
    table = _unpacked(experiment, settings).crystal.table
    turns = experiment.scan.width is not None
    return all_events(found, table, near, skip, options.d_min, options.tolerance, turns=turns)


@partial(jax.jit, static_argnames=("settings", "count"))
def _boxes(
    experiment: Experiment, settings: Settings, every: Events, count: int
) -> tuple[Events, Boxes, Int[Array, ""]]:
    events = chosen(every, count)
    detector = _unpacked(experiment, settings).detector
    turns = experiment.scan.width is not None
    boxes = boxes_of(gaussians_of(experiment), events, detector, settings.plan, turns=turns)
    return events, boxes, pairs_in(boxes)


def _background(experiment: Experiment, settings: Settings) -> Float[Array, "..."]:
    """What is not crystalline: the image without structure factors, of one wavelength and direction."""
    empty = replace(_plain(experiment), structure_factors=StructureFactors(default=0.0))
    blocks = simulate_blocks(unpack(empty, settings), settings, jnp.arange(settings.plan.blocks))
    return assemble(blocks, experiment.detector, settings.plan)


def _unpacked(experiment: Experiment, settings: Settings) -> Arrays:
    """The arrays with one orientation and one source: what is Gaussian is not sampled."""
    return unpack(_plain(experiment), settings)


def _plain(experiment: Experiment) -> Experiment:
    """The experiment with one orientation and one source."""
    return eqx.tree_at(
        lambda e: (e.crystal.mosaic, e.crystal.cell_spread, e.beam.sources, e.scan), experiment,
        (no_mosaic(), None, RelativeSources(), Scan((0.0,), (0.0, 0.0, 1.0))), is_leaf=lambda x: x is None,
    )  # fmt: skip


def _skip(settings: Settings) -> float:
    """What may be left out of a pixel, as a share of the brightest spot: lists end somewhere."""
    return settings.options.skip_below or DEFAULT_SKIP_BELOW


def _rounded(count: int) -> int:
    """The next of some lengths that grow by a share."""
    length = 64.0
    while length < count:
        length *= _GROWTH
    return int(length)


def _limits(experiment: Experiment, options: Options) -> tuple[int, int, int]:
    """The largest |h|, |k|, |l| that the detector sees, or the table holds where nothing is outside of it."""
    detector: Any = experiment.detector
    panels = detector.panels if isinstance(detector, MultiPanel) else (detector,)
    lines = experiment.beam.gaussians()
    beams, shortest = np.asarray(lines.directions, float), float(np.asarray(lines.wavelengths).min())
    reach = 0.0
    for panel in panels:
        origin, fast, slow, size = (
            np.asarray(v, float) for v in (panel.origin, panel.fast_axis, panel.slow_axis, panel.pixel_size)
        )
        for x in np.linspace(0, panel.pixels[1], 17):
            for y in np.linspace(0, panel.pixels[0], 17):
                place = origin + x * size[0] * fast + y * size[1] * slow
                reach = max(
                    reach, float(np.linalg.norm(place / np.linalg.norm(place) - beams, axis=1).max()) / shortest
                )
    if options.d_min > 0:
        reach = min(reach, 1 / options.d_min)
    lengths = np.linalg.norm(np.asarray(experiment.crystal.vectors(), float), axis=1)
    limits = np.floor(lengths * reach * 1.02).astype(int) + 1
    factors = experiment.structure_factors
    shape = factors.amplitudes().shape
    if 0 not in shape and float(factors.default) == 0.0:
        low = np.array(factors.minimum)
        limits = np.minimum(limits, np.maximum(np.abs(low), np.abs(low + np.array(shape) - 1)))
    if float((2.0 * limits + 1).prod()) > _MOST_INDICES:
        raise ValueError(
            f"Argument `experiment` must have at most {_MOST_INDICES} indices within the detector's resolution, "
            f"but has {' × '.join(str(2 * n + 1) for n in limits)}: Options(d_min=…), -dmin, cuts it."
        )
    return int(limits[0]), int(limits[1]), int(limits[2])
