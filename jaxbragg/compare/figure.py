"""A picture of two images: both on one scale, their difference, and their ratio over the radius."""

from __future__ import annotations

import io
import os

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxbragg.compare.images import ImageComparison
from jaxbragg.io.atomic import check_writable, write_atomically
from jaxbragg.io.errors import FileError

_DPI = 150
_BLOCKS = 800  # at most that many along a side: each is about one dot of the picture


def write_image_figure(
    path: str | os.PathLike[str],
    a: ArrayLike,
    b: ArrayLike,
    comparison: ImageComparison,
    titles: tuple[str, str] = ("A", "B"),
    corner: tuple[int, int] = (0, 0),
) -> None:
    """Draws both images, their difference, and the ratio of the rings.

    Args:
        path: PNG file to write.
        a, b: [photons] The images, `(slow, fast)`.
        comparison: What `compare_images` found.
        titles: What to write above the two.
        corner: Slow and fast index of the first pixel, where the images are a region.

    Raises:
        FileError: The file cannot be written, or matplotlib is not installed.
    """
    check_writable(path)
    try:  # here, because it takes a second and is an extra
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.colors import PowerNorm
        from matplotlib.figure import Figure
    except ImportError as error:
        raise FileError(path, "a picture needs matplotlib: pip install 'jaxbragg[plot]'") from error

    one, other = (np.where(np.isfinite(x), x, np.nan) for x in (np.asarray(a, np.float64), np.asarray(b, np.float64)))
    slow, fast = one.shape
    step = -(-max(slow, fast) // _BLOCKS)
    shown = [extreme_of_blocks(image, step) for image in (one, other)]
    difference = extreme_of_blocks(other - one, step)
    top = bound(np.concatenate([image.ravel() for image in shown]))
    most = bound(np.abs(difference.ravel()))

    figure = Figure(figsize=(11.0, 9.0), dpi=_DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(2, 2)
    top_edge, left_edge = corner[0] - 0.5, corner[1] - 0.5
    extent = (left_edge, left_edge + fast, top_edge + slow, top_edge)
    for axes, image, title in zip(panels[0], shown, titles, strict=True):
        scale = PowerNorm(0.35, 0.0, top)
        drawn = axes.imshow(np.maximum(image, 0.0), cmap="binary", norm=scale, extent=extent, interpolation="nearest")
        axes.set_title(title, parse_math=False)
        figure.colorbar(drawn, ax=axes, label="photons")
    drawn = panels[1, 0].imshow(
        difference, cmap="RdBu_r", vmin=-most, vmax=most, extent=extent, interpolation="nearest"
    )
    figure.colorbar(drawn, ax=panels[1, 0], label="photons")
    panels[1, 0].set_title("B − A")
    for axes in (*panels[0], panels[1, 0]):
        axes.set_xlabel("fast [pixels] →")
        axes.set_ylabel("← slow [pixels]")
    _draw_profile(panels[1, 1], comparison)

    content = io.BytesIO()
    canvas.print_figure(content, format="png", dpi=_DPI)
    write_atomically(path, content.getvalue())


def _draw_profile(axes, comparison: ImageComparison) -> None:
    profile = comparison.profile
    axes.axhline(1.0, color="0.8")
    axes.plot(profile.radius, profile.ratio, "k.-")
    axes.set_title("B / A, sums over rings")
    axes.set_ylabel("ratio")
    axes.set_xlabel("radius [pixels]")
    angstroms = profile.resolution
    if angstroms is None:
        return
    marks = np.linspace(0, len(angstroms) - 1, 6).round().astype(int)
    above = axes.secondary_xaxis("top")
    above.set_xticks(profile.radius[marks], [f"{angstroms[mark]:.3g}" for mark in marks])
    above.set_xlabel("resolution [Å]")


def extreme_of_blocks(image: NDArray[np.float64], block: int) -> NDArray[np.float64]:
    """Reduces block × block pixels to the value of the largest size, sign kept; NaN only where all are."""
    if block == 1:
        return image
    slow, fast = image.shape
    padded = np.pad(image, ((0, -slow % block), (0, -fast % block)), constant_values=np.nan)
    blocks = padded.reshape(padded.shape[0] // block, block, padded.shape[1] // block, block)
    high, low = (reduce(reduce(blocks, axis=3), axis=1) for reduce in (np.fmax.reduce, np.fmin.reduce))
    return np.where(np.abs(low) > np.abs(high), low, high)


def bound(values: NDArray[np.float64]) -> float:
    """A top for a scale: almost all values lie below it, and it is above 0."""
    known = values[np.isfinite(values)]
    top = float(np.percentile(known, 99.95)) if known.size else 0.0
    if top <= 0.0 and known.size:  # hardly any pixel is lit
        top = float(known.max())
    return top if top > 0.0 else 1.0
