"""The images that a run writes, and the numbers that they are scaled by."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np

from jaxbragg.cli.build.factors import has_table
from jaxbragg.cli.build.sample import check_one_component
from jaxbragg.cli.build.seeds import header_of_chance
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.file_names import check_output
from jaxbragg.cli.flag_table import FLAGS
from jaxbragg.cli.read import Setup
from jaxbragg.cli.readings import expected_reading, quantity, random_reading
from jaxbragg.cli.recorded import DEFAULT_ADC, Output, check_recorded, output_of, write_recorded
from jaxbragg.cli.scanner import Scanned
from jaxbragg.io import ledger, number, together, write_dump, write_float_image, write_pgm, write_smv
from jaxbragg.io.smv_fields import SmvPlace, smv_fields
from jaxbragg.units import MILLIMETRE

FULL_SCALE = 55000.0
LARGEST = 65535.0


@dataclass(frozen=True)
class Statistics:
    """Of the simulated pixels, those that mask and region leave out excepted.

    Attributes:
        largest: Photons in the brightest.
        slow, fast: Where it is.
        total, mean, rms, rmsd: Photons; rms deviation from zero and from the mean, both over n − 1 as in the C program.
        panel: On which the brightest pixel is.
    """

    largest: float
    slow: int
    fast: int
    total: float
    mean: float
    rms: float
    rmsd: float
    panel: int = 0


def statistics(image: np.ndarray, setup: Setup) -> Statistics:
    """The statistics of the pixels within region and mask."""
    roi = setup.options.roi
    mask = setup.experiment.detector.mask
    region = ... if roi is None else (..., slice(roi[2], roi[3] + 1), slice(roi[0], roi[1] + 1))
    pixels = image[region]
    if mask is not None:
        pixels = pixels[np.asarray(mask).reshape(image.shape)[region]]
    *panel, slow, fast = np.unravel_index(int(image.argmax()), image.shape)
    total = float(pixels.sum(dtype=np.float64))
    mean = total / max(pixels.size, 1)
    squares = _sum_of_squares(pixels)
    free = max(pixels.size - 1, 1)
    rms, rmsd = (max(x / free, 0.0) ** 0.5 for x in (squares, squares - pixels.size * mean**2))
    return Statistics(float(image.max()), int(slow), int(fast), total, mean, rms, rmsd, int(panel[0]) if panel else 0)


def _sum_of_squares(pixels: np.ndarray) -> float:
    """Sum of squares in float64, some at a time: a float64 copy of the whole takes longer than the sum."""
    flat, size = pixels.reshape(-1), 1 << 16
    parts = (flat[first : first + size].astype(np.float64) for first in range(0, flat.size, size))
    return float(sum((part * part).sum() for part in parts))  # a dot product would wake OpenBLAS's threads each time


_FLAGS = {
    "output": "--output",
    "float": "-floatfile",
    "int": "-intfile",
    "pgm": "-pgmfile",
    "noise": "-noisefile",
    "png": "--png",
    "truth": "--truth",
    "dump": "-dump",
}
_FORMATS = {
    "float": "raw float32",
    "int": "SMV",
    "pgm": "PGM",
    "noise": "SMV",
    "png": "PNG",
    "truth": "HDF5",
    "dump": "Fdump.bin",
}


def wanted_outputs(scanned: Scanned) -> dict[str, str]:
    """File names by kind: float, int, pgm, noise, png, dump. Float and int image where no image is asked for."""
    images = {kind: path for kind, flag in _FLAGS.items() if (path := scanned.text(flag.lstrip("-"))) is not None}
    dump = images.pop("dump", None)
    if not images:
        images = {"float": "floatimage.bin", "int": "intimage.img"}
    for kind in ("noise", "pgm"):
        if f"no{kind}" in scanned:
            images.pop(kind, None)
    # Without another table, the dump is what is read.
    return images if dump is None or not has_table(scanned) else {"dump": dump, **images}


def check_outputs(wanted: dict[str, str], scanned: Scanned) -> Output | None:
    """Find out before the work whether its results can be kept; what --output asks for.

    Args:
        wanted: File names by kind.
        scanned: The flags, of which some name files to be read.

    Raises:
        FileError: If a file cannot be written.
        UsageError: If one would be written over another or over what is read, or is named like another format.
    """
    for flag in FLAGS:
        path = scanned.text(flag.dest)
        written = flag.word in _FLAGS.values() and (flag.name != "dump" or has_table(scanned))
        if path is not None and flag.kind == "file" and not flag.no_effect and not written:
            ledger.reading(path, flag.word)
    count = scanned.whole("images") or 1
    for kind in wanted if count > 1 else ():
        if kind not in ("output", "dump"):
            raise UsageError(f"--images {count}: {_FLAGS[kind]} holds one image; --output FILE.h5 holds several")
    smv = {"int", "noise"} & {*wanted} or wanted.get("output", "").lower().endswith(".img")
    if "smv_dialect" in scanned and not smv:
        raise UsageError("--smv-dialect needs an SMV image: -noisefile, -intfile or --output FILE.img")
    for kind, path in wanted.items():
        if kind != "output":
            check_output(_FLAGS[kind], path, _FORMATS[kind])
    return output_of(scanned)


def check_panels(wanted: dict[str, str], output: Output | None, setup: Setup) -> None:
    """Find out whether what is asked for can hold the detector that was found.

    Raises:
        UsageError: If it cannot.
    """
    panels = setup.experiment.detector.shape[0]
    for kind in wanted if panels > 1 else ():
        if kind not in ("output", "float", "dump", "png", "truth"):
            raise UsageError(f"{_FLAGS[kind]} holds one panel, and these are {panels}: --output FILE.h5 holds them")
    if panels > 1 and any(name in setup.scanned for name in ("printout", "printout_pixel")):
        raise UsageError(f"-printout prints one panel, and these are {panels}")
    if "truth" in wanted:
        check_one_component("--truth", setup.experiment)
    if output is not None:
        check_recorded(output, setup)


def write_outputs(
    wanted: dict[str, str],
    image: np.ndarray | None,
    setup: Setup,
    stats: Statistics | None,
    output: Output | None = None,
    further: Iterable[np.ndarray] = (),
) -> list[str]:
    """Write the images, and the dump; a line for the log on each.

    Args:
        wanted: File names by kind.
        image: The image, or the first of a series that is not there yet; None where all of them are.
        setup: Of the first image.
        stats: Of the image.
        output: What --output asks for.
        further: The other images of a series, which it takes.

    Raises:
        FileError: If a file cannot be written; then none is, of a series in numbered files those that came before it.
    """
    lines: list[str] = []
    photons = chain(() if image is None else (image,), further)
    if output is not None and output.numbered:  # each is there once it is whole
        lines += write_recorded(output, setup, photons)
    with together():
        for kind, path in wanted.items():
            if kind == "dump":
                lines.append(write_table(path, setup))
            elif kind != "output" and image is not None and stats is not None:
                lines.append(_write(kind, path, image, setup, stats))
            elif output is not None and not output.numbered:
                lines += write_recorded(output, setup, photons)
    return lines


def write_table(path: str, setup: Setup) -> str:
    """Write the structure factors as the C program's dump; a line for the log.

    Raises:
        FileError: If the file cannot be written.
    """
    factors = setup.experiment.structure_factors
    if factors.amplitudes().ndim > 3:
        raise UsageError(f"-dump {path}: it holds one |F|, and these are of several wavelengths")
    write_dump(path, np.asarray(factors.amplitudes()), factors.minimum, float(factors.default))
    return f"{path}: structure factors, for -dump without -hkl"


def _write(kind: str, path: str, image: np.ndarray, setup: Setup, stats: Statistics) -> str:
    scanned = setup.scanned
    given = scanned.number("adc")
    adc = DEFAULT_ADC if given is None else given
    if kind == "noise":
        return _write_noise(path, image, setup, adc)
    image = expected_reading(image, setup)
    if kind == "float":
        write_float_image(path, image)
        size = " × ".join(map(str, image.shape[::-1]))
        return f"{path}: {quantity(setup)}, raw little-endian float32, {size}"
    if kind == "int":
        scale = scanned.number("scale") or _finite(FULL_SCALE / stats.largest if stats.largest > 0 else 1.0)
        own = header_of_chance(scanned, adc, noise=False)
        write_smv(path, _integers(image, scale, adc + 0.5), header_fields(setup) | own)
        return f"{path}: SMV, photons × {scale:g} + {adc:g}"
    if kind == "pgm":
        scale = scanned.number("pgmscale") or _finite(250.0 / (5.0 * stats.rmsd) if stats.rmsd > 0 else 1.0)
        write_pgm(path, _integers(image, scale, 0.0, 255.0).astype(np.uint8), f"pixels scaled by {number(scale)}")
        return f"{path}: PGM, photons × {scale:g}"
    if kind == "truth":
        return _write_truth(path, setup)
    from jaxbragg.view import write_view

    write_view(path, image, setup.experiment)
    return f"{path}: PNG"


def _write_truth(path: str, setup: Setup) -> str:
    from jaxbragg.io.truth_file import write_truth
    from jaxbragg.truth import ground_truth

    try:
        truth = ground_truth(setup.experiment, setup.options)
    except ValueError as error:
        raise UsageError(f"--truth {path}: {error}") from None
    write_truth(path, truth)
    return f"{path}: ground truth, {len(truth.hkl)} reflections of {truth.photons.sum():.6g} photons"


def _finite(scale: float) -> float:
    """A scale that leaves infinite pixels infinite: 1 where the image's own statistics are infinite."""
    return scale if 0.0 < scale < np.inf else 1.0


def _integers(image: np.ndarray, scale: float, offset: float, largest: float = LARGEST) -> np.ndarray:
    """floor(photons·scale + offset), clamped; row by row, to need little memory."""
    result = np.empty(image.shape, np.uint16)
    for row, out in zip(image, result, strict=True):
        np.clip(np.floor(row * np.float64(scale) + offset), 0.0, largest, out=out, casting="unsafe")
    return result


def _write_noise(path: str, image: np.ndarray, setup: Setup, adc: float) -> str:
    seed = setup.scanned.whole("seed") or 0
    counts = random_reading(image, setup, seed)
    overloads = int((counts + adc > LARGEST).sum())
    own = header_of_chance(setup.scanned, adc, noise=True)
    write_smv(path, _integers(counts, 1.0, adc), header_fields(setup) | own)
    kind = "Poisson counts" if setup.experiment.response is None else "readings"
    return f"{path}: SMV, {kind} + {adc:g}, seed {seed}, {overloads} overloads"


def header_fields(setup: Setup) -> dict[str, str]:
    """The SMV header of the C program, key by key in its order."""
    detector, placement = setup.detector, setup.detector.placement
    pixel = detector.pixel / MILLIMETRE
    return smv_fields(
        SmvPlace(
            pixel=pixel,
            slow_size=detector.size[1] / MILLIMETRE,
            distance=(float(placement.distance) if placement.distance > 0 else detector.unswung_distance) / MILLIMETRE,
            close_distance=float(placement.close_distance) / MILLIMETRE,
            wavelength=float(setup.experiment.beam.wavelength),
            beam_center=(detector.beam_center[0] / MILLIMETRE, detector.beam_center[1] / MILLIMETRE),
            beam_spot=(float(placement.beam_spot[0]) / MILLIMETRE, float(placement.beam_spot[1]) / MILLIMETRE),
            close_point=(float(placement.close_point[0]) / MILLIMETRE, float(placement.close_point[1]) / MILLIMETRE),
            origin=tuple(float(x) / MILLIMETRE for x in placement.origin),  # type: ignore[arg-type]
            phi=setup.phi,
            osc=setup.spindle.span,
            twotheta=setup.scanned.number("twotheta") or 0.0,
        ),
        setup.scanned.text("smv_dialect") or "nanobragg",
    )
