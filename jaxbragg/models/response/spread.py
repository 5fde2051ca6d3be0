"""Light and charge that end up in pixels beside the one that they belong to; kernels that are products along both axes.

A spread is the share that comes into each pixel about one whose middle is hit. What leaves the image is lost.
"""

import abc
import math
from functools import reduce
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.response.abstract import AbstractStep, Signal
from jaxbragg.models.response.chance import AbstractChance

_SHIFTED = 33  # taps of a kernel, at most, by shifted images

SIGMAS_PER_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))


class SeparableSpread(AbstractStep):
    """A kernel that is the product of one along slow and one along fast.

    Attributes:
        radius: Pixels to each side that it reaches; what would come farther is put into these.
    """

    radius: eqx.AbstractVar[int]

    @abc.abstractmethod
    def shares(self) -> Float[Array, "2*radius+1"]:
        """The kernel along one axis, from −radius to radius; its sum is 1."""

    def expected(self, signal: Signal) -> Signal:
        """See `AbstractStep.expected`: variances are spread by the square of the kernel."""
        shares = self.shares()
        return Signal(along_both(signal.mean, shares), along_both(signal.variance, shares * shares))

    def drawn(self, image: Any, chance: AbstractChance) -> Any:
        """See `AbstractStep.drawn`."""
        del chance
        found = _jitted(jnp.asarray(image), self.shares())
        return found if isinstance(image, jax.Array) else np.asarray(found)


class GaussianSpread(SeparableSpread):
    """A Gaussian point spread.

    Attributes:
        fwhm: Full width at half maximum [pixels].
        radius: Pixels to each side that it reaches.
    """

    fwhm: Float[Array, ""]
    radius: int = eqx.field(static=True)

    def __init__(self, fwhm: Any, radius: int | None = None) -> None:
        """Check and keep the width.

        Args:
            fwhm: [pixels].
            radius: None for eight standard deviations, which leaves room for a width that is refined.

        Raises:
            ValueError: If the width is not positive, or the radius not a whole number of at least 1.
        """
        self.fwhm = checks.leaf("fwhm", fwhm)
        self.radius = radius_of(radius, "fwhm", self.fwhm, 8.0 / SIGMAS_PER_FWHM)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("fwhm", self.fwhm)

    def shares(self) -> Float[Array, "2*radius+1"]:
        """See `SeparableSpread.shares`: integrals of the Gaussian over the pixels."""
        edges = jnp.arange(-self.radius, self.radius + 2) - 0.5
        shares = jnp.diff(jax.scipy.special.ndtr(edges * (SIGMAS_PER_FWHM / self.fwhm)))
        return shares / shares.sum()


class ChargeSharing(SeparableSpread):
    """Charge that spreads on its way through the sensor: an even hit anywhere in a pixel, and a Gaussian cloud.

    Of the mean of many photons. How one photon's charge is shared depends on where it hits: `PhotonCharge` draws that.

    Attributes:
        sigma: Standard deviation of the cloud [pixels].
        radius: Pixels to each side that it reaches.
    """

    sigma: Float[Array, ""]
    radius: int = eqx.field(static=True)

    def __init__(self, sigma: Any, radius: int | None = None) -> None:
        """Check and keep the width.

        Args:
            sigma: [pixels].
            radius: None for eight standard deviations and a pixel.

        Raises:
            ValueError: If the width is not positive, or the radius not a whole number of at least 1.
        """
        self.sigma = checks.leaf("sigma", sigma)
        self.radius = radius_of(radius, "sigma", self.sigma, 8.0)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("sigma", self.sigma)

    def shares(self) -> Float[Array, "2*radius+1"]:
        """See `SeparableSpread.shares`: second differences of A(u) = u Φ(u) + φ(u), the integral of Φ, times σ."""
        u = jnp.arange(-self.radius - 1, self.radius + 2) / self.sigma
        whole = u * jax.scipy.special.ndtr(u) + jnp.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)
        shares = self.sigma * jnp.diff(whole, 2)
        return shares / shares.sum()


def radius_of(radius: int | None, name: str, width: Any, times: float, more: int = 1) -> int:
    """Pixels to each side that a kernel reaches.

    Args:
        radius: As it was given; None for what follows from the width.
        name: Of the width.
        width: [pixels].
        times: How often it is reached.
        more: Pixels beside.

    Raises:
        ValueError: If the radius is not a whole number of at least 1, or the width is not positive or known.
    """
    if radius is not None:
        return checks.count("radius", radius)
    checks.concrete(name, width, "give `radius`, which is made of it")
    known = np.asarray(width)
    checks.positive(name, known)
    return max(1, math.ceil(times * float(known)) + more)


def along_both(image: Float[Array, "... slow fast"], shares: Float[Array, "tap"]) -> Float[Array, "... slow fast"]:
    """The image, spread along slow and then along fast, in its own type.

    Args:
        image: To be spread.
        shares: The kernel along one axis.
    """
    shares = shares.astype(image.dtype)
    if shares.shape[0] <= _SHIFTED:
        return _shifted(_shifted(image, shares, image.ndim - 2), shares, image.ndim - 1)
    planes = image.reshape(-1, 1, *image.shape[-2:])
    radius = shares.shape[0] // 2
    for window, padding in (
        (shares[:, None], [(radius, radius), (0, 0)]),
        (shares[None, :], [(0, 0), (radius, radius)]),
    ):
        planes = jax.lax.conv_general_dilated(
            planes, window[None, None], (1, 1), padding, precision=jax.lax.Precision.HIGHEST
        )
    return planes.reshape(image.shape)


def _shifted(image: Float[Array, "... slow fast"], shares: Float[Array, "tap"], axis: int) -> Float[Array, "..."]:
    """The image spread along one axis, as a sum of shifted images: on a CPU ten times faster than a convolution."""
    radius, size = shares.shape[0] // 2, image.shape[axis]
    padded = jnp.pad(image, [(radius, radius) if i == axis else (0, 0) for i in range(image.ndim)])
    parts = (jax.lax.slice_in_dim(padded, i, i + size, axis=axis) * shares[i] for i in range(shares.shape[0]))
    return reduce(jnp.add, parts)


_jitted = jax.jit(along_both)
