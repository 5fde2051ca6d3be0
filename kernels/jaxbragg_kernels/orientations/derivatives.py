"""What one orientation's image changes by when anything changes that it depends on, in both modes of differentiation.

A few images, the slopes, serve every parameter (`jaxbragg_kernels.orientations.every` has the formula). Forward mode
multiplies them by the tangents of many parameters at once; reverse mode weights them by the image's cotangent first,
and adds up.

Barriers stand between the steps, since a compiler would compute anew for each image that comes out all that it is made
of; and the three images of h, k, l are one array, since each step that is started takes time of its own.
"""

from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbragg_kernels.fusion import fusion_barrier
from jaxbragg_kernels.linear import linear_map
from jaxbragg_kernels.shapes import AbstractShape, Slopes
from jaxbragg_kernels.sums import inner_products

_Component = Float[Array, "pixel tile"]
_Three = Float[Array, "pixel 3 tile"]


class At(NamedTuple):
    """Where the pixels are, for one orientation.

    Attributes:
        deltas: Distances to the nearest Bragg points [Miller-index units].
        place: Where the table has the points' |F|.
        factor: These |F|.
        orientation: Rows a, b, c [Å], [3 3], or [3 3 tile] where each tile has its own.
        q: Scattering vectors [1/Å].
        size: What the shape depends on.
    """

    deltas: _Three
    place: Int[Array, "pixel tile"]
    factor: _Component
    orientation: Float[Array, "3 3 ..."]
    q: _Three
    size: Array


class Changes(NamedTuple):
    """Tangents or cotangents of what an image depends on, or None.

    Attributes:
        orientation: Of the rows a, b, c.
        q: Of the scattering vectors.
        size: Of the crystal's size.
        table: Of the structure factors.
    """

    orientation: Float[Array, "3 3 ..."] | None
    q: _Three | None
    size: Array | None
    table: Float[Array, "entries"] | None


def change(shape: AbstractShape, at: At, changes: Changes) -> _Component:
    """The tangent of `one.intensity`.

    Args:
        shape: Of the spots.
        at: The pixels.
        changes: Tangents, some of them at least.
    """
    return linear_map(partial(_tangent, shape), partial(_cotangents, shape), at, changes)


def _tangent(shape: AbstractShape, at: At, changes: Changes) -> _Component:
    def images(slopes: Slopes, at: At) -> tuple[_Component, _Three, _Component]:
        peak = at.factor * at.factor * slopes.factor
        by_index = peak[:, None] * shape.by_delta(slopes, at.deltas, at.size)
        return peak, by_index, 2.0 * at.factor * slopes.intensity

    slopes = fusion_barrier(shape.slopes, at.deltas, at.size)
    peak, by_index, by_factor = fusion_barrier(images, slopes, at)
    tangent = jnp.zeros_like(at.factor)
    for rows, along in ((changes.orientation, at.q), (at.orientation, changes.q)):
        if rows is not None and along is not None:
            for j in range(3):
                tangent = tangent + along[:, j] * sum(rows[i, j] * by_index[:, i] for i in range(3))
    if changes.size is not None:
        left, right = shape.by_size(slopes, at.deltas, at.size)
        elements = changes.size.reshape(left.shape[1], right.shape[1])
        sums = [sum(elements[a, b] * left[:, a] for a in range(left.shape[1])) for b in range(right.shape[1])]
        tangent = tangent + peak * sum(right[:, b] * along for b, along in enumerate(sums))
    if changes.table is not None:
        tangent = tangent + by_factor * changes.table.at[at.place].get(mode="promise_in_bounds")
    return tangent


def _cotangents(shape: AbstractShape, at: At, image: _Component, wanted: Changes) -> Changes:
    """The transpose of `_tangent`, for the cotangent of an image."""

    def weighted(slopes: Slopes, factor: _Component, image: _Component) -> tuple[_Component, _Component]:
        by_factor = image * factor
        return by_factor * factor * slopes.factor, 2.0 * by_factor * slopes.intensity

    slopes = fusion_barrier(shape.slopes, at.deltas, at.size)
    peak, by_factor = fusion_barrier(weighted, slopes, at.factor, image)
    by_index = fusion_barrier(
        lambda peak, slopes, at: peak[:, None] * shape.by_delta(slopes, at.deltas, at.size), peak, slopes, at
    )
    orientation = q = size = table = None
    if wanted.orientation is not None and at.orientation.ndim > 2:
        orientation = (by_index[:, :, None] * at.q[:, None]).sum(axis=0)
    elif wanted.orientation is not None:
        orientation = inner_products(by_index, at.q)
    if wanted.q is not None:
        rows = at.orientation if at.orientation.ndim > 2 else at.orientation[..., None]
        q = rows[0] * by_index[:, 0, None] + rows[1] * by_index[:, 1, None] + rows[2] * by_index[:, 2, None]
    if wanted.size is not None:
        left, right = shape.by_size(slopes, at.deltas, at.size)
        size = inner_products(left, peak[:, None] * right).reshape(wanted.size.shape)
    if wanted.table is not None:
        zeros = jnp.zeros(wanted.table.shape, wanted.table.dtype)
        table = zeros.at[at.place].add(by_factor, mode="promise_in_bounds")
    return Changes(orientation, q, size, table)
