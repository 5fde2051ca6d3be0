"""What is compiled to list the spots of an experiment: candidates, passages through the sphere, boxes of pixels."""

from functools import partial

import jax
from jaxtyping import Array, Bool, Int

from jaxbragg.models import Experiment
from jaxbragg.options import DEFAULT_SKIP_BELOW
from jaxbragg.pipeline.arrays import Arrays, unpack
from jaxbragg.pipeline.sampled import plain
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.spots.boxes import Boxes, boxes_of, pairs_in
from jaxbragg.pipeline.spots.cuts import cuts_in
from jaxbragg.pipeline.spots.listing import (
    Events,
    Reflections,
    all_events,
    candidates_of_all,
    chosen,
    near_in,
    reflections_near,
    reflections_of,
)
from jaxbragg.pipeline.spots.parts import Gaussians, gaussians_of


@partial(jax.jit, static_argnames=("settings", "limits"))
def count_near(experiment: Experiment, settings: Settings, limits: tuple[int, int, int]) -> Int[Array, "part"]:
    """How many indices of each part may come near enough to the sphere.

    Args:
        experiment: With values or traced.
        settings: With the cuts.
        limits: Largest |h|, |k|, |l|.
    """
    return near_in(gaussians_in(experiment, settings), limits, _skip(settings), settings.options.d_min)


@partial(jax.jit, static_argnames=("settings", "limits"))
def candidates_near(
    experiment: Experiment, settings: Settings, limits: tuple[int, int, int]
) -> Bool[Array, "part index"]:
    """Which indices of each part may come near enough; arguments as for `count_near`."""
    return candidates_of_all(gaussians_in(experiment, settings), limits, _skip(settings), settings.options.d_min)


@partial(jax.jit, static_argnames=("settings", "limits", "count"))
def events_near(experiment: Experiment, settings: Settings, limits: tuple[int, int, int], count: int) -> Events:
    """Passages of the reflections that come near; arguments as for `count_near`.

    Args:
        experiment: With values or traced.
        settings: With the cuts.
        limits: Largest |h|, |k|, |l|.
        count: Places for reflections of each part.
    """
    found = gaussians_in(experiment, settings)
    near = reflections_near(found, limits, _skip(settings), settings.options.d_min, count)
    return _of_reflections(experiment, settings, near)


@partial(jax.jit, static_argnames=("settings", "limits"))
def events_at(
    experiment: Experiment,
    settings: Settings,
    limits: tuple[int, int, int],
    places: Int[Array, "part index"],
    filled: Int[Array, "part"],
) -> Events:
    """Passages of reflections whose places in the box of indices are known.

    Args:
        experiment: With values or traced.
        settings: With the cuts.
        limits: Largest |h|, |k|, |l|.
        places: See `jaxbragg.pipeline.spots.listing.reflections_of`.
        filled: Likewise.
    """
    return _of_reflections(experiment, settings, reflections_of(places, filled, limits))


def _of_reflections(experiment: Experiment, settings: Settings, near: Reflections) -> Events:
    found, options, skip = gaussians_in(experiment, settings), settings.options, _skip(settings)
    table = arrays_in(experiment, settings).crystal.table
    turns = experiment.scan.width is not None
    return all_events(found, table, near, skip, options.d_min, options.tolerance, turns=turns)


@partial(jax.jit, static_argnames=("settings", "count"))
def boxes_near(
    experiment: Experiment, settings: Settings, every: Events, count: int
) -> tuple[Events, Boxes, Int[Array, ""]]:
    """The events that are there, the tiles of each, and how many pairs of both there are.

    Args:
        experiment: With values or traced.
        settings: For the plan.
        every: Passages.
        count: Places for those that are there, and their pieces.
    """
    events = chosen(every, count)
    detector = arrays_in(experiment, settings).detector
    turns = experiment.scan.width is not None
    boxes = boxes_of(gaussians_in(experiment, settings), events, detector, settings.plan, turns=turns)
    return events, boxes, pairs_in(boxes)


def gaussians_in(experiment: Experiment, settings: Settings) -> Gaussians:
    """The Gaussians of an experiment, cut as the settings say."""
    return gaussians_of(experiment, cuts_in(settings.options))


def arrays_in(experiment: Experiment, settings: Settings) -> Arrays:
    """The arrays with one orientation and one source: what is Gaussian is not sampled."""
    return unpack(plain(experiment), settings)


def _skip(settings: Settings) -> float:
    """What may be left out of a pixel, as a share of the brightest spot: lists end somewhere."""
    return settings.options.skip_below or DEFAULT_SKIP_BELOW
