"""Pictures of a refinement: observed, model and residual; how it converged; what is correlated with what."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxbragg.compare.figure import bound, extreme_of_blocks
from jaxbragg.io.atomic import write_atomically

if TYPE_CHECKING:
    from jaxbragg.refine import Result

_DPI = 120
_BLOCKS = 500  # at most that many along a side of each picture
_NAMES = 40  # more than so many names cannot be read


def write_images(path: str, observed: np.ndarray, model: np.ndarray, residual: np.ndarray) -> None:
    """Observed and model on one scale, and the residual in standard deviations.

    Args:
        path: PNG file.
        observed, model: [photons], (slow, fast) or (panel, slow, fast); NaN where a pixel is not used.
        residual: [standard deviations] Likewise.
    """
    from matplotlib.colors import PowerNorm

    shown = [_flat(each) for each in (observed, model, residual)]
    top = bound(np.concatenate([each[np.isfinite(each)] for each in shown[:2]]))
    most = max(5.0, bound(np.abs(shown[2])))
    height = 5.0 * shown[0].shape[0] / shown[0].shape[1]
    figure = _figure(14.0, min(max(height, 2.5), 14.0))
    panels: Any = figure.subplots(1, 3, sharex=True, sharey=True)
    extent = _extent(_stack(observed).shape)
    norm = PowerNorm(0.5, 0.0, top)
    titles = ("observed", "model", "(observed − model)/σ")
    for axes, image, title in zip(panels, shown, titles, strict=True):
        scale = (
            {"vmin": -most, "vmax": most, "cmap": "RdBu_r"} if axes is panels[2] else {"norm": norm, "cmap": "binary"}
        )
        light = image if axes is panels[2] else np.maximum(image, 0.0)
        drawn = axes.imshow(np.ma.masked_invalid(light), extent=extent, interpolation="nearest", **scale)
        axes.set_facecolor("lightgray")
        axes.set_title(title)
        axes.set_xlabel("fast [pixels] →")
        figure.colorbar(drawn, ax=axes, label="σ" if axes is panels[2] else "photons", shrink=0.8)
    panels[0].set_ylabel("← slow [pixels]")
    _write(figure, path)


def write_convergence(path: str, result: Result) -> None:
    """The objective above its end, and the lengths of the steps, over the steps of the last stage."""
    steps = result.history
    objective = np.array([step.objective for step in steps])
    shift = np.array([step.shift for step in steps])
    number = np.arange(len(steps))
    figure = _figure(8.0, 3.5)
    left, right = figure.subplots(1, 2)
    left.semilogy(number, np.maximum(objective - np.nanmin(objective), 1e-3), "k.-")
    left.set_ylabel("−2 ln(likelihood), above its end")
    if np.isfinite(shift).any():
        right.semilogy(number, shift, "k.-")
    right.set_ylabel("length of the step [σ]")
    for axes in (left, right):
        axes.set_xlabel("step")
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.suptitle(result.message, fontsize="medium", parse_math=False)
    _write(figure, path)


def write_correlations(path: str, result: Result) -> None:
    """The matrix of correlations; at most so many values as can be told apart."""
    names = result.names[:_NAMES]
    matrix = result.correlations[: len(names), : len(names)]
    side = 3.0 + 0.25 * len(names)
    figure = _figure(side + 1.0, side)
    axes = figure.subplots()
    drawn = axes.imshow(np.ma.masked_invalid(matrix), cmap="RdBu_r", vmin=-1.0, vmax=1.0)
    axes.set_facecolor("lightgray")
    axes.set_xticks(range(len(names)), names, rotation=90, parse_math=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    if len(names) < len(result.names):
        axes.set_title(f"the first {len(names)} of {len(result.names)} values")
    figure.colorbar(drawn, ax=axes, label="correlation")
    _write(figure, path)


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _write(figure: Any, path: str) -> None:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI)
    write_atomically(path, content.getvalue())


def _stack(image: np.ndarray) -> np.ndarray:
    """Panels below each other."""
    return image.reshape(-1, image.shape[-1])


def _flat(image: np.ndarray) -> np.ndarray:
    stacked = _stack(np.asarray(image, float))
    return extreme_of_blocks(stacked, -(-max(stacked.shape) // _BLOCKS))


def _extent(shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    slow, fast = shape
    return (-0.5, fast - 0.5, slow - 0.5, -0.5)
