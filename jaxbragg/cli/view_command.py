"""`jaxbragg view`: a picture of an image, or of two and their difference."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jaxbragg.cli.arguments import Parser, count, index, not_negative, positive
from jaxbragg.cli.errors import UsageError

if TYPE_CHECKING:
    from jaxbragg.io.geometry import Geometry

_DESCRIPTION = """\
Show an image: spots dark on white, gaps grey, panels in their places, the beam's centre and rings of resolution where
the geometry is known (from the file itself, or --geometry). Two files are shown beside each other with their
difference and the ratio over the radius. Without -o, a window."""

_EXAMPLE = """\
examples:
  jaxbragg view image.h5 --frame 3 -o image.png
  jaxbragg view series_0001.cbf --geometry refined.expt --predict --dmin 2 -o spots.png
  jaxbragg view observed.img simulated.img -o both.png

exit status: 0; 1 a file cannot be read or written; 2 the command line is wrong
"""


def run(words: Sequence[str]) -> int:
    """Show one image, or two.

    Raises:
        UsageError: If the command line is wrong.
        FileError: If a file cannot be read or written.
    """
    arguments = _parser().parse(words)
    if arguments is None:
        return 0
    from jaxbragg.cli.file_names import check_output
    from jaxbragg.io import ledger

    if len(arguments.files) > 2:
        raise UsageError(f"one image or two can be shown, not {len(arguments.files)}; see jaxbragg view --help")
    for path in (*arguments.files, *([arguments.geometry] if arguments.geometry else [])):
        ledger.reading(path, "an input")
    if arguments.output is not None:
        check_output("-o", arguments.output, "PNG")
    if len(arguments.files) == 2:
        return _two(arguments)
    return _one(arguments)


def _one(arguments: argparse.Namespace) -> int:
    import numpy as np

    from jaxbragg.io import FileError
    from jaxbragg.io.images import read_image
    from jaxbragg.refine.flagged import flagged
    from jaxbragg.view import Look, show, write_view

    path = arguments.files[0]
    geometry = _geometry(arguments)
    shape = tuple(arguments.shape) if arguments.shape else None if geometry is None else geometry.detector.image_shape
    stored = read_image(path, shape, arguments.dataset, arguments.frame)
    pixels = stored.pixels.astype(np.float64)
    offset = _offset(stored.header)
    gaps = flagged(stored.pixels, full=False)
    if stored.pixels.dtype == np.uint32:
        gaps |= stored.pixels == 2**32 - 1
    pixels[gaps] = np.nan
    pixels -= offset
    if pixels.ndim == 1:
        raise FileError(path, "how many pixels it has is not known: give --shape SLOW FAST, or --geometry FILE")
    seen = _Seen(geometry, pixels.shape)
    spots = None
    if arguments.predict:
        spots = _spots(arguments, geometry)
        print(f"{len(spots.hkl)} reflections predicted")
    title = arguments.title if arguments.title is not None else os.path.basename(path)
    look = Look(
        scale=arguments.scale,
        percentile=arguments.percentile,
        upper=arguments.upper,
        rings=not arguments.no_rings,
        labels=arguments.labels,
        title=title,
    )
    if arguments.output is not None:
        write_view(arguments.output, pixels, seen, look, spots)
        print(f"wrote {arguments.output}")
        return 0
    try:
        figure = show(pixels, seen, look, spots)
    except ImportError:
        raise FileError(path, "a picture needs matplotlib: pip install 'jaxbragg[plot]'") from None
    return _window(figure)


class _Seen:
    """What `show` asks of an experiment: the detector, where the image is of it, and the beam, where it is known."""

    def __init__(self, geometry: Geometry | None, shape: tuple[int, ...]) -> None:
        fits = geometry is not None and shape in (geometry.detector.image_shape, geometry.detector.shape)
        self.detector: Any = geometry.detector if geometry is not None and fits else None
        self.beam: Any = geometry.beam() if geometry is not None and fits and geometry.wavelength else None


def _geometry(arguments: argparse.Namespace) -> Geometry | None:
    from jaxbragg.io import FileError
    from jaxbragg.io.geometry import load

    if arguments.geometry:
        return load(arguments.geometry)
    try:
        return load(arguments.files[0])
    except FileError:
        return None  # an image without a geometry is shown without rings


def _offset(header: Any) -> float:
    try:
        return float(header.get("ADC_OFFSET", 0.0))
    except ValueError:
        return 0.0


def _spots(arguments: argparse.Namespace, geometry: Geometry | None) -> Any:
    """The reflections of the geometry's crystal in the image that is shown."""
    from jaxbragg.view import predict_spots

    if geometry is None or geometry.vectors is None:
        raise UsageError("--predict needs a crystal: --geometry FILE.expt of DIALS, or XPARM.XDS, has one")
    if geometry.wavelength is None:
        raise UsageError(f"--predict needs a wavelength, and {geometry.path} does not say it")
    crystal = geometry.crystal(cells=1000)
    scan = geometry.scan(steps=2, image=arguments.frame or 0)
    try:
        return predict_spots(
            crystal, geometry.beam(), geometry.detector, scan, d_min=arguments.dmin, mosaic=arguments.mosaic
        )
    except ValueError as error:
        raise UsageError(f"--predict: {error}") from None


def _two(arguments: argparse.Namespace) -> int:
    from jaxbragg.compare.figure import write_image_figure
    from jaxbragg.compare.images import compare_images
    from jaxbragg.compare.read_images import read_images
    from jaxbragg.io import FileError

    if arguments.output is None:
        raise UsageError("two images are shown in a file: -o FILE.png")
    given = [f"--{name}" for name in ("predict", "labels", "frame", "dataset", "upper", "title", "geometry")
             if getattr(arguments, name) not in (None, False)]  # fmt: skip
    if given:
        raise UsageError(f"{given[0]} goes with one image, and these are two")
    a, b = read_images(arguments.files[0], arguments.files[1], arguments.shape)
    try:
        found = compare_images(a.image, b.image, center=a.center or b.center, geometry=a.geometry or b.geometry)
    except ValueError as error:
        raise FileError(a.path, f"compared with {b.path}: {error}") from error
    titles = (f"A: {os.path.basename(a.path)}", f"B: {os.path.basename(b.path)}")
    write_image_figure(arguments.output, a.image, b.image, found, titles)
    print(f"wrote {arguments.output}")
    return 0


def _window(figure: Any) -> int:
    from matplotlib import pyplot

    if pyplot.get_backend().lower() == "agg" or (sys.platform == "linux" and not _has_display()):
        raise UsageError("there is no screen here to open a window on: write a file with -o FILE.png")
    manager: Any = pyplot.figure().canvas.manager
    manager.canvas.figure = figure
    figure.set_canvas(manager.canvas)
    pyplot.show()
    return 0


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _percent(text: str) -> float:
    value = positive(text)
    if value > 100:
        raise argparse.ArgumentTypeError(f"expected a percentage up to 100, but got {text!r}")
    return value


def _parser() -> Parser:
    parser = Parser("view", _DESCRIPTION, _EXAMPLE)
    add = parser.add_argument
    add("files", metavar="FILE", nargs="+", help="an image of any format that is read, or two")
    add("-o", "--output", metavar="PNG", help="file to write (a window)")
    add("--geometry", metavar="FILE", help=".expt, .geom, NXmx, XDS.INP, XPARM.XDS, or an image with a header")
    add("--frame", type=index, metavar="N", help="which image of a series, from 0")
    add("--dataset", metavar="NAME", help="of an HDF5 file that holds several")
    add("--shape", nargs=2, type=count, metavar=("SLOW", "FAST"), help="pixels of a raw image (the geometry's)")
    add("--scale", choices=("power", "log", "sqrt", "linear"), default="power", help="of the shades (power, of 0.35)")
    add("--percentile", type=_percent, default=99.95, metavar="P", help="of the pixels, for the last shade (99.95)")
    add("--upper", type=positive, metavar="X", help="value of the last shade, in place of a percentile")
    add("--no-rings", action="store_true", help="no rings of resolution")
    add("--predict", action="store_true", help="mark the reflections of the geometry's crystal")
    add("--labels", action="store_true", help="h k l beside them")
    add("--dmin", type=positive, default=2.0, metavar="Å", help="how far reflections are predicted (2)")
    add("--mosaic", type=not_negative, default=0.05, metavar="DEG", help="half-width of the orientations (0.05)")
    add("--title", help="a line above (the file's name)")
    return parser
