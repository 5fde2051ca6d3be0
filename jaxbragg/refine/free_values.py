"""The list of parameters against the experiments: every single free value, and where it goes.

Free values stand in one vector: those that all images share, then the first image's own, the second's, …. An image
knows a local vector: the shared ones, then its own. It is the same for all images, so that they share a compilation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxbragg.models import Experiment
from jaxbragg.refine.parameters import Parameter, scale_of, unit_of
from jaxbragg.refine.paths import Assignment, Step, Target, find, read


@dataclass(frozen=True)
class FreeValues:
    """The free values of a problem.

    Attributes:
        names: Of the local vector's elements.
        units: Likewise.
        shared: How many of them all images share.
        images: How many images there are.
        start: [image, local].
        scale: [image, local].
        lower, upper: [local].
        prior, prior_sigma: [image, local]; σ is infinite where there is no prior.
        assignments: Of the local vector to the experiment and to the terms of the image.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    shared: int
    images: int
    start: np.ndarray
    scale: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    prior: np.ndarray
    prior_sigma: np.ndarray
    assignments: tuple[Assignment, ...]

    @property
    def per_image(self) -> int:
        """Values that each image has of its own."""
        return len(self.names) - self.shared

    @property
    def count(self) -> int:
        """All free values."""
        return self.shared + self.images * self.per_image

    def places(self, image: int) -> np.ndarray:
        """Where an image's local values stand in the vector of all."""
        first = self.shared + image * self.per_image
        return np.concatenate([np.arange(self.shared), np.arange(first, first + self.per_image)])

    def gather(self, local: np.ndarray) -> np.ndarray:
        """[image, local] (or [local]) into the vector of all."""
        local = np.broadcast_to(local, (self.images, len(self.names)))
        return np.concatenate([local[0, : self.shared], local[:, self.shared :].ravel()])

    def prior_terms(self, values: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """The priors' part of the objective, half its slope and half its curvature, by value.

        Args:
            values: All free values.
        """
        sigma = self.gather(self.prior_sigma)
        known = np.isfinite(sigma)
        weight = np.where(known, 1.0 / np.where(known, sigma, 1.0) ** 2, 0.0)
        off = np.where(known, values - self.gather(self.prior), 0.0)
        return float((weight * off**2).sum()), weight * off, weight

    def all_names(self) -> tuple[str, ...]:
        """A name for each free value; an image's own end in @ and its number."""
        per_image = self.names[self.shared :]
        if self.images == 1:
            return self.names
        return (*self.names[: self.shared], *(f"{name} @{i}" for i in range(self.images) for name in per_image))

    def all_units(self) -> tuple[str, ...]:
        """A unit for each free value."""
        return (*self.units[: self.shared], *(self.units[self.shared :] * self.images))


def as_parameters(parameters: Any) -> list[Parameter]:
    """Parameters, each given whole or by its path alone.

    Raises:
        TypeError: If something else is given.
    """
    listed = [parameters] if isinstance(parameters, str | Parameter) else parameters
    if not isinstance(listed, list | tuple) or not all(isinstance(each, str | Parameter) for each in listed):
        name = type(parameters).__name__
        raise TypeError(f"Argument `parameters` must be a list of paths or refine.Parameter, but is {name}.")
    return [Parameter(each) if isinstance(each, str) else each for each in listed]


def free_values(experiments: Sequence[Experiment], parameters: Sequence[Parameter]) -> FreeValues:
    """Every free value of some images.

    Raises:
        ValueError: If there is none, a path names nothing or is named twice, a start lies outside its bounds, or
            values that are to be one differ at the start.
    """
    if not parameters:
        raise ValueError("Argument `parameters` must hold at least one free parameter, but is empty.")
    rows: list[_Row] = []
    for parameter in sorted(parameters, key=lambda p: p.per_image):
        rows += _rows(experiments, parameter)
    taken: dict[tuple, str] = {}
    for row in rows:
        for target, element in row.targets:
            key = (target.kind, target.owner, target.name, element)
            if key in taken:
                raise ValueError(f"Argument `parameters` must free each value once, but {row.name!r} is free twice.")
            taken[key] = row.name
    images = len(experiments)

    def table(name: str) -> np.ndarray:
        return np.stack([np.broadcast_to(getattr(row, name), (images,)) for row in rows], axis=1).astype(float)

    return FreeValues(
        names=tuple(row.name for row in rows),
        units=tuple(row.unit for row in rows),
        shared=sum(not row.per_image for row in rows),
        images=images,
        start=table("start"),
        scale=table("scale"),
        lower=np.array([row.lower for row in rows]),
        upper=np.array([row.upper for row in rows]),
        prior=table("prior"),
        prior_sigma=table("prior_sigma"),
        assignments=_assignments(rows),
    )


@dataclass(frozen=True)
class _Row:
    """One element of one parameter; the arrays are by image."""

    name: str
    unit: str
    per_image: bool
    targets: tuple[tuple[Target, int], ...]
    start: np.ndarray
    scale: np.ndarray
    lower: float
    upper: float
    prior: np.ndarray
    prior_sigma: np.ndarray


def _rows(experiments: Sequence[Experiment], parameter: Parameter) -> list[_Row]:
    targets = [find(experiments[0], path) for path in parameter.paths]
    sizes = {len(target.elements) for target in targets}
    if sizes == {0}:
        raise ValueError(f"Argument `path` must name at least one number, but {targets[0].text!r} is empty.")
    if len(sizes) != 1:
        raise ValueError(f"Argument `path` must name quantities of one size, but is {parameter.path!r}.")
    size, images = sizes.pop(), len(experiments)
    names = targets[0].names()
    if parameter.name is not None:
        names = [parameter.name] if size == 1 else [f"{parameter.name}[{i}]" for i in range(size)]
    start = _start(experiments, parameter, targets)
    prior = np.zeros(size) if parameter.prior is None else np.broadcast_to(np.asarray(parameter.prior[0], float), size)
    sigma = np.inf if parameter.prior is None else float(parameter.prior[1])
    rows = []
    for i in range(size):
        column = start[:, i]
        outside = ~((column > parameter.lower) & (column < parameter.upper))
        if outside.any():
            raise ValueError(
                f"Argument `start` must lie inside the bounds {parameter.lower:g} … {parameter.upper:g}, "
                f"but that of {names[i]!r} is {column[outside][0]:g}."
            )
        word = targets[0].name
        scale = [parameter.scale or scale_of(word, value) for value in column]
        rows.append(
            _Row(
                names[i],
                unit_of(word),
                parameter.per_image,
                tuple((target, target.elements[i]) for target in targets),
                column,
                np.array(scale),
                parameter.lower,
                parameter.upper,
                np.full(images, prior[i]),
                np.full(images, sigma),
            )
        )
    return rows


def _start(experiments: Sequence[Experiment], parameter: Parameter, targets: list[Target]) -> np.ndarray:
    """[image, element]."""
    images, size = len(experiments), len(targets[0].elements)
    if parameter.start is not None:
        given = np.asarray(parameter.start, float)
        if parameter.per_image and given.shape == (images,) and size == 1:
            given = given[:, None]
        if given.shape not in ((), (size,)) and not (parameter.per_image and given.shape == (images, size)):
            raise ValueError(
                f"Argument `start` must be one number or {size}, but that of {parameter.path!r} "
                f"has shape {given.shape}."
            )
        if any(target.name == "distance" for target in targets) and not (given > 0).all():
            raise ValueError(f"Argument `start` must be positive for {parameter.path!r}, but is {given.tolist()}.")
        return np.broadcast_to(given, (images, size))
    found = np.array([[read(experiment, target) for target in targets] for experiment in experiments])
    one = found[:, :1] if parameter.per_image else found[:1, :1]
    if not np.allclose(found, one, rtol=1e-9, atol=1e-12):
        raise ValueError(
            f"Argument `start` must be given where one parameter sets values that differ, but {parameter.path!r} "
            f"stands for {', '.join(f'{v:g}' for v in np.unique(found)[:6])}."
        )
    return found[:, 0]


def _assignments(rows: list[_Row]) -> tuple[Assignment, ...]:
    grouped: dict[tuple[str, tuple[Step, ...], str], tuple[list[int], list[int]]] = {}
    for source, row in enumerate(rows):
        for target, element in row.targets:
            elements, sources = grouped.setdefault((target.kind, target.owner, target.name), ([], []))
            elements.append(element)
            sources.append(source)
    return tuple(
        Assignment(kind, owner, name, tuple(elements), tuple(sources))
        for (kind, owner, name), (elements, sources) in grouped.items()
    )
