"""Spot shapes by their flags: the one place where a flag becomes the name of a shape."""

from typing import NamedTuple

from jaxbragg.cli.scanner import Scanned


class SpotShape(NamedTuple):
    """What the command line knows of a shape.

    Attributes:
        name: As `Crystal` and `Options` take it.
        fringes: Whether its spots have fringes, which sub-pixels have to resolve.
        fudge: Whether -fudge changes its width.
    """

    name: str
    fringes: bool
    fudge: bool


SHAPES: dict[str, SpotShape] = {
    "square_xtal": SpotShape("square", fringes=True, fudge=False),
    "round_xtal": SpotShape("round", fringes=True, fudge=True),
    "gauss_xtal": SpotShape("gauss", fringes=False, fudge=True),
    "tophat_spots": SpotShape("tophat", fringes=False, fudge=True),
}
"""By canonical name of the flag."""

DEFAULT = SHAPES["square_xtal"]


def shape_of(scanned: Scanned) -> SpotShape:
    """The shape whose flag stands last; square where none is given."""
    last = scanned.last(*SHAPES)
    return DEFAULT if last is None else SHAPES[last]
