"""nanoBragg flags → an experiment and its options."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import walk_tb

import numpy as np

from jaxbragg.cli.build.background import build_absorbers, build_background
from jaxbragg.cli.build.beam import build_beam, wavelength_of
from jaxbragg.cli.build.consistency import check_table
from jaxbragg.cli.build.crystal import build_crystal, mosaic_domains
from jaxbragg.cli.build.detector import DetectorSetup, build_detector, pixel_counts
from jaxbragg.cli.build.factors import build_structure_factors, read_source, with_cell
from jaxbragg.cli.build.frame import Frame, build_frame
from jaxbragg.cli.build.headers import inherit, with_c_flag_matching
from jaxbragg.cli.build.memory import check_list, check_memory
from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.build.placed import detector_of_file, frame_of, read_placed
from jaxbragg.cli.build.products import with_attenuation, with_product
from jaxbragg.cli.build.response import build_response
from jaxbragg.cli.build.rotation import asks_for_closed_form, build_scan, check_method
from jaxbragg.cli.build.sample import lattices_of
from jaxbragg.cli.build.sampling import Grid, spindle_grid
from jaxbragg.cli.build.seeds import with_seeds
from jaxbragg.cli.build.shapes import shape_of
from jaxbragg.cli.build.spectra import with_wavelength
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.flag_table import TABLES
from jaxbragg.cli.scanner import Scanned, scan
from jaxbragg.compat import as_the_c_program_draws
from jaxbragg.io import FileError
from jaxbragg.models import Experiment
from jaxbragg.options import DEFAULT_TOLERANCE, Options
from jaxbragg.pipeline.plan import make_plan


@dataclass(frozen=True)
class Setup:
    """An experiment, and what the log and the headers of its images say of it.

    Attributes:
        experiment: As it will be simulated.
        options: How it will be simulated.
        detector: Numbers of the detector's set-up.
        frame: Convention and vectors.
        spindle: Range, step and count [deg].
        phi: Where the spindle starts [deg].
        notes: Decisions and warnings.
        scanned: The flags, with those that headers replace, and a seed for what is random.
        material: Of the sensor, where a --geometry says it.
    """

    experiment: Experiment
    options: Options
    detector: DetectorSetup
    frame: Frame
    spindle: Grid
    phi: float
    notes: Notes
    scanned: Scanned
    material: str = ""


def read_experiment(argv: Sequence[str]) -> tuple[Experiment, Options]:
    """The experiment that nanoBragg's flags describe.

    Args:
        argv: Flags and values, such as ["-mat", "A.mat", "-hkl", "P1.hkl", "-lambda", "0.9768"].

    Raises:
        UsageError: If a flag is unknown, a value is impossible, or something is missing.
        FileError: If a file is missing or broken.
    """
    setup = read_setup(scan(argv))
    return setup.experiment, setup.options


@contextmanager
def plausible() -> Iterator[None]:
    """Has numbers that overflow, and what the models refuse, reported as one line about the flags.

    Any other ValueError is an error of the program, not of its user, and is raised as it is.

    Raises:
        UsageError: In place of an ArithmeticError, or of a ValueError of the models.
    """
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            yield
    except ArithmeticError:
        raise UsageError("a number is too large or too small to be calculated with: check the units") from None
    except ValueError as error:
        if not _of_the_models(error):
            raise
        raise UsageError(f"no experiment is like this: {error}") from None


def _of_the_models(error: ValueError) -> bool:
    """Whether the innermost of our functions that the error went through checks or computes a model's values."""
    ours = [
        frame.f_globals.get("__name__", "")
        for frame, _ in walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").startswith("jaxbragg")
    ]
    return bool(ours) and ours[-1].startswith(("jaxbragg.models", "jaxbragg.options", "jaxbragg_kernels"))


@plausible()
def read_setup(scanned: Scanned) -> Setup:
    """An experiment, its options, and what the log and the headers of its images say of it.

    Args:
        scanned: Flags.

    Raises:
        UsageError: If a flag is unknown, a value is impossible, or something is missing.
        FileError: If a file is missing or broken.
    """
    notes = Notes(warnings=list(scanned.warnings))
    compat = "compat" in scanned
    if compat and asks_for_closed_form(scanned):
        raise UsageError("--compat samples as the C program does: it has nothing in closed form")
    scanned, geometry = read_placed(scanned, notes)
    scanned, gaps = with_product(scanned, notes)
    scanned, mask, inherited = inherit(scanned, notes)
    if compat:
        scanned = with_c_flag_matching(scanned, notes)
    scanned = with_seeds(scanned, notes)
    scanned = with_wavelength(scanned)
    source = read_source(scanned, notes)
    if geometry is None or geometry.vectors is None:
        scanned = with_cell(scanned, source)
    check_memory(scanned, pixel_counts(scanned) if geometry is None else _stacked(geometry.detector.shape))
    scanned = with_attenuation(scanned, notes)
    mask = _both(mask, gaps, scanned)
    if geometry is None:
        frame = build_frame(scanned, notes, compat=compat)
        detector = build_detector(scanned, frame, mask, inherited, notes, compat=compat)
    else:
        frame = frame_of(geometry, scanned, notes)
        detector = detector_of_file(geometry, scanned, mask, notes)
    beam = build_beam(scanned, frame.beam, frame.polarization, notes, None if geometry is None else geometry.sources())
    spindle, phi = _spindle(scanned, notes)
    vectors = None if geometry is None else geometry.vectors
    crystal = build_crystal(scanned, wavelength_of(scanned, Notes()), notes, compat=compat, placed=vectors)
    factors = build_structure_factors(scanned, source, crystal, detector.detector, beam, notes)
    experiment = Experiment(
        beam=beam,
        crystal=crystal,
        detector=detector.detector,
        structure_factors=factors,
        scan=build_scan(scanned, spindle, phi, frame.spindle),
        background=build_background(scanned, crystal, factors, notes),
        absorbers=build_absorbers(scanned, float(beam.wavelength)),
        response=build_response(scanned, detector.detector, detector.pixel, float(beam.wavelength), notes),
        lattices=lattices_of(scanned, crystal),
    )
    options = _options(scanned, experiment, detector, notes)
    name = next((path for flag in (*TABLES, "dump") if (path := scanned.text(flag)) is not None), "")
    check_table(experiment, options, name, notes)
    if compat:
        experiment, options = as_the_c_program_draws(experiment, options, layers_given=detector.layers_given)
        _say_what_compat_leaves_out(scanned, options, notes)
    material = "" if geometry is None else geometry.material
    return Setup(experiment, options, detector, frame, spindle, phi, notes, scanned, material)


def _stacked(shape: tuple[int, int, int]) -> tuple[int, int]:
    """Rows and columns of all panels, one below the other."""
    return shape[0] * shape[1], shape[2]


def _both(mask: np.ndarray | None, gaps: np.ndarray | None, scanned: Scanned) -> np.ndarray | None:
    """The pixels of a mask that are not in a gap."""
    if mask is None or gaps is None:
        return gaps if mask is None else mask
    if mask.shape != gaps.shape:
        size = f"{gaps.shape[1]} × {gaps.shape[0]}"
        found = f"{mask.shape[1]} × {mask.shape[0]}"
        raise FileError(scanned.text("mask") or "", f"the mask has {found} pixels, but the detector {size}")
    return mask & gaps


def _spindle(scanned: Scanned, notes: Notes) -> tuple[Grid, float]:
    asked = scanned.whole("phisteps")
    grid = spindle_grid(scanned.number("osc"), scanned.number("phistep"), asked)
    if asked is not None and asked != grid.count:
        notes.warn(f"-phisteps {asked} without -osc: -phistep alone makes {grid.count} steps")
    elif asked is None and grid.span * grid.step < 0:
        notes.warn(f"-phistep {grid.step:g} leads away from the end of -osc {grid.span:g}: one step is simulated")
    domains = mosaic_domains(scanned)
    check_list(scanned, "orientations (-phisteps or -osc and -phistep, × -mosaic_domains)", grid.count * domains)
    return grid, scanned.number("phi") or 0.0


def _options(scanned: Scanned, experiment: Experiment, detector: DetectorSetup, notes: Notes) -> Options:
    roi = scanned.numbers("roi")
    options = Options(
        oversample=_oversample(scanned, experiment, detector, notes),
        precision=scanned.text("precision") or "mixed",
        interpolation=_interpolation(scanned, experiment, notes),
        polarization="nopolar" not in scanned,
        point_pixel="point_pixel" in scanned,
        d_min=scanned.number("dmin") or 0.0,
        roi=None if roi is None else tuple(int(edge) for edge in roi),  # type: ignore[arg-type]
        memory_limit=scanned.whole("memory_limit"),
        devices=scanned.whole("devices"),
        method=scanned.text("method"),
        samples=scanned.whole("samples"),
        tolerance=scanned.number("tolerance") or DEFAULT_TOLERANCE,
    )
    if "nopolar" in scanned and "polar" in scanned:
        notes.warn("-nopolar: the polarization correction is off, -polar has no effect")
    for name in ("oversample_thick", "oversample_polar", "oversample_omega"):
        if name in scanned and "compat" not in scanned:
            notes.say(f"-{name}: corrections are always taken at each sub-pixel")
    try:
        make_plan(experiment.detector.shape, options)
    except ValueError as error:
        raise UsageError(f"-roi: {error}") from None
    return check_method(scanned, experiment, options, notes)


def _oversample(scanned: Scanned, experiment: Experiment, setup: DetectorSetup, notes: Notes) -> int:
    """Sub-pixels along each side: three to the finest fringe of the crystal, unless given."""
    crystal = experiment.crystal
    lengths = np.array([float(crystal.cell.a), float(crystal.cell.b), float(crystal.cell.c)])
    sizes = 1.0 if crystal.sizes is None else float(np.max(np.asarray(crystal.sizes.factors()[0])))
    largest = float((lengths * np.asarray(crystal.cells)).max()) * sizes
    resolved = float(experiment.beam.wavelength) * setup.unswung_distance / setup.pixel
    recommended = max(1, math.ceil(3.0 * largest / resolved))
    given = scanned.whole("oversample")
    if given is not None and given < recommended and shape_of(scanned).fringes:
        notes.doubt(f"-oversample {given}: the crystal's fringes need {recommended:g} sub-pixels along each side")
    taken = given or recommended
    sensor = experiment.detector.sensor
    flags = "-oversample, -detector_thicksteps" if given else "as the crystal's size asks for; -oversample sets them"
    check_list(scanned, f"sub-pixels to a pixel ({flags})", taken**2 * (sensor.layers if sensor else 1))
    return taken


def _interpolation(scanned: Scanned, experiment: Experiment, notes: Notes) -> str:
    """Tricubic where asked for, and by itself where an axis is given at most two cells; only with a table.

    An axis whose extent is given in mm counts as one cell here, in the reference images of both modes.
    """
    asked = scanned.last("interpolate", "nointerpolate")
    if not experiment.structure_factors.has_table:
        if asked == "interpolate":
            notes.warn("-interpolate: there is no table of structure factors to interpolate in")
        return "nearest"
    if asked is not None:
        return "tricubic" if asked == "interpolate" else "nearest"
    counts = [scanned.number(name) if name else 1 for name in (scanned.last("N", f"N{axis}") for axis in "abc")]
    if min(count or 1 for count in counts) > 2:
        return "nearest"
    reason = "-N is at most 2" if scanned.last("N", "Na", "Nb", "Nc") else "-N is not given"
    notes.say(f"structure factors are interpolated between indices: {reason} (-nointerpolate)")
    return "tricubic"


def _say_what_compat_leaves_out(scanned: Scanned, options: Options, notes: Notes) -> None:
    for name in ("oversample_thick", "oversample_polar", "oversample_omega"):
        if name in scanned:
            notes.doubt(f"-{name}: the C program's running product of corrections is not reproduced by --compat")
    if options.interpolation == "tricubic":
        notes.doubt(
            "--compat does not switch interpolation off half-way through the image as the C program does: "
            "each look-up stands alone"
        )
