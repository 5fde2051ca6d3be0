"""`jaxbragg convert`: images of one format into another, with the geometry that is known."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jaxbragg.cli.arguments import Parser, count, index
from jaxbragg.cli.errors import UsageError

if TYPE_CHECKING:
    from jaxbragg.io.geometry import Geometry

_DESCRIPTION = """\
Write an image, or a series, in another format. The geometry is that of the file itself (NXmx, miniCBF, SMV), or of
--geometry. Whole numbers are counts: an offset that the header says (ADC_OFFSET) is taken off, pixels that hold a mark
(-1, -2, 2³²-1) or that the geometry leaves out are marked as the new format does. Real numbers are expected photons."""

_EXAMPLE = """\
examples:
  jaxbragg convert image_0001.cbf image.h5
  jaxbragg convert series.h5 image_####.cbf --sidecar
  jaxbragg convert floatimage.bin image.h5 --shape 2527 2463 --geometry refined.expt

exit status: 0; 1 a file cannot be read or written; 2 the command line is wrong
"""


def run(words: Sequence[str]) -> int:
    """Read, and write.

    Raises:
        UsageError: If the command line is wrong, or the format cannot hold the images.
        FileError: If a file cannot be read or written.
    """
    arguments = _parser().parse(words)
    if arguments is None:
        return 0
    from jaxbragg.cli.converted import write_converted
    from jaxbragg.cli.file_names import check_output
    from jaxbragg.io import FileError, ledger
    from jaxbragg.io.image_formats import ENDINGS, format_of

    path, output = arguments.input, arguments.output
    kind = format_of(output)
    if kind is None:
        raise UsageError(f"{output}: the name must end in one of {', '.join(ENDINGS)}, which say the format")
    ledger.reading(path, "IN")
    if arguments.geometry:
        ledger.reading(arguments.geometry, "--geometry")
    geometry = _geometry(arguments)
    shape = tuple(arguments.shape) if arguments.shape else None if geometry is None else geometry.detector.image_shape
    frames = _frames(path, shape, arguments)
    names = _names(output, len(frames), kind.several)
    for name in names:
        check_output("OUT", name, "HDF5", "CBF", "SMV", "TIFF", "EDF", "numpy")
    sidecars = _sidecars(output) if arguments.sidecar else ()
    if sidecars and geometry is None:
        raise UsageError("--sidecar needs a geometry, and none is known: give one with --geometry FILE")
    if geometry is None and kind.name in ("NXmx", "miniCBF", "SMV"):
        raise UsageError(f"{output}: {kind.name} says where the detector is, and {path} does not: give --geometry FILE")
    for name in sidecars:
        check_output("--sidecar", name, "JSON", "CrystFEL's geometry")
    try:
        lines = write_converted(kind, names, sidecars, geometry, frames, path)
    except ValueError as error:  # what the format cannot hold
        raise FileError(path, str(error)) from None
    for line in lines:
        print(line)
    return 0


def _geometry(arguments: argparse.Namespace) -> Geometry | None:
    """Of the file that is named, or else of the image's own, where it has one."""
    from jaxbragg.io import FileError
    from jaxbragg.io.geometry import load

    if arguments.geometry:
        return load(arguments.geometry)
    try:
        return load(arguments.input)
    except FileError as error:
        print(f"note: no geometry is known: {error}", file=sys.stderr)
        return None


def _frames(path: str, shape: Any, arguments: argparse.Namespace) -> list[Any]:
    """A function for each image, which reads it."""
    from functools import partial

    from jaxbragg.io.images import frames_in, read_image

    if arguments.frame is not None:
        return [partial(read_image, path, shape, arguments.dataset, arguments.frame)]
    number = frames_in(path, shape, arguments.dataset)
    if number == 1:
        return [partial(read_image, path, shape, arguments.dataset)]
    return [partial(read_image, path, shape, arguments.dataset, i) for i in range(number)]


def _names(output: str, number: int, several: bool) -> list[str]:
    from jaxbragg.io.numbered import numbered_names, template_of

    if number == 1 or (several and "#" not in output):
        return [output]
    try:
        return [*numbered_names(template_of(output), number)]
    except ValueError as error:
        raise UsageError(f"{output}: {error}") from None


def _sidecars(output: str) -> tuple[str, ...]:
    from jaxbragg.io.numbered import beside

    return beside(output, ".expt"), beside(output, ".geom")


def _parser() -> Parser:
    parser = Parser("convert", _DESCRIPTION, _EXAMPLE)
    add = parser.add_argument
    add("input", metavar="IN", help="image of any format that is read, packed or not")
    add(
        "output",
        metavar="OUT",
        help="its ending says the format: .h5, .nxs, .cbf, .img, .tif, .edf, .npy; # is a digit",
    )
    add("--geometry", metavar="FILE", help=".expt, .geom, NXmx, XDS.INP, XPARM.XDS, or an image with a header")
    add("--frame", type=index, metavar="N", help="one image of a series, from 0 (all of them)")
    add("--dataset", metavar="NAME", help="of an HDF5 file that holds several")
    add("--shape", nargs=2, type=count, metavar=("SLOW", "FAST"), help="pixels of a raw image (the geometry's)")
    add("--sidecar", action="store_true", help="the geometry beside OUT too, for DIALS (.expt) and CrystFEL (.geom)")
    return parser
