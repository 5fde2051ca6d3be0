"""Sums over the pixels of one image, block by block: the objective, its gradient, and the normal equations.

Memory holds one block of the model and one column of its derivatives for each free value, never the whole Jacobian.
The functions are compiled once for a recipe and the shapes of its arrays, whatever the values are.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg.models import Experiment
from jaxbragg.refine.likelihood import AbstractLikelihood
from jaxbragg.refine.model import Recipe, Tiles, photons

_Local = Float[Array, "local"]


class ImageSums(NamedTuple):
    """Sums over the used pixels of one image.

    Attributes:
        objective: −2 ln(likelihood).
        gradient: Half the objective's gradient.
        information: Fisher information.
    """

    objective: Float[Array, ""]
    gradient: _Local
    information: Float[Array, "local local"]


@partial(jax.jit, static_argnames="recipe")
def image_equations(
    recipe: Recipe,
    experiment: Experiment,
    likelihood: AbstractLikelihood,
    tiles: Tiles,
    local: _Local,
    seeds: _Local,
    blur: Float[Array, ""],
) -> ImageSums:
    """The normal equations of one image.

    Args:
        recipe: What is static.
        experiment: What is not free.
        likelihood: The noise.
        tiles: The pixels.
        local: Free values of this image.
        seeds: What a unit of each column is, in units of the local value.
        blur: See `jaxbragg.refine.model.photons`.
    """
    directions = jnp.diag(seeds)

    def add(sums: ImageSums, block: Tiles) -> ImageSums:
        def model_of(values: _Local) -> Float[Array, "tile pixel"]:
            return photons(recipe, experiment, values, blur, block.numbers, block.known)

        push = jax.vmap(lambda direction: jax.jvp(model_of, (local,), (direction,)), out_axes=(None, 0))
        model, columns = push(directions)
        model, counts, used = model.astype(jnp.float64), block.counts.astype(jnp.float64), block.used
        columns = jnp.where(used, columns.astype(jnp.float64), 0.0).reshape(local.shape[0], -1)
        slope = jnp.where(used, likelihood.slope(model, counts), 0.0).ravel()
        weight = jnp.where(used, likelihood.information(model), 0.0).ravel()
        objective = jnp.where(used, likelihood.deviance(model, counts), 0.0).sum()
        return ImageSums(
            sums.objective + objective,
            sums.gradient + columns @ slope,
            sums.information + (columns * weight) @ columns.T,
        )

    zero, free = jnp.zeros(()), local.shape[0]
    return over_blocks(add, ImageSums(zero, jnp.zeros(free), jnp.zeros((free, free))), tiles)


@partial(jax.jit, static_argnames="recipe")
def image_objective(
    recipe: Recipe,
    experiment: Experiment,
    likelihood: AbstractLikelihood,
    tiles: Tiles,
    local: _Local,
    blur: Float[Array, ""],
) -> Float[Array, ""]:
    """The objective of one image alone; arguments as for `image_equations`."""

    def add(total: Float[Array, ""], block: Tiles) -> Float[Array, ""]:
        return total + _block_objective(recipe, experiment, likelihood, block, blur, local)

    return over_blocks(add, jnp.zeros(()), tiles)


@partial(jax.jit, static_argnames="recipe")
def image_gradient(
    recipe: Recipe,
    experiment: Experiment,
    likelihood: AbstractLikelihood,
    tiles: Tiles,
    local: _Local,
    blur: Float[Array, ""],
) -> tuple[Float[Array, ""], _Local]:
    """The objective of one image and its gradient, in reverse mode: its time hardly depends on how much is free."""

    def add(sums: tuple[Array, Array], block: Tiles) -> tuple[Array, Array]:
        value, slope = jax.value_and_grad(partial(_block_objective, recipe, experiment, likelihood, block, blur))(local)
        return sums[0] + value, sums[1] + slope

    return over_blocks(add, (jnp.zeros(()), jnp.zeros_like(local)), tiles)


@partial(jax.jit, static_argnames="recipe")
def image_model(
    recipe: Recipe, experiment: Experiment, tiles: Tiles, local: _Local, blur: Float[Array, ""]
) -> Float[Array, "block tile pixel"]:
    """Mean photons of all the tiles of one image."""

    def model(block: tuple) -> Float[Array, "tile pixel"]:
        return photons(recipe, experiment, local, blur, *block)

    return jax.lax.map(model, (tiles.numbers, tiles.known))


def _block_objective(
    recipe: Recipe, experiment: Experiment, likelihood: AbstractLikelihood, block: Tiles, blur: Array, local: _Local
) -> Float[Array, ""]:
    model = photons(recipe, experiment, local, blur, block.numbers, block.known)
    deviance = likelihood.deviance(model.astype(jnp.float64), block.counts.astype(jnp.float64))
    return jnp.where(block.used, deviance, 0.0).sum()


def over_blocks(add: Callable[[Any, Tiles], Any], start: Any, tiles: Tiles) -> Any:
    """Sums over the blocks of an image, from `start`: `add` takes the sums so far and one block."""

    def step(i: Array, sums: Any) -> Any:
        known = None if tiles.known is None else tiles.known[i]
        return add(sums, Tiles(tiles.numbers[i], tiles.counts[i], tiles.used[i], known, tiles.blocks))

    return jax.lax.fori_loop(0, tiles.blocks, step, start)
