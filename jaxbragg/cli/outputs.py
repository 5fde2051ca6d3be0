"""The images that a run writes, and the numbers that they are scaled by."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from jaxbragg.cli.build.factors import has_table
from jaxbragg.cli.build.seeds import header_of_chance
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.file_names import check_output
from jaxbragg.cli.flag_table import FLAGS
from jaxbragg.cli.read import Setup
from jaxbragg.cli.scanner import Scanned
from jaxbragg.io import ledger, number, together, write_dump, write_float_image, write_pgm, write_png, write_smv
from jaxbragg.models.detector.catalogue import product_named
from jaxbragg.units import MILLIMETRE

DEFAULT_ADC = 40.0
FULL_SCALE = 55000.0
NXMX = (".h5", ".nxs", ".hdf5")
LARGEST = 65535.0


@dataclass(frozen=True)
class Statistics:
    """Of the simulated pixels, those that mask and region leave out excepted.

    Attributes:
        largest: Photons in the brightest.
        slow, fast: Where it is (on which panel, too, where there are several).
        total, mean, rms, rmsd: Photons; rms deviation from zero and from the mean, both over n − 1 as in the C program.
    """

    largest: float
    slow: int
    fast: int
    total: float
    mean: float
    rms: float
    rmsd: float


def statistics(image: np.ndarray, setup: Setup) -> Statistics:
    """The statistics of the pixels within region and mask."""
    roi = setup.options.roi
    mask = setup.experiment.detector.mask
    pixels = image if roi is None else image[roi[2] : roi[3] + 1, roi[0] : roi[1] + 1]
    if mask is not None:
        inside = np.asarray(mask)[0]
        pixels = pixels[inside if roi is None else inside[roi[2] : roi[3] + 1, roi[0] : roi[1] + 1]]
    slow, fast = np.unravel_index(int(image.argmax()), image.shape)
    total = float(pixels.sum(dtype=np.float64))
    mean = total / max(pixels.size, 1)
    squares = _sum_of_squares(pixels)
    free = max(pixels.size - 1, 1)
    rms, rmsd = (max(x / free, 0.0) ** 0.5 for x in (squares, squares - pixels.size * mean**2))
    return Statistics(float(image.max()), int(slow), int(fast), total, mean, rms, rmsd)


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
    "dump": "-dump",
}
_FORMATS = {
    "output": "HDF5",
    "float": "raw float32",
    "int": "SMV",
    "pgm": "PGM",
    "noise": "SMV",
    "png": "PNG",
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


def check_outputs(wanted: dict[str, str], scanned: Scanned) -> None:
    """Find out before the work whether its results can be kept.

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
    if "counts" in scanned and "output" not in scanned:
        raise UsageError("--counts needs --output FILE, the image that is to hold them")
    count = scanned.whole("images") or 1
    for kind in wanted if count > 1 else ():
        if kind not in ("output", "dump"):
            raise UsageError(f"--images {count}: {_FLAGS[kind]} holds one image; --output FILE.h5 holds several")
    if path := wanted.get("output"):
        if os.path.splitext(path)[1].lower() not in NXMX:
            raise UsageError(f"--output {path}: the name must end in one of {', '.join(NXMX)}, which say the format")
        if "curved_det" in scanned:
            raise UsageError(f"--output {path}: NXmx has flat panels, but -curved_det is none")
    for kind, path in wanted.items():
        check_output(_FLAGS[kind], path, _FORMATS[kind])


def write_outputs(
    wanted: dict[str, str], image: np.ndarray, setup: Setup, stats: Statistics, further: Iterable[np.ndarray] = ()
) -> list[str]:
    """Write the images, and the dump; a line for the log on each.

    Args:
        wanted: File names by kind.
        image: The image, or the first of a series.
        setup: Of it.
        stats: Likewise.
        further: The other images of a series, which --output takes.

    Raises:
        FileError: If a file cannot be written; then none is.
    """
    with together():
        return [
            _write_nxmx(path, image, setup, further) if kind == "output" else _write(kind, path, image, setup, stats)
            for kind, path in wanted.items()
        ]


def write_table(path: str, setup: Setup) -> str:
    """Write the structure factors as the C program's dump; a line for the log.

    Raises:
        FileError: If the file cannot be written.
    """
    factors = setup.experiment.structure_factors
    write_dump(path, np.asarray(factors.amplitudes()), factors.minimum, float(factors.default))
    return f"{path}: structure factors, for -dump without -hkl"


def _write(kind: str, path: str, image: np.ndarray, setup: Setup, stats: Statistics) -> str:
    scanned = setup.scanned
    given = scanned.number("adc")
    adc = DEFAULT_ADC if given is None else given
    if kind == "dump":
        return write_table(path, setup)
    if kind == "float":
        write_float_image(path, image)
        return f"{path}: photons, raw little-endian float32, {image.shape[1]} × {image.shape[0]}"
    if kind == "int":
        scale = scanned.number("scale") or _finite(FULL_SCALE / stats.largest if stats.largest > 0 else 1.0)
        own = header_of_chance(scanned, adc, noise=False)
        write_smv(path, _integers(image, scale, adc + 0.5), header_fields(setup) | own)
        return f"{path}: SMV, photons × {scale:g} + {adc:g}"
    if kind == "pgm":
        scale = scanned.number("pgmscale") or _finite(250.0 / (5.0 * stats.rmsd) if stats.rmsd > 0 else 1.0)
        write_pgm(path, _integers(image, scale, 0.0, 255.0).astype(np.uint8), f"pixels scaled by {number(scale)}")
        return f"{path}: PGM, photons × {scale:g}"
    if kind == "noise":
        return _write_noise(path, image, setup, adc)
    write_png(path, image)
    return f"{path}: PNG"


def _finite(scale: float) -> float:
    """A scale that leaves infinite pixels infinite: 1 where the image's own statistics are infinite."""
    return scale if 0.0 < scale < np.inf else 1.0


def _integers(image: np.ndarray, scale: float, offset: float, largest: float = LARGEST) -> np.ndarray:
    """floor(photons·scale + offset), clamped; row by row, to need little memory."""
    result = np.empty(image.shape, np.uint16)
    for row, out in zip(image, result, strict=True):
        np.clip(np.floor(row * np.float64(scale) + offset), 0.0, largest, out=out, casting="unsafe")
    return result


def _write_nxmx(path: str, image: np.ndarray, setup: Setup, further: Iterable[np.ndarray]) -> str:
    from jaxbragg.io.nxmx import Frames, Rotation, write_nxmx  # with h5py, which others need not wait for
    from jaxbragg.noise import LARGEST_COUNT

    scanned, count, overloads = setup.scanned, setup.scanned.whole("images") or 1, 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal overloads
        for i, photons in enumerate(chain([image], further)):
            frame = photons
            if "counts" in scanned:
                frame = _counts(photons, (scanned.whole("seed") or 0) + i).astype(np.uint32)
                overloads += int((frame >= LARGEST_COUNT).sum())
            yield frame

    dtype = "uint32" if "counts" in scanned else "float32"
    rotation = Rotation(setup.phi, setup.spindle.span) if setup.spindle.span else None
    named = scanned.text("detector")
    material = product_named(named).material if named else ""
    series = Frames(count, dtype, frames())
    write_nxmx(path, series, setup.experiment, rotation, sensor_material=material or "Si")
    what = "photons, float32"
    if "counts" in scanned:
        own = "" if count == 1 else ", one more for each next image"
        what = f"Poisson counts, uint32, seed {scanned.whole('seed')}{own}, {overloads} overloads"
    turned = "a still" if rotation is None else f"{rotation.width:g}° of rotation"
    if count > 1:
        turned = f"{count} images of {turned}" if rotation else f"{count} stills"
    return f"{path}: NXmx, {what}, {turned}"


def _counts(image: np.ndarray, seed: int) -> np.ndarray:
    import jax.numpy as jnp

    from jaxbragg.noise import photon_counts

    return np.asarray(photon_counts(jnp.asarray(image), seed))


def _write_noise(path: str, image: np.ndarray, setup: Setup, adc: float) -> str:
    seed = setup.scanned.whole("seed") or 0
    counts = _counts(image, seed)
    overloads = int((counts + adc > LARGEST).sum())
    own = header_of_chance(setup.scanned, adc, noise=True)
    write_smv(path, _integers(counts, 1.0, adc), header_fields(setup) | own)
    return f"{path}: SMV, Poisson counts + {adc:g}, seed {seed}, {overloads} overloads"


def header_fields(setup: Setup) -> dict[str, str]:
    """The SMV header of the C program, key by key in its order."""
    detector, placement = setup.detector, setup.detector.placement
    f_beam, s_beam = (float(x) / MILLIMETRE for x in placement.beam_spot)
    pixel = detector.pixel / MILLIMETRE
    size_s = detector.size[1] / MILLIMETRE
    origin = [float(x) / MILLIMETRE for x in placement.origin]
    close_f, close_s = (float(x) / detector.pixel for x in placement.close_point)
    values: dict[str, float | str] = {
        "PIXEL_SIZE": pixel,
        "DISTANCE": (float(placement.distance) if placement.distance > 0 else detector.unswung_distance) / MILLIMETRE,
        "WAVELENGTH": float(setup.experiment.beam.wavelength),
        "BEAM_CENTER_X": detector.beam_center[0] / MILLIMETRE,
        "BEAM_CENTER_Y": detector.beam_center[1] / MILLIMETRE,
        "ADXV_CENTER_X": f_beam,
        "ADXV_CENTER_Y": size_s - s_beam,
        "MOSFLM_CENTER_X": s_beam - 0.5 * pixel,
        "MOSFLM_CENTER_Y": f_beam - 0.5 * pixel,
        "DENZO_X_BEAM": s_beam,
        "DENZO_Y_BEAM": f_beam,
        "DIALS_ORIGIN": ",".join(number(x) for x in (origin[2], origin[1], -origin[0])),
        "XDS_ORGX": close_f + 0.5,
        "XDS_ORGY": close_s + 0.5,
        "CLOSE_DISTANCE": float(placement.close_distance) / MILLIMETRE,
        "PHI": setup.phi,
        "OSC_START": setup.phi,
        "OSC_RANGE": setup.spindle.span,
        "TWOTHETA": setup.scanned.number("twotheta") or 0.0,
        "DETECTOR_SN": "000",
        "BEAMLINE": "fake",
    }
    return {key: value if isinstance(value, str) else number(value) for key, value in values.items()}
