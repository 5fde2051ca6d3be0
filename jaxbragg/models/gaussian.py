"""What is Gaussian about a crystal and a beam: mosaic, bandwidth, divergence.

Gaussian spots have all of it in closed form (`Options.method`); whoever asks for rotations or rays, as the other ways
of computing an image do, gets a fixed set of samples of a low-discrepancy sequence.
"""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.mosaic import AbstractMosaic
from jaxbragg.models.sources import AbstractSources, Rays, RelativeSources
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation
from jaxbragg_kernels.namespace import namespace_of
from jaxbragg_kernels.numerics import numerics


class GaussianMosaic(AbstractMosaic):
    """Domains turned by small rotations whose three components are Gaussian.

    Attributes:
        spread: Standard deviation about each axis [deg]: one number, or three about the laboratory's x, y, z at φ = 0.
        samples: How many domains stand for them where they are sampled.
    """

    spread: Float[Array, "3"]
    samples: int = eqx.field(static=True)

    def __init__(self, spread: Any, samples: int = 256) -> None:
        """Check and keep the spread.

        Raises:
            ValueError: If it is negative, or there is no sample.
        """
        one = checks.outer_shape(spread) == ()
        self.spread = checks.leaf("spread", [spread] * 3 if one else spread, (3,))
        self.samples = checks.count("samples", samples)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.not_negative("spread", self.spread)

    def covariance(self) -> Float[Array, "3 3"]:
        """Of the rotation's components [rad²]."""
        with numerics():
            xp = namespace_of(self.spread)
            return xp.diag((self.spread * RADIANS) ** 2)

    def rotations(self) -> Float[Array, "domain 3 3"]:
        """A rotation for each sample; differentiable by the spread."""
        normal = normal_samples(self.samples, 3)
        with numerics():
            xp = namespace_of(self.spread)
            turns = xp.asarray(normal) * (self.spread * RADIANS)
            angle = xp.sqrt((turns * turns).sum(axis=1))
            still = angle == 0
            axes = xp.where(still[:, None], xp.asarray([0.0, 0.0, 1.0]), turns) / xp.where(still, 1.0, angle)[:, None]
            return rotation.axis_angle(axes, angle)


class GaussianSources(AbstractSources):
    """A beam whose wavelength and direction are Gaussian about those of the beam.

    Attributes:
        bandwidth: Standard deviation of the wavelength, as a share of it.
        horizontal: Of the direction, about beam × polarization axis [rad].
        vertical: Of the direction, about the polarization axis [rad].
        samples: How many sources stand for them where they are sampled.
    """

    bandwidth: Float[Array, ""]
    horizontal: Float[Array, ""]
    vertical: Float[Array, ""]
    samples: int = eqx.field(static=True)

    def __init__(self, bandwidth: Any = 0.0, horizontal: Any = 0.0, vertical: Any = 0.0, samples: int = 64) -> None:
        """Check and keep the widths.

        Raises:
            ValueError: If one is negative, or there is no sample.
        """
        self.bandwidth = checks.leaf("bandwidth", bandwidth)
        self.horizontal = checks.leaf("horizontal", horizontal)
        self.vertical = checks.leaf("vertical", vertical)
        self.samples = checks.count("samples", samples)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        for name in ("bandwidth", "horizontal", "vertical"):
            checks.not_negative(name, getattr(self, name))

    def rays(
        self, direction: Float[Array, "3"], polarization_axis: Float[Array, "3"], wavelength: Float[Array, ""]
    ) -> Rays:
        """See `AbstractSources.rays`: samples of equal weight."""
        normal = normal_samples(self.samples, 3)
        xp = namespace_of(self.bandwidth, self.horizontal, self.vertical, direction, wavelength)
        first, second, third = (xp.asarray(normal[:, i]) for i in range(3))
        sources = RelativeSources(first * self.horizontal, second * self.vertical, 1.0 + third * self.bandwidth)
        return sources.rays(direction, polarization_axis, wavelength)


def normal_samples(count: int, dimensions: int) -> np.ndarray:
    """Points of a normal distribution, of mean 0 and variance 1 in each dimension [count, dimensions].

    The R sequence (multiples of powers of the generalized golden ratio) through the normal quantile; then shifted and
    scaled to their mean and variance, so that few samples have no bias in these.

    References:
        Roberts (2018), The unreasonable effectiveness of quasirandom sequences: the R sequence.
    """
    from scipy.special import ndtri

    if count == 1:
        return np.zeros((1, dimensions))
    golden = 2.0
    for _ in range(60):  # of x^(d+1) = x + 1
        golden = (1.0 + golden) ** (1.0 / (dimensions + 1))
    steps = golden ** -(np.arange(dimensions) + 1.0)
    points = ndtri((0.5 + steps * np.arange(1, count + 1)[:, None]) % 1.0)
    points = points - points.mean(axis=0)
    return points / points.std(axis=0)
