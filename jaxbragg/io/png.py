"""Pictures for people: spots dark on white, on a scale that shows weak and strong ones together."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxbragg.io.atomic import check_writable, write_atomically
from jaxbragg.io.errors import FileError

_DPI = 150
_SIDE = 7.0  # [inch] longer side of the image proper
_BLOCKS = 1000  # at most that many along it: each is then at least one dot of the picture


def write_png(
    path: str | os.PathLike[str],
    image: ArrayLike,
    title: str | None = None,
    colors: str = "binary",
    upper: float | None = None,
    power: float = 0.35,
) -> None:
    """Draws an image with its axes and a colour bar.

    A large image is reduced to the largest value of each block of pixels, so that no spot is lost between dots.
    Shades follow a power law, which has no trouble with zeros; negative values are drawn as zero, NaN in light blue.

    Args:
        path: PNG file to write.
        image: [photons] Pixels, `(slow, fast)`.
        title: A line above the image.
        colors: Name of a matplotlib colour map; "binary" is dark on white, "inferno" bright on dark.
        upper: [photons] Value drawn in the last colour; by default the 99.95th percentile of what is drawn.
        power: Exponent of the scale; 1 is linear, smaller values show weaker spots.

    Raises:
        FileError: The file cannot be written, or matplotlib is not installed.
        ValueError: `image` is not two-dimensional.
    """
    pixels = np.asarray(image, dtype=np.float64)
    if pixels.ndim != 2 or not pixels.size:
        raise ValueError(f"Argument `image` must be (slow, fast), but its shape is {pixels.shape}")
    write_figure(path, lambda: figure_of(pixels, title=title, colors=colors, upper=upper, power=power)[0])


def write_figure(path: str | os.PathLike[str], make: Callable[[], Any]) -> None:
    """A figure as a PNG file.

    Args:
        path: PNG file to write.
        make: Makes a figure of matplotlib, with a canvas.

    Raises:
        FileError: The file cannot be written, or matplotlib is not installed.
    """
    check_writable(path)
    try:
        figure = make()
    except ImportError as error:
        raise FileError(path, "a picture needs matplotlib: pip install 'jaxbragg[plot]'") from error
    content = io.BytesIO()
    figure.canvas.print_figure(content, format="png", dpi=_DPI)
    write_atomically(path, content.getvalue())


def figure_of(
    pixels: NDArray[np.float64],
    *,
    title: str | None = None,
    colors: str = "binary",
    upper: float | None = None,
    power: float | str = 0.35,
    percentile: float = 99.95,
    extent: tuple[float, float, float, float] | None = None,
    unit: str = "pixels",
    missing: str = "lightblue",
) -> tuple[Any, Any]:
    """The figure of an image, and its axes, for what is to be drawn over it.

    Args:
        pixels: [photons] `(slow, fast)`.
        title: A line above the image.
        colors: Name of a matplotlib colour map.
        upper: [photons] Value drawn in the last colour, in place of the percentile.
        power: Exponent of the scale, or "log".
        percentile: Of what is drawn, for the last colour.
        extent: Left, right, bottom and top edge.
        unit: Of the axes.
        missing: Colour of NaN.

    Raises:
        ImportError: matplotlib is not installed.
    """
    # Here, because it takes a second and is an extra.
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LogNorm, PowerNorm
    from matplotlib.figure import Figure

    slow, fast = pixels.shape
    drawn = _block_maximum(pixels, -(-max(slow, fast) // _BLOCKS))
    top = _upper(drawn, percentile) if upper is None else upper

    # Sizes are set by hand: no layout engine promises a dot for every block.
    longest = max(slow, fast)
    width, height = max(_SIDE * fast / longest, 0.8), max(_SIDE * slow / longest, 0.8)
    left, right, below, above = 0.8, 1.2, 0.65, 0.2 if title is None else 0.5
    across, up = left + width + right, below + height + above
    figure = Figure(figsize=(across, up), dpi=_DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((left / across, below / up, width / across, height / up))
    shades = colormaps[colors].with_extremes(bad=missing)
    if isinstance(power, str):
        least = max(top * 1e-4, min(0.5, top / 2))  # zeros are drawn as this
        drawn, norm = np.where(np.isnan(drawn), np.nan, np.maximum(drawn, least)), LogNorm(least, max(top, 2 * least))
    else:
        norm = PowerNorm(power, vmin=0.0, vmax=top)
    picture = axes.imshow(
        np.ma.masked_invalid(drawn),
        cmap=shades,
        norm=norm,
        interpolation="nearest",
        extent=(-0.5, fast - 0.5, slow - 0.5, -0.5) if extent is None else extent,
        aspect="auto" if min(width, height) == 0.8 else "equal",
    )
    axes.set_xlabel(f"fast [{unit}] →" if unit == "pixels" else f"[{unit}]")
    axes.set_ylabel(f"← slow [{unit}]" if unit == "pixels" else f"[{unit}]")  # turned: its arrow points down
    if title is not None:
        axes.set_title(title, parse_math=False)
    beside = figure.add_axes(((left + width + 0.15) / across, below / up, 0.15 / across, height / up))
    clipped = bool(np.nanmax(drawn, initial=0.0) > top)
    bar = figure.colorbar(picture, cax=beside, extend="max" if clipped else "neither")
    if not isinstance(power, str):
        bar.set_ticks(_ticks(top, power, 6 if height > 2.0 else 2))
        bar.ax.minorticks_off()
    bar.set_label("photons")
    return figure, axes


def _block_maximum(pixels: NDArray[np.float64], block: int) -> NDArray[np.float64]:
    """Reduces block × block pixels to their largest, negative ones taken as zero; NaN only where all are NaN."""
    pixels = np.where(np.isfinite(pixels), np.maximum(pixels, 0.0), np.nan)
    if block == 1:
        return pixels
    slow, fast = pixels.shape
    padded = np.pad(pixels, ((0, -slow % block), (0, -fast % block)), constant_values=np.nan)
    blocks = padded.reshape(padded.shape[0] // block, block, padded.shape[1] // block, block)
    return np.fmax.reduce(np.fmax.reduce(blocks, axis=3), axis=1)


def _upper(drawn: NDArray[np.float64], percentile: float) -> float:
    known = drawn[np.isfinite(drawn)]
    top = float(np.percentile(known, percentile)) if known.size else 0.0
    if top <= 0.0 and known.size:  # hardly any pixel is lit
        top = float(known.max())
    return top if top > 0.0 else 1.0


def _ticks(top: float, power: float, count: int) -> list[float]:
    """Round values at about equal steps along the bar, zero included."""
    wanted = top * np.linspace(0.0, 1.0, count + 1)[1:] ** (1.0 / power)
    scale = 10.0 ** np.floor(np.log10(wanted))
    steps = np.array([1.0, 2.0, 5.0])
    nearest = steps[np.maximum(np.searchsorted(steps, wanted / scale, side="right") - 1, 0)]
    return [0.0, *np.unique(nearest * scale).tolist()]
