"""Where reflections fall on the detector: by geometry alone, without an image.

References:
    Busing & Levy (1967), Acta Cryst. 22, 457: r = R(φ) A h meets Ewald's sphere where 2 s₀·r + r² = 0, and s = s₀ + r.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbragg.models import Beam, Crystal, FlatPanel, MultiPanel, Scan
from jaxbragg.models.unit_cell import reciprocal_vectors
from jaxbragg.units import RADIANS

_MOST = 50_000_000  # indices in the box


class Spots(NamedTuple):
    """Reflections that diffract onto the detector, those with the highest resolution last.

    Attributes:
        hkl: Miller indices [n, 3].
        panel: Numbers of the panels [n].
        slow, fast: Places of the spots' middles [n, pixels; 0.5 is the middle of the first], as far out as a sensor's
            layers see rays that come obliquely.
        phi: Spindle angles at which they diffract, or come nearest to it [n, deg].
        spacing: [n, Å].
        offset: How far they are from Ewald's sphere at that angle [n, 1/Å].
    """

    hkl: NDArray[np.int64]
    panel: NDArray[np.int64]
    slow: NDArray[np.float64]
    fast: NDArray[np.float64]
    phi: NDArray[np.float64]
    spacing: NDArray[np.float64]
    offset: NDArray[np.float64]


def predict_spots(
    crystal: Crystal,
    beam: Beam,
    detector: FlatPanel | MultiPanel,
    scan: Scan | None = None,
    *,
    d_min: float,
    mosaic: float | None = None,
) -> Spots:
    """The reflections that diffract during an image, by their middles.

    Args:
        crystal: Its cell and orientation; its mosaic spread and size say how near to Ewald's sphere is enough.
        beam: Its mean wavelength and direction.
        detector: One flat panel or several.
        scan: The rotation; None for a still at φ = 0. Of several steps the last is as wide as those before it.
        d_min: Resolution [Å].
        mosaic: Half-width of the orientations [deg], in place of the crystal's own spread.

    Raises:
        ValueError: If the detector is not of flat panels, or there would be too many reflections.
    """
    panels = detector.panels if isinstance(detector, MultiPanel) else (detector,)
    if not all(isinstance(panel, FlatPanel) for panel in panels):
        raise ValueError(f"Argument `detector` must be of flat panels, but is a {type(detector).__name__}.")
    vectors = crystal.vectors() if scan is None else scan.mounted(crystal.vectors())
    stars = reciprocal_vectors(np.asarray(vectors, float))
    hkl = _indices(stars, d_min)
    points = hkl @ stars
    direction, wavelength = np.asarray(beam.direction, float), float(beam.wavelength)
    axis, angles = (np.array([0.0, 0.0, 1.0]), np.zeros(1)) if scan is None else (
        np.asarray(scan.spindle(), float), np.asarray(scan.angles, float)
    )  # fmt: skip
    last = float(angles[-1] - angles[-2]) if len(angles) > 1 else 0.0
    if scan is not None and scan.width is not None:
        last = float(scan.width)
    low, high = sorted((float(angles[0]), float(angles[-1]) + last))
    phi, turned, offset = _nearest(points, axis, (low, high), direction / wavelength)
    length = np.linalg.norm(points, axis=1)
    near = np.abs(offset) <= _enough(crystal, length, mosaic)
    hkl, phi, turned, offset, length = (x[near] for x in (hkl, phi, turned, offset, length))
    rays = direction / wavelength + turned
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    panel, slow, fast = _on_panels(rays, panels)
    hit = np.flatnonzero(panel >= 0)
    hit = hit[np.argsort(length[hit], kind="stable")]
    return Spots(hkl[hit], panel[hit], slow[hit], fast[hit], phi[hit], 1 / length[hit], offset[hit])


def _indices(stars: NDArray[np.float64], d_min: float) -> NDArray[np.int64]:
    if not d_min > 0:
        raise ValueError(f"Argument `d_min` must be positive [Å], but is {d_min}.")
    limits = np.floor(np.linalg.norm(np.linalg.inv(stars), axis=0) / d_min).astype(int)
    if (2.0 * limits + 1).prod() > _MOST:
        raise ValueError(f"Argument `d_min` must leave at most {_MOST} indices, but {d_min} Å has more.")
    grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in limits), indexing="ij"), axis=-1).reshape(-1, 3)
    length2 = ((grid @ stars) ** 2).sum(axis=1)
    return grid[(length2 <= 1 / d_min**2) & (length2 > 0)]


def _nearest(points: Any, axis: Any, span: tuple[float, float], s0: Any) -> tuple[Any, Any, Any]:
    """For each point, the angle of the span at which it is nearest to Ewald's sphere; where it is, and how far off."""
    along = (points @ axis)[:, None] * axis
    first = points - along
    second = np.cross(axis, first)
    # 2 s₀·(along + cos φ first + sin φ second) + r² = 0
    a, b = first @ s0, second @ s0
    c = -0.5 * (points**2).sum(axis=1) - along @ s0
    with np.errstate(invalid="ignore", divide="ignore"):
        half = np.degrees(np.arccos(np.clip(c / np.hypot(a, b), -1, 1)))
    middle = np.degrees(np.arctan2(b, a))
    best: Any = None
    for angle in (middle + half, middle - half):
        # The turn that brings it into the span, or as near to it as can be.
        angle = span[0] + (angle - span[0]) % 360.0
        after = np.where(angle > span[1], np.where(angle - span[1] < 360.0 + span[0] - angle, span[1], span[0]), angle)
        after = np.where(np.isfinite(after), after, span[0])
        radians = after * RADIANS
        turned = along + np.cos(radians)[:, None] * first + np.sin(radians)[:, None] * second
        offset = np.linalg.norm(turned + s0, axis=1) - np.linalg.norm(s0)
        if best is None:
            best = [after, turned, offset]
        else:
            nearer = np.abs(offset) < np.abs(best[2])
            best = [np.where(nearer.reshape(-1, *[1] * (new.ndim - 1)), new, old)
                    for new, old in zip((after, turned, offset), best, strict=True)]  # fmt: skip
    return best[0], best[1], best[2]


def _enough(crystal: Crystal, length: Any, mosaic: float | None) -> Any:
    """How far from Ewald's sphere a reflection still shows [1/Å]: half its width, and what the spread turns it by."""
    if mosaic is None:
        turns = np.asarray(crystal.mosaic.rotations(), float)
        cosine = np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1)
        mosaic = float(np.degrees(np.arccos(cosine)).max())
        mosaic = 0.0 if mosaic < 1e-5 else mosaic  # the arc cosine of what is next to 1
    sizes = np.linalg.norm(np.asarray(crystal.vectors(), float), axis=1) * np.asarray(crystal.cells, float)
    return 0.5 / sizes.min() + length * mosaic * RADIANS


def _on_panels(rays: Any, panels: tuple[FlatPanel, ...]) -> tuple[Any, Any, Any]:
    """Where rays from the sample meet the panels, the nearest of them; −1 for the panel of those that miss."""
    found = np.full(len(rays), -1)
    slow, fast, nearest = np.zeros(len(rays)), np.zeros(len(rays)), np.full(len(rays), np.inf)
    for i, panel in enumerate(panels):
        x, y, t = _seen(rays, panel)
        on = (t > 0) & (t < nearest) & (x >= 0) & (y >= 0) & (x < panel.pixels[1]) & (y < panel.pixels[0])
        found[on], fast[on], slow[on], nearest[on] = i, x[on], y[on], t[on]
    return found, slow, fast


def _seen(rays: Any, panel: FlatPanel) -> tuple[Any, Any, Any]:
    """Fast and slow place [pixels] and distance [m] of rays, the mean over the sensor's layers; NaN if they miss."""
    origin, fast, slow, normal = (
        np.asarray(v, float) for v in (panel.origin, panel.fast_axis, panel.slow_axis, panel.normal_axis)
    )
    size = np.asarray(panel.pixel_size, float)
    normal = normal * np.sign(origin @ normal)
    cosine = rays @ normal
    with np.errstate(all="ignore"):
        distance = np.where(cosine > 1e-9, (origin @ normal) / cosine, np.nan)
        depth = np.zeros(len(rays))
        if panel.sensor is not None:
            thickness, attenuation = float(panel.sensor.layer_thickness), float(panel.sensor.attenuation)
            layers = np.arange(panel.sensor.layers)
            # As the image is simulated: each layer's photons are seen at its front.
            share = np.exp(-layers * thickness * attenuation / cosine[:, None])
            depth = (share * layers).sum(axis=1) / share.sum(axis=1) * thickness
        place = rays * (distance + depth / cosine)[:, None] - origin - depth[:, None] * normal
    # Along axes that need not be at right angles.
    axes = np.stack([fast, slow], axis=1)
    x, y = np.linalg.lstsq(axes, np.nan_to_num(place, nan=1e9).T, rcond=None)[0]
    return x / size[0], y / size[1], np.nan_to_num(distance, nan=-1.0)
