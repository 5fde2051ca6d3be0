"""`jaxbragg compare-images`: how alike are two images, and where do they differ?"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxbragg.cli.arguments import Parser, count, finite, index, not_negative, positive
from jaxbragg.cli.errors import UsageError

if TYPE_CHECKING:
    from jaxbragg.compare.images import ImageComparison
    from jaxbragg.compare.read_images import ImageFile

_FIGURE = "comparison.png"

_DESCRIPTION = """\
Compare two images: correlation, sums, differences, spots, and the ratio over the radius. An image is SMV, .npy,
.npz, HDF5, PGM, what fabio reads, or raw float32, packed or not. Pixels that are not finite in both are left out and
counted, and too many of them are a failure."""

_EXAMPLE = """\
example, with a region of a detector of 2527 × 2463 pixels:
  jaxbragg compare-images nanobragg.bin jaxbragg.bin --shape 2527 2463 --roi 560 783 928 1151 \\
      --min-correlation 0.999 --sum-tolerance 0.001 --out report

exit status: 0 within the limits; 1 beyond one (that of --min-compared always holds); 2 the command line is wrong;
3 a file cannot be read or written, or the images do not go together
"""


def run(words: Sequence[str]) -> int:
    """Compare two images, print the numbers and write the report.

    Args:
        words: The command line after `compare-images`.

    Returns:
        Exit status: 0 within the limits, 1 beyond one, 3 a file is at fault.

    Raises:
        UsageError: If the command line is wrong.
    """
    arguments = _parser().parse(words)
    if arguments is None:
        return 0
    geometry = (arguments.distance, arguments.pixel, arguments.wavelength)
    if None in geometry and geometry != (None, None, None):
        raise UsageError("--distance, --pixel and --wavelength go together: a resolution takes all three")
    from jaxbragg.io.errors import FileError

    try:
        return _compare(arguments, ["jaxbragg", "compare-images", *words])
    except FileError as error:
        sys.stdout.flush()
        print(f"jaxbragg: {error}", file=sys.stderr)
        return 3


def _compare(arguments: argparse.Namespace, command: list[str]) -> int:
    from jaxbragg.compare.image_report import image_metrics, lines_about
    from jaxbragg.compare.images import RingGeometry, compare_images
    from jaxbragg.compare.read_images import read_images
    from jaxbragg.compare.report import check_report, run_metadata, write_report
    from jaxbragg.io.atomic import together
    from jaxbragg.io.errors import FileError

    a, b = read_images(arguments.a, arguments.b, arguments.shape)
    roi = None if arguments.roi is None else tuple(arguments.roi)
    _check_region(roi, a.image.shape)
    if arguments.out is not None:
        check_report(arguments.out, _FIGURE)
    center = tuple(arguments.center) if arguments.center is not None else a.center or b.center
    geometry = a.geometry or b.geometry
    if arguments.distance is not None:
        geometry = RingGeometry(arguments.distance, arguments.pixel, arguments.wavelength)
    try:
        found = compare_images(a.image, b.image, roi=roi, center=center, geometry=geometry)
    except ValueError as error:
        raise FileError(a.path, f"compared with {b.path}: {error}") from error

    lines, failures = lines_about(found), _failures(found, arguments)
    print("\n".join(lines + failures))
    if arguments.out is None:
        return 1 if failures else 0
    summary = ["# Comparison of two images", "", f"- A: `{a.path}`", f"- B: `{b.path}`", ""]
    summary += [f"- {line}" for line in lines + failures]
    metadata = run_metadata(command, {"a": a.path, "b": b.path})
    with together():
        write_report(arguments.out, "\n".join(summary) + "\n", image_metrics(found, failures), metadata)
        _draw(arguments.out, a, b, roi, found)
    print(f"written: {arguments.out}")
    return 1 if failures else 0


def _draw(out: str, a: ImageFile, b: ImageFile, roi: tuple[int, ...] | None, found: ImageComparison) -> None:
    from importlib.util import find_spec

    from jaxbragg.compare.figure import write_image_figure

    if find_spec("matplotlib") is None:
        print(f"without {_FIGURE}: a picture needs matplotlib, pip install 'jaxbragg[plot]'")
        return
    slow, fast = a.image.shape
    left, right, top, bottom = (0, fast - 1, 0, slow - 1) if roi is None else roi
    part_a, part_b = (each.image[top : bottom + 1, left : right + 1] for each in (a, b))
    titles = (f"A: {os.path.basename(a.path)}", f"B: {os.path.basename(b.path)}")
    write_image_figure(os.path.join(out, _FIGURE), part_a, part_b, found, titles, (top, left))


def _check_region(roi: tuple[int, ...] | None, shape: tuple[int, ...]) -> None:
    if roi is None:
        return
    slow, fast = shape
    xmin, xmax, ymin, ymax = roi
    if not (xmin <= xmax < fast and ymin <= ymax < slow):
        said = " ".join(map(str, roi))
        raise UsageError(f"--roi {said} is no region of {fast} × {slow} pixels (fast × slow), ends included")


def _failures(found: ImageComparison, arguments: argparse.Namespace) -> list[str]:
    """Which of the limits are exceeded; NaN is within none."""
    from jaxbragg.compare.coverage import pixel_gap

    failures = []
    least, most = arguments.min_correlation, arguments.sum_tolerance
    either, region = found.num_pixels + found.num_nan - found.num_nan_both, found.num_pixels + found.num_nan
    gap = pixel_gap(found.num_pixels, either, region, arguments.min_compared)
    if gap is not None:
        failures.append(f"FAIL: {gap}")
    if least is not None and not found.correlation >= least:
        failures.append(f"FAIL: the correlation is {found.correlation:.9g}, not at least {least:g}")
    if most is not None and not abs(found.sum_ratio - 1.0) <= most:
        failures.append(f"FAIL: the ratio of sums is {found.sum_ratio:.9g}, further from 1 than {most:g}")
    return failures


def _share(text: str) -> float:
    value = not_negative(text)
    if value > 1.0:
        raise argparse.ArgumentTypeError(f"expected a share from 0 to 1, but got {text!r}")
    return value


def _parser() -> Parser:
    parser = Parser("compare-images", _DESCRIPTION, _EXAMPLE)
    bounds, two = ("XMIN", "XMAX", "YMIN", "YMAX"), ("SLOW", "FAST")
    add = parser.add_argument
    add("a", metavar="A", help="the one image")
    add("b", metavar="B", help="the other; ratios are B / A, differences B − A")
    add("--roi", nargs=4, type=index, metavar=bounds, help="first and last pixel, x along fast, y along slow")
    add("--shape", nargs=2, type=count, metavar=two, help="pixels of a raw image (an SMV image's, or a square)")
    add("--center", nargs=2, type=finite, metavar=two, help="centre of the rings, pixels from 0 (header, or middle)")
    add("--distance", type=positive, metavar="MM", help="to the detector, for the resolution of the rings")
    add("--pixel", type=positive, metavar="MM", help="size of a pixel")
    add("--wavelength", type=positive, metavar="Å", help="wavelength (these three: from an SMV header if not given)")
    add("--out", metavar="DIR", help="folder for summary.md, metrics.json, run_metadata.json and comparison.png")
    add("--min-correlation", type=finite, metavar="X", help="fail below this correlation")
    add(
        "--min-compared",
        type=_share,
        default=0.9,
        metavar="X",
        help="fail where less than this share of the pixels that are finite in A or B are so in both, or less than a "
        "tenth (or X) of all pixels are (0.9)",
    )
    add("--sum-tolerance", type=not_negative, metavar="X", help="fail where B / A of the sums is further than X from 1")
    return parser
