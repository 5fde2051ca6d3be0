"""Shots drawn in launches of several: values into a stack of experiments, its images, and what is read out of them."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from jaxbragg.batch.recipe import Recipe
from jaxbragg.counting import poisson_counts
from jaxbragg.models import Experiment
from jaxbragg.models.components import MotionWarning, is_plain, places_of
from jaxbragg.models.readable import with_fields
from jaxbragg.models.validity import check_model
from jaxbragg.options import Options
from jaxbragg.pipeline.plan import make_plan
from jaxbragg.pipeline.readout import seen
from jaxbragg.pipeline.sampled import warn_of_samples
from jaxbragg.refine.paths import assign
from jaxbragg.several.axes import Batch
from jaxbragg.several.images import batch_settings, simulate_stack
from jaxbragg.several.spots import settings_by_spots, with_places
from jaxbragg.truth import Reflections, reflections_of
from jaxbragg_kernels.numerics import numerics

_SAMPLE = 32  # shots of which lists of spots are as long as the longest needs, and a margin
_MARGIN = 1.25


@dataclass(frozen=True)
class Shots:
    """Some shots.

    Attributes:
        numbers: Of the shots.
        images: [shot, slow, fast], or with an axis of panels after the first; on the device, mean photons as float32,
            or whole numbers.
        values: What was drawn for each, by path [shot, …].
        reflections: Of each, where the plan asks for them; before the response.
    """

    numbers: NDArray[np.int64]
    images: Any
    values: dict[str, NDArray[np.float64]]
    reflections: tuple[Reflections, ...] = ()

    def part(self, first: int, last: int) -> "Shots":
        """The shots from a place to another."""
        values = {name: each[first:last] for name, each in self.values.items()}
        return Shots(self.numbers[first:last], self.images[first:last], values, self.reflections[first:last])

    @staticmethod
    def joined(parts: Sequence["Shots"]) -> "Shots":
        """Shots of several as one."""
        if len(parts) == 1:
            return parts[0]
        host = all(isinstance(part.images, np.ndarray) for part in parts)
        images = (np if host else jnp).concatenate([part.images for part in parts])
        values = {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values}
        reflections = tuple(each for part in parts for each in part.reflections)
        return Shots(np.concatenate([part.numbers for part in parts]), images, values, reflections)


class Launch(NamedTuple):
    """Shots of which the device draws the images.

    Attributes:
        numbers: Of the shots.
        values: What was drawn for each.
        rows: The same as numbers for `Drawing._stack`.
        batch: Their experiments, stacked.
        images: Mean photons, of as many as a launch has: the last shot's again where there are fewer.
    """

    numbers: Sequence[int]
    values: list[dict[str, NDArray[np.float64]]]
    rows: NDArray[np.float64]
    batch: Batch
    images: Array


class Drawing:
    """A plan's shots, with all that is chosen once for them."""

    def __init__(self, plan: Recipe) -> None:
        """Choose precision and lengths of lists by the plan's first shots.

        Raises:
            ValueError: If one of these cannot be.
        """
        self.plan = plan
        self.photons = with_fields(plan.base, response=None) if plan.counts else plan.base
        self._make, self._mask = _stacking(plan, self.photons)
        self._parts = sorted({str(item.owner[0]) for item in plan.assignments})
        self.options = self._chosen()

    def _chosen(self) -> Options:
        """The plan's options with what a launch must not choose by its own shots: it is the same for all."""
        sample = range(min(_SAMPLE, self.plan.shots))
        rows = np.stack([self.plan.row(self.plan.values(shot)) for shot in sample])
        batch = self._stack(rows)
        self.check(batch, sample)
        options = with_places(batch, self.plan.options)
        by_spots = settings_by_spots(batch, options, margin=_MARGIN)
        if by_spots is not None:
            return replace(options, method="spots", spots=by_spots.options.spots)
        warn_of_samples(self.photons, options)
        settings = batch_settings(batch, options)
        exact = settings.exact_phases if options.precision == "mixed" else options.exact_phases
        return replace(options, method="samples", tile=settings.plan.tile, exact_phases=exact)

    def check(self, batch: Batch, numbers: Sequence[int]) -> None:
        """Refuse shots whose numbers cannot be.

        Raises:
            ValueError: The message names shot and value.
        """
        for shot, experiment in zip(numbers, batch.images(len(numbers)), strict=True):
            try:
                for part in self._parts:
                    check_model(getattr(experiment, part), part)
                self._check_motion(experiment, shot)
            except ValueError as error:
                raise ValueError(f"Shot {shot} cannot be: {error}") from None

    def _check_motion(self, experiment: Experiment, shot: int) -> None:
        """Warn where a crystal moves farther than the shots do by which it was chosen how it is followed."""
        chosen = getattr(self, "options", None)
        if chosen is None or chosen.places is None or is_plain(experiment):
            return
        needed = places_of(experiment)
        if needed > chosen.places:
            warnings.warn(
                f"shot {shot}: the crystal moves during the image as {needed} places would follow, and is held at "
                f"{chosen.places}: spots may be off; Options(places=…) takes more",
                MotionWarning,
                stacklevel=2,
            )

    def groups(self, numbers: Sequence[int]) -> Iterator[Shots]:
        """Shots in launches of as many as the plan says, the last filled up: each comes out the same in any company.

        While one launch is looked at, counted and used, the device draws the next.
        """
        size, drawn = self.plan.group, None
        for first in range(0, len(numbers), size):
            try:
                following = self._launched(numbers[first : first + size])
            except ValueError:
                if drawn is not None:
                    yield self._finished(drawn)
                raise
            if drawn is not None:
                yield self._finished(drawn)
            drawn = following
        if drawn is not None:
            yield self._finished(drawn)

    def _launched(self, numbers: Sequence[int]) -> Launch:
        values = [self.plan.values(shot) for shot in numbers]
        rows = np.stack([self.plan.row(each) for each in values])
        filled = np.concatenate([rows, np.repeat(rows[-1:], self.plan.group - len(rows), axis=0)])
        batch = self._stack(filled)
        self.check(batch, numbers)
        return Launch(numbers, values, rows, batch, simulate_stack(batch, self.options))

    def _finished(self, launch: Launch) -> Shots:
        numbers, values = launch.numbers, launch.values
        images = self._redrawn(launch.images[: len(numbers)], launch.rows, numbers)
        if self.plan.counts:
            photons = np.asarray(images)
            images = np.stack([self._counts(each, shot) for each, shot in zip(photons, numbers, strict=True)])
        together = {name: np.stack([each[name] for each in values]) for name in values[0]}
        every = launch.batch.images(len(numbers)) if self.plan.reflections else []
        reflections = tuple(reflections_of(each, self.options) for each in every)
        return Shots(np.asarray(numbers, np.int64), images, together, reflections)

    def _redrawn(self, images: Any, rows: NDArray[np.float64], numbers: Sequence[int]) -> Any:
        """Shots with pixels that are no numbers: by spots their lists were too short, and they get lists of their own.

        Raises:
            ValueError: If a shot has such pixels for another reason.
        """
        wrong = _without_numbers(images)
        if not len(wrong):
            return images
        images = np.array(images)
        if self.options.method == "spots":
            for i in wrong:
                batch = self._stack(rows[i : i + 1])
                images[i] = simulate_stack(batch, replace(self.options, spots=None))[0]
        wrong = _without_numbers(images)
        if len(wrong):
            raise ValueError(f"Shot {numbers[wrong[0]]} cannot be: it has pixels that are no numbers (NaN).")
        return images

    def _counts(self, photons: NDArray[np.float32], shot: int) -> NDArray[Any]:
        """What is read out of an image, with its noise, which is the shot's own."""
        seed, response = self.plan.number(shot, "noise"), self.plan.base.response
        if response is None:
            return poisson_counts(photons, seed)
        detector = self.plan.base.detector
        plan = make_plan(detector.shape, self.plan.options)
        readings = np.rint(np.asarray(response.drawn(photons, seed), np.float64))
        return np.asarray(seen(readings, detector, plan), np.int64)

    def _stack(self, rows: NDArray[np.float64]) -> Batch:
        leaves, structure = jax.tree.flatten(self.photons)
        with numerics():
            new = iter(jax.device_get(self._make(jnp.asarray(rows))))
        return Batch(
            jax.tree.unflatten(structure, [next(new) if m else x for x, m in zip(leaves, self._mask, strict=True)]),
            self._mask,
            len(rows),
        )


def _without_numbers(images: Any) -> NDArray[np.int64]:
    """Which images have a pixel that is NaN: wherever it is, the image's sum is."""
    return np.flatnonzero(np.isnan(np.asarray(images.reshape(images.shape[0], -1).sum(axis=1))))


def _stacking(plan: Recipe, experiment: Experiment) -> tuple[Any, tuple[bool, ...]]:
    """What makes of rows of numbers the leaves that they change, with an axis of shots; and which leaves these are."""
    leaves = jax.tree.leaves(experiment)
    mask: list[bool] = []

    def changed(row: Float[Array, "number"]) -> list[Array]:
        found = jax.tree.leaves(assign(experiment, plan.assignments, row))
        mask[:] = [new is not old for new, old in zip(found, leaves, strict=True)]
        return [new for new, mine in zip(found, mask, strict=True) if mine]

    width = len(plan.row(plan.values(0)))
    with numerics():
        jax.eval_shape(changed, jax.ShapeDtypeStruct((width,), np.float64))
    return jax.jit(jax.vmap(changed)), tuple(mask)
