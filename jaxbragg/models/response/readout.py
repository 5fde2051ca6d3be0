"""From counts to what is read out: gain, pedestal, noise, and where it ends."""

from typing import Any

from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.response.abstract import AbstractStep, PointwiseStep, Signal, number_for
from jaxbragg.models.response.chance import AbstractChance
from jaxbragg_kernels.namespace import namespace_of


class Gain(PointwiseStep):
    """Readings are so many times the counts.

    Attributes:
        factor: [ADU/photon].
    """

    factor: Float[Array, ""]

    def __init__(self, factor: Any) -> None:
        """Check and keep the factor.

        Raises:
            ValueError: If it is not positive.
        """
        self.factor = checks.leaf("factor", factor)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("factor", self.factor)

    def of(self, image: Any) -> Any:
        """See `PointwiseStep.of`."""
        return image * number_for(image, self.factor)


class Pedestal(PointwiseStep):
    """What is read without light.

    Attributes:
        offset: Added to every pixel.
    """

    offset: Float[Array, ""]

    def __init__(self, offset: Any) -> None:
        """Check and keep the offset."""
        self.offset = checks.leaf("offset", offset)

    def of(self, image: Any) -> Any:
        """See `PointwiseStep.of`."""
        return image + number_for(image, self.offset)


class ReadNoise(AbstractStep):
    """Gaussian noise of the read-out, the same for every pixel.

    Attributes:
        spread: Standard deviation, in what is read at this step.
    """

    spread: Float[Array, ""]

    def __init__(self, spread: Any) -> None:
        """Check and keep the spread.

        Raises:
            ValueError: If it is negative.
        """
        self.spread = checks.leaf("spread", spread)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.not_negative("spread", self.spread)

    def expected(self, signal: Signal) -> Signal:
        """See `AbstractStep.expected`."""
        spread = number_for(signal.mean, self.spread)
        return Signal(signal.mean, signal.variance + spread * spread)

    def drawn(self, image: Any, chance: AbstractChance) -> Any:
        """See `AbstractStep.drawn`."""
        return image + number_for(image, self.spread) * chance.normal(image)


class Saturation(PointwiseStep):
    """The most that a pixel reads.

    Mean and variance are those of the pixel without noise: near the limit they are too high.

    Attributes:
        limit: In what is read at this step.
    """

    limit: Float[Array, ""]

    def __init__(self, limit: Any) -> None:
        """Check and keep the limit.

        Raises:
            ValueError: If it is not positive.
        """
        self.limit = checks.leaf("limit", limit)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("limit", self.limit)

    def of(self, image: Any) -> Any:
        """See `PointwiseStep.of`."""
        return namespace_of(image, self.limit).minimum(image, number_for(image, self.limit))
