"""Radiation damage: the B factor that grows with the dose."""

from typing import Any

from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.readable import Readable
from jaxbragg_kernels.numerics import numerics


class Damage(Readable):
    """A B factor that grows with the dose by so much for each megagray.

    Attributes:
        dose: That the crystal has taken up by the middle of the image [MGy].
        rate: B for each megagray [Å²/MGy].

    References:
        Kmetko et al. (2006), Acta Cryst. D62, 1030: B grows linearly with dose, by 8π² · 0.012 Å² = 0.95 Å² a megagray
        at 100 K; at room temperature tens of times as fast.
    """

    dose: Float[Array, ""]
    rate: Float[Array, ""]

    def __init__(self, dose: Any, rate: Any = 1.0) -> None:
        """Check and keep dose and rate.

        Raises:
            ValueError: If one is negative.
        """
        self.dose = checks.leaf("dose", dose)
        self.rate = checks.leaf("rate", rate)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        for name in ("dose", "rate"):
            checks.not_negative(name, getattr(self, name))

    def b_factor(self) -> Float[Array, ""]:
        """What it adds to the crystal's B factor [Å²]."""
        with numerics():
            return self.rate * self.dose
