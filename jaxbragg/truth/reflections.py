"""Photons of each reflection on the detector, and where their middle is.

The image is quadratic in the structure factors: of h k l there are ½ F ∂(Σ photons)/∂F photons on the detector,
whatever overlaps; the middle comes likewise from photons times their places. Reverse mode has all reflections at once,
in the time of some images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from jaxbragg.models import Experiment, SourceStructureFactors, StructureFactors
from jaxbragg.models.readable import with_fields
from jaxbragg.models.unit_cell import reciprocal_vectors
from jaxbragg.options import Options
from jaxbragg.several import spot_options
from jaxbragg.simulate import simulate
from jaxbragg_kernels.numerics import numerics

_MOST = 100_000_000  # indices of a box
_LEAST = 1e-9  # share of the brightest reflection's photons, below which one is left out
_GRID = 33  # points along a panel's side at which its resolution is taken


@dataclass(frozen=True, eq=False)
class Reflections:
    """Reflections with photons on the detector, the brightest of a lattice first.

    Attributes:
        hkl: Miller indices [n, 3].
        photons: Mean number of photons of each on the detector [n].
        panel: On which most of them are [n].
        slow, fast: The middle of these [n, pixels; 0.5 is the middle of the first].
        spacing: [n, Å].
        lattice: Number of the crystal, 0 of `Experiment.crystal` [n].
    """

    hkl: NDArray[np.int64]
    photons: NDArray[np.float64]
    panel: NDArray[np.int64]
    slow: NDArray[np.float64]
    fast: NDArray[np.float64]
    spacing: NDArray[np.float64]
    lattice: NDArray[np.int64]

    @staticmethod
    def joined(parts: Sequence[Reflections]) -> Reflections:
        """Several after each other."""
        columns = zip(*(part.columns().values() for part in parts), strict=True)
        return Reflections(*(np.concatenate(each) for each in columns))

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns of the table by name."""
        return {field.name: getattr(self, field.name) for field in fields(Reflections)}


def reflections_of(experiment: Experiment, options: Options) -> Reflections:
    """What each reflection of each lattice gives to an image.

    Args:
        experiment: Of one image, with known values. Photons are those that come: its response does not count.
        options: As for `simulate`; by spots with the lengths of lists.

    Raises:
        ValueError: If there are more indices within the detector's resolution than can be counted: `Options.d_min`
            cuts it.
    """
    alone = with_fields(experiment, background=None, response=None, lattices=())
    found = []
    for i, crystal in enumerate(experiment.crystals):
        if i > 0 and float(crystal.blocks) == 0:
            continue  # a place that no crystal of this shot takes
        one = with_fields(alone, crystal=crystal)
        factors: Any = experiment.structure_factors
        listed = float(factors.default) == 0 and 0 not in np.shape(factors.values)  # all that scatter
        found.append(_of_one_lattice(one if listed else covering(one, options), options, i))
    return Reflections.joined(found)


def _of_one_lattice(experiment: Experiment, options: Options, lattice: int) -> Reflections:
    factors: Any = experiment.structure_factors
    photons, middles = _photons(experiment, options)
    if options.spots is not None and not np.isfinite(photons).all():  # lists that are too short for this one
        longer = spot_options(experiment, replace(options, spots=None))
        photons, middles = _photons(experiment, longer)
    panel, total, low = photons.argmax(axis=0), photons.sum(axis=0), np.array(factors.minimum)
    found = np.argwhere(total > _LEAST * max(total.max(), 0.0)) if total.max() > 0 else np.zeros((0, 3), int)
    found = found[np.argsort(-total[tuple(found.T)], kind="stable")]
    at = tuple(found.T)
    own = panel[at]
    slow, fast = (middles[i][(own, *at)] for i in (0, 1))
    stars = reciprocal_vectors(np.asarray(experiment.crystal.vectors(), float))
    with np.errstate(divide="ignore"):
        spacing = 1 / np.linalg.norm((found + low) @ stars, axis=1)
    return Reflections(found + low, total[at], own, slow, fast, spacing, np.full(len(found), lattice))


def covering(experiment: Experiment, options: Options) -> Experiment:
    """The experiment with a table that has every index within the detector's resolution."""
    factors = experiment.structure_factors
    amplitudes = np.asarray(factors.amplitudes(), float)
    several = amplitudes.ndim == 4
    boxes = amplitudes if several else amplitudes[None]
    lengths = np.linalg.norm(np.asarray(experiment.crystal.vectors(), float), axis=1)
    most = np.floor(lengths * _reach(experiment, options)).astype(int) + 1
    low, high, first = -most, most, np.array(factors.minimum)
    if 0 not in boxes.shape:
        low, high = np.minimum(low, first), np.maximum(high, first + np.array(boxes.shape[1:]) - 1)
    size = high - low + 1
    if float(np.prod(size, dtype=float)) * len(boxes) > _MOST:
        raise ValueError(
            f"Argument `experiment` must have at most {_MOST} indices within the resolution of the detector, but has "
            f"{' × '.join(map(str, size))}: Options(d_min=…), -dmin, cuts it."
        )
    whole = np.full((len(boxes), *size), float(factors.default))
    if 0 not in boxes.shape:
        inside = (slice(s, s + n) for s, n in zip(first - low, boxes.shape[1:], strict=True))
        whole[(slice(None), *inside)] = boxes
    kind, values = (SourceStructureFactors, whole) if several else (StructureFactors, whole[0])
    made: Any = kind(values, low, factors.default)
    return eqx.tree_at(lambda e: e.structure_factors, experiment, jax.device_get(made))


def _reach(experiment: Experiment, options: Options) -> float:
    """The largest 1/d on the detector [1/Å], of any source."""
    panels, slow, fast = experiment.detector.shape
    grid = np.meshgrid(np.arange(panels), np.linspace(0, slow, _GRID), np.linspace(0, fast, _GRID), indexing="ij")
    with numerics():
        places = np.asarray(jax.jit(jax.vmap(experiment.detector.position))(*(axis.ravel() for axis in grid)))
    towards = places / np.linalg.norm(places, axis=1, keepdims=True)
    directions, wavelengths, _ = (np.asarray(x) for x in experiment.beam.rays())
    reached = max(
        float(np.linalg.norm(towards - direction, axis=1).max() / wavelength)
        for direction, wavelength in zip(directions, wavelengths, strict=True)
    )
    return min(reached, 1 / options.d_min) if options.d_min > 0 else reached


def _photons(experiment: Experiment, options: Options) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Photons of every index on each panel [panel, h, k, l], and the middle of them, slow and fast [2, panel, …]."""
    values = np.asarray(experiment.structure_factors.values)  # type: ignore[attr-defined]
    shape = experiment.detector.shape
    slow, fast = (np.arange(n) + 0.5 for n in shape[1:])
    weights = (np.ones(shape[1:]), np.broadcast_to(slow[:, None], shape[1:]), np.broadcast_to(fast, shape[1:]))
    sums = []
    with numerics():
        for panel in range(shape[0]):
            for weight in weights:
                on = np.zeros(shape)
                on[panel] = weight
                slope = np.asarray(_pulled(options, experiment, jnp.asarray(on)), float)
                product = 0.5 * values * slope
                sums.append(product.sum(axis=0) if product.ndim == 4 else product)
    table = np.array(sums).reshape(shape[0], 3, *sums[0].shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        return table[:, 0], np.moveaxis(table[:, 1:] / table[:, :1], 1, 0)


@partial(jax.jit, static_argnums=0)
def _pulled(options: Options, experiment: Experiment, weight: Any) -> Any:
    """Slope of a weighted sum over the image by |F|, NaN where that is; compiled once for experiments of one make."""

    def image(values: Any) -> Any:
        return simulate(eqx.tree_at(lambda e: e.structure_factors.values, experiment, values), options)

    made, pull = jax.vjp(image, experiment.structure_factors.values)  # type: ignore[attr-defined]
    slope = pull(weight.reshape(made.shape).astype(made.dtype))[0]
    return jnp.where(jnp.isnan(made.sum()), jnp.nan, slope)  # an image of NaN alone, as of lists too short, has slope 0
