"""Scatter from what is not crystalline."""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.units import AVOGADRO

WATER_FACTOR = 2.57
"""Structure factor of a water molecule in liquid water, forward [electrons]; of the C program."""


class AmorphousBackground(eqx.Module):
    """Molecules in the beam that scatter independently of each other.

    Attributes:
        molecules: How many.
        stol: sin θ/λ of the points of the structure factor, ascending [1/Å]; a single point stands for all angles.
        factor: Structure factor of one molecule there [electrons].
    """

    molecules: Float[Array, ""]
    stol: Float[Array, "points"]
    factor: Float[Array, "points"]

    def __init__(self, molecules: Any, stol: Any = (0.0,), factor: Any = (WATER_FACTOR,)) -> None:
        """Check and keep the numbers.

        Raises:
            ValueError: If a number is negative, the lists differ in length, or the angles do not ascend.
        """
        self.molecules = checks.leaf("molecules", molecules)
        checks.not_negative("molecules", self.molecules)
        self.stol = checks.leaf("stol", stol, (None,))
        self.factor = checks.leaf("factor", factor, (self.stol.shape[0],))
        if self.stol.shape[0] == 0:
            raise ValueError("Argument `stol` must hold at least one point, but is empty.")
        known = checks.known(self.stol)
        if known is not None:
            checks.require(np.diff(known) > 0, "stol", "ascend", known)

    @classmethod
    def water(cls, thickness: float, stol: Any = (0.0,), factor: Any = (WATER_FACTOR,)) -> "AmorphousBackground":
        """A cube of water.

        Args:
            thickness: Edge of the cube [m].
            stol: See `AmorphousBackground`.
            factor: See `AmorphousBackground`.

        References:
            The C program: molecules = thickness³ · 10⁶ g/m³ · N_A / 18 g/mol.
        """
        checks.not_negative("thickness", thickness)
        return cls(thickness**3 * 1e6 * AVOGADRO / 18.0, stol, factor)
