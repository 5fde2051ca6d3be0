"""An image as a person wants to see it: gaps grey, the beam's centre, rings of resolution, predicted spots."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxbragg.io.png import figure_of, write_figure
from jaxbragg.models import Beam, FlatPanel, MultiPanel
from jaxbragg.view.canvas import Canvas, canvas_of, panels_of, positions
from jaxbragg.view.predict import Spots

_GRID = 300  # points along a side at which the resolution is computed
_NICE = (50.0, 30.0, 20.0, 15.0, 10.0, 8.0, 6.0, 5.0, 4.0, 3.5, 3.0, 2.5, 2.2, 2.0, 1.8, 1.6, 1.5, 1.4, 1.3, 1.2, 1.1,
         1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # fmt: skip
SCALES = {"log": "log", "power": 0.35, "sqrt": 0.5, "linear": 1.0}


@dataclass(frozen=True)
class Look:
    """How an image is shown.

    Attributes:
        scale: "power" (0.35, which has no trouble with zeros), "log", "sqrt" or "linear".
        percentile: Of the pixels, whose value has the last colour.
        upper: [photons] That value itself, in place of a percentile.
        rings: Whether rings of resolution are drawn, where the geometry is known.
        labels: Whether predicted spots have their indices beside them.
        colors: Of matplotlib.
        title: A line above.
    """

    scale: str = "power"
    percentile: float = 99.95
    upper: float | None = None
    rings: bool = True
    labels: bool = False
    colors: str = "binary"
    title: str | None = None


_PLAIN = Look()


def show(image: Any, experiment: Any = None, look: Look = _PLAIN, spots: Spots | None = None) -> Any:
    """A figure of matplotlib, which a notebook shows by itself.

        jb.show(image, experiment)

    Args:
        image: Photons or counts, [slow, fast] or [panel, slow, fast].
        experiment: For the gaps, the places of panels, beam centre and rings: anything with `detector` and `beam`, or
            None.
        look: How.
        spots: To be marked, of `jaxbragg.view.predict_spots`.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the image has another shape than the detector.
    """
    detector, beam = getattr(experiment, "detector", None), getattr(experiment, "beam", None)
    if detector is not None and np.shape(image) not in (detector.image_shape, detector.shape):
        raise ValueError(
            f"Argument `image` must have the detector's shape {detector.image_shape}, but has shape {np.shape(image)}."
        )
    towards = (0.0, 0.0, 1.0) if beam is None else np.asarray(beam.direction, float)
    canvas = canvas_of(image, detector, towards)
    figure, axes = figure_of(
        canvas.image,
        title=look.title,
        colors=look.colors,
        upper=look.upper,
        power=SCALES[look.scale],
        percentile=look.percentile,
        extent=canvas.extent,
        unit=canvas.unit,
        missing="lightgray",
    )
    if isinstance(canvas.detector, FlatPanel | MultiPanel) and beam is not None:
        _mark_beam(axes, canvas, beam)
        if look.rings:
            _draw_rings(axes, canvas, beam)
    if spots is not None:
        _mark_spots(axes, canvas, spots, look)
    return figure


def write_view(
    path: str | os.PathLike[str], image: Any, experiment: Any = None, look: Look = _PLAIN, spots: Spots | None = None
) -> None:
    """The same as a PNG file.

    Raises:
        FileError: The file cannot be written, or matplotlib is not installed.
        ValueError: As for `show`.
    """
    write_figure(path, lambda: show(image, experiment, look, spots))


def _mark_beam(axes: Any, canvas: Canvas, beam: Beam) -> None:
    """A cross where the beam meets a panel's plane, if that is in the picture."""
    direction = np.asarray(beam.direction, float)
    if canvas.axes is not None:
        x, y = 0.0, 0.0  # seen along the beam
    else:
        panel = panels_of(canvas.detector)[0]  # type: ignore[arg-type]
        origin, fast, slow, size = (
            np.asarray(v, float) for v in (panel.origin, panel.fast_axis, panel.slow_axis, panel.pixel_size)
        )
        normal = np.cross(fast, slow)
        if abs(normal @ direction) < 1e-9:
            return
        spot = (origin @ normal) / (normal @ direction) * direction - origin
        x, y = spot @ fast / size[0] - 0.5, spot @ slow / size[1] - 0.5
    left, right, bottom, top = canvas.extent
    if left <= x <= right and top <= y <= bottom:
        axes.plot([x], [y], marker="+", color="tab:red", markersize=10, markeredgewidth=1.2)


def _draw_rings(axes: Any, canvas: Canvas, beam: Beam) -> None:
    """Lines of equal resolution on every panel, four or so, each with its spacing."""
    found = [_spacings(panel, i, canvas, beam) for i, panel in enumerate(panels_of(canvas.detector))]  # type: ignore[arg-type]
    values = np.concatenate([spacing.ravel() for _, _, spacing in found])
    values = values[np.isfinite(values)]
    if not values.size:
        return
    low, high = values.min(), values.max()
    inside = [d for d in _NICE if low < d < high]
    # About evenly spaced in 1/d, to the corner.
    wanted = np.linspace(1 / min(high, 60.0), 1 / low, 6)[1:-1]
    chosen = sorted({min(inside, key=lambda d: abs(1 / d - at)) for at in wanted} if inside else set())
    for i, (x, y, spacing) in enumerate(found):
        there = [d for d in chosen if np.nanmin(spacing) < d < np.nanmax(spacing)]
        if not there or min(spacing.shape) < 2:
            continue
        lines = axes.contour(x, y, spacing, levels=there, colors="tab:blue", linewidths=0.6, alpha=0.7)
        if i == 0 or len(found) == 1:
            axes.clabel(lines, fmt=lambda d: f"{d:g} Å", fontsize=7)


def _spacings(panel: FlatPanel, index: int, canvas: Canvas, beam: Beam) -> tuple[Any, Any, Any]:
    """Across, down and spacing [Å] at some points of a panel."""
    slow, fast = (np.linspace(0, n, max(2, min(_GRID, n))) for n in panel.pixels)
    slow, fast = np.meshgrid(slow, fast, indexing="ij")
    rays = positions(panel, slow, fast)
    rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    length = np.linalg.norm(rays - np.asarray(beam.direction, float), axis=-1)
    with np.errstate(divide="ignore"):
        spacing = float(beam.wavelength) / length
    spacing[~np.isfinite(spacing)] = 1e9
    x, y = canvas.place(np.full(slow.size, index), slow.ravel(), fast.ravel())
    return np.reshape(x, slow.shape), np.reshape(y, slow.shape), spacing


def _mark_spots(axes: Any, canvas: Canvas, spots: Spots, look: Look) -> None:
    x, y = canvas.place(spots.panel, spots.slow, spots.fast)
    axes.plot(x, y, linestyle="none", marker="o", markersize=6, markerfacecolor="none", markeredgecolor="tab:green",
              markeredgewidth=0.7)  # fmt: skip
    for at_x, at_y, indices in zip(x, y, spots.hkl, strict=True) if look.labels else ():
        axes.annotate(" ".join(map(str, indices)), (at_x, at_y), xytext=(4, 4), textcoords="offset points", fontsize=5,
                      color="tab:green")  # fmt: skip
