"""Crystals of many sizes: how the numbers of cells along a, b, c are distributed."""

import abc
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.readable import Readable
from jaxbragg_kernels.namespace import namespace_of
from jaxbragg_kernels.numerics import numerics


class AbstractSizes(Readable):
    """What a crystal asks of its sizes. A new distribution is one class with one method, `factors`."""

    @abc.abstractmethod
    def factors(self) -> tuple[Float[Array, "size"], Float[Array, "size"]]:
        """What multiplies Na, Nb, Nc of each of some sizes, and the share of the crystals that have it; sum 1."""


class LogNormalSizes(AbstractSizes):
    """Lengths whose logarithm is normal: the crystal's `cells` are the median.

    The image is that of some sizes with the weights of a Gauss–Hermite rule, which is exact for what is a polynomial in
    the logarithm: smooth spots are soon right, fringes want as many sizes as would blur them.

    Attributes:
        spread: Standard deviation of the logarithm of the lengths: 0.1 is about 10 %.
        count: Sizes that stand for the distribution.
    """

    spread: Float[Array, ""]
    count: int = eqx.field(static=True)

    def __init__(self, spread: Any, count: int = 7) -> None:
        """Check and keep the spread.

        Raises:
            ValueError: If it is negative, or the count is not 1 or more.
        """
        self.spread = checks.leaf("spread", spread)
        self.count = checks.count("count", count)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.not_negative("spread", self.spread)

    def factors(self) -> tuple[Float[Array, "size"], Float[Array, "size"]]:
        """See `AbstractSizes.factors`."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(self.count)
        with numerics():
            return namespace_of(self.spread).exp(self.spread * nodes), weights / weights.sum()
