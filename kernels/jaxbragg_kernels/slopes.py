"""What one orientation's image changes by when anything changes that it depends on, in both modes of differentiation.

A few images, the slopes, serve every parameter (`jaxbragg_kernels.dense` has the formula). Forward mode multiplies them
by the tangents of many parameters at once; reverse mode weights them by the image's cotangent first, and adds up.

Each step stands apart, since a compiler would compute anew for each image that comes out all that it is made of; and
the three images of h, k, l are one array, since each step that is started takes time of its own.
"""

from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbragg_kernels import lattice
from jaxbragg_kernels.fences import apart
from jaxbragg_kernels.linear import linear_map
from jaxbragg_kernels.sums import inner_products

_Component = Float[Array, "pixel tile"]
_Three = Float[Array, "pixel 3 tile"]


class At(NamedTuple):
    """Where the pixels are, for one orientation.

    Attributes:
        deltas: Distances to the nearest Bragg points [Miller-index units].
        place: Where the table has the points' |F|.
        factor: These |F|.
        cell: Rows a, b, c [Å], [3 3], or [3 3 tile] where each tile has its own.
        q: Scattering vectors [1/Å].
        size: Of the crystal: Na, Nb, Nc if it is square, [3]; else M with r² = δᵀ M δ, [3 3].
    """

    deltas: _Three
    place: Int[Array, "pixel tile"]
    factor: _Component
    cell: Float[Array, "3 3 ..."]
    q: _Three
    size: Float[Array, "3 ..."]


class Changes(NamedTuple):
    """Tangents or cotangents of what an image depends on, or None.

    Attributes:
        cell: Of the rows a, b, c.
        q: Of the scattering vectors.
        size: Of the crystal's size.
        table: Of the structure factors.
    """

    cell: Float[Array, "3 3 ..."] | None
    q: _Three | None
    size: Float[Array, "3 ..."] | None
    table: Float[Array, "cells"] | None


def change(shape: str, at: At, changes: Changes) -> _Component:
    """The tangent of `accumulate.one_orientation`.

    Args:
        shape: Of the spots.
        at: The pixels.
        changes: Tangents, some of them at least.
    """
    return linear_map(partial(_tangent, shape), partial(_cotangents, shape), at, changes)


def _tangent(shape: str, at: At, changes: Changes) -> _Component:
    def slopes(spread: _Component, along: Array, at: At) -> tuple[_Component, _Three, _Component]:
        peak = at.factor * at.factor * (spread if shape == "square" else along)
        return peak, peak[:, None] * _by_index(shape, along, at), 2.0 * at.factor * spread

    spread, along = _of_shape(shape, at)
    peak, by_index, by_factor = apart(slopes, spread, along, at)
    tangent = jnp.zeros_like(at.factor)
    for rows, images in ((changes.cell, at.q), (at.cell, changes.q)):
        if rows is not None and images is not None:
            for j in range(3):
                tangent = tangent + images[:, j] * sum(rows[i, j] * by_index[:, i] for i in range(3))
    if changes.size is not None and shape == "square":
        by_size = apart(
            lambda *given: peak[:, None] * lattice.square_cell_slope(*given), at.deltas, _along_axes(at.size), along
        )
        tangent = tangent + sum(changes.size[i] * by_size[:, i] for i in range(3))
    elif changes.size is not None:
        turned = [sum(changes.size[i, j] * at.deltas[:, j] for j in range(3)) for i in range(3)]
        tangent = tangent + peak * sum(at.deltas[:, i] * turned[i] for i in range(3))
    if changes.table is not None:
        tangent = tangent + by_factor * changes.table.at[at.place].get(mode="promise_in_bounds")
    return tangent


def _cotangents(shape: str, at: At, image: _Component, wanted: Changes) -> Changes:
    """The transpose of `_tangent`, for the cotangent of an image."""

    def weighted(spread: _Component, along: Array, factor: _Component, image: _Component) -> tuple[_Component, ...]:
        by_factor = image * factor
        return by_factor * factor * (spread if shape == "square" else along), 2.0 * by_factor * spread

    spread, along = _of_shape(shape, at)
    peak, by_factor = apart(weighted, spread, along, at.factor, image)
    by_index = apart(lambda peak, along, at: peak[:, None] * _by_index(shape, along, at), peak, along, at)
    cell = q = size = table = None
    if wanted.cell is not None and at.cell.ndim > 2:
        cell = (by_index[:, :, None] * at.q[:, None]).sum(axis=0)
    elif wanted.cell is not None:
        cell = inner_products(by_index, at.q)
    if wanted.q is not None:
        q = _total([_along_axes(at.cell[i]) * by_index[:, i, None] for i in range(3)])
    if wanted.size is not None and shape == "square":
        by_size = apart(lattice.square_cell_slope, at.deltas, _along_axes(at.size), along)
        size = inner_products(by_size, peak[:, None])[:, 0]
    elif wanted.size is not None:
        size = inner_products(peak[:, None] * at.deltas, at.deltas)
    if wanted.table is not None:
        zeros = jnp.zeros(wanted.table.shape, wanted.table.dtype)
        table = zeros.at[at.place].add(by_factor, mode="promise_in_bounds")
    return Changes(cell, q, size, table)


def _of_shape(shape: str, at: At) -> tuple[_Component, Array]:
    """(F_latt/det N)², and its slopes: by r², or for square crystals those of its logarithm by h, k, l."""

    def of(deltas: _Three, size: Float[Array, "3 ..."]) -> tuple[_Component, Array]:
        h, k, l = (deltas[:, i] for i in range(3))
        if shape == "square":
            return lattice.square(h, k, l, size[0], size[1], size[2]), lattice.square_slope(deltas, _along_axes(size))
        turned = _turned(size, deltas)
        radius_squared = h * turned[:, 0] + k * turned[:, 1] + l * turned[:, 2]
        return lattice.RADIAL[shape](radius_squared), lattice.RADIAL_SLOPES[shape](radius_squared)

    return apart(of, at.deltas, at.size)


def _by_index(shape: str, along: Array, at: At) -> _Three:
    return along if shape == "square" else 2.0 * _turned(at.size, at.deltas)


def _turned(matrix: Float[Array, "3 3"], images: _Three) -> _Three:
    return _total([_along_axes(matrix[:, j]) * images[:, j, None] for j in range(3)])


def _total(terms: list[Array]) -> Array:
    return sum(terms[1:], terms[0])


def _along_axes(numbers: Float[Array, "3 ..."]) -> Float[Array, "3 ..."]:
    """Three numbers, or three for each tile, laid beside images."""
    return numbers[:, None] if numbers.ndim == 1 else numbers
