"""Lists of spots, as long as an experiment asks for: each is made before the length of the next is known."""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from jaxbragg.models import Experiment
from jaxbragg.options import Options, SpotSizes
from jaxbragg.pipeline.memory import available, shown
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.spots.boxes import Boxes
from jaxbragg.pipeline.spots.closed_form import MOST_CUTS
from jaxbragg.pipeline.spots.cuts import cuts_of
from jaxbragg.pipeline.spots.limits import TooManySpots, limits_of
from jaxbragg.pipeline.spots.listing import Events
from jaxbragg.pipeline.spots.parts import parts_of
from jaxbragg.pipeline.spots.programs import (
    boxes_near,
    candidates_near,
    count_near,
    events_at,
    events_near,
)
from jaxbragg_kernels.numerics import numerics

_SHORTEST = 64  # of a list
_GROWTH = 1.25  # from one length of a list to the next: that many compilations, and that much idle work
_OF_MARGIN = 0.2  # that share of a margin on the lengths of lists is one on the indices: of 1.5, a cell 10 % longer
_MOST_PLACES = 1 << 27  # indices of all parts, a byte each
# By XLA's count on a CPU.
_BYTES_PER_INDEX, _BYTES_NEAR = 9, 2200

_NONE = SpotSizes((0, 0, 0), 0, 0, 0)


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
            sizes = lists_of(experiment, settings, margin, sizes, most).sizes
    return sizes


class Lists(NamedTuple):
    """What an image is drawn from.

    Attributes:
        sizes: Lengths of the lists.
        events: Passages of reflections through the sphere.
        boxes: The tiles that each is drawn in.
    """

    sizes: SpotSizes
    events: Events
    boxes: Boxes


def lists_of(
    experiment: Experiment, settings: Settings, margin: float, least: SpotSizes = _NONE, most: SpotSizes | None = None
) -> Lists:
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
    settings = with_cuts(settings, cuts)
    limits = checked(limits=limits_of(experiment, settings, spare)).limits
    places, counts = _places(experiment, settings, limits)
    near = checked(near=length(counts.max())).near
    needed, have = _bytes_of_lists(limits, near * len(counts)), _room(options)
    if needed > have:
        raise TooManySpots(
            f"Argument `experiment` must have fewer reflections near the sphere than {near * len(counts)}, of "
            f"{len(counts)} orientations, angles and wavelengths: their list needs {shown(needed)}, and it may have "
            f"{shown(have)}. Options(method='samples') does without lists."
        )
    if places is None:
        every = events_near(experiment, settings, limits, near)
    else:
        every = events_at(experiment, settings, limits, _padded(places, near), counts)
    count = checked(events=length(every.pieces.sum())).events
    events, boxes, pairs = boxes_near(experiment, settings, every, count)
    sizes = checked(limits=limits, near=near, events=count, pairs=length(pairs), cuts=cuts)
    return Lists(sizes, events, boxes)


def _places(
    experiment: Experiment, settings: Settings, limits: tuple[int, int, int]
) -> tuple[list[np.ndarray] | None, np.ndarray]:
    """Where in the box of indices those are that may come near enough, of each part, and how many.

    They are looked for once, and picked out by numpy, where a byte for each can be held.
    """
    indices = parts_of(experiment, settings.options) * math.prod(2 * n + 1 for n in limits)
    if indices > min(_MOST_PLACES, _room(settings.options)):
        return None, np.asarray(count_near(experiment, settings, limits))
    places = [np.flatnonzero(each) for each in np.asarray(candidates_near(experiment, settings, limits))]
    return places, np.array([len(each) for each in places])


def _padded(places: list[np.ndarray], count: int) -> np.ndarray:
    padded = np.zeros((len(places), count), np.int32)
    for row, mine in zip(padded, places, strict=True):
        row[: len(mine)] = mine
    return padded


def with_cuts(settings: Settings, cuts: tuple[int, ...]) -> Settings:
    """Settings of an image by spots with so many cuts, whose lists have no lengths yet.

    Args:
        settings: All else.
        cuts: See `jaxbragg.options.SpotSizes`.
    """
    return replace(settings, options=replace(settings.options, method="spots", spots=_NONE._replace(cuts=cuts)))


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
