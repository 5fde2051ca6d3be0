"""How well a model agrees with what was measured: χ² over all used pixels, and over those that show the crystal.

Background fills most of an image. Where it is right, χ² per degree of freedom of all pixels is near 1 however wrong the
spots are; that of the pixels in which the Bragg part is above the noise is not.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import Experiment
from jaxbragg.refine.equations import over_blocks
from jaxbragg.refine.likelihood import AbstractLikelihood
from jaxbragg.refine.model import Recipe, Tiles, photons

_LEAST_TOLERANCE = 0.02  # of a χ² per degree of freedom that is near 1


class Sums(NamedTuple):
    """Sums over the used pixels of one image, of all and of those in which the Bragg part is above the noise.

    Attributes:
        chi2: Σ (count − model)²/variance.
        expected: What chi2 is on average where the model is right.
        scatter: The variance of chi2 about that.
        pixels: How many there are.
    """

    chi2: Float[Array, "2"]
    expected: Float[Array, "2"]
    scatter: Float[Array, "2"]
    pixels: Float[Array, "2"]


@dataclass(frozen=True)
class Agreement:
    """χ² of some pixels.

    Attributes:
        chi2_per_dof: χ² over what it is on average, less one for each determined value; NaN where nothing is left.
        scatter: Standard deviation of chi2_per_dof where the model is right.
        pixels: How many.
    """

    chi2_per_dof: float
    scatter: float
    pixels: int

    @property
    def off(self) -> int:
        """1 where χ² is higher than chance would have it, −1 where it is lower, else 0."""
        tolerance = max(_LEAST_TOLERANCE, 4.0 * self.scatter)
        return int(self.chi2_per_dof > 1.0 + tolerance) - int(self.chi2_per_dof < 1.0 - tolerance)


def agreements(sums: Sums, determined: int) -> tuple[Agreement, Agreement]:
    """Of all pixels, and of those that show the crystal.

    Args:
        sums: Of all images, added.
        determined: How many values were fitted.
    """
    found = []
    for chi2, expected, scatter, pixels in zip(*map(np.asarray, sums), strict=True):
        freedom = float(expected) - determined
        ratio = float(chi2) / freedom if freedom > 0 else math.nan
        found.append(Agreement(ratio, math.sqrt(scatter) / max(float(expected), 1.0), int(pixels)))
    return found[0], found[1]


@partial(jax.jit, static_argnames="recipe")
def image_agreement(
    recipe: Recipe, experiment: Experiment, likelihood: AbstractLikelihood, tiles: Tiles, local: Float[Array, "local"]
) -> Sums:
    """The sums of one image; arguments as for `jaxbragg.refine.equations.image_equations`."""
    one = jnp.ones(())

    def add(sums: Sums, block: Tiles) -> Sums:
        # The image is linear in the scale of its Bragg part: without it the background is left.
        def model(scale: Float[Array, ""]) -> Float[Array, "tile pixel"]:
            return photons(recipe, experiment, local, one, block.numbers, block.known, scale).astype(jnp.float64)

        whole, background = jax.lax.map(model, jnp.asarray([1.0, 0.0]))
        counts, variance = block.counts.astype(jnp.float64), likelihood.variance(whole)
        chi2 = (counts - whole) ** 2 / variance
        # Of n from a Poisson distribution of mean m, the variance of (n − m)² is 2 m² + m.
        scatter = 2.0 + jnp.maximum(whole, 0.0) / variance**2
        values = (chi2, likelihood.expected(whole), scatter, jnp.ones_like(whole))
        shows = block.used & (whole - background >= jnp.sqrt(variance))
        both = (jnp.stack([jnp.where(used, each, 0.0).sum() for used in (block.used, shows)]) for each in values)
        return Sums(*(total + more for total, more in zip(sums, both, strict=True)))

    return over_blocks(add, Sums(*(jnp.zeros(2),) * 4), tiles)
