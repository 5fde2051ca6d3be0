"""The sum over orientations without the steps that cannot matter: a tile and an orientation far from any Bragg point.

First a list of what is near (`bounds`, `lists`); then the sums of what is listed, some entries at a time, in as many
passes as there happen to be. All shapes of arrays are fixed, so that it runs under jit, on any device, in either mode
of differentiation.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float, Int

from jaxbragg_kernels.crystal import Crystal
from jaxbragg_kernels.fusion import fusion_barrier
from jaxbragg_kernels.orientations.bounds import extents, near_test
from jaxbragg_kernels.orientations.every import sum_over_every
from jaxbragg_kernels.orientations.lists import TOGETHER, List, entries_from, group_sizes, list_of, near_bits
from jaxbragg_kernels.orientations.one import Choices
from jaxbragg_kernels.rays import Rays
from jaxbragg_kernels.shapes import AbstractShape
from jaxbragg_kernels.sharded import varying

_Image = Float[Array, "tile pixel"]
_ENTRIES = 4096  # of the list, to a pass

Sum = Callable[[Crystal, Rays], _Image]
"""A sum over orientations."""


def sum_over_near(crystal: Crystal, rays: Rays, threshold: Float[Array, ""], choices: Choices) -> _Image:
    """The sum over all orientations with the nearest structure factors, less what is guaranteed to be small.

    Args:
        crystal: With its orientations.
        rays: To the pixels.
        threshold: A tile may leave an orientation out for which (F_latt / det N)² is below this in all of its pixels.
        choices: A shape that has a radius, and whether tiles are flat.
    """
    return share_and_sum(crystal, rays, threshold, choices)[1](crystal, rays)


def share_and_sum(
    crystal: Crystal, rays: Rays, threshold: Float[Array, ""], choices: Choices
) -> tuple[Float[Array, ""], Sum]:
    """The share of tiles × orientations that is near, of the first group of orientations; and what sums that alone.

    Args:
        crystal: As for `sum_over_near`; so are the others.
        rays: To the pixels.
        threshold: What may be left out.
        choices: A shape that has a radius.
    """
    tiles = extents(rays, flat=choices.flat)
    count, places = crystal.orientations.shape[0], tiles.q[0].shape[0]
    radius = choices.shape.radius(jax.lax.stop_gradient(threshold))
    if radius is None:
        raise ValueError(f"Spots of {choices.shape} have no radius: nothing may be left out of them.")
    test = near_test(tiles, jax.lax.stop_gradient(crystal.metric), radius)
    groups, words, bits = group_sizes(count)
    # Padding is never near.
    exists = jnp.arange(groups * words * bits) < count

    def grouped(orientations: Float[Array, "orientation 3 3"]) -> Float[Array, "padded 3 3"]:
        return jnp.pad(orientations, ((0, exists.shape[0] - count), (0, 0), (0, 0)), mode="edge")

    prepared = test.prepare(jax.lax.stop_gradient(grouped(crystal.orientations)))
    words_of = jax.tree.map(lambda x: x.reshape(groups, words, bits, *x.shape[1:]), (prepared, exists))

    def listed_of(words_of: tuple) -> List:
        return list_of(near_bits(test, *words_of, tiles=places))

    with jax.named_scope("sum_over_near"):
        first = listed_of(jax.tree.map(lambda x: x[0], words_of))

    def total(crystal: Crystal, rays: Rays) -> _Image:
        summed = partial(_sum_of_listed, _Static(choices.shape, bits))

        def add(total: _Image, group: tuple) -> tuple[_Image, None]:
            orientations, words_of = group
            return total + summed(listed_of(words_of), crystal._replace(orientations=orientations), rays), None

        with jax.named_scope("sum_over_near"):
            orientations = grouped(crystal.orientations).reshape(groups, words * bits, 3, 3)
            total = summed(first, crystal._replace(orientations=orientations[0]), rays)
            others = jax.tree.map(lambda x: x[1:], (orientations, words_of))
            return jax.lax.scan(jax.checkpoint(add, prevent_cse=False), total, others)[0] if groups > 1 else total

    return first.listed.sum().astype(jnp.float32) / (places * min(count, words * bits)), total


class _Static(NamedTuple):
    """What is known before anything is compiled: the shape of the spots, and the bits to a word."""

    shape: AbstractShape
    bits: int


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _sum_of_listed(static: _Static, listed: List, crystal: Crystal, rays: Rays) -> _Image:
    """The image of what is listed: as many passes as it takes."""
    size, _ = _passes(listed, crystal)
    add = _adding(static, listed, crystal, rays)

    def step(state: tuple[_Image, Int[Array, ""]]) -> tuple[_Image, Int[Array, ""]]:
        total, first = state
        return add(total, first), first + size

    start = (jnp.zeros_like(rays.directions.unit[0]), jnp.zeros((), jnp.int32))
    return jax.lax.while_loop(lambda state: state[1] < listed.ends[-1], step, start)[0]


@partial(_sum_of_listed.defjvp, symbolic_zeros=True)
def _sum_of_listed_jvp(static: _Static, primals: tuple, tangents: tuple) -> tuple[_Image, _Image]:
    """The derivative of the same sum with a fixed number of passes: a loop without one has no reverse mode."""
    leaves, tree = jax.tree.flatten(primals)
    changes = jax.tree.leaves(tangents, is_leaf=lambda x: isinstance(x, SymbolicZero))
    moving = [i for i, change in enumerate(changes) if not isinstance(change, SymbolicZero)]

    def image(moved: list) -> _Image:
        values = list(leaves)
        for i, value in zip(moving, moved, strict=True):
            values[i] = value
        return _in_fixed_passes(static, *jax.tree.unflatten(tree, values))

    if not moving:
        total = _sum_of_listed(static, *primals)
        return total, jnp.zeros_like(total)
    return jax.jvp(image, ([leaves[i] for i in moving],), ([changes[i] for i in moving],))


def _in_fixed_passes(static: _Static, listed: List, crystal: Crystal, rays: Rays) -> _Image:
    size, passes = _passes(listed, crystal)
    add = _adding(static, listed, crystal, rays)

    def step(total: _Image, first: Int[Array, ""]) -> tuple[_Image, None]:
        return jax.lax.cond(first < listed.ends[-1], lambda total: add(total, first), lambda total: total, total), None

    numbers = jnp.arange(passes, dtype=jnp.int32) * size
    zero = jnp.zeros_like(rays.directions.unit[0])
    return jax.lax.scan(jax.checkpoint(step, prevent_cse=False), zero, numbers)[0]


def _passes(listed: List, crystal: Crystal) -> tuple[int, int]:
    """Entries to a pass, and the passes that all entries would take if everything were near."""
    most = listed.bits.shape[1] * -(-crystal.orientations.shape[0] // TOGETHER)
    size = min(_ENTRIES, most)
    return size, -(-most // size)


def _adding(static: _Static, listed: List, crystal: Crystal, rays: Rays) -> Callable[[_Image, Int[Array, ""]], _Image]:
    """A function of the total and the number of the first entry of a pass: the total with that pass."""
    size, _ = _passes(listed, crystal)
    # Lengths in wavelengths: divided once for each orientation, not for each entry.
    scaled = (crystal.orientations / rays.wavelength).ravel()
    component = varying(jnp.arange(9, dtype=jnp.int32).reshape(1, 3, 3, 1), scaled)

    def add(total: _Image, first: Int[Array, ""]) -> _Image:
        tile, taken, places = fusion_barrier(
            lambda listed, first: entries_from(listed, first, size, static.bits), listed, first
        )
        some = fusion_barrier(lambda tile: jax.tree.map(lambda x: x[tile], rays.directions), tile)
        here = Rays(rays.beam, jnp.ones_like(rays.wavelength), some)

        def of_place(sums: _Image, one: tuple[Int[Array, ""], Int[Array, "entry"]]) -> tuple[_Image, None]:
            number, place = one
            # From a flat array, so that the entries are side by side in what comes out.
            element = (9 * place + component).astype(jnp.uint32)
            own = crystal._replace(orientations=scaled.at[element].get(mode="promise_in_bounds"))
            image = sum_over_every(own, here, Choices(static.shape))
            return sums + jnp.where((number < taken)[:, None], image, 0.0), None

        zero = varying(jnp.zeros((size, total.shape[1]), total.dtype), total)
        sums, _ = jax.lax.scan(of_place, zero, (jnp.arange(TOGETHER, dtype=jnp.int32), places))
        return total.at[tile].add(sums, indices_are_sorted=True, mode="promise_in_bounds")

    return add
