"""The sum over orientations without the steps that cannot matter: a tile and an orientation far from any Bragg point.

First a list of what is near (`jaxbragg_kernels.nearness`), as bits; then the sums of what is listed, some thousands at
a time, in as many passes as there happen to be. All shapes are fixed, so that it runs under jit, on any device, in
either mode of differentiation.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Bool, Float, Int, UInt

from jaxbragg_kernels import reciprocal
from jaxbragg_kernels.accumulate import Crystal, one_orientation
from jaxbragg_kernels.nearness import Tiles, near_test

_Component = Float[Array, "tile pixel"]
_BITS = 32
_AT_ONCE = 128  # orientations whose bits are held at a time: the memory does not grow with their number
_TOGETHER = 8  # orientations of one tile to an entry of the list: a fourth of the additions into the image
_ENTRIES = 2048  # of the list, to a pass


def over_orientations(
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
    tiles: Tiles,
    least: Float[Array, ""],
    *,
    shape: str,
    interpolation: str,
) -> _Component:
    """The sum of `accumulate.one_orientation` over all orientations, less what is sure to be small.

    Args:
        crystal: With its orientations.
        beam: Unit vector of the photons.
        wavelength: [Å].
        rays: The pixels.
        tiles: What `extents` says of them.
        least: A tile may leave an orientation out for which (F_latt / Na Nb Nc)² is below this in all of its pixels.
        shape: Of the spots.
        interpolation: Of the structure factors.
    """
    choices = _Choices(shape, interpolation)
    near = near_test(tiles, *jax.lax.stop_gradient((crystal, least)), shape)
    orientations = crystal.orientations
    count = orientations.shape[0]
    at_once = min(_AT_ONCE, -(-count // _BITS) * _BITS)
    padding = -count % at_once
    # What fills the last group is never near.
    exists = jnp.pad(jnp.ones(count, bool), (0, padding)).reshape(-1, at_once)
    orientations = jnp.pad(orientations, ((0, padding), (0, 0), (0, 0)), mode="edge").reshape(-1, at_once, 3, 3)

    def add(total: _Component, group: tuple) -> tuple[_Component, None]:
        cells, exists = group
        bits = _near_bits(near, jax.lax.stop_gradient(cells), exists, tiles=rays.middle.shape[0])
        return total + _sum_of_listed(choices, _list_of(bits), cells, crystal, beam, wavelength, rays), None

    with jax.named_scope("over_near_orientations"):
        add = jax.checkpoint(add, prevent_cse=False)
        return jax.lax.scan(add, jnp.zeros_like(rays.unit[0]), (orientations, exists))[0]


def _near_bits(
    near: Callable, cells: Float[Array, "orientation 3 3"], exists: Bool[Array, "orientation"], *, tiles: int
) -> UInt[Array, "word tile"]:
    """One bit for each orientation and tile."""

    def word(_, some: tuple) -> tuple[None, UInt[Array, "tile"]]:
        def add(bits: UInt[Array, "tile"], one: tuple) -> tuple[UInt[Array, "tile"], None]:
            cell, exists, place = one
            return bits | ((near(cell) & exists).astype(jnp.uint32) << place), None

        cells, exists = some
        places = jnp.arange(_BITS, dtype=jnp.uint32)
        return None, jax.lax.scan(add, jnp.zeros(tiles, jnp.uint32), (cells, exists, places), unroll=4)[0]

    return jax.lax.scan(word, None, (cells.reshape(-1, _BITS, 3, 3), exists.reshape(-1, _BITS)))[1]


class _List(NamedTuple):
    """The tiles × orientations that are to be drawn, some orientations of one tile to an entry.

    Attributes:
        bits: One for each orientation and tile.
        listed: Set bits of each tile.
        entries: Entries of each tile.
        ends: Entries up to and with each tile.
    """

    bits: UInt[Array, "word tile"]
    listed: Int[Array, "tile"]
    entries: Int[Array, "tile"]
    ends: Int[Array, "tile"]


def _list_of(bits: UInt[Array, "word tile"]) -> _List:
    listed = jax.lax.population_count(bits).astype(jnp.int32).sum(axis=0)
    entries = -(-listed // _TOGETHER)
    return _List(bits, listed, entries, jnp.cumsum(entries))


class _Choices(NamedTuple):
    shape: str
    interpolation: str


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _sum_of_listed(choices: _Choices, listed: _List, cells: Float[Array, "orientation 3 3"], *what) -> _Component:
    """The image of what is listed: as many passes as it takes."""
    size, _ = _passes(listed, cells)
    rays = what[-1]

    def draw(state: tuple[_Component, Int[Array, ""]]) -> tuple[_Component, Int[Array, ""]]:
        total, first = state
        tile, sums = _one_pass(choices, first, size, listed, cells, *what)
        return total.at[tile].add(sums, indices_are_sorted=True, mode="promise_in_bounds"), first + size

    start = (jnp.zeros_like(rays.unit[0]), jnp.zeros((), jnp.int32))
    return jax.lax.while_loop(lambda state: state[1] < listed.ends[-1], draw, start)[0]


@partial(_sum_of_listed.defjvp, symbolic_zeros=True)
def _sum_of_listed_jvp(choices: _Choices, primals: tuple, tangents: tuple) -> tuple[_Component, _Component]:
    """The derivative of the same sum with a fixed number of passes: a loop without one has no reverse mode."""
    leaves, tree = jax.tree.flatten(primals)
    changes = jax.tree.leaves(tangents, is_leaf=lambda x: isinstance(x, SymbolicZero))
    moving = [i for i, change in enumerate(changes) if not isinstance(change, SymbolicZero)]

    def image(moved: list) -> _Component:
        values = list(leaves)
        for i, value in zip(moving, moved, strict=True):
            values[i] = value
        return _in_fixed_passes(choices, *jax.tree.unflatten(tree, values))

    if not moving:
        total = _sum_of_listed(choices, *primals)
        return total, jnp.zeros_like(total)
    return jax.jvp(image, ([leaves[i] for i in moving],), ([changes[i] for i in moving],))


def _in_fixed_passes(choices: _Choices, listed: _List, cells: Float[Array, "orientation 3 3"], *what) -> _Component:
    size, passes = _passes(listed, cells)
    zero = jnp.zeros_like(what[-1].unit[0])

    def add(total: _Component, first: Int[Array, ""]) -> tuple[_Component, None]:
        def draw(total: _Component) -> _Component:
            tile, sums = _one_pass(choices, first, size, listed, cells, *what)
            return total.at[tile].add(sums, indices_are_sorted=True, mode="promise_in_bounds")

        return jax.lax.cond(first < listed.ends[-1], draw, lambda total: total, total), None

    return jax.lax.scan(jax.checkpoint(add, prevent_cse=False), zero, jnp.arange(passes) * size)[0]


def _passes(listed: _List, cells: Float[Array, "orientation 3 3"]) -> tuple[int, int]:
    """Entries to a pass, and the passes that all entries would take if everything were near."""
    most = listed.bits.shape[1] * -(-cells.shape[0] // _TOGETHER)
    size = min(_ENTRIES, most)
    return size, -(-most // size)


def _one_pass(
    choices: _Choices,
    first: Int[Array, ""],
    size: int,
    listed: _List,
    cells: Float[Array, "orientation 3 3"],
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
) -> tuple[Int[Array, "entry"], Float[Array, "entry pixel"]]:
    """The sums of some entries, and the tiles that they belong to."""
    term: Callable = partial(one_orientation, shape=choices.shape, interpolation=choices.interpolation)
    number = first + jnp.arange(size, dtype=jnp.int32)
    last = listed.ends.shape[0] - 1
    tile = jnp.minimum(jnp.searchsorted(listed.ends, number, side="right"), last).astype(jnp.int32)
    rank = (number - (listed.ends[tile] - listed.entries[tile])) * _TOGETHER
    some = jax.tree.map(lambda x: x[tile][:, None], rays)
    words, held = [word[tile] for word in listed.bits], listed.listed[tile]
    sums = jnp.zeros((size, rays.unit[0].shape[1]), rays.unit[0].dtype)
    for i in range(_TOGETHER):
        exists = (number < listed.ends[-1]) & (rank + i < held)
        cell = cells[jnp.where(exists, _place_of_bit(words, rank + i), 0)]
        drawn = jax.vmap(term, (0, None, None, None, 0))(cell, crystal, beam, wavelength, some)
        sums = sums + jnp.where(exists[:, None], drawn[:, 0], 0.0)
    return tile, sums


def _place_of_bit(words: list[UInt[Array, "entry"]], rank: Int[Array, "entry"]) -> Int[Array, "entry"]:
    """Which bit is the one with so many set bits before it, the first word's lowest bit first."""
    place, word, left = jnp.zeros_like(rank), words[0], rank
    passed = jnp.zeros_like(rank)
    for i in range(len(words)):
        counted = jax.lax.population_count(words[i]).astype(rank.dtype)
        here = (rank >= passed) & (rank < passed + counted)
        word = jnp.where(here, words[i], word)
        left = jnp.where(here, rank - passed, left)
        place = jnp.where(here, _BITS * i, place)
        passed = passed + counted
    for width in (16, 8, 4, 2, 1):
        low = word & jnp.uint32((1 << width) - 1)
        counted = jax.lax.population_count(low).astype(rank.dtype)
        above = left >= counted
        word = jnp.where(above, word >> width, low)
        left = jnp.where(above, left - counted, left)
        place = place + jnp.where(above, width, 0)
    return place
