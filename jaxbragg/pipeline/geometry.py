"""Where the pixels of some tiles are, as seen from the sample, and what their sensor makes of it.

Positions are in the type of the indices: of the tiles' middles, and of the pixels from there. What becomes of them, one
number for each pixel, is in that of the image.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxbragg.models.detector import AbstractDetector
from jaxbragg.pipeline.arrays import Arrays
from jaxbragg.pipeline.settings import Settings
from jaxbragg_kernels import scaling
from jaxbragg_kernels.fusion import fusion_barrier
from jaxbragg_kernels.rays import Directions, directions

_Pixels = Float[Array, "tile pixel"]
_Vectors = tuple[_Pixels, _Pixels, _Pixels]
_Tiles = tuple[Int[Array, "tile"], ...]


class Subpixel(NamedTuple):
    """One sub-pixel of every pixel, in one layer of the sensor."""

    layer: Float[Array, ""]
    slow: Float[Array, ""]
    fast: Float[Array, ""]


class View(NamedTuple):
    """The sub-pixels of some tiles, as seen from the sample.

    Attributes:
        directions: Where they are.
        solid_angle: [sr].
        capture: The share of photons that come to it and that their layer of the sensor stops.
    """

    directions: Directions
    solid_angle: _Pixels
    capture: _Pixels


def subpixels_of(detector: AbstractDetector, settings: Settings) -> Subpixel:
    """Every layer and sub-pixel; sub-pixels at the middles of an even division of the pixel."""
    layers = 1 if detector.sensor is None else detector.sensor.layers
    n = settings.options.oversample
    layer, slow, fast = np.meshgrid(np.arange(layers), np.arange(n), np.arange(n), indexing="ij")
    return Subpixel(
        *(jnp.asarray(x.ravel(), settings.index_dtype) for x in (layer, (slow + 0.5) / n, (fast + 0.5) / n))
    )


def view_of_tiles(
    arrays: Arrays, settings: Settings, tiles: _Tiles, subpixel: Subpixel, *, short_steps: bool = False
) -> View:
    """Directions to the sub-pixels, their solid angles, and the share of photons that their layer stops.

    Args:
        arrays: For detector and absorbers.
        settings: How the image is simulated.
        tiles: Panel, row and column of each.
        subpixel: Which one of each pixel, in which layer.
        short_steps: Whether steps from the middles are computed in the type of the image: to 1e-7 of themselves.
    """
    detector, dtype = arrays.detector, settings.dtype
    sensor = detector.sensor
    places = _places(settings, tiles, subpixel)

    def seen_at(position: Callable) -> Directions:
        middle, offset = _positions(detector, position, places)
        if short_steps:
            offset = (offset[0].astype(dtype), offset[1].astype(dtype), offset[2].astype(dtype))
        return directions(middle, offset, dtype)

    capture = jnp.ones((), dtype)
    if sensor is None:
        seen = seen_at(detector.position)
    else:
        depth = subpixel.layer * sensor.layer_thickness
        seen = seen_at(partial(detector.position_at_depth, depth=depth))
        _, normal = _vectors(detector, detector.normal, places)
        along = [u * n.astype(dtype) for u, n in zip(seen.unit, normal, strict=True)]
        layer, thickness, attenuation = (
            x.astype(dtype) for x in (subpixel.layer, sensor.layer_thickness, sensor.attenuation)
        )
        capture = scaling.capture_fraction(along[0] + along[1] + along[2], layer, thickness, attenuation)
    for absorber in arrays.absorbers:
        capture = capture * absorber.transmission(seen, arrays.beam_direction).astype(dtype)
    area = jax.vmap(detector.pixel_area)(tiles[0])[:, None]
    at = places.at_middles if detector.is_flat else places.at_pixels
    plane = at(detector.plane_distance)
    solid_angle = scaling.solid_angle(
        seen.distance[:, None],
        seen.nearer,
        area,
        plane[:, None] if detector.is_flat else plane,
        point_pixel=settings.options.point_pixel,
    )
    return View(seen, solid_angle, capture)


class _Places(NamedTuple):
    """Sub-pixels: one of each pixel of some tiles.

    Attributes:
        panel: Of each tile.
        slow, fast: The middle of each tile's sub-pixels.
        side: Pixels along the side of a tile.
    """

    panel: Int[Array, "tile"]
    slow: Float[Array, "tile"]
    fast: Float[Array, "tile"]
    side: int

    def at_middles(self, function: Callable) -> Float[Array, "tile ..."]:
        """A detector's function of panel, slow and fast for the tiles' middles."""
        return jax.vmap(function)(self.panel, self.slow, self.fast)

    def at_pixels(self, function: Callable) -> Float[Array, "tile pixel ..."]:
        """A detector's function of panel, slow and fast for the sub-pixels."""
        down, across = self.to_pixels()
        slow, fast = self.slow[:, None] + down, self.fast[:, None] + across
        return jax.vmap(jax.vmap(function, (None, 0, 0)))(self.panel, slow, fast)

    def to_pixels(self) -> tuple[Float[Array, "pixel"], Float[Array, "pixel"]]:
        """From a tile's middle, along slow and along fast."""
        down, across = np.divmod(np.arange(self.side**2), self.side)
        middle = (self.side - 1) / 2
        return jnp.asarray(down - middle, self.slow.dtype), jnp.asarray(across - middle, self.fast.dtype)


def _places(settings: Settings, tiles: _Tiles, subpixel: Subpixel) -> _Places:
    panel, row, column = tiles
    (first_slow, first_fast), side = settings.plan.first, settings.plan.tile
    middle = (side - 1) / 2
    # That of the sub-pixels, not of the pixels: so the roundings of a pixel's sub-pixels are not all the same.
    slow = (first_slow + side * row).astype(settings.index_dtype) + (middle + subpixel.slow)
    fast = (first_fast + side * column).astype(settings.index_dtype) + (middle + subpixel.fast)
    return _Places(panel, slow, fast, side)


def _positions(
    detector: AbstractDetector, position: Callable, places: _Places
) -> tuple[Float[Array, "tile 3"], _Vectors]:
    """Positions of the tiles' middles, and from there to the sub-pixels [m]."""
    if not detector.is_flat:
        middle, (x, y, z) = _vectors(detector, position, places)
        return middle, (x - middle[:, 0, None], y - middle[:, 1, None], z - middle[:, 2, None])
    # Where the panel is flat a derivative is a whole step, and exact in any type.
    by_slow, by_fast = places.at_middles(jax.jacfwd(position, (1, 2)))
    down, across = places.to_pixels()
    x, y, z = (by_slow[:, j, None] * down + by_fast[:, j, None] * across for j in range(3))
    return places.at_middles(position), (x, y, z)


def _vectors(
    detector: AbstractDetector, function: Callable, places: _Places
) -> tuple[Float[Array, "tile 3"], _Vectors]:
    """A detector's function at the tiles' middles and at the sub-pixels; at these [tile 1] where the panel is flat."""
    middle = places.at_middles(function)
    if detector.is_flat:
        return middle, (middle[:, 0, None], middle[:, 1, None], middle[:, 2, None])
    # One image for each: with the components of a vector side by side, nothing would be vectorized.
    x, y, z = (fusion_barrier(partial(places.at_pixels, lambda *place, j=j: function(*place)[j])) for j in range(3))
    return middle, (x, y, z)
