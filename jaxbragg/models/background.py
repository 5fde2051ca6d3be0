"""Scatter from what is not crystalline. A new background is one class with one method, `scattering`."""

import abc
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.readable import Readable
from jaxbragg.units import AVOGADRO
from jaxbragg_kernels.background import structure_factor
from jaxbragg_kernels.rays import Rays

WATER_FACTOR = 2.57
"""Structure factor of a water molecule in liquid water, forward [electrons]; of the C program."""


class AbstractBackground(Readable):
    """What an image asks of a background. An experiment may have any number of them; they are added."""

    @abc.abstractmethod
    def scattering(self, rays: Rays) -> Float[Array, "tile pixel"]:
        """|F|² of all that scatters, towards each pixel [electrons²].

        Photons are r_e² Φ times this, times polarization, solid angle and capture, which are the image's. The method is
        of some tiles of pixels and one source, and must be differentiable JAX; leaves are of the type of the indices.

        Args:
            rays: To the pixels. `rays.scattering_length() / 2` is sin θ/λ [1/Å]; `rays.directions.unit` are unit
                vectors to the pixels.
        """


class AmorphousBackground(AbstractBackground):
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
        self.stol = checks.leaf("stol", stol, (None,))
        self.factor = checks.leaf("factor", factor, (self.stol.shape[0],))

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.not_negative("molecules", self.molecules)
        if self.stol.shape[0] == 0:
            raise ValueError("Argument `stol` must hold at least one point, but is empty.")
        known = checks.known(self.stol)
        if known is not None:
            checks.require(np.diff(known) > 0, "stol", "ascend", known)

    def scattering(self, rays: Rays) -> Float[Array, "tile pixel"]:
        """See `AbstractBackground.scattering`: molecules scatter independently of each other."""
        factor = structure_factor(0.5 * rays.scattering_length(), self.stol, self.factor)
        return self.molecules.astype(factor.dtype) * (factor * factor)

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
