"""The beam across the sample: what share of its strongest light meets a small crystal beside its middle.

A new profile is one class with one method, `share`.
"""

import abc
import math
from typing import Any

from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.readable import Readable
from jaxbragg_kernels.namespace import namespace_of
from jaxbragg_kernels.numerics import numerics


class AbstractProfile(Readable):
    """What a beam asks of its profile. `Beam.fluence` is that in the middle."""

    @abc.abstractmethod
    def share(self, along: Float[Array, ""], across: Float[Array, ""]) -> Float[Array, ""]:
        """The fluence at a place, over that in the middle.

        Args:
            along: From the middle along the polarization axis [m].
            across: Along beam × polarization axis [m].
        """


class GaussianProfile(AbstractProfile):
    """exp(−4 ln 2 (x²/w² + y²/v²)).

    Attributes:
        widths: Full widths at half the maximum [m]: along the polarization axis, and along beam × polarization axis.
    """

    widths: Float[Array, "2"]

    def __init__(self, widths: Any) -> None:
        """Check and keep one width or two [m].

        Raises:
            ValueError: If one is not positive.
        """
        self.widths = _two(widths)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("widths", self.widths)

    def share(self, along: Float[Array, ""], across: Float[Array, ""]) -> Float[Array, ""]:
        """See `AbstractProfile.share`."""
        with numerics():
            xp = namespace_of(along, across, self.widths)
            return xp.exp(-4.0 * math.log(2.0) * ((along / self.widths[0]) ** 2 + (across / self.widths[1]) ** 2))

    def fluence(self, photons: Any) -> Float[Array, ""]:
        """The fluence in the middle, `Beam.fluence`, of that many photons through the whole profile [1/m²]."""
        with numerics():
            return photons * (4.0 * math.log(2.0) / math.pi) / (self.widths[0] * self.widths[1])


class TophatProfile(AbstractProfile):
    """The same everywhere within a rectangle, nothing outside: no derivative passes by the crystal's place.

    Attributes:
        widths: Full widths [m]: along the polarization axis, and along beam × polarization axis.
    """

    widths: Float[Array, "2"]

    def __init__(self, widths: Any) -> None:
        """Check and keep one width or two [m].

        Raises:
            ValueError: If one is not positive.
        """
        self.widths = _two(widths)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("widths", self.widths)

    def share(self, along: Float[Array, ""], across: Float[Array, ""]) -> Float[Array, ""]:
        """See `AbstractProfile.share`."""
        with numerics():
            xp = namespace_of(along, across, self.widths)
            inside = (2 * xp.abs(along) <= self.widths[0]) & (2 * xp.abs(across) <= self.widths[1])
            return xp.where(inside, 1.0, 0.0)


def _two(widths: Any) -> Float[Array, "2"]:
    return checks.leaf("widths", [widths] * 2 if checks.outer_shape(widths) == () else widths, (2,))
