"""The rotation of the crystal during an image."""

from typing import Any

import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.goniometer import Goniometer
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
        axis: Unit vector of the right-handed spindle; None where a goniometer has it, see `spindle`.
        width: How far it turns evenly [deg]; None where it is held at each angle.
        goniometer: The chain of axes, one of which turns; None for a spindle alone.
    """

    angles: Float[Array, "phi"]
    axis: Float[Array, "3"] | None
    width: Float[Array, ""] | None
    goniometer: Goniometer | None

    def __init__(
        self, angles: Any = (0.0,), axis: Any = None, *, width: Any = None, goniometer: Goniometer | None = None
    ) -> None:
        """Check and keep the angles.

        Args:
            angles: [deg].
            axis: Unit vector of the spindle; None for z, or for the goniometer's.
            width: [deg].
            goniometer: None for a spindle alone.

        Raises:
            ValueError: If there is no angle, or several with a width, or the axis is not a unit vector, or there is
                both an axis and a goniometer.
        """
        self.angles = checks.leaf("angles", angles, (None,))
        if goniometer is None:
            axis = (0.0, 0.0, 1.0) if axis is None else axis
        self.axis = None if axis is None else checks.leaf("axis", axis, (3,))
        self.width = None if width is None else checks.leaf("width", width)
        self.goniometer = goniometer

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        if self.angles.shape[0] == 0:
            raise ValueError("Argument `angles` must hold at least one angle, but is empty.")
        if not isinstance(self.goniometer, Goniometer | None):
            raise ValueError(f"Argument `goniometer` must be a Goniometer or None, but is {self.goniometer!r}.")
        if (self.axis is None) == (self.goniometer is None):
            raise ValueError("Arguments `axis` and `goniometer` exclude each other, but both are given, or neither is.")
        if self.axis is not None:
            checks.unit_vector("axis", self.axis)
        if self.width is None:
            return
        if self.angles.shape[0] != 1:
            raise ValueError(f"Argument `angles` must be one where there is a width, but is {self.angles.shape[0]}.")
        width = checks.known(self.width)
        if width is not None:
            checks.require(0 < width <= 180, "width", "be above 0° and at most 180°", width)

    @classmethod
    def continuous(cls, start: Any, width: Any, axis: Any = None, *, goniometer: Goniometer | None = None) -> "Scan":
        """An even rotation, which gauss spots have in closed form.

        Args:
            start: [deg].
            width: [deg], above 0 and at most 180.
            axis: Unit vector of the spindle; None for z, or for the goniometer's.
            goniometer: As for `Scan`.
        """
        with numerics():
            return cls(namespace_of(start).reshape(start, (1,)), axis, width=width, goniometer=goniometer)

    @classmethod
    def from_range(
        cls, start: float, width: float, steps: int, axis: Any = None, *, goniometer: Goniometer | None = None
    ) -> "Scan":
        """φ = start + i·width/steps, i = 0 … steps − 1, as in the C program: no mid-points.

        Args:
            start: [deg].
            width: [deg].
            steps: How many.
            axis: Unit vector of the spindle; None for z, or for the goniometer's.
            goniometer: As for `Scan`.
        """
        step = width / checks.count("steps", steps)
        return cls(start + step * np.arange(steps), axis, goniometer=goniometer)

    @property
    def held(self) -> Float[Array, "phi"]:
        """The angles at which the crystal is held [deg]; of an even rotation, the middles of 32 parts."""
        if self.width is None:
            return self.angles
        with numerics():
            return self.angles + self.width * ((np.arange(_PARTS) + 0.5) / _PARTS)

    def spindle(self) -> Float[Array, "3"]:
        """Unit vector of the axis that turns, in the laboratory."""
        if self.goniometer is not None:
            return self.goniometer.spindle()
        assert self.axis is not None
        return self.axis

    def mounted(self, vectors: Float[Array, "3 3"]) -> Float[Array, "3 3"]:
        """Rows, such as a crystal's a, b, c, where the goniometer holds them at φ = 0."""
        if self.goniometer is None:
            return vectors
        with numerics():
            return rotation.product(vectors, self.goniometer.mounted().T)

    def rotations(self) -> Float[Array, "phi 3 3"]:
        """The rotation of each step from the orientation at φ = 0; differentiable by angles and axis."""
        with numerics():
            return rotation.axis_angle(self.spindle(), self.held * RADIANS)
