"""What stands between the sample and the pixels: air, a beam stop. A new one is one class, `transmission`."""

import abc
import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.readable import Readable
from jaxbragg_kernels.rays import Directions


class AbstractAbsorber(Readable):
    """What an image asks of an absorber. An experiment may have any number of them; their shares are multiplied."""

    @abc.abstractmethod
    def transmission(self, directions: Directions, beam: Float[Array, "3"]) -> Float[Array, "tile pixel"]:
        """Share of the photons, of crystal and backgrounds, that comes through, 0 … 1.

        The method must be differentiable JAX; leaves are of the type of the indices.

        Args:
            directions: From the sample to the pixels.
            beam: Unit vector of the beam.
        """


class AirPath(AbstractAbsorber):
    """Gas between the sample and the detector: exp(−µ L) of the photons come through a path of the length L.

    Attributes:
        attenuation: µ [1/m].
        start: From which distance to the sample on there is gas, as behind the window of a helium cone [m].
    """

    attenuation: Float[Array, ""]
    start: Float[Array, ""]

    def __init__(self, attenuation: Any, start: Any = 0.0) -> None:
        """Check and keep the numbers.

        Raises:
            ValueError: If one is negative.
        """
        self.attenuation = checks.leaf("attenuation", attenuation)
        self.start = checks.leaf("start", start)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        for name in ("attenuation", "start"):
            checks.not_negative(name, getattr(self, name))

    @classmethod
    def of(
        cls, wavelength: float, start: Any = 0.0, *, pressure: float = 101325.0, temperature: float = 295.0
    ) -> "AirPath":
        """Dry air: at 1 Å 27 % are lost in a metre.

        Args:
            wavelength: [Å].
            start: See `AirPath`.
            pressure: [Pa].
            temperature: [K].

        Raises:
            ValueError: If a number cannot be.
        """
        from jaxbragg.models.detector.attenuation import attenuation_of

        for name, value in (("wavelength", wavelength), ("temperature", temperature)):
            checks.positive(name, value)
        checks.not_negative("pressure", pressure)
        density = 1.2929 * (273.15 / temperature) * (pressure / 101325.0)  # [kg/m³] of dry air
        return cls(attenuation_of({"N": 0.7552, "O": 0.2314, "Ar": 0.0128}, density, wavelength), start)

    def transmission(self, directions: Directions, beam: Float[Array, "3"]) -> Float[Array, "tile pixel"]:
        """See `AbstractAbsorber.transmission`."""
        del beam
        dtype = directions.nearer.dtype
        path = directions.distance[:, None].astype(dtype) / directions.nearer - self.start.astype(dtype)
        return jnp.exp(-self.attenuation.astype(dtype) * jnp.maximum(path, 0.0))


class BeamStop(AbstractAbsorber):
    """A disc across the beam behind the sample; the edge of its shadow is as soft as the beam is wide.

    Attributes:
        radius: [m].
        distance: From the sample along the beam [m].
        penumbra: Standard deviation of the shadow's edge, at the disc [m]; a Gaussian beam's size.
    """

    radius: Float[Array, ""]
    distance: Float[Array, ""]
    penumbra: Float[Array, ""]

    def __init__(self, radius: Any, distance: Any, penumbra: Any = 5e-5) -> None:
        """Check and keep the numbers.

        Raises:
            ValueError: If one is not positive.
        """
        self.radius = checks.leaf("radius", radius)
        self.distance = checks.leaf("distance", distance)
        self.penumbra = checks.leaf("penumbra", penumbra)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        for name in ("radius", "distance", "penumbra"):
            checks.positive(name, getattr(self, name))

    def transmission(self, directions: Directions, beam: Float[Array, "3"]) -> Float[Array, "tile pixel"]:
        """See `AbstractAbsorber.transmission`: how far from the beam a ray meets the plane of the disc."""
        x, y, z = directions.unit
        dtype = x.dtype
        along_x, along_y, along_z = (b for b in beam.astype(dtype))
        cosine = x * along_x + y * along_y + z * along_z
        across = (y * along_z - z * along_y, z * along_x - x * along_z, x * along_y - y * along_x)
        square = across[0] * across[0] + across[1] * across[1] + across[2] * across[2]
        sine = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)
        forward = cosine > 1e-3  # rays that never come to it, or far out
        far = self.distance.astype(dtype) * sine / jnp.where(forward, cosine, 1.0)
        share = 0.5 * (
            1.0 + jax.lax.erf((far - self.radius.astype(dtype)) / (self.penumbra * math.sqrt(2)).astype(dtype))
        )
        return jnp.where(forward, share, 1.0)
