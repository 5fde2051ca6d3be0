"""The sum over orientations without the steps that cannot matter: a tile and an orientation far from any Bragg point.

First a list of what is near (`jaxbragg_kernels.nearness`), as bits; then the sums of what is listed, some entries at a
time, in as many passes as there happen to be. An entry is one tile and a few orientations, so that few tiles are
gathered and few sums scattered.

All shapes are fixed, so that it runs under jit, on any device, in either mode of differentiation.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float, Int, UInt

from jaxbragg_kernels import dense, reciprocal
from jaxbragg_kernels.accumulate import Crystal
from jaxbragg_kernels.fences import apart
from jaxbragg_kernels.nearness import NearTest, Tiles, near_test

_Component = Float[Array, "tile pixel"]
_BITS = 30  # of a word, at most
_AT_A_TIME = 5  # orientations that are tested in one pass over the tiles
_AT_ONCE = 128  # orientations whose bits are held at a time: the memory does not grow with their number
_TOGETHER = 4  # orientations of one tile to an entry of the list: more of them leave more of an entry empty
_ENTRIES = 4096  # of the list, to a pass


_Draw = Callable[[Crystal, Float[Array, "3"], Float[Array, ""], reciprocal.Directions], _Component]


def over_orientations(
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
    tiles: Tiles,
    least: Float[Array, ""],
    *,
    shape: str,
) -> _Component:
    """The sum over all orientations with the nearest structure factors, less what is sure to be small.

    Args:
        crystal: With its orientations.
        beam: Unit vector of the photons.
        wavelength: [Å].
        rays: The pixels.
        tiles: What `extents` says of them.
        least: A tile may leave an orientation out for which (F_latt / det N)² is below this in all of its pixels.
        shape: Of the spots.
    """
    return listed(crystal, tiles, least, shape=shape)[1](crystal, beam, wavelength, rays)


def listed(crystal: Crystal, tiles: Tiles, least: Float[Array, ""], *, shape: str) -> tuple[Float[Array, ""], _Draw]:
    """The share of tiles × orientations that is near, of the first group of orientations; and what draws that alone.

    Args:
        crystal: As for `over_orientations`; so are the others.
        tiles: What `extents` says of the pixels.
        least: What may be left out.
        shape: Of the spots.
    """
    count, places = crystal.orientations.shape[0], tiles.q[0].shape[0]
    test = near_test(tiles, jax.lax.stop_gradient(crystal), jax.lax.stop_gradient(least), shape)
    groups, words, bits = _groups(count)
    # What fills the last group is never near.
    exists = jnp.arange(groups * words * bits) < count

    def grouped(cells: Float[Array, "orientation 3 3"]) -> Float[Array, "filled 3 3"]:
        return jnp.pad(cells, ((0, exists.shape[0] - count), (0, 0), (0, 0)), mode="edge")

    prepared = test.prepare(jax.lax.stop_gradient(grouped(crystal.orientations)))
    words_of = jax.tree.map(lambda x: x.reshape(groups, words, bits, *x.shape[1:]), (prepared, exists))

    def list_of(words_of: tuple) -> _List:
        return _list_of(_near_bits(test, *words_of, tiles=places))

    with jax.named_scope("over_near_orientations"):
        first = list_of(jax.tree.map(lambda x: x[0], words_of))

    def draw(crystal: Crystal, *rest) -> _Component:
        def add(total: _Component, group: tuple) -> tuple[_Component, None]:
            cells, words_of = group
            return total + _sum_of_listed(_Choices(shape, bits), list_of(words_of), cells, crystal, *rest), None

        with jax.named_scope("over_near_orientations"):
            cells = grouped(crystal.orientations).reshape(groups, words * bits, 3, 3)
            total = _sum_of_listed(_Choices(shape, bits), first, cells[0], crystal, *rest)
            others = jax.tree.map(lambda x: x[1:], (cells, words_of))
            return jax.lax.scan(jax.checkpoint(add, prevent_cse=False), total, others)[0] if groups > 1 else total

    return first.listed.sum().astype(jnp.float32) / (places * min(count, words * bits)), draw


def _groups(count: int) -> tuple[int, int, int]:
    """Groups of orientations, words to a group, bits to a word: as few to spare as can be."""
    groups = -(-count // _AT_ONCE)
    each = -(-count // groups)
    words = -(-each // _BITS)
    bits = -(-each // words)
    # A rest would be a pass of its own.
    return groups, words, -(-bits // _AT_A_TIME) * _AT_A_TIME


def _near_bits(test: NearTest, prepared: Any, exists: Any, *, tiles: int) -> UInt[Array, "word tile"]:
    """One bit for each orientation and tile."""
    always, near = test.among(prepared)

    def word(_, some: tuple) -> tuple[None, UInt[Array, "tile"]]:
        def add(bits: UInt[Array, "tile"], one: tuple) -> tuple[UInt[Array, "tile"], None]:
            orientation, place = one
            return bits | (near(orientation).astype(jnp.uint32) << place), None

        orientations, exists = some
        places = jnp.arange(exists.shape[0], dtype=jnp.uint32)
        zero = jnp.zeros(tiles, jnp.uint32)
        bits, _ = jax.lax.scan(add, zero, (orientations, places), unroll=_AT_A_TIME)
        # By the word, not by the bit: inside, these two took a sixth of the whole test.
        every = (exists.astype(jnp.uint32) << places).sum(dtype=jnp.uint32)
        return None, jnp.where(always, every, bits & every)

    return jax.lax.scan(word, None, (prepared, exists))[1]


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
    listed = jax.lax.population_count(bits).astype(jnp.int32).sum(axis=0, dtype=jnp.int32)
    entries = -(-listed // _TOGETHER)
    return _List(bits, listed, entries, jnp.cumsum(entries, dtype=jnp.int32))


class _Choices(NamedTuple):
    """What is static: the shape of the spots, and the bits to a word."""

    shape: str
    bits: int


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _sum_of_listed(choices: _Choices, listed: _List, cells: Float[Array, "orientation 3 3"], *what) -> _Component:
    """The image of what is listed: as many passes as it takes.

    Args:
        choices: What is static.
        listed: The list.
        cells: Rows a, b, c [Å].
        *what: Crystal, beam, wavelength and rays.
    """
    size, _ = _passes(listed, cells)

    def draw(state: tuple[_Component, Int[Array, ""]]) -> tuple[_Component, Int[Array, ""]]:
        total, first = state
        return _add_pass(choices, total, first, size, listed, cells, *what), first + size

    start = (jnp.zeros_like(what[-1].unit[0]), jnp.zeros((), jnp.int32))
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

    def add(total: _Component, first: Int[Array, ""]) -> tuple[_Component, None]:
        def draw(total: _Component) -> _Component:
            return _add_pass(choices, total, first, size, listed, cells, *what)

        return jax.lax.cond(first < listed.ends[-1], draw, lambda total: total, total), None

    numbers = jnp.arange(passes, dtype=jnp.int32) * size
    return jax.lax.scan(jax.checkpoint(add, prevent_cse=False), jnp.zeros_like(what[-1].unit[0]), numbers)[0]


def _passes(listed: _List, cells: Float[Array, "orientation 3 3"]) -> tuple[int, int]:
    """Entries to a pass, and the passes that all entries would take if everything were near."""
    most = listed.bits.shape[1] * -(-cells.shape[0] // _TOGETHER)
    size = min(_ENTRIES, most)
    return size, -(-most // size)


def _add_pass(
    choices: _Choices,
    total: _Component,
    first: Int[Array, ""],
    size: int,
    listed: _List,
    cells: Float[Array, "orientation 3 3"],
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
) -> _Component:
    """The image with some entries more."""

    def find(first: Int[Array, ""]) -> tuple[Array, Array, Array]:
        number = first + jnp.arange(size, dtype=jnp.int32)
        last = listed.ends.shape[0] - 1
        tile = jnp.minimum(jnp.searchsorted(listed.ends, number, side="right"), last).astype(jnp.int32)
        rank = (number - (listed.ends[tile] - listed.entries[tile])) * _TOGETHER
        # How many of the entry's places are taken; none where there is no such entry.
        taken = jnp.where(number < listed.ends[-1], listed.listed[tile] - rank, 0)
        words = [word[tile] for word in listed.bits]
        places = [
            jnp.where(i < taken, _place_of_bit(words, jnp.minimum(rank + i, rank + taken - 1), choices.bits), 0)
            for i in range(_TOGETHER)
        ]
        return tile, taken, jnp.stack(places)

    tile, taken, places = apart(find, first)
    some = apart(lambda tile: jax.tree.map(lambda x: x[tile], rays), tile)

    # Lengths in wavelengths: divided once for each orientation, not for each entry.
    scaled, one_wavelength = (cells / wavelength).ravel(), jnp.ones_like(wavelength)
    component = jnp.arange(9, dtype=jnp.int32).reshape(1, 3, 3, 1)

    def add(sums: _Component, one: tuple[Int[Array, ""], Int[Array, "entry"]]) -> tuple[_Component, None]:
        number, place = one
        # From a flat array, so that the entries are side by side in what comes out.
        element = (9 * place + component).astype(jnp.uint32)
        own = crystal._replace(orientations=scaled.at[element].get(mode="promise_in_bounds"))
        drawn = dense.over_orientations(own, beam, one_wavelength, some, shape=choices.shape, unroll=1)
        return sums + jnp.where((number < taken)[:, None], drawn, 0.0), None

    zero = jnp.zeros((size, total.shape[1]), total.dtype)
    sums, _ = jax.lax.scan(add, zero, (jnp.arange(_TOGETHER, dtype=jnp.int32), places))
    return total.at[tile].add(sums, indices_are_sorted=True, mode="promise_in_bounds")


def _place_of_bit(words: list[UInt[Array, "tile"]], rank: Int[Array, "tile"], bits: int) -> Int[Array, "tile"]:
    """Which bit is the one with so many set bits before it, the first word's lowest bit first.

    Args:
        words: Of each tile.
        rank: Set bits before it.
        bits: That a word holds.
    """
    place, word, left = jnp.zeros_like(rank), words[0], rank
    passed = jnp.zeros_like(rank)
    for i in range(len(words)):
        counted = jax.lax.population_count(words[i]).astype(rank.dtype)
        here = (rank >= passed) & (rank < passed + counted)
        word = jnp.where(here, words[i], word)
        left = jnp.where(here, rank - passed, left)
        place = jnp.where(here, bits * i, place)
        passed = passed + counted
    for width in (16, 8, 4, 2, 1):
        low = word & jnp.uint32((1 << width) - 1)
        counted = jax.lax.population_count(low).astype(rank.dtype)
        above = left >= counted
        word = jnp.where(above, word >> width, low)
        left = jnp.where(above, left - counted, left)
        place = place + jnp.where(above, width, 0)
    return place
