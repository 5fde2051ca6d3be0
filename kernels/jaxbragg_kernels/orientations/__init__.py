"""Sums over the orientations of a crystal: `one` term of it, `every` one of them, or those that are `near`."""

from functools import partial

import jax
from jaxtyping import Array, Float

from jaxbragg_kernels.crystal import Crystal
from jaxbragg_kernels.orientations.every import sum_over_every
from jaxbragg_kernels.orientations.near import share_and_sum
from jaxbragg_kernels.orientations.one import Choices as Choices
from jaxbragg_kernels.orientations.one import scanned_sum
from jaxbragg_kernels.rays import Rays

# With few orientations there is little to leave out. A listed step takes several times as long as one of a dense pass:
# where more than a fifth is near, everything is summed.
FEWEST_TO_SKIP = 8
_LARGEST_SHARE = 0.2


def sum_over_orientations(
    crystal: Crystal, rays: Rays, threshold: Float[Array, ""] | None, choices: Choices
) -> Float[Array, "tile pixel"]:
    """The sum of `one.intensity` over all orientations, in memory that does not grow with their number.

    Args:
        crystal: With its orientations.
        rays: To the pixels.
        threshold: Tiles and orientations for which (F_latt / det N)² is guaranteed to stay below this may be left out;
            None to leave nothing out.
        choices: Shape, interpolation, and how the sum is taken.
    """

    def every(crystal: Crystal, rays: Rays) -> Float[Array, "tile pixel"]:
        if choices.interpolation == "nearest":
            return sum_over_every(crystal, rays, choices)
        return scanned_sum(crystal, rays, choices)

    if threshold is None or crystal.orientations.shape[0] < FEWEST_TO_SKIP:
        return every(crystal, rays)
    share, near = share_and_sum(crystal, rays, threshold, choices)
    # Under the checkpoint reverse mode keeps nothing of either branch.
    choose = jax.checkpoint(partial(jax.lax.cond, share < _LARGEST_SHARE, near, every), prevent_cse=False)
    return choose(crystal, rays)
