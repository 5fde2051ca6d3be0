"""An image by its spots, from the experiment: lists of fitting lengths, the drawing, and backgrounds."""

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxbragg.models import Experiment, RelativeSources, Scan, StructureFactors
from jaxbragg.models.checks import is_traced
from jaxbragg.models.mosaic import no_mosaic
from jaxbragg.options import DEFAULT_SKIP_BELOW, Options, SpotSizes
from jaxbragg.pipeline.arrays import Arrays, unpack
from jaxbragg.pipeline.blocks import simulate_blocks
from jaxbragg.pipeline.memory import available, shown
from jaxbragg.pipeline.readout import image_of
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.spots.boxes import Boxes, boxes_of, pairs_in, pairs_of
from jaxbragg.pipeline.spots.closed_form import MOST_CUTS
from jaxbragg.pipeline.spots.cuts import cuts_in, cuts_of
from jaxbragg.pipeline.spots.drawing import tiles_of_spots
from jaxbragg.pipeline.spots.limits import TooManySpots, limits_of, reached
from jaxbragg.pipeline.spots.listing import Events, all_events, chosen, near_in, reflections_near
from jaxbragg.pipeline.spots.parts import Gaussians, gaussians_of
from jaxbragg_kernels.numerics import numerics, with_numerics

_SHORTEST = 64  # of a list
_GROWTH = 1.25  # from one length of a list to the next: that many compilations, and that much idle work
_OF_MARGIN = 0.2  # that share of a margin on the lengths of lists is one on the indices: of 1.5, a cell 10 % longer
# By XLA's count on a CPU.
_BYTES_PER_INDEX, _BYTES_NEAR = 9, 2200


def simulate_spots(experiment: Experiment, settings: Settings) -> Float[Array, "..."]:
    """The image by spots; lists are as long as `Options.spots` says, or as the values ask for.

    Args:
        experiment: Which `has_closed_form`.
        settings: How the image is simulated.

    Raises:
        ValueError: If there are no values and no sizes, or too many reflections.
    """
    if settings.options.spots is not None:
        return with_numerics(image_of_spots)(settings, experiment)
    if is_traced(jax.tree.leaves(experiment)):
        raise ValueError(
            "Option `spots` must be given where values are traced, as under jax.jit and jax.grad: "
            "jb.spot_options(experiment, options) finds it from the values at which you begin."
        )
    with numerics():
        found = _lists(experiment, settings, 1.0)
        settings = _with_cuts(settings, found.sizes.cuts)
        return _drawn(experiment, settings, found.events, found.boxes, found.sizes.pairs)


def sizes_for(
    experiments: Iterable[Experiment], settings: Settings, margin: float, *, most: SpotSizes | None = None
) -> SpotSizes:
    """Lengths that serve each of some experiments.

    Args:
        experiments: With values.
        settings: How their images are simulated.
        margin: How much longer the lists are than the longest of them needs.
        most: What they may not exceed; None for no limit.

    Raises:
        TooManySpots: If there are too many reflections.
    """
    sizes = _NONE
    with numerics():
        for experiment in experiments:
            # No shorter than those before: so there are few compilations.
            sizes = _lists(experiment, settings, margin, sizes, most).sizes
    return sizes


class _Lists(NamedTuple):
    sizes: SpotSizes
    events: Events
    boxes: Boxes


_NONE = SpotSizes((0, 0, 0), 0, 0, 0)


def _lists(
    experiment: Experiment, settings: Settings, margin: float, least: SpotSizes = _NONE, most: SpotSizes | None = None
) -> _Lists:
    """The lists of an experiment with values: each is as long as the one before says, and no shorter than the least."""

    def checked(**lengths: Any) -> SpotSizes:
        found = least.longest(_NONE._replace(**lengths))
        if most is not None and found.exceeds(most):
            raise TooManySpots(f"Argument `experiments` must need lists of at most {most}, but needs {found}.")
        return found

    def length(count: Any) -> int:
        return _rounded(int(margin * int(count)))

    options = settings.options
    spare = max(1.02, 1.0 + _OF_MARGIN * (margin - 1.0))
    cuts = checked(cuts=cuts_of(experiment, options.tolerance, spare if margin > 1.0 else 1.0)).cuts
    if math.prod(cuts) > MOST_CUTS:
        raise TooManySpots(
            f"Argument `experiment` must be narrower: at most {MOST_CUTS} narrower Gaussians may stand for it."
        )
    settings = _with_cuts(settings, cuts)
    limits = checked(limits=limits_of(experiment, settings, spare)).limits
    found = _near(experiment, settings, limits)
    near = checked(near=length(found.max())).near
    needed, have = _bytes_of_lists(limits, near * found.shape[0]), _room(options)
    if needed > have:
        raise TooManySpots(
            f"Argument `experiment` must have fewer reflections near the sphere than {near * found.shape[0]}, of "
            f"{found.shape[0]} orientations, angles and wavelengths: their list needs {shown(needed)}, and it may have "
            f"{shown(have)}. Options(method='samples') does without lists."
        )
    every = _events(experiment, settings, limits, near)
    count = checked(events=length(every.pieces.sum())).events
    events, boxes, pairs = _boxes(experiment, settings, every, count)
    sizes = checked(limits=limits, near=near, events=count, pairs=length(pairs), cuts=cuts)
    return _Lists(sizes, events, boxes)


@partial(jax.jit, static_argnums=0)
def image_of_spots(settings: Settings, experiment: Experiment) -> Float[Array, "..."]:
    """All of it in one program; NaN where a list is too short for the values."""
    return image_of_tiles(tiles_of_crystal(settings, experiment), experiment, settings)


def tiles_of_crystal(settings: Settings, experiment: Experiment) -> Float[Array, "tile pixel"]:
    """The crystal's photons in all tiles, lists included; NaN where a list is too short for the values.

    Args:
        settings: With the lengths of lists.
        experiment: Its backgrounds do not count.
    """
    sizes: Any = settings.options.spots
    fixed = jax.lax.stop_gradient(experiment)
    near = _near(fixed, settings, sizes.limits)
    every = _events(fixed, settings, sizes.limits, sizes.near)
    events, boxes, pairs = _boxes(fixed, settings, every, sizes.events)
    enough = (near.max() <= sizes.near) & (every.pieces.sum() <= sizes.events) & (pairs <= sizes.pairs)
    enough &= (jnp.floor(jnp.minimum(*reached(fixed, settings))) <= jnp.array(sizes.limits)).all()
    return jnp.where(enough, _tiles(experiment, settings, events, boxes, sizes.pairs), jnp.nan)


@partial(jax.jit, static_argnames=("settings", "count"))
def _drawn(experiment: Experiment, settings: Settings, events: Events, boxes: Boxes, count: int) -> Float[Array, "..."]:
    return image_of_tiles(_tiles(experiment, settings, events, boxes, count), experiment, settings)


def _tiles(
    experiment: Experiment, settings: Settings, events: Events, boxes: Boxes, count: int
) -> Float[Array, "tile pixel"]:
    pairs = pairs_of(boxes, settings.plan, count, events.side.shape[0])
    arrays, found = _unpacked(experiment, settings), _gaussians(experiment, settings)
    return tiles_of_spots(arrays, found, settings, events, pairs, turns=experiment.scan.width is not None)


def image_of_tiles(
    tiles: Float[Array, "tile pixel"], experiment: Experiment, settings: Settings
) -> Float[Array, "..."]:
    """The image of a crystal's tiles, with the backgrounds, as the detector reads it out.

    Args:
        tiles: The crystal's photons.
        experiment: For backgrounds, detector and response.
        settings: How the image is simulated.
    """
    plan = settings.plan
    if experiment.backgrounds:
        blocks = simulate_blocks(unpack(without_crystal(experiment), settings), settings, jnp.arange(plan.blocks))
        tiles = tiles + blocks.reshape(-1, plan.pixels_per_tile)[: plan.tiles]
    return image_of(tiles, experiment.detector, experiment.response, plan)


@partial(jax.jit, static_argnames=("settings", "limits"))
def _near(experiment: Experiment, settings: Settings, limits: tuple[int, int, int]) -> Int[Array, "part"]:
    return near_in(_gaussians(experiment, settings), limits, _skip(settings), settings.options.d_min)


@partial(jax.jit, static_argnames=("settings", "limits", "count"))
def _events(experiment: Experiment, settings: Settings, limits: tuple[int, int, int], count: int) -> Events:
    found, options, skip = _gaussians(experiment, settings), settings.options, _skip(settings)
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
    boxes = boxes_of(_gaussians(experiment, settings), events, detector, settings.plan, turns=turns)
    return events, boxes, pairs_in(boxes)


def without_crystal(experiment: Experiment) -> Experiment:
    """What is not crystalline: the experiment without structure factors, of one wavelength and direction."""
    return _plain(eqx.tree_at(lambda e: e.structure_factors, experiment, StructureFactors(default=0.0)))


def _gaussians(experiment: Experiment, settings: Settings) -> Gaussians:
    return gaussians_of(experiment, cuts_in(settings.options))


def _with_cuts(settings: Settings, cuts: tuple[int, ...]) -> Settings:
    return replace(settings, options=replace(settings.options, method="spots", spots=_NONE._replace(cuts=cuts)))


def _unpacked(experiment: Experiment, settings: Settings) -> Arrays:
    """The arrays with one orientation and one source: what is Gaussian is not sampled."""
    return unpack(_plain(experiment), settings)


def _plain(experiment: Experiment) -> Experiment:
    """The experiment with one orientation, and one source for each box of |F|."""
    boxes = (*experiment.structure_factors.amplitudes().shape[:-3], 1)[0]
    none = np.zeros(boxes)
    return eqx.tree_at(
        lambda e: (e.crystal.mosaic, e.crystal.cell_spread, e.beam.sources, e.scan), experiment,
        (no_mosaic(), None, RelativeSources(none, none, np.ones(boxes)), Scan((0.0,), (0.0, 0.0, 1.0))),
        is_leaf=lambda x: x is None,
    )  # fmt: skip


def _skip(settings: Settings) -> float:
    """What may be left out of a pixel, as a share of the brightest spot: lists end somewhere."""
    return settings.options.skip_below or DEFAULT_SKIP_BELOW


def _bytes_of_lists(limits: tuple[int, int, int], near: int) -> int:
    """Working memory of the longest lists."""
    return _BYTES_PER_INDEX * math.prod(2 * n + 1 for n in limits) + _BYTES_NEAR * near


def _room(options: Options) -> float:
    """The memory that lists may take."""
    if options.memory_limit is not None:
        return options.memory_limit
    return 0.5 * (available() or math.inf)


def _rounded(count: int) -> int:
    """The next of some lengths that grow by a share."""
    length = float(_SHORTEST)
    while length < count:
        length *= _GROWTH
    return int(length)
