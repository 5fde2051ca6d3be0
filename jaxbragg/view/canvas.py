"""Panels in their places: of one panel its own pixels, of several what is seen of them along the beam."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbragg.models import FlatPanel, MultiPanel

_MOST = 4000  # pixels along a side of a picture of several panels


class Canvas(NamedTuple):
    """A picture and the places of its dots.

    Attributes:
        image: [row, column]; NaN where there is no pixel.
        extent: Left, right, bottom and top edge, in `unit`.
        unit: "pixels" of one panel, or "mm".
        detector: Whose picture it is, or None.
        axes: Rows to the right and downwards [3 each]; of several panels.
    """

    image: NDArray[np.float64]
    extent: tuple[float, float, float, float]
    unit: str
    detector: FlatPanel | MultiPanel | None = None
    axes: NDArray[np.float64] | None = None

    def place(self, panel: Any, slow: Any, fast: Any) -> tuple[Any, Any]:
        """Across and down, of places on panels [pixels; 0.5 is the middle of the first]."""
        if self.axes is None or self.detector is None:
            return np.asarray(fast) - 0.5, np.asarray(slow) - 0.5
        panels = panels_of(self.detector)
        x, y = np.empty(len(panel)), np.empty(len(panel))
        for i, each in enumerate(panels):
            own = np.asarray(panel) == i
            places = positions(each, np.asarray(slow)[own], np.asarray(fast)[own]) @ self.axes.T * 1e3
            x[own], y[own] = places[:, 0], places[:, 1]
        return x, y


def panels_of(detector: FlatPanel | MultiPanel) -> tuple[FlatPanel, ...]:
    """Its flat panels."""
    return detector.panels if isinstance(detector, MultiPanel) else (detector,)


def positions(panel: FlatPanel, slow: Any, fast: Any) -> NDArray[np.float64]:
    """Of places on a panel [..., 3; m]."""
    origin, one, other, size = (
        np.asarray(v, float) for v in (panel.origin, panel.fast_axis, panel.slow_axis, panel.pixel_size)
    )
    slow, fast = np.broadcast_arrays(np.asarray(slow, float), np.asarray(fast, float))
    return origin + (fast * size[0])[..., None] * one + (slow * size[1])[..., None] * other


def canvas_of(image: Any, detector: Any = None, beam: Any = (0.0, 0.0, 1.0)) -> Canvas:
    """An image as it is to be seen.

    Args:
        image: [slow, fast] or [panel, slow, fast].
        detector: Whose mask makes gaps, and whose panels are put in their places; None for the pixels as they are.
        beam: Direction of the photons, along which panels are seen.
    """
    pixels = np.array(image, np.float64)
    if detector is not None and detector.mask is not None:
        pixels[~np.asarray(detector.mask).reshape(pixels.shape)] = np.nan
    if pixels.ndim == 2 or not isinstance(detector, MultiPanel):
        flat = pixels.reshape(-1, pixels.shape[-1])
        slow, fast = flat.shape
        known = detector if isinstance(detector, FlatPanel) else None
        return Canvas(flat, (-0.5, fast - 0.5, slow - 0.5, -0.5), "pixels", known)
    return _assembled(pixels, detector, np.asarray(beam, float))


def _assembled(pixels: Any, detector: MultiPanel, beam: Any) -> Canvas:
    """Each pixel's middle, seen along the beam, on a grid as fine as the pixels, or as a picture can be."""
    panels = detector.panels
    right = np.asarray(panels[0].fast_axis, float)
    right = right - (right @ beam) * beam
    if np.linalg.norm(right) < 1e-6:
        right = np.asarray(panels[0].slow_axis, float)
        right = right - (right @ beam) * beam
    right /= np.linalg.norm(right)
    down = np.cross(beam, right)
    if down @ np.asarray(panels[0].slow_axis, float) < 0:
        down = -down
    axes = np.stack([right, down])
    places = []
    for panel in panels:
        slow, fast = np.meshgrid(*(np.arange(n) + 0.5 for n in panel.pixels), indexing="ij")
        places.append(positions(panel, slow, fast) @ axes.T * 1e3)
    every = np.concatenate([place.reshape(-1, 2) for place in places])
    low, high = every.min(axis=0), every.max(axis=0)
    pitch = float(np.asarray(panels[0].pixel_size, float).max()) * 1e3
    pitch = max(pitch, float((high - low).max()) / _MOST)
    size = np.floor((high - low) / pitch + 1.5).astype(int)
    canvas = np.full((size[1], size[0]), np.nan)
    for panel, place, layer in zip(panels, places, pixels, strict=True):
        column, row = np.rint((place - low) / pitch).astype(int).reshape(-1, 2).T
        values = layer[: panel.pixels[0], : panel.pixels[1]].ravel()
        # Of several pixels on one dot, the brightest is seen.
        np.fmax.at(canvas, (row, column), values)
    left, top = low - pitch / 2
    extent = (left, left + size[0] * pitch, top + size[1] * pitch, top)
    return Canvas(canvas, tuple(float(x) for x in extent), "mm", detector, axes)  # type: ignore[arg-type]
