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
