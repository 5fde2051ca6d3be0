"""What an image has of its own, outside the experiment: a scale of its Bragg part, and a smooth background.

Free them by the paths `image.scale`, `image.constant`, `image.slow`, `image.fast` and `image.radial[k]`.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxbragg.models import Experiment
from jaxbragg.pipeline.plan import Plan
from jaxbragg.pipeline.tiles import place_of_tiles


@dataclass(frozen=True)
class ImageTerm:
    """One term.

    Attributes:
        shape: Of its value.
        start: Where it starts, and stays unless it is free.
        meaning: For people.
    """

    shape: tuple[int, ...]
    start: float
    meaning: str


IMAGE_TERMS = {
    "scale": ImageTerm((), 1.0, "multiplies the Bragg part of the image"),
    "constant": ImageTerm((), 0.0, "background in every pixel [photons]"),
    "slow": ImageTerm((), 0.0, "background that runs from -1 to 1 times this along slow [photons]"),
    "fast": ImageTerm((), 0.0, "the same along fast [photons]"),
    "radial": ImageTerm((4,), 0.0, "background, the factors of (2θ)¹ … (2θ)⁴ with 2θ in rad [photons]"),
}


def background(
    terms: dict[str, Float[Array, "..."]], experiment: Experiment, plan: Plan, numbers: Int[Array, "tile"]
) -> Float[Array, "tile pixel"] | float:
    """Photons that the free terms add to the pixels of some tiles.

    Args:
        terms: By name; one that is not there is 0.
        experiment: For the angle 2θ of a pixel's middle.
        plan: How the image is cut.
        numbers: Of the tiles.
    """
    total: Float[Array, "tile pixel"] | float = 0.0
    if not {"constant", "slow", "fast", "radial"} & set(terms):
        return total
    panel, row, column = place_of_tiles(plan, numbers)
    inside = np.arange(plan.pixels_per_tile)
    slow = (plan.first[0] + plan.tile * row)[:, None] + (inside // plan.tile)[None, :] + 0.5
    fast = (plan.first[1] + plan.tile * column)[:, None] + (inside % plan.tile)[None, :] + 0.5
    if "constant" in terms:
        total = total + terms["constant"]
    for name, place, pixels in (("slow", slow, plan.slow), ("fast", fast, plan.fast)):
        if name in terms:
            total = total + terms[name] * (2.0 * place / pixels - 1.0)
    if "radial" in terms:
        position = jax.vmap(jax.vmap(experiment.detector.position, (None, 0, 0)))(panel, slow, fast)
        beam = experiment.beam.direction
        along = (position * beam).sum(axis=-1)
        # The root's derivative is infinite on the beam itself; there a pixel's middle never lies but by chance.
        across = jnp.sqrt(jnp.maximum((position * position).sum(axis=-1) - along * along, 1e-18))
        angle = jnp.arctan2(across, along)
        for power in range(IMAGE_TERMS["radial"].shape[0]):
            total = total + terms["radial"][power] * angle ** (power + 1)
    return total
