"""The innermost sum: |F|²·F_latt² of some pixels over all orientations of the crystal.

`one_orientation` is one ray through one crystal; `over_orientations` is the scan around it. Whatever does not depend on
the orientation has been taken out: the caller multiplies by it afterwards.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbragg_kernels import hkl, lattice, reciprocal
from jaxbragg_kernels.fences import apart

_Component = Float[Array, "tile pixel"]
_Offsets = tuple[_Component, _Component, _Component]


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
    middles = reciprocal.at_middles(cell[None], beam, wavelength, rays)
    wholes, fractions = (of_all[0] for of_all in middles)
    offsets = reciprocal.from_middles(fractions, cell, wavelength, rays)
    deltas, nearest = nearest_points(offsets)
    if interpolation == "nearest":
        factor = hkl.at(crystal.table, hkl.place_of_parts(crystal.table, wholes, nearest))
    else:
        factor = _between_points(wholes, offsets, crystal)
    return factor * factor * spread_about_points(deltas, crystal, shape)


def nearest_points(offsets: _Offsets) -> tuple[_Offsets, _Offsets]:
    """Distances to the nearest Bragg point [Miller-index units], and the whole numbers that are nearest."""
    nearest = jnp.round(offsets[0]), jnp.round(offsets[1]), jnp.round(offsets[2])
    return (offsets[0] - nearest[0], offsets[1] - nearest[1], offsets[2] - nearest[2]), nearest


def looked_up(
    cells: Float[Array, "some 3 3 ..."],
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
) -> Iterator[tuple[_Offsets, Int[Array, "tile pixel"], _Component]]:
    """For some orientations: distances to the nearest Bragg points, the points' places in the table, and their |F|.

    Three steps, each over all pixels by itself: float64 for the tiles, places in the table, look-ups.

    Args:
        cells: Rows a, b, c, as for `reciprocal.at_middles`.
        crystal: The rest of the crystal.
        beam: Unit vector of the photons.
        wavelength: [Å].
        rays: The pixels.
    """

    def middles(cells: Float[Array, "some 3 3 ..."]) -> tuple[Array, Array]:
        wholes, fractions = reciprocal.at_middles(cells, beam, wavelength, rays)
        return wholes.astype(fractions.dtype), fractions

    def look_up(places: list[Int[Array, "tile pixel"]]) -> list[_Component]:
        return [hkl.at(crystal.table, place) for place in places]

    deltas, places = [], []
    for cell, wholes, fractions in zip(cells, *apart(middles, cells), strict=True):
        delta, nearest = nearest_points(reciprocal.from_middles(fractions, cell, wavelength, rays))
        deltas.append(delta)
        places.append(hkl.place_of_parts(crystal.table, wholes, nearest))
    return zip(deltas, places, apart(look_up, places), strict=True)


def _between_points(wholes: Float[Array, "3 tile 1"], offsets: _Offsets, crystal: Crystal) -> _Component:
    """|F| by tricubic interpolation."""
    floors, fractions = [], []
    for whole, offset in zip(wholes, offsets, strict=True):
        floor = jnp.floor(offset)
        floors.append(whole.astype(jnp.int32) + floor.astype(jnp.int32))
        fractions.append(offset - floor)
    corner, within = (floors[0], floors[1], floors[2]), (fractions[0], fractions[1], fractions[2])
    return hkl.tricubic(crystal.table, corner, within, crystal.default)


def spread_about_points(deltas: _Offsets, crystal: Crystal, shape: str) -> _Component:
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
