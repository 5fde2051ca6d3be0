"""Every orientation for every pixel, with a rule of differentiation that is made for it.

With I the sum over orientations o and h = cell(o)·q, q = (unit − beam)/λ, each step has

    dI = Σ_i ∂I/∂h_i Σ_j (dcell_ij q_j + cell_ij dq_j) + 2 F F_latt² dF + what the crystal's size and mosaic add.

Three images ∂I/∂h_i to a step serve every parameter, in either mode: products of small matrices do the rest. To let
JAX differentiate the step itself would carry each parameter's tangents through all of it: 40 times the image's time.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float, Int

from jaxbragg_kernels import lattice, reciprocal
from jaxbragg_kernels.accumulate import Crystal, looked_up, spread_about_points
from jaxbragg_kernels.fences import apart

_Component = Float[Array, "tile pixel"]
_GROUP = 128


class _Choices(NamedTuple):
    """What is static."""

    shape: str
    unroll: int


def over_orientations(
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
    *,
    shape: str,
    unroll: int,
) -> _Component:
    """The sum of `accumulate.one_orientation` with the nearest structure factors, over all orientations.

    Args:
        crystal: With its orientations, [orientation 3 3], or [orientation 3 3 tile 1] where each tile has its own.
        beam: Unit vector of the photons.
        wavelength: [Å].
        rays: The pixels. Derivatives are taken from `unit` alone, of which the other parts are only a finer account.
        shape: Of the spots.
        unroll: Orientations to a pass over the pixels, at most.
    """
    with jax.named_scope("over_orientations"):
        return _total(_Choices(shape, unroll), crystal, beam, wavelength, rays)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _total(
    choices: _Choices,
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
) -> _Component:
    def add(total: _Component, cells: Float[Array, "some 3 3 ..."]) -> _Component:
        # The chunk's sum first: where many orientations meet, on the beam, each addition to a large total is rounded.
        terms = [
            factor * factor * spread_about_points(deltas, crystal, choices.shape)
            for deltas, _, factor in looked_up(cells, crystal, beam, wavelength, rays)
        ]
        return total + sum(terms[1:], terms[0])

    def some(cells: Float[Array, "some 3 3 ..."]) -> _Component:
        return _in_chunks(add, jnp.zeros_like(rays.unit[0]), cells, choices.unroll)

    # So are the sums of groups of them, for the same reason.
    cells, size = crystal.orientations, _group_size(crystal.orientations.shape[0], choices.unroll)
    whole = cells.shape[0] // size
    if whole <= 1:
        return some(cells)
    groups = cells[: whole * size].reshape(whole, size, *cells.shape[1:])
    total, _ = jax.lax.scan(lambda total, group: (total + some(group), None), jnp.zeros_like(rays.unit[0]), groups)
    return total + some(cells[whole * size :]) if whole * size < cells.shape[0] else total


def _group_size(count: int, unroll: int) -> int:
    """Orientations that are summed by themselves: all if not many, or about a hundred, without a rest if it can be."""
    if count <= _GROUP:
        return count
    return _even_share(count, _GROUP, multiple_of=_even_share(count, unroll))


def _even_share(count: int, most: int, *, multiple_of: int = 1) -> int:
    """At most so many, but no fewer than half of it if there is a number that leaves no rest to be compiled as well."""
    sizes = (size for size in range(most // 2 + 1, most + 1) if count % size == 0 and size % multiple_of == 0)
    return max(sizes, default=most)


def _in_chunks(
    add: Callable[[_Component, Array], _Component],
    total: _Component,
    cells: Float[Array, "orientation 3 3 ..."],
    most: int,
) -> _Component:
    """A sum over all orientations, so many at a time."""
    count = cells.shape[0]
    size = _even_share(count, most) if count > most else count
    whole = count // size
    chunks = cells[: whole * size].reshape(-1, size, *cells.shape[1:])
    total, _ = jax.lax.scan(lambda total, chunk: (add(total, chunk), None), total, chunks)
    return add(total, cells[whole * size :]) if whole * size < count else total


class _Changes(NamedTuple):
    """Tangents, None where there is none; numbers that all pixels share are spread over an image.

    So their cotangents are summed up as images, and reduced to numbers once: a reduction is slow on a CPU.
    """

    q: tuple[_Component, ...] | None
    cells: tuple[_Component, ...] | None
    metric: tuple[_Component, ...] | None
    table: Float[Array, "cells"] | None


class _Wanted(NamedTuple):
    """Which slopes a step has to give."""

    by_index: bool
    by_cells: bool
    by_metric: bool
    by_factor: bool


@partial(_total.defjvp, symbolic_zeros=True)
def _rule(choices: _Choices, primals: tuple, tangents: tuple) -> tuple[_Component, _Component]:
    crystal, beam, wavelength, rays = primals
    d_crystal, d_beam, d_wavelength, d_rays = tangents
    dtype, shape = rays.unit[0].dtype, rays.unit[0].shape
    q = tuple((u - b) / wavelength.astype(dtype) for u, b in zip(rays.unit, beam.astype(dtype), strict=True))
    square = choices.shape == "square"
    changes = _Changes(
        q=_change_of_q(q, d_rays.unit, d_beam, d_wavelength, wavelength),
        cells=_spread(d_crystal.cells, shape) if square else None,
        metric=None if square else _spread(d_crystal.metric, shape),
        table=_given(d_crystal.table.values),
    )
    turned = _given(d_crystal.orientations)
    total = _total(choices, *primals)
    tangent = jnp.zeros_like(total)
    if turned is None and all(change is None for change in changes):
        return total, tangent

    def add(tangent: _Component, one: tuple) -> tuple[_Component, None]:
        return tangent + _of_one(choices.shape, crystal, beam, wavelength, rays, q, changes, *one), None

    # One at a time: the slopes of several fall out of a CPU's caches (a fifth slower with five), take more memory, and
    # three times as long to compile.
    add = jax.checkpoint(add, prevent_cse=False)
    return total, jax.lax.scan(add, tangent, (crystal.orientations, turned))[0]


class _Slopes(NamedTuple):
    """What one orientation adds to an image, by each of the things that it depends on: images, or None.

    Attributes:
        by_index: By h, k, l.
        by_cells: By Na, Nb, Nc.
        by_metric: By the six numbers of the metric.
        by_factor: By |F|, and the place of that |F| in the table.
    """

    by_index: tuple[_Component, ...] | None
    by_cells: tuple[_Component, ...] | None
    by_metric: tuple[_Component, ...] | None
    by_factor: tuple[_Component, Int[Array, "tile pixel"]] | None


def _of_one(
    shape: str,
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
    q: tuple[_Component, ...],
    changes: _Changes,
    cell: Float[Array, "3 3 ..."],
    turned: Float[Array, "3 3 ..."] | None,
) -> _Component:
    """The tangent of one orientation, whose rows a, b, c have the tangents `turned`."""
    dtype = q[0].dtype
    wanted = _Wanted(
        by_index=changes.q is not None or turned is not None,
        by_cells=changes.cells is not None,
        by_metric=changes.metric is not None,
        by_factor=changes.table is not None,
    )
    ((deltas, place, factor),) = looked_up(cell[None], crystal, beam, wavelength, rays)
    # Once for all parameters: the compiler would compute them again for each.
    slopes = apart(partial(_slopes, crystal=crystal, shape=shape, wanted=wanted), deltas, place, factor)
    tangent = jnp.zeros_like(q[0])
    if changes.cells is not None and slopes.by_cells is not None:
        tangent = tangent + sum(change * slope for change, slope in zip(changes.cells, slopes.by_cells, strict=True))
    if changes.metric is not None and slopes.by_metric is not None:
        tangent = tangent + sum(change * slope for change, slope in zip(changes.metric, slopes.by_metric, strict=True))
    if changes.table is not None and slopes.by_factor is not None:
        slope, place = slopes.by_factor
        tangent = tangent + slope * changes.table.at[place].get(mode="promise_in_bounds")
    for rows, images in ((turned, q), (cell, changes.q)):
        if rows is None or images is None or slopes.by_index is None:
            continue
        for j in range(3):
            along = sum(row[j] * slope for row, slope in zip(rows.astype(dtype), slopes.by_index, strict=True))
            tangent = tangent + images[j] * along
    return tangent


def _slopes(
    deltas: tuple[_Component, _Component, _Component],
    place: Int[Array, "tile pixel"],
    factor: _Component,
    crystal: Crystal,
    shape: str,
    wanted: _Wanted,
) -> _Slopes:
    """Derivatives of `accumulate.one_orientation`."""
    by_index = by_cells = by_metric = by_factor = None
    spread = spread_about_points(deltas, crystal, shape)
    if wanted.by_factor:
        by_factor = (2.0 * factor * spread, place)
    if shape == "square":
        slopes = [lattice.square_slopes(delta, crystal.cells[i]) for i, delta in enumerate(deltas)]
        term = factor * factor * spread
        if wanted.by_index:
            by_index = tuple(term * by_delta for by_delta, _ in slopes)
        if wanted.by_cells:
            by_cells = tuple(term * by_count for _, by_count in slopes)
    else:
        radius_squared = lattice.radius_squared(*deltas, crystal.metric)
        by_radius = factor * factor * lattice.RADIAL_SLOPES[shape](radius_squared)
        if wanted.by_index:
            by_index = tuple(by_radius * slope for slope in lattice.radius_slopes(*deltas, crystal.metric))
        if wanted.by_metric:
            by_metric = tuple(by_radius * slope for slope in lattice.metric_slopes(*deltas))
    return _Slopes(by_index, by_cells, by_metric, by_factor)


def _change_of_q(q, d_unit, d_beam, d_wavelength, wavelength) -> tuple[_Component, ...] | None:
    """Tangent of q = (unit − beam)/λ."""
    d_beam, d_wavelength = _given(d_beam), _given(d_wavelength)
    if d_beam is None and d_wavelength is None and all(_given(d) is None for d in d_unit):
        return None
    dtype = q[0].dtype
    changes = []
    for j in range(3):
        change = jnp.zeros_like(q[0]) if _given(d_unit[j]) is None else d_unit[j]
        if d_beam is not None:
            change = change - d_beam[j].astype(dtype)
        if d_wavelength is not None:
            change = change - q[j] * d_wavelength.astype(dtype)
        changes.append(change / wavelength.astype(dtype))
    return tuple(changes)


def _given(tangent: Array | SymbolicZero) -> Array | None:
    return None if isinstance(tangent, SymbolicZero) else tangent


def _spread(tangent: Array | SymbolicZero, shape: tuple[int, ...]) -> tuple[_Component, ...] | None:
    if isinstance(tangent, SymbolicZero):
        return None
    return tuple(jnp.broadcast_to(number, shape) for number in tangent)
