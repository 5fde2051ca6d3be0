"""The rotation of the crystal during an image."""

from typing import Any

import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.readable import Readable
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation
from jaxbragg_kernels.numerics import numerics


class Scan(Readable):
    """Spindle angles at which the crystal is held during one image; all count alike.

    Attributes:
        angles: φ of each step [deg].
        axis: Unit vector of the right-handed spindle.
    """

    angles: Float[Array, "phi"]
    axis: Float[Array, "3"]

    def __init__(self, angles: Any = (0.0,), axis: Any = (0.0, 0.0, 1.0)) -> None:
        """Check and keep the angles.

        Raises:
            ValueError: If there is no angle or the axis is not a unit vector.
        """
        self.angles = checks.leaf("angles", angles, (None,))
        self.axis = checks.leaf("axis", axis, (3,))

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        if self.angles.shape[0] == 0:
            raise ValueError("Argument `angles` must hold at least one angle, but is empty.")
        checks.unit_vector("axis", self.axis)

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

    def rotations(self) -> Float[Array, "phi 3 3"]:
        """The rotation of each step; differentiable by angles and axis."""
        with numerics():
            return rotation.axis_angle(self.axis, self.angles * RADIANS)
