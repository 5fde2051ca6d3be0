"""`--output FILE`: images in the format that the name says, one or a series, and the geometry beside them."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.file_names import check_output
from jaxbragg.cli.read import Setup
from jaxbragg.cli.readings import expected_reading, quantity, random_reading
from jaxbragg.cli.same_series import fingerprint_of, series_of
from jaxbragg.cli.scanner import Scanned
from jaxbragg.cli.streams import complain
from jaxbragg.io import together
from jaxbragg.io.image_formats import ENDINGS, ImageFormat, format_of
from jaxbragg.io.numbered import beside, numbered_names, template_of
from jaxbragg.io.nxmx import images_in, part_of, write_nxmx_series
from jaxbragg.io.recording import Frames, Recording, as_counts
from jaxbragg.io.series import Series, path_of
from jaxbragg.models.detector.catalogue import product_named

DEFAULT_ADC = 40.0
_PROMISED = ("HDF5", "CBF", "SMV", "TIFF", "EDF", "numpy")  # by the endings of `ENDINGS`


@dataclass
class Output:
    """What `--output` asks for.

    Attributes:
        path: As it was given.
        kind: The format.
        count: How many images.
        counts: Whether Poisson counts are wanted, not expected photons.
        names: Of the image files: one, or one for each image.
        sidecars: Of the files of geometry beside them.
        done: Numbers of the images that are there already, once the experiment is known.
        full: Pixels found full so far.
        fingerprint: Of a series in one file, likewise.
        series: What is written of one in numbered files, likewise.
    """

    path: str
    kind: ImageFormat
    count: int
    counts: bool
    names: tuple[str, ...]
    sidecars: tuple[str, ...] = ()
    done: frozenset[int] = frozenset()
    full: int = 0
    fingerprint: str = ""
    series: Series | None = None

    @property
    def left(self) -> tuple[int, ...]:
        """Numbers of the images that are not there yet."""
        return tuple(i for i in range(self.count) if i not in self.done)

    @property
    def numbered(self) -> bool:
        """Whether each image has a file of its own."""
        return len(self.names) > 1

    @property
    def template(self) -> str:
        """The names of all image files, with # for the digits of the number."""
        if not self.numbered:
            return self.path
        return template_of(self.path)


def output_of(scanned: Scanned) -> Output | None:
    """What `--output` and the flags beside it ask for, checked as far as can be without the experiment.

    Raises:
        UsageError: If they do not go together, or the name says no format.
        FileError: If a file cannot be written.
    """
    path, count = scanned.text("output"), scanned.whole("images") or 1
    if path is None:
        for name in ("counts", "sidecar", "resume", "saturation"):
            if name in scanned:
                raise UsageError(f"--{name} needs --output FILE")
        return None
    kind = format_of(path)
    if kind is None:
        raise UsageError(f"--output {path}: the name must end in one of {', '.join(ENDINGS)}, which say the format")
    if "curved_det" in scanned:
        raise UsageError(f"--output {path}: {kind.name} has flat panels, but -curved_det is none")
    counts = "counts" in scanned
    if not counts and not kind.photons:
        raise UsageError(f"--output {path}: {kind.name} holds counts, not expected photons: add --counts")
    if "saturation" in scanned and not counts:
        raise UsageError("--saturation needs --counts: expected photons are not cut off")
    if "smv_dialect" in scanned and kind.name == "SMV" and scanned.text("smv_dialect") != "dials":
        raise UsageError(
            "--smv-dialect nanobragg: --output has that of dials; -noisefile and -intfile have nanobragg's"
        )
    names = (path,)
    if count > 1 and not kind.several:
        try:
            names = numbered_names(template_of(path), count)
        except ValueError as error:
            raise UsageError(f"--output {path}: {error}") from None
    sidecars = (beside(path, ".expt"), beside(path, ".geom")) if "sidecar" in scanned else ()
    resume = "resume" in scanned
    if resume and (count == 1 or kind.name.startswith("NumPy")):
        raise UsageError("--resume needs --images, and --output of NXmx (.h5) or of files that hold one image each")
    if resume and ("printout" in scanned or "printout_pixel" in scanned):
        raise UsageError("-printout prints the first image, which --resume may not draw")
    if count > 1 and kind.name == "NXmx":
        check_output("--output", part_of(path))
        if os.path.lexists(part_of(path)) and not resume:
            raise UsageError(
                f"--output {path}: {part_of(path)} is there, of a series that was cut off: --resume goes on with "
                "it; to begin anew, remove it"
            )
    for name in names:
        check_output("--output", name, *_PROMISED)
    for name in sidecars:
        check_output("--sidecar", name, "JSON", "CrystFEL's geometry")
    if len(names) > 1:
        check_output("--output", path_of(template_of(path)), "JSON")
    return Output(path, kind, count, counts, names, sidecars)


def check_recorded(output: Output, setup: Setup) -> None:
    """What can be seen once the experiment is known.

    Raises:
        UsageError: If the format cannot hold it.
        FileError: If it is to be resumed, and what is there is of another series.
    """
    if output.count > 1 and (output.numbered or output.kind.name == "NXmx"):
        # Of files with numbers there may be more the next time.
        together_there = 1 if output.numbered else output.count
        recording = _recording(output, setup, Frames(together_there, _dtype(output), ()))
        fingerprint = fingerprint_of(setup, recording, setup.scanned.whole("seed") if output.counts else None)
        if output.numbered:
            output.series = series_of(output.template, output.names, setup, fingerprint)
            output.done = frozenset(output.series.images)
        else:
            output.fingerprint = fingerprint
            output.done = frozenset(range(images_in(output.path, fingerprint)))
    panels = setup.experiment.detector.shape[0]
    if panels > 1 and not output.kind.panels:
        raise UsageError(
            f"--output {output.path}: {output.kind.name} holds one panel, and these are {panels}: .h5 or .npy"
        )
    if output.kind.name in ("miniCBF", "SMV"):
        from jaxbragg.io.cbf import is_across

        if not is_across(_recording(output, setup, Frames(1, "int32", ()))):
            beside = "" if output.sidecars else "; --sidecar writes it beside, and .h5 holds it"
            setup.notes.doubt(
                f"--output {output.path}: the header of {output.kind.name} knows panels across the beam with rows "
                f"along the spindle alone: it does not say where this one is{beside}"
            )


def write_recorded(output: Output, setup: Setup, photons: Iterable[np.ndarray]) -> Iterator[str]:
    """Write the images and what is beside them; a line for the log on each.

    Images with files of their own are written as they come; several in one file when the last is there.

    Args:
        output: What is asked for.
        setup: Of the first image.
        photons: The images, those that are done left out.

    Raises:
        FileError: If a file cannot be written.
    """
    images = _images(output, setup, photons)
    if not output.numbered:
        recording = _recording(output, setup, Frames(output.count, _dtype(output), (each for _, each in images)))
        with together():
            if output.fingerprint:
                with _kept(output):
                    write_nxmx_series(output.path, recording, output.fingerprint, len(output.done))
            else:
                output.kind.write(output.path, recording)
            yield from _write_sidecars(output, setup)
    else:
        if output.series is not None:
            output.series.add()  # before there is an image, so that none of an older series is taken for one of this
        for i, each in images:
            output.kind.write(output.names[i], _recording(output, setup, Frames(1, _dtype(output), (each,)), i))
            if output.series is not None:
                output.series.add(i)
        yield from _write_sidecars(output, setup)
    what = _said(output, setup)
    there = f", {len(output.done)} of them were there" if output.done else ""
    names = f"{output.names[0]} … {os.path.basename(output.names[-1])}" if output.numbered else output.path
    yield f"{names}: {output.kind.name}, {what}{there}"


@contextmanager
def _kept(output: Output) -> Iterator[None]:
    """Has whoever cuts a series off told what is there."""
    try:
        yield
    except BaseException:
        if os.path.exists(part := part_of(output.path)):
            complain(f"{part} holds the images that are done: the same command with --resume goes on")
        raise


def _images(output: Output, setup: Setup, photons: Iterable[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """The number of each image that is to be written, and the image."""
    scanned = setup.scanned
    missing = _recording(output, setup, Frames(1, "int32", ())).missing
    for i, image in zip(output.left, photons, strict=True):
        if not output.counts:
            yield i, expected_reading(image, setup)
            continue
        counts = random_reading(image, setup, (scanned.whole("seed") or 0) + i)
        offset, saturation = _offset(output, scanned), _saturation(scanned)
        stored, full = as_counts(counts, output.kind.counts, offset, missing, saturation)
        output.full += full
        yield i, stored


def _dtype(output: Output) -> str:
    return output.kind.counts if output.counts else "float32"


def _offset(output: Output, scanned: Scanned) -> float:
    """What is added to counts: in SMV alone, which has no negative numbers and is 16 bits wide."""
    if output.kind.name != "SMV":
        return 0.0
    given = scanned.number("adc")
    return DEFAULT_ADC if given is None else given


def _recording(output: Output, setup: Setup, frames: Frames, number: int = 0) -> Recording:
    from jaxbragg.io.geometry.record import Rotation

    span = setup.spindle.span
    rotation = Rotation(setup.phi + number * span, span) if span else None
    offset, saturation = _offset(output, setup.scanned), _saturation(setup.scanned)
    return Recording(setup.experiment, frames, rotation, _material(setup), offset, saturation)


def _saturation(scanned: Scanned) -> int | None:
    """Most counts that a pixel holds; None where neither a flag nor the named detector says it."""
    given, named = scanned.whole("saturation"), scanned.text("detector")
    return product_named(named).saturation if given is None and named else given


def _material(setup: Setup) -> str:
    if setup.material:
        return setup.material
    named = setup.scanned.text("detector")
    return product_named(named).material if named else ""


def _said(output: Output, setup: Setup) -> str:
    scanned, span = setup.scanned, setup.spindle.span
    what = f"{quantity(setup)}, float32"
    if output.counts:
        own = "" if output.count == 1 else ", one more for each next image"
        offset = _offset(output, scanned)
        plus = f" + {offset:g}" if offset else ""
        kind = "Poisson counts" if setup.experiment.response is None else "readings"
        what = f"{kind}{plus}, {output.kind.counts}, seed {scanned.whole('seed')}{own}, {output.full} overloads"
    turned = f"{span:g}° of rotation" if span else "a still"
    if output.count > 1:
        turned = f"{output.count} images of {turned}" if span else f"{output.count} stills"
    unknown = setup.experiment.detector.sensor is not None and not _material(setup) and output.kind.name == "NXmx"
    return f"{what}, {turned}" + (", sensor of an unknown material written as Si" if unknown else "")


def _write_sidecars(output: Output, setup: Setup) -> Iterator[str]:
    if not output.sidecars:
        return
    from jaxbragg.io.sidecars import write_expt, write_geom

    recording = _recording(output, setup, Frames(output.count, _dtype(output), ()))
    write_expt(output.sidecars[0], recording, os.path.basename(output.template))
    write_geom(output.sidecars[1], recording)
    yield f"{output.sidecars[0]}: DIALS's experiment"
    yield f"{output.sidecars[1]}: CrystFEL's geometry"
