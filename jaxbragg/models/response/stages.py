"""Integrating detectors whose pixels switch their gain: JUNGFRAU and its like."""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.response.abstract import AbstractStep, Signal, drawn_by, number_for
from jaxbragg.models.response.chance import AbstractChance, chance_of
from jaxbragg_kernels.namespace import namespace_of


class GainStages(AbstractStep):
    """A pixel reads its charge with the first gain that has room for it, in whole numbers of some bits.

    What is drawn is calibrated again: photons, with the noise and the steps of the stage that read them. `words` gives
    the 16-bit numbers as the detector sends them, with the stage in the two bits above.

    Attributes:
        gains: Of each stage [ADU/photon]; negative where numbers fall as the charge grows.
        noises: Standard deviation of each stage [ADU].
        pedestals: What is read without light [ADU].
        thresholds: Photons above which the next stage reads, one fewer than there are stages.
        bits: Of a reading, at most 14; numbers end at 0 and 2^bits − 1.
    """

    gains: Float[Array, "stage"]
    noises: Float[Array, "stage"]
    pedestals: Float[Array, "stage"]
    thresholds: Float[Array, "switch"]
    bits: int = eqx.field(static=True)

    def __init__(self, gains: Any, noises: Any, pedestals: Any, thresholds: Any, bits: int = 14) -> None:
        """Check and keep the stages.

        Raises:
            ValueError: If the lists do not fit each other, a gain is 0, a noise negative, or thresholds do not ascend.
        """
        self.gains = checks.leaf("gains", gains, (None,))
        count = self.gains.shape[0]
        self.noises = checks.leaf("noises", noises, (count,))
        self.pedestals = checks.leaf("pedestals", pedestals, (count,))
        self.thresholds = checks.leaf("thresholds", thresholds, (max(count - 1, 0),))
        self.bits = checks.count("bits", bits)
        checks.require(self.bits <= 14, "bits", "leave two of 16 for the stage", self.bits)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        if not 1 <= self.gains.shape[0] <= 4:
            raise ValueError(f"Argument `gains` must be of one to four stages, but is of {self.gains.shape[0]}.")
        gains, thresholds = checks.known(self.gains), checks.known(self.thresholds)
        if gains is not None:
            checks.require(gains != 0, "gains", "not be 0", gains)
        checks.not_negative("noises", self.noises)
        if thresholds is not None:
            checks.positive("thresholds", thresholds)
            checks.require(np.diff(thresholds) > 0, "thresholds", "ascend", thresholds)
        pedestals = checks.known(self.pedestals)
        if gains is not None and thresholds is not None and pedestals is not None:
            last = pedestals[:-1] + gains[:-1] * thresholds
            fits = (last >= 0) & (last <= 2**self.bits - 1)
            checks.require(fits, "thresholds", "be where the stage below still has room in its bits", thresholds)

    @classmethod
    def jungfrau(cls, energy: Any) -> "GainStages":
        """Three stages with the nominal figures of a JUNGFRAU 1.0; modules differ by some percent.

        41, −1.44 and −0.1 ADU/keV, 80 electrons of noise in the first stage (3.62 eV each) and 3 ADU in the others;
        gains switch at 25 and at 800 photons of 12 keV, where 14 bits end.

        Args:
            energy: Of the photons [keV].

        Raises:
            ValueError: If the energy is not positive.

        References:
            Mozzanica et al. (2016), J. Instrum. 11, C02047; Redford et al. (2018), J. Instrum. 13, C01027.
        """
        checks.positive("energy", energy)
        energy = float(energy)
        gains = np.array([41.0, -1.44, -0.1]) * energy
        noises = [80 * 3.62e-3 * 41.0, 3.0, 3.0]
        return cls(gains, noises, [3000.0, 14500.0, 14500.0], np.array([25.0, 800.0]) * 12.0 / energy)

    def expected(self, signal: Signal) -> Signal:
        """See `AbstractStep.expected`: the mean stays, as far as the last stage has room.

        The variance is that of the stage that reads the mean.
        """
        own = self._in_photons(signal.mean)
        low, high = self._ends(signal.mean)
        xp = namespace_of(signal.mean, self.gains)
        return Signal(xp.clip(signal.mean, low, high), signal.variance + own * own)

    def drawn(self, image: Any, chance: AbstractChance) -> Any:
        """See `AbstractStep.drawn`."""
        reading, stage = self._read(image, chance)
        gain, pedestal = (self._of(number, stage, image) for number in (self.gains, self.pedestals))
        return (reading - pedestal) / gain

    def words(self, photons: Any, seed: Any) -> Any:
        """The detector's 16-bit numbers: the reading, and above its bits the stage, as 0, 1 and 3 (binary 11).

        Args:
            photons: Counted ones, or charge in units of that of one.
            seed: As for `Response.drawn`.
        """
        return drawn_by(GainStages._words, self, photons, chance_of(seed))

    def _words(self, image: Any, chance: AbstractChance) -> Any:
        reading, stage = self._read(image, chance)
        xp = namespace_of(reading)
        code = xp.where(stage == 2, 3, stage) if self.gains.shape[0] == 3 else stage
        return (reading.astype(np.int32) + (code.astype(np.int32) << self.bits)).astype(np.uint16)

    def _read(self, image: Any, chance: AbstractChance) -> tuple[Any, Any]:
        """Whole numbers of some bits, in the image's type, and the stage of each pixel."""
        stage, xp = self._stage(image), namespace_of(image, self.gains)
        gain, pedestal, noise = (self._of(each, stage, image) for each in (self.gains, self.pedestals, self.noises))
        reading = xp.round(pedestal + gain * image + noise * chance.normal(image))
        return xp.clip(reading, 0, 2**self.bits - 1), stage

    def _stage(self, image: Any) -> Any:
        xp = namespace_of(image, self.thresholds)
        return xp.searchsorted(number_for(image, self.thresholds), image)

    def _of(self, numbers: Any, stage: Any, image: Any) -> Any:
        return number_for(image, numbers)[stage]

    def _in_photons(self, image: Any) -> Any:
        """Standard deviation of noise and steps of the stage [photons]."""
        xp = namespace_of(image, self.gains)
        return self._of(xp.sqrt(self.noises**2 + 1.0 / 12.0) / xp.abs(self.gains), self._stage(image), image)

    def _ends(self, image: Any) -> tuple[Any, Any]:
        """The least that the first stage can read, and the most that the last one can [photons]."""
        xp = namespace_of(image, self.gains)
        ends = [(number_for(image, xp.asarray(end - self.pedestals)) / self.gains) for end in (0.0, 2.0**self.bits - 1)]
        first, last = (xp.stack([each[i] for each in ends]) for i in (0, -1))
        return number_for(image, first.min()), number_for(image, last.max())
