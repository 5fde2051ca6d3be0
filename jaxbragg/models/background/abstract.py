"""What an image asks of a background."""

import abc

from jaxtyping import Array, Float

from jaxbragg.models.readable import Readable
from jaxbragg_kernels.rays import Rays


class AbstractBackground(Readable):
    """What an image asks of a background. An experiment may have any number of them; they are added."""

    @abc.abstractmethod
    def scattering(self, rays: Rays) -> Float[Array, "tile pixel"]:
        """|F|² of all that scatters, towards each pixel [electrons²].

        Photons are r_e² Φ times this, times polarization, solid angle and capture, which are the image's. The method is
        of some tiles of pixels and one source, and must be differentiable JAX; leaves are of the type of the indices.

        Args:
            rays: To the pixels. `rays.scattering_length() / 2` is sin θ/λ [1/Å]; `rays.directions.unit` are unit
                vectors to the pixels.
        """


class AbstractRadialBackground(AbstractBackground):
    """One that is smooth and alike all around the beam.

    An image by spots looks up the sum of all of these at once, in a table of 2¹⁶ even steps from 0 to 1/λ: what has
    more detail than cubics between these show is an `AbstractBackground`.
    """

    @abc.abstractmethod
    def intensity(self, stol: Float[Array, "..."]) -> Float[Array, "..."]:
        """|F|² of all that scatters [electrons²], of the type of `stol`.

        Args:
            stol: sin θ/λ [1/Å].
        """

    @property
    def is_constant(self) -> bool:
        """Whether it is the same at all angles, which no table needs to tell."""
        return False

    def scattering(self, rays: Rays) -> Float[Array, "tile pixel"]:
        """See `AbstractBackground.scattering`."""
        return self.intensity(0.5 * rays.scattering_length())
