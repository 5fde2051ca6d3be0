"""Mosaic spread: the rotations of the domains that a crystal is made of.

A new model is one class with one method, `rotations`.
"""

import abc
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks, minimal_standard
from jaxbragg.models.readable import Readable
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation
from jaxbragg_kernels.numerics import numerics


class AbstractMosaic(Readable):
    """What a crystal asks of its mosaic spread."""

    @abc.abstractmethod
    def rotations(self) -> Float[Array, "domain 3 3"]:
        """The rotation of each domain from the mean orientation; all count alike."""


class RotationList(AbstractMosaic):
    """Any list of rotations.

    Attributes:
        matrices: One rotation for each domain.
    """

    matrices: Float[Array, "domain 3 3"]

    def __init__(self, matrices: Any) -> None:
        """Check and keep the matrices.

        Raises:
            ValueError: If there is none, or one is not orthonormal.
        """
        self.matrices = checks.leaf("matrices", matrices, (None, 3, 3))

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        if self.matrices.shape[0] == 0:
            raise ValueError("Argument `matrices` must hold at least one rotation, but is empty.")
        checks.rotation_matrix("matrices", self.matrices)

    def rotations(self) -> Float[Array, "domain 3 3"]:
        """The matrices as given."""
        return self.matrices


class CapMosaic(AbstractMosaic):
    """The C program's mosaic: random rotations within a cap, the first domain unrotated.

    The domains are rotated by spread·(1 − r²)^(1/3) about random axes; same seed, same domains as the C program.

    Attributes:
        spread: Largest rotation [deg]; differentiable.
        axes: Unit vectors.
        shares: Rotation angles as a share of the spread.
    """

    spread: Float[Array, ""]
    axes: Float[Array, "domain 3"]
    shares: Float[Array, "domain"]

    def __init__(self, spread: Any, domains: int = 10, seed: int = 12345678) -> None:
        """Make the domains.

        Args:
            spread: Largest rotation [deg].
            domains: How many.
            seed: Of the random numbers.

        Raises:
            ValueError: If the spread is negative or there is no domain.
        """
        self.spread = checks.leaf("spread", spread)
        checks.concrete("seed", seed, "the domains are made once; `spread` may be traced")
        axes, shares = minimal_standard.rotations(seed, checks.count("domains", domains))
        shares[0] = 0.0
        self.axes = checks.leaf("axes", axes, (None, 3))
        self.shares = checks.leaf("shares", shares, (None,))

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.not_negative("spread", self.spread)

    def rotations(self) -> Float[Array, "domain 3 3"]:
        """The rotation of each domain; differentiable by the spread."""
        with numerics():
            return rotation.axis_angle(self.axes, self.spread * RADIANS * self.shares)


class RoundedCapMosaic(CapMosaic):
    """`CapMosaic` with the angles of the C program, whose spread and angle are float32: of --compat alone."""

    def __init__(self, mosaic: CapMosaic) -> None:
        """Take the domains of another."""
        self.spread, self.axes, self.shares = mosaic.spread, mosaic.axes, mosaic.shares

    def rotations(self) -> Float[Array, "domain 3 3"]:
        """The rotation of each domain; the derivative by the spread is that of angles that are not rounded."""
        with numerics():
            spread = self.spread * RADIANS
            smooth = spread * self.shares
            rounded = spread.astype(np.float32) * self.shares.astype(np.float32)
            correction = jax.lax.stop_gradient(rounded.astype(smooth.dtype) - smooth)
            return rotation.axis_angle(self.axes, smooth + correction)


def no_mosaic() -> RotationList:
    """A perfect crystal: one domain, unrotated."""
    return RotationList(np.eye(3)[None])
