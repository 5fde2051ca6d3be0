"""Spot shapes: how a crystal's shape spreads the intensity about each Bragg point. One file each, by name in SHAPES.

Each gives F_latt² / (det N)², 1 at a Bragg point (0.5236 for `round`), so that float32 holds crystals of any size.
"""

from jaxbragg_kernels.shapes.abstract import AbstractShape as AbstractShape
from jaxbragg_kernels.shapes.abstract import Slopes as Slopes
from jaxbragg_kernels.shapes.gauss import Gauss
from jaxbragg_kernels.shapes.radial import RadialShape as RadialShape
from jaxbragg_kernels.shapes.round import Round
from jaxbragg_kernels.shapes.square import Square
from jaxbragg_kernels.shapes.tophat import Tophat

SHAPES: dict[str, AbstractShape] = {"square": Square(), "round": Round(), "gauss": Gauss(), "tophat": Tophat()}
"""The shapes that come with jaxbragg, by name."""


def shape_named(shape: str | AbstractShape) -> AbstractShape:
    """The shape of that name, or the shape itself.

    Raises:
        ValueError: If it is neither.
    """
    found = SHAPES.get(shape) if isinstance(shape, str) else shape
    if not isinstance(found, AbstractShape):
        names = ", ".join(map(repr, SHAPES))
        raise ValueError(f"Argument `shape` must be one of {names}, or an AbstractShape, but is {shape!r}.")
    return found
