"""How far mixed precision may be from float64, and what is chosen so that it is near enough.

Miller indices are float64 at the middles of tiles, and float32 steps lead from there to the pixels. With ε = 2⁻²⁴ the
errors are about

- ε · N·Δh, for steps of Δh to the corner of a tile: where spots are, and everywhere;
- ε · N/2 in the phases of fringes far from a spot, which only an image without a spot shows;
- 2⁻⁵³ · N·h, in float64 itself.

The factors before them are twice to three times what 300 random experiments showed at most (`docs/precision.md`).
"""

import warnings
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbragg.models import AbstractDetector, Crystal, Experiment, FlatPanel, MultiPanel
from jaxbragg.models.checks import is_traced
from jaxbragg.options import PROMISED, Options
from jaxbragg_kernels.numerics import numerics
from jaxbragg_kernels.shapes import AbstractShape

_HALF_DIGIT, _HALF_DIGIT_FLOAT64 = 2.0**-24, 2.0**-53
_FLOOR = 4e-6  # of the brightest pixel: what is left whatever the crystal
_NEAR, _NEAR_SMOOTH, _TAILS = 4.0, 2.5, 1.2
_GRID = 9


class PrecisionWarning(UserWarning):
    """Mixed precision may be further from float64 than 1e-5 of the brightest pixel; the message says how far."""


class Extent(NamedTuple):
    """What the error depends on.

    Attributes:
        fringes: N along a, b and c, added: the fringes between neighbouring spots.
        span: N·Δh from the middle of a tile of 4 × 4 pixels to its corner, at most.
        phase: The largest N·h.
    """

    fringes: float
    span: float
    phase: float


class Choice(NamedTuple):
    """How precise indices are to be, and how far off an image may then be.

    Attributes:
        tile: As in `Options`.
        exact_phases: Likewise.
        bound: Largest difference from the image in exact arithmetic, over its brightest pixel; NaN where it is unknown.
    """

    tile: int
    exact_phases: bool
    bound: float


def choose(extents: list[Extent] | None, options: Options, shape: AbstractShape) -> Choice:
    """The cheapest choice that is within 1e-5, or the most precise one.

    Args:
        extents: Of all images, or None where they are not known.
        options: What they fix is not chosen.
        shape: Of the spots.
    """
    fringes, linear = _fringes(shape)
    allowed = [
        (tile, exact)
        for tile, exact in ((4, False), (4, True), (1, fringes))
        if options.tile in (None, tile) and (not exact or (fringes and (tile == 1 or linear)))
    ]
    if options.exact_phases is not None:
        # What is asked for where it cannot be is left out: other shapes have nothing to be exact about.
        found = [each for each in allowed if each[1] == options.exact_phases]
        allowed = found or [(tile, False) for tile, _ in allowed[:1]]
        if options.exact_phases is False and options.tile is None:
            allowed = [(4, False), (1, False)]
    if options.precision != "mixed":
        tile, _ = allowed[0]
        return Choice(tile, False, _bound(extents, options, shape, Choice(tile, False, 0.0)))
    best = None
    for tile, exact in allowed:
        bound = _bound(extents, options, shape, Choice(tile, exact, 0.0))
        if best is None or bound < best.bound:
            best = Choice(tile, exact, bound)
        if not bound > PROMISED:  # or unknown
            break
    assert best is not None
    return best


def warn(choice: Choice, options: Options) -> None:
    """Say how far off an image may be, if it is further than promised and the caller has not asked for float32."""
    if options.precision == "mixed" and choice.bound > PROMISED:
        warnings.warn(
            f"in mixed precision this image may be off by {choice.bound:.2g} of its brightest pixel, more than "
            f'{PROMISED:g}: its spots are too sharp; precision="float64" (--precision float64) is as exact as can be',
            PrecisionWarning,
            stacklevel=4,
        )


def has_fringes(shape: AbstractShape) -> bool:
    """Whether a shape has phases to be exact about."""
    return _fringes(shape)[0]


def _bound(extents: list[Extent] | None, options: Options, shape: AbstractShape, choice: Choice) -> float:
    if extents is None:
        return float("nan")
    return max(_bound_of_one(extent, options, shape, choice) for extent in extents)


def _bound_of_one(extent: Extent, options: Options, shape: AbstractShape, choice: Choice) -> float:
    fringes, _ = _fringes(shape)
    double = 2 * np.pi * extent.phase * _HALF_DIGIT_FLOAT64
    if options.precision == "float64":
        found = double
    elif options.precision == "float32":
        found = 2 * np.pi * extent.phase * _HALF_DIGIT
    else:
        near = (_NEAR if fringes else _NEAR_SMOOTH) * extent.span if choice.tile > 1 else 0.0
        tails = _TAILS * extent.fringes if fringes and not choice.exact_phases else 0.0
        found = max(_FLOOR, max(near, tails) * _HALF_DIGIT + double)
    return min(float(found), 1.0)


@cache
def _fringes(shape: AbstractShape) -> tuple[bool, bool]:
    """Whether a shape has fringes, and whether their phases are linear in h, k, l."""

    def phases(n_cells, metric, zeros):
        size = shape.size(n_cells, metric)
        found = shape.phases(zeros, size)
        return found, None if found is None else shape.phases_beside(found, zeros, zeros, size)

    # Traced alone: this may be asked inside a jit of the caller's, and nothing of it is to be computed there.
    three, six, one = (jax.ShapeDtypeStruct((n,), jnp.float32) for n in (3, 6, 1))
    found, beside = jax.eval_shape(phases, three, six, (one,) * 3)
    return found is not None, beside is not None


# What an experiment's error depends on ------------------------------------------------------------------------------

_remembered: list[tuple[tuple, Extent]] = []


def extent_of(experiment: Experiment, options: Options) -> Extent | None:
    """What the error depends on; None where a value is traced.

    Args:
        experiment: One image's.
        options: For the widths of spots.
    """
    detector = experiment.detector
    crystals = [(each.cell, each.cells, each.shear, each.fudge, each.sizes) for each in experiment.crystals]
    values = (crystals, experiment.beam, detector)
    # Plain numbers too: `eqx.tree_at` puts in what it is given.
    leaves = [leaf if hasattr(leaf, "dtype") else np.asarray(leaf) for leaf in jax.tree.leaves(values)]
    leaves = [leaf for leaf in leaves if leaf.dtype.kind == "f"]
    if is_traced(leaves) or any(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in leaves):
        return None
    # Images that differ in other values alone need not ask again. Arrays of JAX do not change; numpy's may.
    key = [leaf if isinstance(leaf, jax.Array) else leaf.tobytes() for leaf in leaves]
    key = (options.spot_width, jax.tree.structure(values), *key)
    for known, extent in _remembered:
        if len(known) == len(key) and all(map(_same, known, key)):
            return extent
    with numerics(), jax.ensure_compile_time_eval():  # known values, under jax.jit too
        extent = _extent(experiment, options)
    _remembered[:] = [(key, extent), *_remembered[:3]]
    return extent


def _same(one: Any, other: Any) -> bool:
    return one is other or (not isinstance(one, jax.Array) and not isinstance(other, jax.Array) and one == other)


def _extent(experiment: Experiment, options: Options) -> Extent:
    _, wavelengths, _ = jax.tree.map(np.asarray, experiment.beam).rays()
    shortest, angle = float(np.min(wavelengths)), largest_angle(experiment.detector)
    several = [_extent_of_crystal(crystal, shortest, angle, options) for crystal in experiment.crystals]
    return Extent(*(max(numbers) for numbers in zip(*several, strict=True)))


def _extent_of_crystal(crystal: Crystal, wavelength: float, angle: float, options: Options) -> Extent:
    largest = 1.0 if crystal.sizes is None else float(np.max(np.asarray(crystal.sizes.factors()[0])))
    cells = np.asarray(crystal.cells, float) * largest
    lengths = np.array([float(length) for length in (crystal.cell.a, crystal.cell.b, crystal.cell.c)])
    # As wide as N says, or as fudge and Nd, Ne, Nf make it.
    shear, narrower = largest * np.abs(np.asarray(crystal.shear)).sum(), np.sqrt(float(crystal.fudge))
    widths = np.maximum(cells, narrower * (cells + shear))
    if options.spot_width != "miller":
        widths = np.maximum(widths, narrower * cells.prod() / lengths)
    fringes = float(np.sqrt(((widths * lengths) ** 2).sum())) / wavelength
    return Extent(float(widths.sum()), 1.5 * fringes * angle, 2.0 * fringes)


def largest_angle(detector: AbstractDetector) -> float:
    """The largest angle at which the sample sees a pixel's diagonal [rad]."""
    panels: tuple[Any, ...] = detector.panels if isinstance(detector, MultiPanel) else (detector,)
    if all(isinstance(panel, FlatPanel) and panel.is_flat for panel in panels):
        return max(_angle_of_panel(panel) for panel in panels)
    with numerics():
        return float(_sampled_angle(detector))


def _angle_of_panel(panel: FlatPanel) -> float:
    """A pixel's diagonal over the smallest distance of the panel."""
    origin, size = np.asarray(panel.origin), np.asarray(panel.pixel_size)
    place = origin
    for axis, step, count in ((panel.fast_axis, size[0], panel.pixels[1]), (panel.slow_axis, size[1], panel.pixels[0])):
        unit = np.asarray(axis)
        place = place + unit * min(max(-float(origin @ unit), 0.0), count * step)
    return float(np.sqrt(size @ size) / np.sqrt(place @ place))


@jax.jit
def _sampled_angle(detector: AbstractDetector) -> jax.Array:
    """Of any detector, at some points of each panel."""
    panels, slow, fast = detector.shape
    at_slow, at_fast = np.linspace(0.5, slow - 0.5, _GRID), np.linspace(0.5, fast - 0.5, _GRID)
    points = np.meshgrid(np.arange(panels), at_slow, at_fast, indexing="ij")
    panel, s, f = (
        jnp.asarray(x.ravel(), kind) for x, kind in zip(points, ("int32", "float64", "float64"), strict=True)
    )

    def angle(panel: Any, s: Any, f: Any) -> Any:
        down = detector.position(panel, s + 0.5, f) - detector.position(panel, s - 0.5, f)
        across = detector.position(panel, s, f + 0.5) - detector.position(panel, s, f - 0.5)
        here = detector.position(panel, s, f)
        return jnp.sqrt(((down * down).sum() + (across * across).sum()) / (here * here).sum())

    return jax.vmap(angle)(panel, s, f).max()
