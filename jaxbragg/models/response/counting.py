"""Counting photons: Poisson noise, and what is lost while a pixel is busy with the one before."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.response.abstract import AbstractStep, Signal, number_for
from jaxbragg.models.response.chance import AbstractChance
from jaxbragg_kernels.namespace import namespace_of


class Counting(AbstractStep):
    """Photons are counted, one by one.

    Of n photons on average during the exposure T, with x = n τ / T, a pixel that is dead for a time τ after each counts

    - n / (1 + x), with the variance n / (1 + x)³, where photons that come meanwhile are lost (non-paralyzable);
    - n e^{−x}, with the variance n e^{−x} (1 − 2 x e^{−x}), where they make it dead for another τ (paralyzable).

    Both hold where τ is short against the exposure. Random images have these means and variances; without a dead time
    they are Poisson numbers.

    Attributes:
        dead_time: τ [s]; 0 for a pixel that loses nothing.
        exposure: T [s].
        paralyzable: Which of the two.

    References:
        Knoll (2010), Radiation Detection and Measurement, 4th ed., ch. 4; variances: Müller (1973), Nucl. Instrum.
        Methods 112, 47.
    """

    dead_time: Float[Array, ""]
    exposure: Float[Array, ""]
    paralyzable: bool = eqx.field(static=True)

    def __init__(self, dead_time: Any = 0.0, exposure: Any = 1.0, *, paralyzable: bool = False) -> None:
        """Check and keep the times.

        Raises:
            ValueError: If the dead time is negative, or the exposure not positive.
        """
        self.dead_time = checks.leaf("dead_time", dead_time)
        self.exposure = checks.leaf("exposure", exposure)
        self.paralyzable = bool(paralyzable)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.not_negative("dead_time", self.dead_time)
        checks.positive("exposure", self.exposure)

    def expected(self, signal: Signal) -> Signal:
        """See `AbstractStep.expected`; what varied before is added by the slope of the mean."""
        mean, own = self._counted(signal.mean)
        slope = self._slope(signal.mean)
        return Signal(mean, own + signal.variance * slope * slope)

    def drawn(self, image: Any, chance: AbstractChance) -> Any:
        """See `AbstractStep.drawn`.

        Of k photons that come, the mean for k of them; what their times change of it has the rest of the variance.
        """
        came = chance.of_step(0).poisson(image)
        if checks.known(self.dead_time) == 0:
            return came
        xp = namespace_of(came, self.dead_time)
        mean, variance = self._counted(came)
        slope = self._slope(came)
        rest = xp.sqrt(xp.maximum(variance - came * slope * slope, 0.0))
        counts = xp.round(mean + rest * chance.of_step(1).normal(came))
        # A lone photon is always counted, and none is made.
        return xp.clip(counts, xp.minimum(came, 1.0), came)

    def _counted(self, n: Any) -> tuple[Any, Any]:
        """Mean and variance of the counts of n photons."""
        xp, x = namespace_of(n, self.dead_time), self._busy(n)
        if self.paralyzable:
            seen = xp.exp(-x)
            return n * seen, n * seen * (1.0 - 2.0 * x * seen)
        return n / (1.0 + x), n / (1.0 + x) ** 3

    def _slope(self, n: Any) -> Any:
        """Of the mean by n."""
        xp, x = namespace_of(n, self.dead_time), self._busy(n)
        return xp.exp(-x) * (1.0 - x) if self.paralyzable else 1.0 / (1.0 + x) ** 2

    def _busy(self, n: Any) -> Any:
        return n * number_for(n, self.dead_time / self.exposure)
