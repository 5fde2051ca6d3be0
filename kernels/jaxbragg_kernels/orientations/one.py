"""One orientation of a crystal: |F|²·F_latt² of some pixels. Every other file here sums this over orientations.

Whatever does not depend on the orientation has been taken out: the caller multiplies by it afterwards.
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbragg_kernels import hkl, reciprocal
from jaxbragg_kernels.crystal import Crystal
from jaxbragg_kernels.fusion import fusion_barrier
from jaxbragg_kernels.rays import Rays, Vector
from jaxbragg_kernels.reciprocal import Offsets
from jaxbragg_kernels.shapes import AbstractShape

_Image = Float[Array, "tile pixel"]


class Choices(NamedTuple):
    """What is chosen before anything is compiled.

    Attributes:
        shape: Of the spots.
        interpolation: Of the structure factors: "nearest" or "tricubic".
        unroll: Orientations to a pass over the pixels, at most: fewer passes, longer compilation.
        flat: Whether tiles are flat, with pixels at their corners: how far they reach is then found sooner.
    """

    shape: AbstractShape
    interpolation: str = "nearest"
    unroll: int = 1
    flat: bool = False


def intensity(orientation: Float[Array, "3 3"], crystal: Crystal, rays: Rays, choices: Choices) -> _Image:
    """|F|² · (F_latt / det N)² of the pixels for one orientation and one source.

    Args:
        orientation: Rows a, b, c [Å].
        crystal: The rest of the crystal.
        rays: To the pixels.
        choices: Shape and interpolation.
    """
    wholes, offsets, nearest = indices(orientation, crystal, rays, choices.shape)
    if choices.interpolation == "nearest":
        factor = hkl.at(crystal.table, hkl.place_of_parts(crystal.table, wholes, nearest))
    else:
        factor = _between_points(wholes, offsets, nearest, crystal)
    return factor * factor * lattice_factor(offsets, crystal, choices.shape)


def indices(
    orientation: Float[Array, "3 3"], crystal: Crystal, rays: Rays, shape: AbstractShape
) -> tuple[Float[Array, "3 tile 1"], Offsets, Vector]:
    """Miller indices of the pixels: whole numbers of the tiles, offsets, and nearest points counted from the wholes."""
    phases = phases_of(crystal, shape)
    middle = jax.tree.map(lambda x: x[0], reciprocal.at_middles(orientation[None], rays, phases))
    return middle.whole, *reciprocal.at_pixels(middle, orientation, rays, phases)


def phases_of(crystal: Crystal, shape: AbstractShape) -> reciprocal.Phases | None:
    """How phases of fringes are followed; None where they are not."""
    if crystal.phase_size is None:
        return None
    size = jax.lax.stop_gradient(crystal.phase_size)
    return reciprocal.Phases(partial(shape.phases, size=size), partial(shape.phases_beside, size=size))


def lattice_factor(offsets: Offsets, crystal: Crystal, shape: AbstractShape) -> _Image:
    """(F_latt / det N)² at some distance from a Bragg point."""
    return shape.intensity(offsets, shape.size(crystal.n_cells, crystal.metric))


def looked_up(
    orientations: Float[Array, "some 3 3 ..."], crystal: Crystal, rays: Rays, shape: AbstractShape
) -> Iterator[tuple[Offsets, Int[Array, "tile pixel"], _Image]]:
    """For some orientations: offsets from the nearest Bragg points, the points' places in the table, and their |F|.

    The whole numbers of the tiles and the look-ups are compiled by themselves (`jaxbragg_kernels.fusion`): all that a
    processor cannot do for many pixels at a time is kept out of what it can.

    Args:
        orientations: Rows a, b, c [Å]: [some 3 3], or [some 3 3 tile] where each tile has its own.
        crystal: The rest of the crystal.
        rays: To the pixels.
        shape: Of the spots.
    """
    phases = phases_of(crystal, shape)

    def middles(orientations: Float[Array, "some 3 3 ..."]) -> reciprocal.Middles:
        found = reciprocal.at_middles(orientations, rays, phases)
        return found._replace(whole=found.whole.astype(found.delta.dtype))

    def look_up(places: list[Int[Array, "tile pixel"]]) -> list[_Image]:
        return [hkl.at(crystal.table, place) for place in places]

    all_offsets, places = [], []
    found: reciprocal.Middles = fusion_barrier(middles, orientations)
    # Taken apart by iteration: an index for each would be traced three times as long.
    all_phases = [None] * len(orientations) if found.phases is None else found.phases
    for orientation, whole, delta, own in zip(orientations, found.whole, found.delta, all_phases, strict=True):
        offsets, nearest = reciprocal.at_pixels(reciprocal.Middles(whole, delta, own), orientation, rays, phases)
        all_offsets.append(offsets)
        places.append(hkl.place_of_parts(crystal.table, whole, nearest))
    return zip(all_offsets, places, fusion_barrier(look_up, places), strict=True)


def _between_points(
    wholes: Float[Array, "3 tile 1"], offsets: Offsets, nearest: tuple[_Image, ...], crystal: Crystal
) -> _Image:
    """|F| by tricubic interpolation."""

    def split(deltas: tuple[_Image, ...]) -> tuple[tuple[_Image, ...], tuple[_Image, ...]]:
        below = tuple(jnp.floor(delta) for delta in deltas)
        return below, tuple(delta - floor for delta, floor in zip(deltas, below, strict=True))

    # A compiler may compute a distance twice and round it to either side of 0: by itself, so that corner and fraction
    # are made of the same one.
    below, within = fusion_barrier(split, offsets.delta)
    corner = tuple(
        whole.astype(jnp.int32) + (near + floor).astype(jnp.int32)
        for whole, near, floor in zip(wholes, nearest, below, strict=True)
    )
    three = (corner[0], corner[1], corner[2])
    return hkl.tricubic(crystal.table, three, (within[0], within[1], within[2]), crystal.default)


def scanned_sum(crystal: Crystal, rays: Rays, choices: Choices) -> _Image:
    """The sum of `intensity` over all orientations, one step after the other, as JAX differentiates it."""
    # Without the checkpoint, reverse mode would keep every orientation's intermediate images.
    term = jax.checkpoint(partial(intensity, choices=choices), prevent_cse=False)

    def add(total: _Image, orientation: Float[Array, "3 3"]) -> tuple[_Image, None]:
        return total + term(orientation, crystal, rays), None

    with jax.named_scope("scanned_sum"):
        zero = jnp.zeros_like(rays.directions.unit[0])
        count = crystal.orientations.shape[0]
        return jax.lax.scan(add, zero, crystal.orientations, unroll=min(choices.unroll, count))[0]
