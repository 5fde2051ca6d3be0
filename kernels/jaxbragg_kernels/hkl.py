"""Structure factors looked up in a dense box: nearest index, or tricubic between the indices.

The box is laid out flat with one more layer of cells all round it that hold the default; an index outside the box is
clipped onto that layer, so that the look-up needs no branch.
"""

from dataclasses import dataclass, replace
from functools import partial
from math import prod

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbragg_kernels.namespace import namespace_of

_Number = Float[Array, "..."]
_Index = Int[Array, "..."]


@partial(jax.tree_util.register_dataclass, data_fields=["values", "start"], meta_fields=["size", "minimum"])
@dataclass(frozen=True)
class Table:
    """A dense box of structure factors, ready for look-up; or several of one size, one after the other.

    Attributes:
        values: The padded boxes, flattened, l fastest.
        size: Cells of a padded box along h, k, l.
        minimum: Miller indices of a padded box's first cell.
        start: Where the box begins that is looked up; None for the first, which is the only one most of the time.
    """

    values: Float[Array, "cells"]
    size: tuple[int, int, int]
    minimum: tuple[int, int, int]
    start: _Index | None = None

    @property
    def boxes(self) -> int:
        """How many there are."""
        return self.values.shape[-1] // prod(self.size)

    def of(self, source: _Index) -> "Table":
        """The table of one source, with the boxes dealt out to the sources in turn; itself where there is one box."""
        if self.boxes == 1:
            return self
        return replace(self, start=(source % self.boxes).astype(jnp.uint32) * prod(self.size))


def make_table(box: Float[Array, "... h k l"], minimum: tuple[int, int, int], default: Float[Array, ""]) -> Table:
    """Pad a dense box with the value that stands for everything outside it.

    Args:
        box: |F| [electrons], or several boxes; may be empty, then every look-up gives the default.
        minimum: Miller indices of its first element.
        default: |F| outside the box [electrons].
    """
    xp = namespace_of(box, default)
    if 0 in box.shape:
        return Table(xp.broadcast_to(default, (1,)).astype(box.dtype), (1, 1, 1), minimum)
    n_h, n_k, n_l = (extent + 2 for extent in box.shape[-3:])
    # Not jnp.pad: its transpose fails where the default is differentiated and the box is not (jax 0.10), and it takes
    # ten times as long on a CPU.
    padded = box
    for axis in range(box.ndim - 1, box.ndim - 4, -1):
        shape = (*padded.shape[:axis], 1, *padded.shape[axis + 1 :])
        layer = xp.broadcast_to(xp.asarray(default, box.dtype), shape)
        padded = xp.concatenate([layer, padded, layer], axis=axis)
    h, k, l = minimum
    return Table(padded.ravel(), (n_h, n_k, n_l), (h - 1, k - 1, l - 1))


def nearest(table: Table, h: _Index, k: _Index, l: _Index) -> _Number:
    """|F| at whole Miller indices; the default outside the box."""
    return at(table, place(table, h, k, l))


def at(table: Table, place: _Index) -> _Number:
    """|F| at a place in the flattened box."""
    return table.values.at[place].get(mode="promise_in_bounds")


def place_of_parts(table: Table, wholes: Float[Array, "3 ..."], nearest: tuple[_Number, _Number, _Number]) -> _Index:
    """The place of whole numbers in floating point, each the sum of two: float32 holds those of any table.

    Conversions and products of integers cost more than float32's: where the numbers of all cells are exact in the type
    of `nearest`, one conversion is left.

    Args:
        table: The structure factors.
        wholes: h, k, l of the tile.
        nearest: What has to be added.
    """
    dtype = nearest[0].dtype
    exact = 2 ** (jnp.finfo(dtype).nmant + 1)
    h, k, l = (
        jnp.clip((whole - low).astype(dtype) + near, 0, size - 1)
        for whole, near, low, size in zip(wholes, nearest, table.minimum, table.size, strict=True)
    )
    if table.size[0] * table.size[1] * table.size[2] > exact:
        h, k, l = (index.astype(jnp.int32) for index in (h, k, l))
    flat = (h * table.size[1] + k) * table.size[2] + l
    # Without a sign there is no negative index to be counted from the end: a third of the look-up's time.
    flat = flat.astype(jnp.int32).astype(jnp.uint32)
    return flat if table.start is None else flat + table.start


def place(table: Table, h: _Index, k: _Index, l: _Index) -> _Index:
    """Where whole Miller indices stand in the flattened box."""
    flat = jnp.clip(h - table.minimum[0], 0, table.size[0] - 1)
    flat = flat * table.size[1] + jnp.clip(k - table.minimum[1], 0, table.size[1] - 1)
    flat = flat * table.size[2] + jnp.clip(l - table.minimum[2], 0, table.size[2] - 1)
    return flat if table.start is None else flat.astype(jnp.uint32) + table.start


def tricubic(
    table: Table,
    floors: tuple[_Index, _Index, _Index],
    fractions: tuple[_Number, _Number, _Number],
    default: Float[Array, ""],
) -> _Number:
    """|F| between whole Miller indices, by cubic Lagrange interpolation along each axis.

    Args:
        table: The structure factors.
        floors: Largest whole numbers not above h, k, l.
        fractions: h, k, l less their floors, 0 … 1.
        default: What a look-up takes whose 4 × 4 × 4 neighbours (floor−1 … floor+2) are not all in the box. That one
            look-up alone: the C program stops interpolating for the rest of its run.
    """
    weights = [_lagrange(fraction) for fraction in fractions]
    inside = True
    for floor, low, size in zip(floors, table.minimum, table.size, strict=True):
        inside &= (floor - 1 > low) & (floor + 2 < low + size - 1)
    total = 0.0
    for i in range(4):
        for j in range(4):
            row = sum(
                weights[2][m] * nearest(table, floors[0] + (i - 1), floors[1] + (j - 1), floors[2] + (m - 1))
                for m in range(4)
            )
            total = total + weights[0][i] * weights[1][j] * row
    return jnp.where(inside, total, default.astype(table.values.dtype))


def _lagrange(x: _Number) -> tuple[_Number, _Number, _Number, _Number]:
    """Weights of the nodes −1, 0, 1, 2 for a point at 0 ≤ x ≤ 1."""
    left, right, far = x + 1.0, x - 1.0, x - 2.0
    return -x * right * far / 6.0, left * right * far / 2.0, -left * x * far / 2.0, left * x * right / 6.0
