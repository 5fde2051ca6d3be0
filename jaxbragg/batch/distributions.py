"""How the numbers of a shot are drawn: distributions. A new one is one class with one method, `draw`."""

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxbragg.models.uniform import rotations_of

_SHOWN = 5


@dataclass(frozen=True)
class Distribution(abc.ABC):
    """What a plan asks of a distribution."""

    @abc.abstractmethod
    def draw(self, chance: np.random.Generator, shot: int) -> NDArray[np.float64]:
        """The value of one shot.

        Args:
            chance: Random numbers of this shot and this distribution alone.
            shot: Its number.
        """

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of a value."""

    @property
    def counts(self) -> tuple[int, int] | None:
        """The least and the most of whole numbers from 1 on; None where it draws others."""
        return None


@dataclass(frozen=True)
class _Numbers(Distribution):
    """Two numbers, or two for each element."""

    first: Any
    second: Any

    def __post_init__(self) -> None:
        for name, value in zip(self._names, (self.first, self.second), strict=True):
            found = np.asarray(value, float)
            if not np.isfinite(found).all():
                raise ValueError(f"{self._kind}: {name} must be finite, but is {value!r}")
        np.broadcast_shapes(np.shape(self.first), np.shape(self.second))
        self._check(np.asarray(self.first, float), np.asarray(self.second, float))

    _kind = ""
    _names = ("first", "second")

    def _check(self, first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
        if (second < 0).any():
            raise ValueError(f"{self._kind}: {self._names[1]} must not be negative, but is {self.second!r}")

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Distribution.shape`."""
        return np.broadcast_shapes(np.shape(self.first), np.shape(self.second))


@dataclass(frozen=True)
class Normal(_Numbers):
    """Mean and standard deviation."""

    _kind, _names = "normal", ("the mean", "the standard deviation")

    def draw(self, chance: np.random.Generator, shot: int) -> NDArray[np.float64]:
        """See `Distribution.draw`."""
        return np.asarray(chance.normal(self.first, self.second, self.shape))


@dataclass(frozen=True)
class LogNormal(_Numbers):
    """Median, and standard deviation of the logarithm: 0.1 is about 10 %."""

    _kind, _names = "log_normal", ("the median", "the spread")

    def _check(self, first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
        super()._check(first, second)
        if (first <= 0).any():
            raise ValueError(f"{self._kind}: the median must be positive, but is {self.first!r}")

    def draw(self, chance: np.random.Generator, shot: int) -> NDArray[np.float64]:
        """See `Distribution.draw`."""
        return np.asarray(self.first * np.exp(chance.normal(0.0, self.second, self.shape)))


@dataclass(frozen=True)
class Uniform(_Numbers):
    """Lowest and highest value."""

    _kind, _names = "uniform", ("the lowest value", "the highest value")

    def _check(self, first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
        if (first > second).any():
            raise ValueError(f"{self._kind}: the lowest value must not be above the highest, but is {self.first!r}")

    def draw(self, chance: np.random.Generator, shot: int) -> NDArray[np.float64]:
        """See `Distribution.draw`."""
        return np.asarray(chance.uniform(self.first, self.second, self.shape))


@dataclass(frozen=True)
class Choice(Distribution):
    """One of some values, each as likely, or with weights."""

    values: Sequence[Any]
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if not len(self.values):
            raise ValueError("choice: there must be at least one value, but there is none")
        shapes = {np.shape(value) for value in self.values}
        if len(shapes) > 1 or not np.isfinite(np.asarray(self.values, float)).all():
            raise ValueError(f"choice: the values must be finite numbers of one shape, but are {self.values!r}")
        weights = None if self.weights is None else np.asarray(self.weights, float)
        if weights is not None and (
            weights.shape != (len(self.values),) or (weights < 0).any() or not weights.sum() > 0
        ):
            raise ValueError(f"choice: the weights must be as many as the values and not negative, but are {weights}")

    def draw(self, chance: np.random.Generator, shot: int) -> NDArray[np.float64]:
        """See `Distribution.draw`."""
        weights = None if self.weights is None else np.asarray(self.weights, float) / np.sum(self.weights)
        return np.asarray(self.values, float)[chance.choice(len(self.values), p=weights)]

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Distribution.shape`."""
        return np.shape(self.values[0])

    @property
    def counts(self) -> tuple[int, int] | None:
        """See `Distribution.counts`."""
        return _counts(self.values)


@dataclass(frozen=True)
class Poisson(Distribution):
    """Whole numbers of a mean, at least and at most so many: of `lattices`."""

    mean: float
    least: int = 1
    most: int = 6

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and self.mean >= 0):
            raise ValueError(f"poisson: the mean must not be negative, but is {self.mean!r}")
        if not 0 <= self.least <= self.most:
            raise ValueError(f"poisson: least must be from 0 to most, {self.most}, but is {self.least!r}")

    def draw(self, chance: np.random.Generator, shot: int) -> NDArray[np.float64]:
        """See `Distribution.draw`."""
        return np.asarray(min(self.most, max(self.least, int(chance.poisson(self.mean)))), float)

    @property
    def counts(self) -> tuple[int, int] | None:
        """See `Distribution.counts`."""
        return (self.least, self.most) if self.least > 0 else None

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Distribution.shape`."""
        return ()


@dataclass(frozen=True)
class Listed(Distribution):
    """Values one after the other, from the first again after the last.

    Attributes:
        values: Of each shot, with an axis of shots in front.
    """

    values: Any

    def __post_init__(self) -> None:
        if np.ndim(self.values) == 0 or not len(self.values):
            raise ValueError("list: there must be at least one value, but there is none")

    def draw(self, chance: np.random.Generator, shot: int) -> NDArray[np.float64]:
        """See `Distribution.draw`."""
        return np.asarray(self.values[shot % len(self.values)], float)

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Distribution.shape`."""
        return np.shape(self.values)[1:]

    @property
    def counts(self) -> tuple[int, int] | None:
        """See `Distribution.counts`."""
        return _counts(self.values)


@dataclass(frozen=True)
class UniformRotation(Distribution):
    """Rotations, uniform over all of them; see `jaxbragg.models.uniform`."""

    def draw(self, chance: np.random.Generator, shot: int) -> NDArray[np.float64]:
        """See `Distribution.draw`."""
        return rotations_of(chance.random((1, 3)))[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Distribution.shape`."""
        return (3, 3)


def _counts(values: Any) -> tuple[int, int] | None:
    found = np.asarray(values, float)
    whole = found.ndim == 1 and (found == np.rint(found)).all() and found.min() >= 1
    return (int(found.min()), int(found.max())) if whole else None
