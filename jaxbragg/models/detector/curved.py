"""A detector bent so that every pixel is at the same distance from the sample."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxbragg.models import checks
from jaxbragg.models.detector.abstract import AbstractDetector, Sensor, checked_sensor, mask_leaf
from jaxbragg_kernels import rotation


class CurvedDetector(AbstractDetector):
    """A spherical detector: offsets from the beam spot, divided by the distance, are angles.

    Attributes:
        distance: Sample to every pixel [m].
        beam_center: Of the beam spot from the first pixel's outer corner, along fast and slow [m].
        direction: Unit vector of the beam.
        fast_axis: Unit vector along a row of the image, at the beam spot; across the beam.
        slow_axis: Unit vector along a column.
        pixel_size: Along fast and slow [m].
        sensor: Its layers, or None.
        mask: True for the pixels to be simulated, or None.
        pixels: Along slow and fast.
    """

    distance: Float[Array, ""]
    beam_center: Float[Array, "2"]
    direction: Float[Array, "3"]
    fast_axis: Float[Array, "3"]
    slow_axis: Float[Array, "3"]
    pixel_size: Float[Array, "2"]
    sensor: Sensor | None
    mask: Bool[Array, "panel slow fast"] | None
    pixels: tuple[int, int] = eqx.field(static=True)

    def __init__(
        self,
        pixels: tuple[int, int],
        pixel_size: Any,
        distance: Any,
        beam_center: Any,
        *,
        direction: Any = (1.0, 0.0, 0.0),
        fast_axis: Any = (0.0, 0.0, 1.0),
        slow_axis: Any = (0.0, -1.0, 0.0),
        sensor: Sensor | None = None,
        mask: Any = None,
    ) -> None:
        """Check and keep a detector; arguments as the attributes.

        Raises:
            ValueError: If a value cannot be; the message names it.
        """
        self.pixels = checks.pixels(pixels)
        if checks.outer_shape(pixel_size) == ():
            pixel_size = [pixel_size] * 2
        self.pixel_size = checks.leaf("pixel_size", pixel_size, (2,))
        self.distance = checks.leaf("distance", distance)
        self.beam_center = checks.leaf("beam_center", beam_center, (2,))
        self.direction = checks.leaf("direction", direction, (3,))
        self.fast_axis = checks.leaf("fast_axis", fast_axis, (3,))
        self.slow_axis = checks.leaf("slow_axis", slow_axis, (3,))
        self.sensor = checked_sensor(sensor)
        self.mask = mask_leaf(mask, self.shape)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("pixel_size", self.pixel_size)
        checks.positive("distance", self.distance)
        for name in ("direction", "fast_axis", "slow_axis"):
            checks.unit_vector(name, getattr(self, name))
        beam = checks.known(self.direction)
        for name in ("fast_axis", "slow_axis"):
            axis = checks.known(getattr(self, name))
            if beam is not None and axis is not None:
                checks.require(abs(float(beam @ axis)) < 1 - 1e-9, name, "not be along the beam", axis)
        fast, slow = checks.known(self.fast_axis), checks.known(self.slow_axis)
        if fast is not None and slow is not None and abs(float(fast @ slow)) >= 1 - 1e-9:
            raise ValueError("Arguments `fast_axis` and `slow_axis` must not be parallel, but they are.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """1, slow pixels, fast pixels."""
        return (1, *self.pixels)

    def position(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, "3"]:
        """See `AbstractDetector.position`: the beam rotated towards fast and then towards slow."""
        del panel
        along_fast = (fast * self.pixel_size[0] - self.beam_center[0]) / self.distance
        along_slow = (slow * self.pixel_size[1] - self.beam_center[1]) / self.distance
        fast_turn = rotation.axis_angle(_cross(self.direction, self.fast_axis), along_fast)
        slow_turn = rotation.axis_angle(_cross(self.direction, self.slow_axis), along_slow)
        return self.distance * rotation.apply(slow_turn, rotation.apply(fast_turn, self.direction))

    def normal(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, "3"]:
        """See `AbstractDetector.normal`: the sensor faces the sample everywhere."""
        return self.position(panel, slow, fast) / self.distance

    def plane_distance(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, ""]:
        """See `AbstractDetector.plane_distance`."""
        del panel, slow, fast
        return self.distance

    def pixel_area(self, panel: Int[Array, ""]) -> Float[Array, ""]:
        """See `AbstractDetector.pixel_area`."""
        del panel
        return self.pixel_size[0] * self.pixel_size[1]


def _cross(first: Float[Array, "3"], second: Float[Array, "3"]) -> Float[Array, "3"]:
    """unit(first × second)."""
    cross = jnp.cross(first, second)
    return cross / jnp.sqrt((cross * cross).sum())
