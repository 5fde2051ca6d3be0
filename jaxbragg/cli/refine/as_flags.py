"""A refined experiment as flags that `jaxbragg` reads again, as far as flags go, and what they leave out.

Flags cannot say everything (-Na takes whole numbers, a spectrum takes a file), so they are read again at once, and
what differs from the refined experiment is named.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxbragg.cli.refine.argv import flatten, groups, without
from jaxbragg.units import MICROMETRE, MILLIMETRE

if TYPE_CHECKING:
    from jaxbragg.models import Experiment
    from jaxbragg.options import Options

_ORIENTATION = ("mat", "cell", "misset", "misset_seed")
_CELLS = ("N", "Na", "Nb", "Nc", "samplesize", "sample_thick", "sample_width", "sample_height")
# What the vectors of a panel stand in for. Sizes, sensor, mask and region stay.
# fmt: off
_PLACE = (
    "distance", "close_distance", "Xbeam", "Ybeam", "Xclose", "Yclose", "ORGX", "ORGY", "mosflm", "denzo", "adxv",
    "xds", "dials", "pivot", "detector_rotx", "detector_roty", "detector_rotz", "twotheta", "twotheta_axis",
    "fdet_vector", "sdet_vector", "odet_vector", "pix0_vector", "pix0_vector_mm", "beam_vector", "polar_vector",
    "spindle_axis",
)
# fmt: on
# Of the same experiment read from flags: numbers pass through text and a matrix's inverse.
_SAME = 1e-9


class AsFlags(NamedTuple):
    """An experiment as flags.

    Attributes:
        argv: The flags, with the name of a matrix file in them.
        matrix: For that file: reciprocal vectors in columns, times the wavelength.
        left_out: Paths that the flags do not say, or not exactly.
    """

    argv: list[str]
    matrix: np.ndarray
    left_out: list[str]


def as_flags(argv: Sequence[str], experiment: Experiment, options: Options, matrix_path: str) -> AsFlags:
    """Flags of a refined experiment.

    Args:
        argv: The flags that it began with.
        experiment: It.
        options: How it is simulated.
        matrix_path: Where its orientation matrix will be.
    """
    from jaxbragg.models import FlatPanel

    crystal, beam = experiment.crystal, experiment.beam
    wavelength = float(beam.wavelength)
    new = ["-mat", os.path.abspath(matrix_path), "-lambda", _text(wavelength)]
    gone = [*_ORIENTATION, *_CELLS, "lambda", "energy", "fluence", "flux", "exposure"]
    for axis, count in zip("abc", np.asarray(crystal.cells), strict=True):
        new += [f"-N{axis}", str(max(1, round(float(count))))]
    new += ["-fluence", _text(beam.fluence), "-oversample", str(options.oversample)]
    gone += ["oversample", "interpolate", "nointerpolate"]
    if experiment.structure_factors.has_table:
        new.append("-interpolate" if options.interpolation == "tricubic" else "-nointerpolate")
    if options.polarization:
        gone.append("polar")
        new += ["-polar", _text(beam.polarization)]
    if crystal.shape != "square":
        gone.append("fudge")
        new += ["-fudge", _text(crystal.fudge)]
    if float(crystal.blocks) != 1.0:
        gone.append("spot-scale")
        new += ["--spot-scale", _text(crystal.blocks)]
    spread = getattr(crystal.mosaic, "spread", None)
    if spread is not None:
        gone.append("mosaic")
        new += ["-mosaic", _text(spread)]
    if float(experiment.structure_factors.default) != 0.0:
        gone.append("default_F")
        new += ["-default_F", _text(experiment.structure_factors.default)]
    from_file = any(flag is not None and flag.name == "geometry" for flag, _ in groups(argv))
    if isinstance(experiment.detector, FlatPanel):
        gone += [*_PLACE, "pixel"]
        new += _place(experiment)
        if from_file:  # what it says beside the place
            gone += ["geometry", "phi", "osc", "phistep", "phisteps"]
            new += _instead_of_file(experiment)
    argv = [*flatten(_absolute(without(argv, gone))), *new]
    matrix = np.linalg.inv(np.asarray(crystal.vectors(), float)) * wavelength
    return AsFlags(argv, matrix, left_out(argv, matrix_path, matrix, experiment))


def flags_text(found: AsFlags) -> str:
    """The flags as a file: one flag a line, quoted as a shell wants it, and `xargs`, which knows no comments."""
    return "".join(shlex.join(group) + "\n" for _, group in groups(found.argv))


def matrix_text(matrix: np.ndarray) -> str:
    """A matrix with all its digits, as `jaxbragg.io.read_matrix` reads it."""
    return "".join(" ".join(f"{value: .17g}" for value in row) + "\n" for row in matrix)


def left_out(argv: Sequence[str], matrix_path: str, matrix: np.ndarray, experiment: Experiment) -> list[str]:
    """Paths of an experiment that its flags do not say: found by reading them.

    Args:
        argv: The flags.
        matrix_path: The matrix file that they name; it need not be there yet.
        matrix: What will be in it.
        experiment: What they ought to say.
    """
    import tempfile

    from jaxbragg.cli.errors import UsageError
    from jaxbragg.cli.read import read_setup
    from jaxbragg.cli.scanner import scan
    from jaxbragg.io.errors import FileError
    from jaxbragg.refine.parameter_files import parameters_of

    with tempfile.TemporaryDirectory() as folder:
        beside = os.path.join(folder, "A.mat")
        with open(beside, "w", encoding="utf-8") as file:
            file.write(matrix_text(matrix))
        name = os.path.abspath(matrix_path)
        try:
            again = read_setup(scan([beside if word == name else word for word in argv])).experiment
        except (UsageError, FileError) as error:
            return [f"everything: {error}"]
    found, wanted = parameters_of(again), parameters_of(experiment)
    same = {name for name in wanted if name in found and _same(found[name], wanted[name])}
    # The same vectors may come of another split into cell, orientation and misset.
    vectors = [np.asarray(e.crystal.vectors()) for e in (again, experiment)]
    if _same(*vectors):
        same |= {name for name in wanted if name.startswith(("crystal.cell.", "crystal.orientation", "crystal.misset"))}
    return [name for name in wanted if name not in same]


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind != "f":
        return bool((one == other).all())
    return bool(np.abs(one - other).max(initial=0.0) <= _SAME * max(np.abs(other).max(initial=0.0), 1e-300))


def _place(experiment: Experiment) -> list[str]:
    detector: Any = experiment.detector
    vectors = {
        "fdet_vector": detector.fast_axis,
        "sdet_vector": detector.slow_axis,
        "odet_vector": detector.normal_axis,
        "pix0_vector": detector.origin,
        "beam_vector": experiment.beam.direction,
        "polar_vector": experiment.beam.polarization_axis,
    }
    if experiment.scan.goniometer is None:
        vectors["spindle_axis"] = experiment.scan.spindle()
    argv = []
    for name, vector in vectors.items():
        argv += [f"-{name}", *(_text(x) for x in np.asarray(vector))]
    # The plane's distance goes into the header; the place itself is the corner's.
    pixel = float(np.asarray(detector.pixel_size)[0])
    return [*argv, "-pixel", _text(pixel / MILLIMETRE)]


def _instead_of_file(experiment: Experiment) -> list[str]:
    """Pixels, sensor and rotation, where a file of geometry said them; its mask cannot be said."""
    detector: Any = experiment.detector
    slow, fast = detector.pixels
    argv = ["-detpixels_f", str(fast), "-detpixels_s", str(slow)]
    if (sensor := detector.sensor) is not None:
        thickness = float(sensor.layer_thickness) * sensor.layers / MICROMETRE
        argv += [
            "-detector_thick",
            _text(thickness),
            "-detector_abs",
            _text(1 / float(sensor.attenuation) / MICROMETRE),
        ]
        argv += ["-detector_thicksteps", str(sensor.layers)]
    angles = np.asarray(experiment.scan.angles, float)
    argv += ["-phi", _text(angles[0])]
    if experiment.scan.width is not None:
        argv += ["-osc", _text(experiment.scan.width)]
    elif len(angles) > 1:
        step = (angles[-1] - angles[0]) / (len(angles) - 1)
        argv += ["-osc", _text(step * len(angles)), "-phisteps", str(len(angles))]
    return argv


def _absolute(argv: Sequence[str]) -> list[Any]:
    return [
        (flag, [group[0], *map(os.path.abspath, group[1:])] if flag is not None and flag.kind == "file" else group)
        for flag, group in groups(argv)
    ]


def _text(value: Any) -> str:
    return repr(float(value))
