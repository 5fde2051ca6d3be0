"""What a refinement leaves in its folder: all of its files or none."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxbragg.cli.refine.as_flags import as_flags, flags_text, matrix_text
from jaxbragg.cli.refine.config import Config
from jaxbragg.cli.refine.setup import Request
from jaxbragg.compare.report import as_json, run_metadata
from jaxbragg.io.atomic import make_folder, together, write_atomically
from jaxbragg.io.raw import write_float_image
from jaxbragg.io.writable import check_folder

if TYPE_CHECKING:
    from jaxbragg.refine import Result

RESULT = "result.json"
_FILES = (RESULT, "summary.txt", "convergence.png", "correlations.png")
_IMAGE_FILES = ("model{}.bin", "residual{}.bin", "image{}.png", "experiment{}.npz", "A{}.mat", "flags{}.txt")


def folder_of(config: Config, given: str | None) -> str:
    """The output folder: --out, or that of the configuration, beside it."""
    return given or config.beside(config.table("output").get("folder", "refined"))


def check(folder: str, request: Request) -> None:
    """Finds out before the fit whether its result can be kept, and that nothing which was read is in its way.

    Raises:
        FileError: It cannot, or a file that is written is an input.
    """
    ends = [_end(request, index) for index in range(len(request.images))]
    check_folder(folder, [*_FILES, *(name.format(end) for end in ends for name in _IMAGE_FILES)])


def write(
    folder: str, config: Config, request: Request, result: Result, command: Sequence[str], warnings: Sequence[str]
) -> list[str]:
    """Write everything, or nothing; lines for the log.

    Args:
        folder: Where to.
        config: For what is wanted, and the record.
        request: What was asked for.
        result: What was found.
        command: The command line, word by word.
        warnings: For the record.

    Raises:
        FileError: If a file cannot be written.
    """
    with together():
        make_folder(folder)
        return _write(folder, config, request, result, command, warnings)


def _write(
    folder: str, config: Config, request: Request, result: Result, command: Sequence[str], warnings: Sequence[str]
) -> list[str]:
    wanted, lines = config.table("output"), []
    figures = wanted.get("figures", True)
    if figures and find_spec("matplotlib") is None:
        lines.append("without figures: they need matplotlib, pip install 'jaxbragg[plot]'")
        figures = False
    images = [
        _write_image(folder, request, result, index, figures, wanted.get("images", True))
        for index in range(len(request.images))
    ]
    if figures:
        from jaxbragg.cli.refine.figures import write_convergence, write_correlations

        write_convergence(os.path.join(folder, "convergence.png"), result)
        write_correlations(os.path.join(folder, "correlations.png"), result)
    lines += _about_flags(folder, images)
    write_atomically(os.path.join(folder, "summary.txt"), f"{result}\n".encode())
    record = {**result.to_dict(), "warnings": list(warnings), "images": images, **_metadata(config, request, command)}
    write_atomically(os.path.join(folder, RESULT), as_json(record).encode())
    return lines


def _write_image(
    folder: str, request: Request, result: Result, index: int, figures: bool, images: bool
) -> dict[str, Any]:
    """One image's files; its part of the record."""
    from jaxbragg.refine.parameter_files import write_parameters

    loaded, measured = request.images[index], result.problem.images[index]
    end = _end(request, index)
    experiment = result.experiments[index] if index == 0 else result.problem.experiment(result.x, index)
    files: dict[str, str] = {}

    def write_as(kind: str, name: str, call: Callable[[str], None]) -> None:
        call(os.path.join(folder, name))
        files[kind] = name

    model, residual = result.model_image(index), result.residual_image(index)
    if images:
        write_as("model", f"model{end}.bin", lambda path: write_float_image(path, model))
        write_as("residual", f"residual{end}.bin", lambda path: write_float_image(path, residual))
    if figures:
        from jaxbragg.cli.refine.figures import write_images

        seen = np.where(measured.used, measured.counts, np.nan)
        write_as("figure", f"image{end}.png", lambda path: write_images(path, seen, model, residual))
    write_as("parameters", f"experiment{end}.npz", lambda path: write_parameters(path, experiment))
    matrix = f"A{end}.mat"
    options = result.problem.recipes[index].settings.options
    found = as_flags(request.argv[index], experiment, options, os.path.join(folder, matrix))
    terms = {each.name for each in result.problem.recipes[index].assignments if each.kind == "image"}
    found.left_out.extend(f"image.{name}" for name in sorted(terms))
    write_as("matrix", matrix, lambda path: write_atomically(path, matrix_text(found.matrix).encode()))
    write_as("flags", f"flags{end}.txt", lambda path: write_atomically(path, flags_text(found).encode()))
    used = residual[np.isfinite(residual)]
    return {
        "file": loaded.path,
        "pixels": int(measured.used.sum()),
        "pixels_masked": int((~measured.used).sum()) - measured.not_numbers - measured.flagged,
        "pixels_untrusted": loaded.untrusted,
        "pixels_without_a_number": measured.not_numbers,
        "pixels_flagged": measured.flagged,
        "chi2_per_pixel": float(np.mean(used**2)) if used.size else None,
        "written": files,
        "not_in_flags": found.left_out,
    }


def _end(request: Request, index: int) -> str:
    """How the names of one image's files end."""
    return f"_{index:0{len(str(len(request.images) - 1))}d}"


def _about_flags(folder: str, images: Sequence[dict[str, Any]]) -> list[str]:
    first = shlex.quote(os.path.join(folder, images[0]["written"]["flags"]))
    lines = [f"to simulate what was found: xargs jaxbragg < {first}"]
    lost = sorted({name for image in images for name in image["not_in_flags"]})
    if lost:
        shown = ", ".join(lost[:6]) + (", …" if len(lost) > 6 else "")
        lines.append(f"not in flags_*.txt, but in experiment_*.npz: {shown}")
    return lines


def _metadata(config: Config, request: Request, command: Sequence[str]) -> dict[str, Any]:
    files = {"config": config.path, **{f"image_{i}": image.path for i, image in enumerate(request.images)}}
    metadata = run_metadata(command, files)
    for name in ("equinox", "scipy", "optax", "optimistix"):
        try:
            metadata["versions"][name] = version(name)
        except PackageNotFoundError:
            metadata["versions"][name] = None
    metadata["configuration"] = config.tables
    return metadata
