"""Point spreads with long tails, by Fourier transforms: of fibre-coupled phosphors, and Moffat's."""

import abc
import math
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.fft import next_fast_len

from jaxbragg.models import checks
from jaxbragg.models.response.abstract import AbstractStep, Signal
from jaxbragg.models.response.chance import AbstractChance

_FINE, _COARSE, _NEAR = 16, 3, 4  # points of Gauss and Legendre to a side of a pixel, and up to where the first


class TailedSpread(AbstractStep):
    """A kernel that reaches far; what would come farther than `radius`, or leaves the image, is lost.

    Attributes:
        radius: Pixels to each side that it reaches; None for as far as the image does.
    """

    radius: eqx.AbstractVar[int | None]

    @abc.abstractmethod
    def shares(self, slow: Float[Array, "s 1"], fast: Float[Array, "1 f"]) -> Float[Array, "s f"]:
        """Shares that come into pixels that far from the one that is hit.

        Args:
            slow: Whole numbers of pixels.
            fast: Likewise.
        """

    def expected(self, signal: Signal) -> Signal:
        """See `AbstractStep.expected`: variances are spread by the square of the kernel."""
        return Signal(self.spread(signal.mean, 1), self.spread(signal.variance, 2))

    def drawn(self, image: Any, chance: AbstractChance) -> Any:
        """See `AbstractStep.drawn`."""
        del chance
        found = _jitted(self, jnp.asarray(image), 1)
        return found if isinstance(image, jax.Array) else np.asarray(found)

    def spread(self, image: Float[Array, "... slow fast"], power: int) -> Float[Array, "... slow fast"]:
        """The image convolved with a power of the kernel, in its own type.

        Args:
            image: Means, or variances.
            power: 1 or 2.
        """
        size = image.shape[-2:]
        reach = [n - 1 if self.radius is None else min(self.radius, n - 1) for n in size]
        padded = tuple(int(next_fast_len(n + r, real=True) or 0) for n, r in zip(size, reach, strict=True))
        # From 0 to the reach, and from −reach to −1 at the end, as transforms count.
        slow, fast = (
            jnp.where(jnp.arange(n) <= r, jnp.arange(n), jnp.arange(n) - n).astype(jnp.float64)
            for n, r in zip(padded, reach, strict=True)
        )
        within = (jnp.abs(slow) <= reach[0])[:, None] & (jnp.abs(fast) <= reach[1])
        kernel = jnp.where(within, self.shares(slow[:, None], fast[None]) ** power, 0.0).astype(image.dtype)
        transform = partial(jnp.fft.rfft2, s=padded)
        found = jnp.fft.irfft2(transform(image) * transform(kernel), s=padded)
        # Rounding of what is bright elsewhere is not to make photons below 0.
        return jnp.maximum(found[..., : size[0], : size[1]], 0.0).astype(image.dtype)


class FibreSpread(TailedSpread):
    """The point spread of a phosphor on a fibre-optic taper, g / (2π (g² + r²)^1.5).

    Outside of a radius R much larger than g is the share g/R: 0.5 % beyond 100 pixels for a g of half a pixel.

    Attributes:
        g: Half the full width at half maximum, over 0.766 [pixels].
        radius: Pixels to each side that it reaches; None for as far as the image does.

    References:
        Holton, Nielsen & Frankel (2012), J. Synchrotron Rad. 19, 1006. Over a pixel the integral is closed: differences
        of atan(x y / (g √(g² + x² + y²))) / 2π at its corners.
    """

    g: Float[Array, ""]
    radius: int | None = eqx.field(static=True)

    def __init__(self, g: Any, radius: int | None = None) -> None:
        """Check and keep the width.

        Raises:
            ValueError: If the width is not positive, or the radius not a whole number of at least 1.
        """
        self.g = checks.leaf("g", g)
        self.radius = None if radius is None else checks.count("radius", radius)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("g", self.g)

    def shares(self, slow: Float[Array, "s 1"], fast: Float[Array, "1 f"]) -> Float[Array, "s f"]:
        """See `TailedSpread.shares`."""

        def corner(x: Any, y: Any) -> Any:
            return jnp.arctan2(x * y, self.g * jnp.sqrt(self.g * self.g + x * x + y * y))

        low, high, left, right = slow - 0.5, slow + 0.5, fast - 0.5, fast + 0.5
        whole = corner(high, right) - corner(low, right) - corner(high, left) + corner(low, left)
        return whole / (2.0 * math.pi)


class MoffatSpread(TailedSpread):
    """Moffat's point spread, (β − 1)/(π α²) (1 + r²/α²)^(−β).

    Outside of a radius R is the share (1 + R²/α²)^(1 − β).

    Attributes:
        fwhm: Full width at half maximum, 2 α √(2^(1/β) − 1) [pixels].
        beta: β, above 1.
        radius: Pixels to each side that it reaches; None for as far as the image does.

    References:
        Moffat (1969), Astron. Astrophys. 3, 455.
    """

    fwhm: Float[Array, ""]
    beta: Float[Array, ""]
    radius: int | None = eqx.field(static=True)

    def __init__(self, fwhm: Any, beta: Any, radius: int | None = None) -> None:
        """Check and keep the numbers.

        Raises:
            ValueError: If the width is not positive, β not above 1, or the radius not a whole number of at least 1.
        """
        self.fwhm, self.beta = checks.leaf("fwhm", fwhm), checks.leaf("beta", beta)
        self.radius = None if radius is None else checks.count("radius", radius)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("fwhm", self.fwhm)
        beta = checks.known(self.beta)
        if beta is not None:
            checks.require(beta > 1, "beta", "be above 1, where the integral is finite", beta)

    def shares(self, slow: Float[Array, "s 1"], fast: Float[Array, "1 f"]) -> Float[Array, "s f"]:
        """See `TailedSpread.shares`: by points of Gauss and Legendre, many where the kernel is steep."""
        square = self.fwhm**2 / (4.0 * (2.0 ** (1.0 / self.beta) - 1.0))

        def at(slow: Any, fast: Any) -> Any:
            return (1.0 + (slow * slow + fast * fast) / square) ** (-self.beta) * (self.beta - 1.0) / (math.pi * square)

        places, weights = _legendre(_COARSE)
        points = [(i, j) for i in range(_COARSE) for j in range(_COARSE)]
        found = sum(weights[i] * weights[j] * at(slow + places[i], fast + places[j]) for i, j in points)
        places, weights = _legendre(_FINE)
        near = jnp.arange(-_NEAR, _NEAR + 1.0)
        many = at(near[:, None, None, None] + places[:, None], near[:, None, None] + places)
        fine = (many * (weights[:, None] * weights)).sum(axis=(2, 3))
        index = [jnp.clip(at + _NEAR, 0, 2 * _NEAR).astype(jnp.int32) for at in (slow, fast)]
        is_near = (jnp.abs(slow) <= _NEAR) & (jnp.abs(fast) <= _NEAR)
        return jnp.where(is_near, fine[index[0], index[1]], found)


def _legendre(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of Gauss and Legendre between -1/2 and 1/2."""
    places, weights = np.polynomial.legendre.leggauss(count)
    return places / 2, weights / 2


_jitted = eqx.filter_jit(TailedSpread.spread)
