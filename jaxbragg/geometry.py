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
from jaxbragg.options import Options
from jaxbragg.plan import PIXELS_PER_TILE, TILE, Plan
from jaxbragg.precision import types
from jaxbragg_kernels import fences, reciprocal, scaling

_Pixels = Float[Array, "tile pixel"]
_Vectors = tuple[_Pixels, _Pixels, _Pixels]
_Tiles = tuple[Int[Array, "tile"], ...]

_MIDDLE = (TILE - 1) / 2


class Sample(NamedTuple):
    """One sub-pixel of every pixel, in one layer of the sensor."""

    layer: Float[Array, ""]
    slow: Float[Array, ""]
    fast: Float[Array, ""]


def samples_of(detector: AbstractDetector, options: Options) -> Sample:
    """Every layer and sub-pixel; sub-pixels at the middles of an even division of the pixel."""
    exact, _ = types(options)
    layers = 1 if detector.sensor is None else detector.sensor.layers
    n = options.oversample
    layer, slow, fast = np.meshgrid(np.arange(layers), np.arange(n), np.arange(n), indexing="ij")
    return Sample(*(jnp.asarray(x.ravel(), exact) for x in (layer, (slow + 0.5) / n, (fast + 0.5) / n)))


def look(
    detector: AbstractDetector, options: Options, plan: Plan, tiles: _Tiles, sample: Sample
) -> tuple[reciprocal.Directions, _Pixels, _Pixels]:
    """Directions to the sub-pixels, their solid angles, and the share of photons that their layer stops.

    Args:
        detector: With leaves of the type of the indices.
        options: How the image is to be drawn.
        plan: How it is cut.
        tiles: Panel, row and column of each.
        sample: Which sub-pixel, in which layer.
    """
    _, dtype = types(options)
    places = _places(options, plan, tiles, sample)
    middle, offset = _positions(detector, places)
    capture, sensor = jnp.ones((), dtype), detector.sensor
    if sensor is None:
        rays = reciprocal.directions(middle, offset, dtype)
    else:
        normal_at_middle, normal = _vectors(detector, detector.normal, places)
        depth = sample.layer * sensor.layer_thickness
        x, y, z = (d + depth * (n - m[:, None]) for d, n, m in zip(offset, normal, normal_at_middle.T, strict=True))
        rays = reciprocal.directions(middle + depth * normal_at_middle, (x, y, z), dtype)
        along = [u * n.astype(dtype) for u, n in zip(rays.unit, normal, strict=True)]
        layer, thickness, attenuation = (
            x.astype(dtype) for x in (sample.layer, sensor.layer_thickness, sensor.attenuation)
        )
        capture = scaling.capture_fraction(along[0] + along[1] + along[2], layer, thickness, attenuation)
    area = jax.vmap(detector.pixel_area)(tiles[0])[:, None]
    if detector.is_flat:
        plane = places.at_middles(detector.plane_distance)[:, None]
    else:
        plane = places.at_pixels(detector.plane_distance)
    distance = rays.distance[:, None]
    return rays, scaling.solid_angle(distance, rays.nearer, area, plane, point_pixel=options.point_pixel), capture


class _Places(NamedTuple):
    """Sub-pixels: one of each pixel of some tiles.

    Attributes:
        panel: Of each tile.
        slow, fast: The middle of each tile's sub-pixels.
    """

    panel: Int[Array, "tile"]
    slow: Float[Array, "tile"]
    fast: Float[Array, "tile"]

    def at_middles(self, function: Callable) -> Float[Array, "tile ..."]:
        """A detector's function of panel, slow and fast for the tiles' middles."""
        return jax.vmap(function)(self.panel, self.slow, self.fast)

    def at_pixels(self, function: Callable) -> Float[Array, "tile pixel ..."]:
        """The same for the sub-pixels."""
        down, across = self.to_pixels()
        slow, fast = self.slow[:, None] + down, self.fast[:, None] + across
        return jax.vmap(jax.vmap(function, (None, 0, 0)))(self.panel, slow, fast)

    def to_pixels(self) -> tuple[Float[Array, "pixel"], Float[Array, "pixel"]]:
        """From a tile's middle, along slow and along fast."""
        down, across = np.divmod(np.arange(PIXELS_PER_TILE), TILE)
        return jnp.asarray(down - _MIDDLE, self.slow.dtype), jnp.asarray(across - _MIDDLE, self.fast.dtype)


def _places(options: Options, plan: Plan, tiles: _Tiles, sample: Sample) -> _Places:
    exact, _ = types(options)
    panel, row, column = tiles
    # That of the sub-pixels, not of the pixels: so the roundings of a pixel's sub-pixels are not all the same.
    slow = (plan.first[0] + TILE * row).astype(exact) + (_MIDDLE + sample.slow)
    fast = (plan.first[1] + TILE * column).astype(exact) + (_MIDDLE + sample.fast)
    return _Places(panel, slow, fast)


def _positions(detector: AbstractDetector, places: _Places) -> tuple[Float[Array, "tile 3"], _Vectors]:
    """Positions of the tiles' middles, and from there to the sub-pixels [m]."""
    if not detector.is_flat:
        middle, (x, y, z) = _vectors(detector, detector.position, places)
        return middle, (x - middle[:, 0, None], y - middle[:, 1, None], z - middle[:, 2, None])
    # Where the panel is flat a derivative is a whole step, and exact in any type.
    by_slow, by_fast = places.at_middles(jax.jacfwd(detector.position, (1, 2)))
    down, across = places.to_pixels()
    x, y, z = (by_slow[:, j, None] * down + by_fast[:, j, None] * across for j in range(3))
    return places.at_middles(detector.position), (x, y, z)


def _vectors(
    detector: AbstractDetector, function: Callable, places: _Places
) -> tuple[Float[Array, "tile 3"], _Vectors]:
    """A detector's function at the tiles' middles and at the sub-pixels; at these [tile 1] where the panel is flat."""
    middle = places.at_middles(function)
    if detector.is_flat:
        return middle, (middle[:, 0, None], middle[:, 1, None], middle[:, 2, None])
    # One image for each: with the components of a vector side by side, nothing would be vectorized.
    x, y, z = (fences.apart(partial(places.at_pixels, lambda *place, j=j: function(*place)[j])) for j in range(3))
    return middle, (x, y, z)
