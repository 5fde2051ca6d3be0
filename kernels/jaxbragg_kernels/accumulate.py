"""The innermost sum: |F|²·F_latt² of some pixels over all orientations of the crystal.

`one_orientation` is one ray through one crystal; `over_orientations` is the scan around it. Whatever does not depend on
the orientation has been taken out: the caller multiplies by it afterwards.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg_kernels import hkl, lattice, reciprocal

_Component = Float[Array, "tile pixel"]


class Crystal(NamedTuple):
    """What the innermost sum needs to know of a crystal.

    Attributes:
        orientations: Rows a, b, c for each orientation [Å], in the type of the indices.
        cells: Na, Nb, Nc in the type of the image.
        metric: For the shapes that depend on the distance from the Bragg point alone (`lattice.radius_squared`).
        table: |F| in the type of the image.
        default: |F| outside the table.
    """

    orientations: Float[Array, "orientation 3 3"]
    cells: Float[Array, "3"]
    metric: Float[Array, "6"]
    table: hkl.Table
    default: Float[Array, ""]


def one_orientation(
    cell: Float[Array, "3 3"],
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
    *,
    shape: str,
    interpolation: str,
) -> _Component:
    """|F|² · (F_latt / Na Nb Nc)² of the pixels for one orientation and one source.

    Args:
        cell: Rows a, b, c as they stand [Å].
        crystal: The rest of the crystal.
        beam: Unit vector of the photons.
        wavelength: [Å].
        rays: The pixels.
        shape: "square", "round", "gauss" or "tophat".
        interpolation: "nearest" or "tricubic".
    """
    offsets = reciprocal.miller_offsets(cell, beam, wavelength, rays)
    deltas, indices = nearest_points(offsets)
    factor = hkl.nearest(crystal.table, *indices) if interpolation == "nearest" else _between_points(offsets, crystal)
    return factor * factor * spread_about_points(deltas, crystal, shape)


def nearest_points(offsets: list[tuple[Array, _Component]]) -> tuple[tuple, tuple]:
    """From h, k, l as `reciprocal.miller_offsets` gives them: distances to the nearest Bragg point, and its indices."""
    deltas, indices = [], []
    for whole, offset in offsets:
        nearest = jnp.round(offset)
        deltas.append(offset - nearest)
        indices.append(whole.astype(jnp.int32) + nearest.astype(jnp.int32))
    return tuple(deltas), tuple(indices)


def _between_points(offsets: list[tuple[Array, _Component]], crystal: Crystal) -> _Component:
    """|F| by tricubic interpolation."""
    floors, fractions = [], []
    for whole, offset in offsets:
        floor = jnp.floor(offset)
        floors.append(whole.astype(jnp.int32) + floor.astype(jnp.int32))
        fractions.append(offset - floor)
    corner, within = (floors[0], floors[1], floors[2]), (fractions[0], fractions[1], fractions[2])
    return hkl.tricubic(crystal.table, corner, within, crystal.default)


def spread_about_points(deltas: tuple, crystal: Crystal, shape: str) -> _Component:
    """(F_latt / Na Nb Nc)² at some distance from a Bragg point [Miller-index units]."""
    h, k, l = deltas
    if shape == "square":
        return lattice.square(h, k, l, *(crystal.cells[i] for i in range(3)))
    return lattice.RADIAL[shape](lattice.radius_squared(h, k, l, crystal.metric))


def over_orientations(
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
    *,
    shape: str,
    interpolation: str,
    unroll: int,
) -> _Component:
    """The sum of `one_orientation` over all orientations, in memory that does not grow with their number.

    Args:
        crystal: With its orientations.
        beam: Unit vector of the photons.
        wavelength: [Å].
        rays: The pixels.
        shape: Of the spots.
        interpolation: Of the structure factors.
        unroll: Orientations to a pass over the pixels: fewer passes, longer compilation.
    """
    term: Callable = partial(one_orientation, shape=shape, interpolation=interpolation)
    # Without the checkpoint, reverse mode would keep every orientation's intermediate images.
    term = jax.checkpoint(term, prevent_cse=False)

    def add(total: _Component, cell: Float[Array, "3 3"]) -> tuple[_Component, None]:
        return total + term(cell, crystal, beam, wavelength, rays), None

    with jax.named_scope("over_orientations"):
        zero = jnp.zeros_like(rays.unit[0])
        count = crystal.orientations.shape[0]
        return jax.lax.scan(add, zero, crystal.orientations, unroll=min(unroll, count))[0]
