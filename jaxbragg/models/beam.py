"""The X-ray beam."""

from typing import Any

import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.profile import AbstractProfile
from jaxbragg.models.readable import Readable
from jaxbragg.models.sources import AbstractSources, GaussianRays, Rays, RelativeSources
from jaxbragg.units import UNIT_FLUENCE
from jaxbragg_kernels.namespace import namespace_of
from jaxbragg_kernels.numerics import numerics


def polarization_of_stokes(stokes: Any, direction: Any, polarization_axis: Any) -> tuple[float, np.ndarray]:
    """Kahn's factor and the axis that it is about, of light that is polarized elliptically.

        factor, axis = polarization_of_stokes((0.8, 0.1, 0.5), (0, 0, 1), (1, 0, 0))
        beam = jb.Beam(1.0, direction=(0, 0, 1), polarization=factor, polarization_axis=axis)

    What electrons scatter does not depend on S₃: elliptical light is scattered as light that is polarized in part along
    the ellipse's long axis.

    Args:
        stokes: S₁, S₂, S₃ over S₀: along the axis against across it, 45° towards beam × axis against the other way,
            and circular.
        direction: Unit vector of the beam.
        polarization_axis: Unit vector, not along the beam.

    Raises:
        ValueError: If the three are longer than 1, which no light is.

    References:
        Blume & Gibbs (1988), Phys. Rev. B 37, 1779: scattering by charge alone; Kahn et al. (1982), J. Appl. Cryst. 15,
        330: the factor.
    """
    first, second, third = (float(x) for x in np.asarray(checks.leaf("stokes", stokes, (3,))))
    checks.require(first**2 + second**2 + third**2 <= 1 + 1e-9, "stokes", "be of length 1 at most", stokes)
    beam, axis = np.asarray(direction, float), np.asarray(polarization_axis, float)
    across = np.cross(beam, axis)
    across /= np.linalg.norm(across)
    half = 0.5 * np.arctan2(second, first)
    turned = np.cos(half) * np.cross(across, beam) + np.sin(half) * across
    return float(np.hypot(first, second)), turned


class Beam(Readable):
    """Wavelength, direction, polarization and intensity of the beam, and the sources that it is made of.

    Attributes:
        wavelength: [Å].
        direction: Unit vector of the photons, source to sample.
        polarization_axis: Unit vector of the electric field.
        polarization: Kahn's factor, −1 … 1; 0 is unpolarized, 1 polarized along the axis.
        fluence: Photons through each square metre during the exposure [1/m²].
        sources: Divergence and spectrum.
        profile: Across the sample; None for a beam that is as strong everywhere.
    """

    wavelength: Float[Array, ""]
    direction: Float[Array, "3"]
    polarization_axis: Float[Array, "3"]
    polarization: Float[Array, ""]
    fluence: Float[Array, ""]
    sources: AbstractSources
    profile: AbstractProfile | None

    def __init__(
        self,
        wavelength: Any = 1.0,
        *,
        direction: Any = (1.0, 0.0, 0.0),
        polarization_axis: Any = (0.0, 0.0, 1.0),
        polarization: Any = 0.0,
        fluence: Any = None,
        flux: Any = None,
        exposure: Any = 1.0,
        size: Any = 1e-4,
        sources: AbstractSources | None = None,
        profile: AbstractProfile | None = None,
    ) -> None:
        """Check and keep a beam.

        Args:
            wavelength: [Å].
            direction: Unit vector.
            polarization_axis: Unit vector, not along the beam.
            polarization: −1 … 1.
            fluence: [photons/m²]; if neither it nor a flux is given, r_e² · fluence = 1 and the image is in units of
                one electron's scattering into the pixel.
            flux: Instead of a fluence: [photons/s], with exposure [s] and size [m, full width of a square beam].
            exposure: [s].
            size: [m].
            sources: None for a parallel, monochromatic beam.
            profile: Across the sample; the fluence is that in its middle, where a crystal without `position` is.

        Raises:
            ValueError: If a value cannot be; the message names it.
        """
        self.wavelength = checks.leaf("wavelength", wavelength)
        self.direction = checks.leaf("direction", direction, (3,))
        self.polarization_axis = checks.leaf("polarization_axis", polarization_axis, (3,))
        self.polarization = checks.leaf("polarization", polarization)
        if flux is not None:
            if fluence is not None:
                raise ValueError("Arguments `fluence` and `flux` exclude each other, but both are given.")
            flux, exposure, size = (
                checks.leaf(name, value) for name, value in (("flux", flux), ("exposure", exposure), ("size", size))
            )
            checks.not_negative("flux", flux)
            checks.positive("exposure", exposure)
            checks.positive("size", size)
            with numerics():
                fluence = flux * exposure / size**2
        self.fluence = checks.leaf("fluence", UNIT_FLUENCE if fluence is None else fluence)
        self.sources = RelativeSources() if sources is None else sources
        self.profile = profile

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("wavelength", self.wavelength)
        checks.unit_vector("direction", self.direction)
        checks.unit_vector("polarization_axis", self.polarization_axis)
        beam, axis, factor = map(checks.known, (self.direction, self.polarization_axis, self.polarization))
        if beam is not None and axis is not None:
            checks.require(abs(float(beam @ axis)) < 1 - 1e-9, "polarization_axis", "not be along the beam", axis)
        if factor is not None:
            checks.require(abs(factor) <= 1, "polarization", "be between -1 and 1", factor)
        checks.not_negative("fluence", self.fluence)
        if not isinstance(self.sources, AbstractSources):
            raise ValueError(f"Argument `sources` must be sources such as RelativeSources, but is {self.sources!r}.")
        if not isinstance(self.profile, AbstractProfile | None):
            raise ValueError(
                f"Argument `profile` must be a profile such as GaussianProfile or None, but is {self.profile!r}."
            )
        self._check_polarized_sources()

    def _check_polarized_sources(self) -> None:
        """Raise a ValueError where light that is polarized runs along its own electric field."""
        factor, axis = checks.known(self.polarization), checks.known(self.polarization_axis)
        directions = checks.known(getattr(self.sources, "directions", None))
        if factor is None or factor == 0 or axis is None or directions is None:
            return
        if (np.abs(directions @ axis) >= 1 - 1e-9).any():
            raise ValueError(
                "Argument `polarization_axis` must not be along a source of polarized light (polarization "
                f"{float(factor):g}), but is {axis.tolist()}."
            )

    def share_at(self, place: Float[Array, "3"]) -> Float[Array, ""]:
        """The fluence at a place [m, from the beam's middle] over that in the middle."""
        if self.profile is None:
            return np.ones(())  # type: ignore[return-value]
        with numerics():
            xp = namespace_of(place, self.direction, self.polarization_axis)
            across = xp.cross(self.direction, self.polarization_axis)
            across = across / xp.sqrt((across * across).sum())
            along = xp.cross(across, self.direction)
            return self.profile.share((place * along).sum(), (place * across).sum())

    def rays(self) -> Rays:
        """Photon directions, wavelengths [Å] and weights of all sources; the weights sum to 1."""
        with numerics():
            directions, wavelengths, weights = self.sources.rays(
                self.direction, self.polarization_axis, self.wavelength
            )
            return directions, wavelengths, weights / weights.sum()

    def gaussians(self) -> GaussianRays:
        """The sources as Gaussian lines; the weights sum to 1."""
        with numerics():
            lines = self.sources.gaussians(self.direction, self.polarization_axis, self.wavelength)
            return lines._replace(weights=lines.weights / lines.weights.sum())
