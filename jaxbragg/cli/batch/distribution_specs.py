"""Distributions as a plan's file writes them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxbragg.batch import Choice, Distribution, Listed, LogNormal, Normal, Poisson, Uniform, UniformRotation
from jaxbragg.cli.batch.schema import DISTRIBUTIONS
from jaxbragg.cli.toml_file import nearest, shown
from jaxbragg.io.errors import FileError, reason_of
from jaxbragg.io.geometry.expt import read_expt_vectors
from jaxbragg.io.stream import read_stream_vectors

_TWO: dict[str, Callable[..., Distribution]] = {"normal": Normal, "log_normal": LogNormal, "uniform": Uniform}


def distribution_of(spec: Any, beside: Callable[[str], str]) -> Distribution:
    """The distribution that a value of the file stands for.

    Args:
        spec: The value.
        beside: The name of a file that the plan names.

    Raises:
        ValueError: If it stands for none; the message says why.
        FileError: If a file cannot be read.
    """
    if spec == "uniform":
        return UniformRotation()
    if not isinstance(spec, dict):
        raise ValueError(f"must be a distribution such as {{normal = [79, 0.2]}}, but is {shown(spec)}")
    kinds = [name for name in spec if name in DISTRIBUTIONS]
    beside_kind = {"choice": {"weights"}, "poisson": {"least", "most"}}
    allowed = set(kinds[:1]) | (beside_kind.get(kinds[0], set()) if kinds else set())
    for name in spec:
        if name not in allowed:
            raise ValueError(
                f"unknown distribution or key {name!r}{nearest(name, [*DISTRIBUTIONS, 'weights', 'least'])}"
            )
    if not kinds:
        raise ValueError(f"must be one of {', '.join(DISTRIBUTIONS)}, but is {shown(spec)}")
    kind, value = kinds[0], spec[kinds[0]]
    if kind in _TWO:
        if not isinstance(value, list) or len(value) != 2:
            raise ValueError(f"{kind} takes {DISTRIBUTIONS[kind]}, but is {shown(value)}")
        return _TWO[kind](*(_numbers(each, kind) for each in value))
    if kind == "choice":
        if not isinstance(value, list):
            raise ValueError(f"choice takes {DISTRIBUTIONS['choice']}, but is {shown(value)}")
        weights = spec.get("weights")
        return Choice(
            _numbers(value, kind), None if weights is None else [*np.atleast_1d(_numbers(weights, "weights"))]
        )
    if kind == "poisson":
        mean = _numbers(value, kind)
        if not isinstance(mean, float):
            raise ValueError(f"poisson takes {DISTRIBUTIONS['poisson']}, but is {shown(value)}")
        return Poisson(mean, *(_whole(spec.get(name, default), name) for name, default in (("least", 1), ("most", 6))))
    if kind == "list":
        return Listed(_numbers(value, kind))
    return Listed(_of_file(beside(str(value))))


def _numbers(value: Any, kind: str) -> Any:
    try:
        found = np.asarray(value, float)
    except (TypeError, ValueError):
        raise ValueError(f"{kind} takes numbers, but has {shown(value)}") from None
    if not np.isfinite(found).all():
        raise ValueError(f"{kind} takes finite numbers, but has {shown(value)}")
    return found if found.ndim else float(found)


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} takes a whole number, but is {shown(value)}")
    return value


def _of_file(path: str) -> np.ndarray:
    crystals = {".stream": read_stream_vectors, ".expt": read_expt_vectors}.get(os.path.splitext(path)[1])
    if crystals is not None:
        return crystals(path)
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "expected numbers in .npy"
        raise FileError(path, reason) from None
    if found.dtype.kind not in "fiu" or not np.isfinite(found).all():
        raise FileError(path, "expected finite numbers")
    return found.astype(float)
