"""The X-ray sources: every direction and wavelength that the beam is made of, with its weight.

`RelativeSources` follow the beam when its direction or wavelength changes; `AbsoluteSources` stand where they are.
"""

import abc
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.readable import Readable
from jaxbragg_kernels import rotation
from jaxbragg_kernels.namespace import namespace_of

Rays = tuple[Float[Array, "source 3"], Float[Array, "source"], Float[Array, "source"]]


class GaussianRays(NamedTuple):
    """Lines of a beam, each Gaussian in wavelength and direction.

    Attributes:
        directions: Unit vectors of the photons, source to sample.
        wavelengths: [Å].
        weights: Relative intensities.
        bandwidths: Standard deviation of the wavelength, as a share of it.
        horizontal: Of the direction, about beam × polarization axis, the same for all [rad].
        vertical: About the polarization axis [rad].
    """

    directions: Float[Array, "line 3"]
    wavelengths: Float[Array, "line"]
    weights: Float[Array, "line"]
    bandwidths: Float[Array, "line"]
    horizontal: Float[Array, ""]
    vertical: Float[Array, ""]


class AbstractSources(Readable):
    """What a beam asks of its sources: `rays`; where they are Gaussian lines, `gaussians` too."""

    @abc.abstractmethod
    def rays(
        self, direction: Float[Array, "3"], polarization_axis: Float[Array, "3"], wavelength: Float[Array, ""]
    ) -> Rays:
        """Photon directions, wavelengths [Å] and relative weights of all sources.

        Args:
            direction: Of the beam.
            polarization_axis: Of the beam.
            wavelength: Of the beam [Å].
        """

    def gaussians(
        self, direction: Float[Array, "3"], polarization_axis: Float[Array, "3"], wavelength: Float[Array, ""]
    ) -> GaussianRays:
        """The sources as Gaussian lines; unless they say otherwise, all widths are 0.

        Args:
            direction: Of the beam.
            polarization_axis: Of the beam.
            wavelength: Of the beam [Å].
        """
        directions, wavelengths, weights = self.rays(direction, polarization_axis, wavelength)
        xp = namespace_of(wavelengths)
        return GaussianRays(directions, wavelengths, weights, xp.zeros_like(wavelengths), xp.zeros(()), xp.zeros(()))


class RelativeSources(AbstractSources):
    """Sources about the beam: angles from its direction, wavelengths as multiples of its own.

    Attributes:
        horizontal: Rotation of the source about beam × polarization axis [rad].
        vertical: Rotation about the polarization axis, before the other [rad].
        wavelength_ratios: Wavelength over that of the beam.
        weights: Relative intensities.
    """

    horizontal: Float[Array, "source"]
    vertical: Float[Array, "source"]
    wavelength_ratios: Float[Array, "source"]
    weights: Float[Array, "source"]

    def __init__(
        self, horizontal: Any = (0.0,), vertical: Any = (0.0,), wavelength_ratios: Any = (1.0,), weights: Any = None
    ) -> None:
        """Check and keep the sources.

        Raises:
            ValueError: If the lists differ in length, or a ratio or weight cannot be.
        """
        self.horizontal = checks.leaf("horizontal", horizontal, (None,))
        count = self.horizontal.shape[0]
        self.vertical = checks.leaf("vertical", vertical, (count,))
        self.wavelength_ratios = checks.leaf("wavelength_ratios", wavelength_ratios, (count,))
        self.weights = _weights(weights, count)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("wavelength_ratios", self.wavelength_ratios)
        _check_weights(self.weights)

    @classmethod
    def grid(cls, horizontal: Any, vertical: Any, wavelength_ratios: Any) -> "RelativeSources":
        """Every wavelength at every pair of angles, all of the same weight.

        Args:
            horizontal: Angles [pairs, rad].
            vertical: Angles [pairs, rad].
            wavelength_ratios: Wavelengths over that of the beam.
        """
        given = {"horizontal": horizontal, "vertical": vertical, "wavelength_ratios": wavelength_ratios}
        xp: Any = jnp if checks.is_traced(list(given.values())) else np
        across, along, ratios = (xp.asarray(checks.leaf(name, value, (None,))) for name, value in given.items())
        pairs, count = across.shape[0], ratios.shape[0]
        return cls(xp.repeat(across, count), xp.repeat(along, count), xp.tile(ratios, pairs))

    def rays(
        self, direction: Float[Array, "3"], polarization_axis: Float[Array, "3"], wavelength: Float[Array, ""]
    ) -> Rays:
        """See `AbstractSources.rays`; differentiable by everything.

        References:
            The loops over hdiv, vdiv and disp in the C program: the source, which lies up the beam, is rotated by
            vertical about the polarization axis and then by horizontal about beam × polarization axis.
        """
        xp = namespace_of(self.horizontal, direction, polarization_axis, wavelength)
        across = xp.cross(direction, polarization_axis)
        across = across / xp.sqrt((across * across).sum())
        along = polarization_axis / xp.sqrt((polarization_axis * polarization_axis).sum())
        directions = xp.broadcast_to(direction, (*self.horizontal.shape, 3))
        directions = rotation.rotate(rotation.rotate(directions, along, self.vertical), across, self.horizontal)
        return directions, wavelength * self.wavelength_ratios, self.weights


class AbsoluteSources(AbstractSources):
    """Sources whose directions and wavelengths are given, such as those of a source file.

    Attributes:
        directions: Unit vectors of the photons, source to sample.
        wavelengths: [Å].
        weights: Relative intensities.
    """

    directions: Float[Array, "source 3"]
    wavelengths: Float[Array, "source"]
    weights: Float[Array, "source"]

    def __init__(self, directions: Any, wavelengths: Any, weights: Any = None) -> None:
        """Check and keep the sources.

        Raises:
            ValueError: If the lists differ in length, a direction is no unit vector, or a number cannot be.
        """
        self.directions = checks.leaf("directions", directions, (None, 3))
        count = self.directions.shape[0]
        self.wavelengths = checks.leaf("wavelengths", wavelengths, (count,))
        self.weights = _weights(weights, count)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.unit_vector("directions", self.directions)
        checks.positive("wavelengths", self.wavelengths)
        _check_weights(self.weights)

    def rays(
        self, direction: Float[Array, "3"], polarization_axis: Float[Array, "3"], wavelength: Float[Array, ""]
    ) -> Rays:
        """See `AbstractSources.rays`; the beam's own direction and wavelength are not used."""
        del direction, polarization_axis, wavelength
        return self.directions, self.wavelengths, self.weights


def _weights(weights: Any, count: int) -> Float[Array, "source"]:
    if count == 0:
        raise ValueError("There must be at least one source, but the lists are empty.")
    return checks.leaf("weights", np.ones(count) if weights is None else weights, (count,))


def _check_weights(weights: Float[Array, "source"]) -> None:
    checks.not_negative("weights", weights)
    known = checks.known(weights)
    if known is not None:
        checks.require(known.sum() > 0, "weights", "not all be zero", known)
