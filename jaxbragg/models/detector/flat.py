"""The flat panel."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxbragg.models import checks
from jaxbragg.models.detector.abstract import AbstractDetector, Sensor, checked_sensor, mask_leaf
from jaxbragg.models.detector.conventions import CONVENTIONS
from jaxbragg.models.detector.placement import place_panel
from jaxbragg_kernels.namespace import namespace_of
from jaxbragg_kernels.numerics import numerics

# Cosine between a given normal and fast × slow: the C program takes any vector for a normal, and so does -odet_vector.
_IN_PLANE = 0.1


class FlatPanel(AbstractDetector):
    """One flat panel, anywhere, at any tilt.

    `jaxbragg.models.detector.placement.place_panel` makes one from beam centre, distance and rotations in the
    conventions of the usual programs.

    Attributes:
        origin: Outer corner of the first pixel, from the sample [m].
        fast_axis: Unit vector along a row of the image.
        slow_axis: Unit vector along a column.
        normal_axis: Unit vector across the panel, almost ± fast × slow; beamline files round the three apart. Its sign
            does not matter: what is asked of a panel is taken away from the sample.
        pixel_size: Along fast and slow [m].
        sensor: Its layers, or None.
        mask: True for the pixels to be simulated, or None.
        pixels: Along slow and fast.
    """

    is_flat: ClassVar[bool] = True
    origin: Float[Array, "3"]
    fast_axis: Float[Array, "3"]
    slow_axis: Float[Array, "3"]
    normal_axis: Float[Array, "3"]
    pixel_size: Float[Array, "2"]
    sensor: Sensor | None
    mask: Bool[Array, "panel slow fast"] | None
    pixels: tuple[int, int] = eqx.field(static=True)

    def __init__(
        self,
        pixels: tuple[int, int],
        pixel_size: Any,
        origin: Any,
        fast_axis: Any,
        slow_axis: Any,
        *,
        normal_axis: Any = None,
        sensor: Sensor | None = None,
        mask: Any = None,
    ) -> None:
        """Check and keep a panel.

        Args:
            pixels: Along slow and fast.
            pixel_size: One number or two, along fast and slow [m].
            origin: [m].
            fast_axis: Unit vector.
            slow_axis: Unit vector.
            normal_axis: Unit vector; if not given, unit(fast × slow), away from the sample.
            sensor: Its layers.
            mask: [slow, fast].

        Raises:
            ValueError: If a value cannot be; the message names it.
        """
        self.pixels = checks.pixels(pixels)
        if checks.outer_shape(pixel_size) == ():
            pixel_size = [pixel_size] * 2
        self.pixel_size = checks.leaf("pixel_size", pixel_size, (2,))
        self.origin = checks.leaf("origin", origin, (3,))
        self.fast_axis = checks.leaf("fast_axis", fast_axis, (3,))
        self.slow_axis = checks.leaf("slow_axis", slow_axis, (3,))
        across = _unit_cross(self.fast_axis, self.slow_axis)
        # Of numpy where the numbers are known: JAX would compile each operation, 10 ms and more.
        across = away(across, self.origin if checks.is_traced((across, self.origin)) else np.asarray(self.origin))
        self.normal_axis = checks.leaf("normal_axis", across if normal_axis is None else normal_axis, (3,))
        self.sensor = checked_sensor(sensor)
        self.mask = mask_leaf(mask, self.shape)

    @classmethod
    def from_distance(
        cls,
        pixels: tuple[int, int],
        pixel_size: float,
        distance: Any,
        beam_center: tuple[Any, Any] | None = None,
        convention: str = "mosflm",
        *,
        rotations: Any = (0.0, 0.0, 0.0),
        twotheta: Any = 0.0,
        sensor: Sensor | None = None,
        mask: Any = None,
    ) -> "FlatPanel":
        """A panel across the beam, in the frame of one of the usual programs, as nanoBragg's flags place it.

            panel = jb.FlatPanel.from_distance((2527, 2463), 172e-6, 0.2, (0.217, 0.212))

        Args:
            pixels: Along slow and fast.
            pixel_size: Edge of a pixel [m].
            distance: Sample to the beam spot [m], or to the nearest point where the convention pivots about the sample.
            beam_center: Xbeam and Ybeam in the convention's sense [m]; None for the middle.
            convention: "mosflm", "denzo", "adxv", "xds" or "dials". The beam is along x in the first two, along z in
                the others; `Beam(direction=…)` must be the same.
            rotations: Of the detector about x, y and z [deg].
            twotheta: Swing about the convention's 2θ axis [deg].
            sensor: Its layers.
            mask: [slow, fast].

        Raises:
            ValueError: If there is no such convention, or a value cannot be.
        """
        checks.choice("convention", convention, tuple(name for name in CONVENTIONS if name != "custom"))
        usual, (slow, fast) = CONVENTIONS[convention], checks.pixels(pixels)
        size = (fast * pixel_size, slow * pixel_size)
        x, y = beam_center or usual.default_beam_center(size, (size[0] / 2, size[1] / 2), pixel_size)
        spot = usual.beam_spot(x, y, size, pixel_size)
        placed = place_panel(
            fast=usual.fast,
            slow=usual.slow,
            normal=usual.normal,
            beam=usual.beam,
            pivot=usual.pivot,
            beam_spot=spot,
            close_point=spot,
            distance=distance,
            close_distance=distance if usual.pivot == "sample" else None,
            rotations=rotations,
            twotheta=twotheta,
            twotheta_axis=usual.twotheta_axis,
        )
        return cls(
            pixels,
            pixel_size,
            placed.origin,
            placed.fast,
            placed.slow,
            normal_axis=placed.normal,
            sensor=sensor,
            mask=mask,
        )

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("pixel_size", self.pixel_size)
        checks.unit_vector("normal_axis", self.normal_axis)
        _check_normal(self)

    @property
    def shape(self) -> tuple[int, int, int]:
        """1, slow pixels, fast pixels."""
        return (1, *self.pixels)

    def position(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, "3"]:
        """See `AbstractDetector.position`."""
        del panel
        along_fast = self.fast_axis * (fast * self.pixel_size[0])
        return self.origin + along_fast + self.slow_axis * (slow * self.pixel_size[1])

    def normal(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, "3"]:
        """See `AbstractDetector.normal`."""
        del panel, slow, fast
        return away(self.normal_axis, self.origin)

    def plane_distance(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, ""]:
        """See `AbstractDetector.plane_distance`."""
        del panel, slow, fast
        return (self.origin * away(self.normal_axis, self.origin)).sum()

    def pixel_area(self, panel: Int[Array, ""]) -> Float[Array, ""]:
        """See `AbstractDetector.pixel_area`."""
        del panel
        return self.pixel_size[0] * self.pixel_size[1]


def away(normal: Any, origin: Any) -> Any:
    """A panel's normal, of either sign, away from the sample."""
    xp = namespace_of(normal, origin)
    with numerics():
        return xp.where((origin * normal).sum() < 0, -normal, normal)


def _check_normal(panel: "FlatPanel") -> None:
    """Raise a ValueError for a normal that is none, and for a panel that is seen edge-on."""
    normal, origin = checks.known(panel.normal_axis), checks.known(panel.origin)
    across = checks.known(_unit_cross(panel.fast_axis, panel.slow_axis))
    if normal is not None and across is not None:
        cosine = abs(float(normal @ across))
        if cosine < _IN_PLANE:
            raise ValueError(
                f"Argument `normal_axis` must stand on the panel, but {normal.tolist()} is in its plane, at "
                f"{np.degrees(np.arccos(cosine)):.3g}° to fast × slow."
            )
    if normal is not None and origin is not None and abs(float(normal @ origin)) < 1e-12:
        raise ValueError(
            f"Argument `origin` must not be in one plane with the axes of the panel, which the sample would see "
            f"edge-on, but is {origin.tolist()}."
        )


def _unit_cross(first: jax.Array, second: jax.Array) -> Any:
    """unit(first × second).

    Raises:
        ValueError: If one is no unit vector, or the two are parallel.
    """
    checks.unit_vector("fast_axis", first)
    checks.unit_vector("slow_axis", second)
    xp: Any = jnp if checks.is_traced((first, second)) else np
    with numerics():
        cross = xp.cross(xp.asarray(first), xp.asarray(second))
        length = xp.sqrt((cross * cross).sum())
    known = checks.known(length)
    if known is not None and known < 1e-9:
        raise ValueError("Arguments `fast_axis` and `slow_axis` must not be parallel, but they are.")
    with numerics():
        return cross / length
