"""What one program on the GPU does: some tiles, some of their pixels, all orientations, the sums in registers.

A thread has one tile and its pixels, written out one after the other: what belongs to the tile is computed once for all
of them, and they are independent chains of operations for the machine to interleave. Only what Triton's backend of
Pallas knows may be used here: no `round`, no slices of arrays, sizes that are powers of two.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxbragg_kernels import hkl, lattice, trigonometry
from jaxbragg_kernels.pallas.arithmetic import Arithmetic
from jaxbragg_kernels.pallas.three_parts import Index, Parts, index

_OfTiles = Float[Array, "tile"]


class Layout(NamedTuple):
    """What is static.

    Attributes:
        shape: Of the spots.
        size: Of the table, `hkl.Table.size`.
        minimum: Of the table, `hkl.Table.minimum`.
        arithmetic: Of the device.
    """

    shape: str
    size: tuple[int, int, int]
    minimum: tuple[int, int, int]
    arithmetic: Arithmetic


def inner_loop(layout: Layout, cells, middle, x, y, z, sizes, table, image) -> None:
    """The kernel. All arguments but the first are references to GPU memory.

    Args:
        layout: Bound before.
        cells: Three parts of the nine components of a, b, c over λ [orientation, part and component].
        middle: Three parts of the tiles' middles less the beam [part and component, tile].
        x, y, z: Steps from the middle to the pixels [tile, pixel].
        sizes: Na, Nb, Nc, and the six numbers of the metric.
        table: |F|, flat.
        image: What is written [tile, pixel].
    """
    tiles, pixels = image.shape
    steps = [tuple(step[:, p] for step in (x, y, z)) for p in range(pixels)]
    direction = [Parts(*(middle[3 * part + j, :] for part in range(3))) for j in range(3)]
    counts, metric = [sizes[i] for i in range(3)], [sizes[i] for i in range(3, 9)]
    structure = hkl.Table(table, layout.size, layout.minimum)

    def add(o: Int[Array, ""], totals: tuple[_OfTiles, ...]) -> tuple[_OfTiles, ...]:
        axes = [[Parts(*(cells[o, 9 * part + 3 * i + j] for part in range(3))) for j in range(3)] for i in range(3)]
        tile = [index(axis, direction, layout.arithmetic) for axis in axes]
        slopes = [[component.rounded for component in axis] for axis in axes]
        terms = (_of_pixel(tile, slopes, step, counts, metric, structure, layout) for step in steps)
        return tuple(total + term for total, term in zip(totals, terms, strict=True))

    zero = jnp.zeros((tiles,), jnp.float32)
    totals = jax.lax.fori_loop(np.int32(0), np.int32(cells.shape[0]), add, (zero,) * pixels)
    for p, total in enumerate(totals):
        image[:, p] = total


def _of_pixel(
    tile: list[Index],
    slopes: list[list[Float[Array, ""]]],
    step: tuple[_OfTiles, ...],
    counts: Sequence[Float[Array, ""]],
    metric: Sequence[Float[Array, ""]],
    table: hkl.Table,
    layout: Layout,
) -> _OfTiles:
    """`accumulate.one_orientation` for one pixel of each tile."""
    deltas, places = [], []
    for middle, slope in zip(tile, slopes, strict=True):
        offset = middle.fraction + middle.low
        for j in range(3):
            offset = layout.arithmetic.multiply_add(slope[j], step[j], offset)
        nearest = layout.arithmetic.nearest(offset)
        deltas.append(offset - nearest.number)
        places.append(middle.whole + nearest.integer)
    factor = table.values[hkl.place(table, places[0], places[1], places[2])]
    if layout.shape == "square":
        return factor * factor * _square(deltas, counts, layout.arithmetic)
    h, k, l = deltas
    radius_squared = lattice.radius_squared(h, k, l, metric)  # type: ignore[arg-type]
    return factor * factor * lattice.RADIAL[layout.shape](radius_squared)


def _square(deltas: list[_OfTiles], counts: Sequence[Float[Array, ""]], arithmetic: Arithmetic) -> _OfTiles:
    """`lattice.square`."""
    numerator = denominator = jnp.ones_like(deltas[0])
    for delta, cells in zip(deltas, counts, strict=True):
        delta = jnp.maximum(jnp.abs(delta), np.float32(1e-9))
        phase = cells * delta
        folded = phase - arithmetic.nearest(phase).number
        numerator = numerator * (folded * _sine_ratio(folded, arithmetic))
        denominator = denominator * (phase * _sine_ratio(delta, arithmetic))
    ratio = numerator / denominator
    return ratio * ratio


def _sine_ratio(z: _OfTiles, arithmetic: Arithmetic) -> _OfTiles:
    """`trigonometry.sine_ratio`."""
    square, coefficients = z * z, [jnp.float32(c) for c in trigonometry._SINE]
    value = jnp.full_like(z, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = arithmetic.multiply_add(value, square, coefficient)
    return value
