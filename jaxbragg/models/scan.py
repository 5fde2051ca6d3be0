"""The rotation of the crystal during an image."""

from typing import Any

import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.readable import Readable
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation
from jaxbragg_kernels.namespace import namespace_of
from jaxbragg_kernels.numerics import numerics

_PARTS = 32  # of an even rotation, for those who ask for angles


class Scan(Readable):
    """Spindle angles at which the crystal is held during one image; all count alike.

    Attributes:
        angles: φ of each step [deg]; where the crystal turns evenly, φ at the beginning.
        axis: Unit vector of the right-handed spindle.
        width: How far it turns evenly [deg]; None where it is held at each angle.
    """

    angles: Float[Array, "phi"]
    axis: Float[Array, "3"]
    width: Float[Array, ""] | None

    def __init__(self, angles: Any = (0.0,), axis: Any = (0.0, 0.0, 1.0), *, width: Any = None) -> None:
        """Check and keep the angles.

        Raises:
            ValueError: If there is no angle, or several with a width, or the axis is not a unit vector.
        """
        self.angles = checks.leaf("angles", angles, (None,))
        self.axis = checks.leaf("axis", axis, (3,))
        self.width = None if width is None else checks.leaf("width", width)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        if self.angles.shape[0] == 0:
            raise ValueError("Argument `angles` must hold at least one angle, but is empty.")
        checks.unit_vector("axis", self.axis)
        if self.width is None:
            return
        if self.angles.shape[0] != 1:
            raise ValueError(f"Argument `angles` must be one where there is a width, but is {self.angles.shape[0]}.")
        width = checks.known(self.width)
        if width is not None:
            checks.require(0 < width <= 180, "width", "be above 0° and at most 180°", width)

    @classmethod
    def continuous(cls, start: Any, width: Any, axis: Any = (0.0, 0.0, 1.0)) -> "Scan":
        """An even rotation, which gauss spots have in closed form.

        Args:
            start: [deg].
            width: [deg], above 0 and at most 180.
            axis: Unit vector of the spindle.
        """
        with numerics():
            return cls(namespace_of(start).reshape(start, (1,)), axis, width=width)

    @classmethod
    def from_range(cls, start: float, width: float, steps: int, axis: Any = (0.0, 0.0, 1.0)) -> "Scan":
        """φ = start + i·width/steps, i = 0 … steps − 1, as in the C program: no mid-points.

        Args:
            start: [deg].
            width: [deg].
            steps: How many.
            axis: Unit vector of the spindle.
        """
        step = width / checks.count("steps", steps)
        return cls(start + step * np.arange(steps), axis)

    @property
    def held(self) -> Float[Array, "phi"]:
        """The angles at which the crystal is held [deg]; of an even rotation, the middles of 32 parts."""
        if self.width is None:
            return self.angles
        with numerics():
            return self.angles + self.width * ((np.arange(_PARTS) + 0.5) / _PARTS)

    def rotations(self) -> Float[Array, "phi 3 3"]:
        """The rotation of each step; differentiable by angles and axis."""
        with numerics():
            return rotation.axis_angle(self.axis, self.held * RADIANS)
