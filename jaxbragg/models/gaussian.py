"""What is Gaussian about a crystal and a beam: mosaic, cells, spectrum, divergence.

Gaussian spots have all of it in closed form (`Options.method`); other ways of computing an image take samples of it
(`Options.samples`). How many is no matter of a model.
"""

from typing import Any

import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.mosaic import AbstractMosaic
from jaxbragg.models.readable import Readable
from jaxbragg.models.sequence import normal_points
from jaxbragg.models.sources import AbstractSources, GaussianRays, Rays, RelativeSources
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation
from jaxbragg_kernels.namespace import namespace_of
from jaxbragg_kernels.numerics import numerics


class GaussianMosaic(AbstractMosaic):
    """Domains turned by small rotations whose three components are Gaussian.

    The components are about axes that are fixed to the crystal: x along a*, z along c. Where cells are rectangular,
    x, y, z are a, b, c.

    Attributes:
        spread: Standard deviations [deg]: one about every axis, three about x, y, z, or the six of a symmetric matrix
            Σ = [[1, 4, 6], [4, 2, 5], [6, 5, 3]], whose square is the covariance.
    """

    spread: Float[Array, "axis"]

    def __init__(self, spread: Any) -> None:
        """Check and keep the spread.

        Raises:
            ValueError: If it is not one, three or six numbers, is negative, or is a matrix with negative eigenvalues.
        """
        self.spread = _numbers("spread", spread, (1, 3, 6))

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.not_negative("spread", self.spread[:3])
        known, must = checks.known(self.spread), "be a matrix without negative eigenvalues"
        if known is not None and known.shape == (6,):
            lowest = np.linalg.eigvalsh(np.asarray(self.matrix()))[0]
            checks.require(lowest >= -1e-9 * known[:3].max(), "spread", must, known)

    def matrix(self) -> Float[Array, "3 3"]:
        """Σ about the crystal's axes [deg], symmetric."""
        with numerics():
            xp = namespace_of(self.spread)
            if self.spread.shape == (1,):
                return self.spread * xp.eye(3)
            if self.spread.shape == (3,):
                return xp.diag(self.spread)
            a, b, c, d, e, f = self.spread
            return xp.stack([xp.stack(row) for row in ((a, d, f), (d, b, e), (f, e, c))])

    def covariance(self) -> Float[Array, "3 3"]:
        """Of the rotation's components about the crystal's axes [rad²]."""
        with numerics():
            matrix = self.matrix() * RADIANS
            return rotation.product(matrix, matrix)

    def rotations(self) -> Float[Array, "domain 3 3"]:
        """A rotation for each of 256 samples, about the crystal's axes as the laboratory's; see `rotations_of`."""
        return self.rotations_of(normal_points(256, 3))

    def rotations_of(self, points: np.ndarray) -> Float[Array, "domain 3 3"]:
        """The rotation of each domain about the crystal's axes; differentiable by the spread.

        Args:
            points: Normal numbers [domain, 3].
        """
        with numerics():
            xp = namespace_of(self.spread)
            turns = (xp.asarray(points)[:, None, :] * (self.matrix() * RADIANS)).sum(axis=-1)
            square = (turns * turns).sum(axis=1)
            still = square == 0  # where the root has no derivative
            angle = xp.where(still, 0.0, xp.sqrt(xp.where(still, 1.0, square)))
            axes = xp.where(still[:, None], xp.asarray([0.0, 0.0, 1.0]), turns) / xp.where(still, 1.0, angle)[:, None]
            return rotation.axis_angle(axes, angle)


class CellSpread(Readable):
    """Domains whose cells differ in size by Gaussian amounts.

    Attributes:
        spread: Standard deviations as shares of the lengths: one of all lengths together (an isotropic strain), or
            three of a, b, c, each by itself.
    """

    spread: Float[Array, "axis"]

    def __init__(self, spread: Any) -> None:
        """Check and keep the spread.

        Raises:
            ValueError: If it is not one or three numbers, or is negative.
        """
        self.spread = _numbers("spread", spread, (1, 3))

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.not_negative("spread", self.spread)

    def covariance(self) -> Float[Array, "3 3"]:
        """Of the relative changes of a, b, c."""
        with numerics():
            xp = namespace_of(self.spread)
            square = self.spread * self.spread
            return square * xp.ones((3, 3)) if self.spread.shape == (1,) else xp.diag(square)

    def factors_of(self, points: np.ndarray) -> Float[Array, "domain 3"]:
        """What multiplies a, b, c of each domain; differentiable by the spread.

        Args:
            points: Normal numbers [domain, 3].
        """
        with numerics():
            xp = namespace_of(self.spread)
            found = xp.asarray(points)
            return 1.0 + self.spread * (found[:, :1] * xp.ones(3) if self.spread.shape == (1,) else found)


class GaussianSources(AbstractSources):
    """A beam whose wavelength and direction are Gaussian about those of the beam.

    Attributes:
        bandwidth: Standard deviation of the wavelength, as a share of it.
        horizontal: Of the direction, about beam × polarization axis [rad].
        vertical: Of the direction, about the polarization axis [rad].
    """

    bandwidth: Float[Array, ""]
    horizontal: Float[Array, ""]
    vertical: Float[Array, ""]

    def __init__(self, bandwidth: Any = 0.0, horizontal: Any = 0.0, vertical: Any = 0.0) -> None:
        """Check and keep the widths.

        Raises:
            ValueError: If one is negative.
        """
        self.bandwidth = checks.leaf("bandwidth", bandwidth)
        self.horizontal = checks.leaf("horizontal", horizontal)
        self.vertical = checks.leaf("vertical", vertical)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        for name in ("bandwidth", "horizontal", "vertical"):
            checks.not_negative(name, getattr(self, name))
        _check_bandwidth("bandwidth", self.bandwidth)

    def rays(
        self, direction: Float[Array, "3"], polarization_axis: Float[Array, "3"], wavelength: Float[Array, ""]
    ) -> Rays:
        """See `AbstractSources.rays`: 64 samples of equal weight."""
        normal = normal_points(64, 3)
        xp = namespace_of(self.bandwidth, self.horizontal, self.vertical, direction, wavelength)
        first, second, third = (xp.asarray(normal[:, i]) for i in range(3))
        sources = RelativeSources(first * self.horizontal, second * self.vertical, 1.0 + third * self.bandwidth)
        return sources.rays(direction, polarization_axis, wavelength)

    def gaussians(
        self, direction: Float[Array, "3"], polarization_axis: Float[Array, "3"], wavelength: Float[Array, ""]
    ) -> GaussianRays:
        """See `AbstractSources.gaussians`: one."""
        xp = namespace_of(self.bandwidth, self.horizontal, self.vertical, direction, wavelength)
        one = xp.ones(1)
        return GaussianRays(
            direction * xp.ones((1, 3)), wavelength * one, one, self.bandwidth * one, self.horizontal, self.vertical
        )


class SpectrumTable(AbstractSources):
    """A measured spectrum: a sum of Gaussian lines, and a divergence that is the same for all.

    Attributes:
        wavelengths: Middles of the lines [Å].
        weights: Photons in each, relative to each other.
        bandwidths: Standard deviation of each line, as a share of its wavelength.
        horizontal: Of the direction, as of `GaussianSources` [rad].
        vertical: Likewise [rad].
    """

    wavelengths: Float[Array, "line"]
    weights: Float[Array, "line"]
    bandwidths: Float[Array, "line"]
    horizontal: Float[Array, ""]
    vertical: Float[Array, ""]

    def __init__(
        self, wavelengths: Any, weights: Any, bandwidths: Any = None, horizontal: Any = 0.0, vertical: Any = 0.0
    ) -> None:
        """Check and keep the spectrum.

        Args:
            wavelengths: [Å].
            weights: Relative to each other, not all 0.
            bandwidths: One number, or one for each line; 0 for sharp lines. None for 0.7 of the distance to the
                neighbours, which turns equal weights into a spectrum that is flat to 1e-4.
            horizontal: [rad].
            vertical: [rad].

        Raises:
            ValueError: If the lists differ in length, a number cannot be, or there is no weight.
        """
        self.wavelengths = checks.leaf("wavelengths", wavelengths, (None,))
        count = self.wavelengths.shape[0]
        if count == 0:
            raise ValueError("Argument `wavelengths` must hold at least one line, but is empty.")
        self.weights = checks.leaf("weights", weights, (count,))
        if bandwidths is None:
            checks.concrete("wavelengths", wavelengths, "give `bandwidths`, which are made of their distances")
            bandwidths = _overlapping(np.asarray(self.wavelengths, float))
        elif checks.outer_shape(bandwidths) == ():
            bandwidths = [bandwidths] * count
        self.bandwidths = checks.leaf("bandwidths", bandwidths, (count,))
        self.horizontal = checks.leaf("horizontal", horizontal)
        self.vertical = checks.leaf("vertical", vertical)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("wavelengths", self.wavelengths)
        for name in ("weights", "bandwidths", "horizontal", "vertical"):
            checks.not_negative(name, getattr(self, name))
        _check_bandwidth("bandwidths", self.bandwidths)
        weights = checks.known(self.weights)
        if weights is not None:
            checks.require(weights.sum() > 0, "weights", "not all be zero", weights)

    def rays(
        self, direction: Float[Array, "3"], polarization_axis: Float[Array, "3"], wavelength: Float[Array, ""]
    ) -> Rays:
        """See `AbstractSources.rays`: the middles of the lines along the beam, whose own wavelength is not used."""
        del polarization_axis, wavelength
        xp = namespace_of(self.wavelengths, direction)
        return xp.ones((self.wavelengths.shape[0], 1)) * direction, self.wavelengths, self.weights

    def gaussians(
        self, direction: Float[Array, "3"], polarization_axis: Float[Array, "3"], wavelength: Float[Array, ""]
    ) -> GaussianRays:
        """See `AbstractSources.gaussians`: one for each line."""
        directions, wavelengths, weights = self.rays(direction, polarization_axis, wavelength)
        return GaussianRays(directions, wavelengths, weights, self.bandwidths, self.horizontal, self.vertical)


def _check_bandwidth(name: str, value: Any) -> None:
    known = checks.known(value)
    if known is not None:  # at four times that, wavelengths would be near 0 or below
        checks.require(known <= 0.2, name, "be at most 0.2", known)


def _overlapping(wavelengths: np.ndarray) -> np.ndarray:
    """Widths of lines that overlap: 0.7 of the mean distance to the neighbours, as a share of the wavelength."""
    if wavelengths.shape[0] == 1:
        return np.zeros(1)
    order = np.argsort(wavelengths)
    widths = np.empty_like(wavelengths)
    widths[order] = 0.7 * np.gradient(wavelengths[order])
    return widths / wavelengths


def _numbers(name: str, value: Any, lengths: tuple[int, ...]) -> Float[Array, "axis"]:
    """One number, or as many as may be."""
    shape = checks.outer_shape(value)
    if shape not in ((), *((n,) for n in lengths)):
        words = " or ".join([", ".join(map(str, lengths[:-1])), str(lengths[-1])])
        raise ValueError(f"Argument `{name}` must be {words} numbers, but has shape {shape}.")
    return checks.leaf(name, [value] if shape == () else value, shape or (1,))
