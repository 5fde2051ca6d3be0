"""What the simulation asks of a detector. A new geometry is one class that answers, and nothing else changes."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxbragg.models import checks
from jaxbragg.models.readable import Readable
from jaxbragg_kernels.numerics import numerics


class Sensor(Readable):
    """The sensitive material, in layers so that oblique rays smear along their path.

    Attributes:
        layer_thickness: [m].
        attenuation: Attenuation coefficient µ [1/m].
        layers: How many.
    """

    layer_thickness: Float[Array, ""]
    attenuation: Float[Array, ""]
    layers: int = eqx.field(static=True)

    def __init__(self, thickness: Any, attenuation_depth: Any, layers: int = 1) -> None:
        """Check and keep a sensor.

        Args:
            thickness: Of all layers together [m].
            attenuation_depth: Depth at which 1/e of the photons are left [m].
            layers: How many.

        Raises:
            ValueError: If a number is not positive.
        """
        thickness = checks.leaf("thickness", thickness)
        attenuation_depth = checks.leaf("attenuation_depth", attenuation_depth)
        checks.positive("thickness", thickness)
        checks.positive("attenuation_depth", attenuation_depth)
        self.layers = checks.count("layers", layers)
        with numerics():
            self.layer_thickness = thickness / layers
            self.attenuation = 1.0 / attenuation_depth

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("layer_thickness", self.layer_thickness)
        checks.positive("attenuation", self.attenuation)


class AbstractDetector(Readable):
    """A detector: some panels of slow × fast pixels each.

    A new geometry gives `shape`, `position`, `normal`, `plane_distance`, `pixel_area`, and the attributes `sensor` and
    `mask`. The four functions are of one pixel: coordinates are scalars, and real numbers (`fast = 3.5` is the middle
    of the fourth pixel), so that any sub-pixel can be asked for. They must be differentiable JAX functions.

    Attributes:
        sensor: Its layers, or None for a detector that counts every photon that arrives.
        mask: True for the pixels to be simulated [panel, slow, fast], or None for all.
        is_flat: Whether on each panel `position` is linear in slow and fast, and `normal` and `plane_distance` are the
            same everywhere: that is faster to simulate. False unless the class that defines them says so.
    """

    is_flat: ClassVar[bool] = False
    sensor: eqx.AbstractVar[Sensor | None]
    mask: eqx.AbstractVar[Bool[Array, "panel slow fast"] | None]

    def __init_subclass__(cls, **arguments: Any) -> None:
        """A class that places its pixels anew does not inherit that they lie in a plane."""
        super().__init_subclass__(**arguments)
        places = {"position", "position_at_depth", "normal", "plane_distance"}
        if "is_flat" not in vars(cls) and vars(cls).keys() & places:
            cls.is_flat = False

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """Panels, slow pixels, fast pixels."""

    @abc.abstractmethod
    def position(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, "3"]:
        """Where a point of the sensor's front is, from the sample [m]."""

    @abc.abstractmethod
    def normal(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, "3"]:
        """Unit normal of the sensor there, away from the sample."""

    def position_at_depth(
        self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""], depth: Float[Array, ""]
    ) -> Float[Array, "3"]:
        """Where a point inside the sensor is, from the sample [m]: along the normal, `depth` [m] behind its front."""
        return self.position(panel, slow, fast) + depth * self.normal(panel, slow, fast)

    @abc.abstractmethod
    def plane_distance(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, ""]:
        """Distance of the sample from the pixel's plane, along its normal [m]."""

    @abc.abstractmethod
    def pixel_area(self, panel: Int[Array, ""]) -> Float[Array, ""]:
        """Area of a pixel [m²]."""

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of the image: (slow, fast), or (panel, slow, fast) where there are several panels."""
        panels, slow, fast = self.shape
        return (slow, fast) if panels == 1 else (panels, slow, fast)


def checked_sensor(sensor: Any) -> Sensor | None:
    """The sensor, or None.

    Raises:
        ValueError: If it is something else.
    """
    if sensor is not None and not isinstance(sensor, Sensor):
        raise ValueError(f"Argument `sensor` must be a Sensor or None, but is {sensor!r}.")
    return sensor


def mask_leaf(mask: Any, shape: tuple[int, int, int]) -> jax.Array | None:
    """A mask as the detectors keep it: [panel, slow, fast].

    Raises:
        ValueError: If its shape is not that of the detector.
    """
    if mask is None:
        return None
    checks.concrete("mask", mask, "pixels that are masked are not simulated; multiply the image instead")
    checks.plain_numbers("mask", mask)
    given = np.asarray(mask)
    if given.dtype.kind == "f" and np.isnan(given).any():
        raise ValueError("Argument `mask` must be True for the pixels to be simulated, but holds NaN.")
    array = given.astype(bool)
    if array.shape not in (shape, shape[1:] if shape[0] == 1 else shape):
        raise ValueError(
            f"Argument `mask` must have the detector's shape {shape[1:] if shape[0] == 1 else shape}, "
            f"but has shape {array.shape}."
        )
    return jax.numpy.asarray(array.reshape(shape))
