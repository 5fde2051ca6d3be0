"""Lists of the tiles and orientations that may be near each other: made as bits, read in entries.

An entry is one tile and a few orientations, so that few tiles are gathered and few sums scattered.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, UInt

from jaxbragg_kernels.orientations.bounds import NearTest
from jaxbragg_kernels.sharded import varying

_BITS = 30  # of a word, at most
_AT_A_TIME = 5  # orientations that are tested in one pass over the tiles
_AT_ONCE = 128  # orientations whose bits are held at a time: the memory does not grow with their number
TOGETHER = 4  # orientations of one tile to an entry of the list: more of them leave more of an entry empty


def group_sizes(count: int) -> tuple[int, int, int]:
    """Groups of orientations, words to a group, bits to a word: with as little padding as can be.

    Args:
        count: Orientations.
    """
    groups = -(-count // _AT_ONCE)
    each = -(-count // groups)
    words = -(-each // _BITS)
    bits = -(-each // words)
    # A remainder would be a pass of its own.
    return groups, words, -(-bits // _AT_A_TIME) * _AT_A_TIME


def near_bits(test: NearTest, prepared: Any, exists: Any, *, tiles: int) -> UInt[Array, "word tile"]:
    """One bit for each orientation and tile.

    Args:
        test: Whether they are near each other.
        prepared: What the test needs of each orientation, [word bit …].
        exists: Which of these are orientations and no padding, [word bit].
        tiles: How many.
    """
    always, near = test.among(prepared)

    def word(_, some: tuple) -> tuple[None, UInt[Array, "tile"]]:
        def add(bits: UInt[Array, "tile"], one: tuple) -> tuple[UInt[Array, "tile"], None]:
            orientation, place = one
            return bits | (near(orientation).astype(jnp.uint32) << place), None

        orientations, exists = some
        places = jnp.arange(exists.shape[0], dtype=jnp.uint32)
        zero = varying(jnp.zeros(tiles, jnp.uint32), prepared)
        bits, _ = jax.lax.scan(add, zero, (orientations, places), unroll=_AT_A_TIME)
        # By the word, not by the bit: inside, these two took a sixth of the whole test.
        every = (exists.astype(jnp.uint32) << places).sum(dtype=jnp.uint32)
        return None, jnp.where(always, every, bits & every)

    return jax.lax.scan(word, None, (prepared, exists))[1]


class List(NamedTuple):
    """The tiles × orientations that are to be summed, some orientations of one tile to an entry.

    Attributes:
        bits: One for each orientation and tile.
        listed: Set bits of each tile.
        entries: Entries of each tile.
        ends: Entries up to and including each tile.
    """

    bits: UInt[Array, "word tile"]
    listed: Int[Array, "tile"]
    entries: Int[Array, "tile"]
    ends: Int[Array, "tile"]


def list_of(bits: UInt[Array, "word tile"]) -> List:
    """The list of what has its bit set."""
    listed = jax.lax.population_count(bits).astype(jnp.int32).sum(axis=0, dtype=jnp.int32)
    entries = -(-listed // TOGETHER)
    return List(bits, listed, entries, jnp.cumsum(entries, dtype=jnp.int32))


def entries_from(
    listed: List, first: Int[Array, ""], size: int, bits: int
) -> tuple[Int[Array, "entry"], Int[Array, "entry"], Int[Array, "place entry"]]:
    """Some entries of the list: their tiles, how many of their places are taken, and the orientations there.

    Args:
        listed: The list.
        first: Number of the first entry.
        size: How many entries; past the end of the list no place is taken.
        bits: Of a word.
    """
    number = first + jnp.arange(size, dtype=jnp.int32)
    last = listed.ends.shape[0] - 1
    tile = jnp.minimum(jnp.searchsorted(listed.ends, number, side="right"), last).astype(jnp.int32)
    rank = (number - (listed.ends[tile] - listed.entries[tile])) * TOGETHER
    taken = jnp.where(number < listed.ends[-1], listed.listed[tile] - rank, 0)
    words = [word[tile] for word in listed.bits]
    places = [
        jnp.where(i < taken, place_of_bit(words, jnp.minimum(rank + i, rank + taken - 1), bits), 0)
        for i in range(TOGETHER)
    ]
    return tile, taken, jnp.stack(places)


def place_of_bit(words: list[UInt[Array, "tile"]], rank: Int[Array, "tile"], bits: int) -> Int[Array, "tile"]:
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
