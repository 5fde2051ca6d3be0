"""Flags → what a crystal is beside its cell, where it is, and what turns it."""

from typing import Any

import numpy as np

from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.flags import read_number
from jaxbragg.cli.sample_flags import SAMPLE_FLAGS
from jaxbragg.cli.scanner import Scanned
from jaxbragg.io.goniometer import read_goniometer
from jaxbragg.io.lattices import read_lattices
from jaxbragg.models import (
    AbstractProfile,
    ConvexAbsorption,
    Crystal,
    Damage,
    Experiment,
    GaussianProfile,
    Goniometer,
    LogNormalSizes,
    TophatProfile,
)
from jaxbragg.models.components import is_plain
from jaxbragg.models.detector.attenuation import attenuation_of
from jaxbragg.models.readable import with_fields
from jaxbragg.models.twinning import twinned
from jaxbragg.models.unit_cell import UnitCell
from jaxbragg.units import MICROMETRE, MILLIMETRE, PERCENT, RADIANS
from jaxbragg_kernels import rotation
from jaxbragg_kernels.numerics import numerics

# Of a crystal of protein (1.35 g/cm³) and as much water by volume: [kg/m³], and the elements' shares of its mass.
_CRYSTAL_DENSITY = 1175.0
_CRYSTAL = {"C": 0.304, "N": 0.095, "O": 0.507, "S": 0.006}
_MOST_SIZES = 64


def sample_of(scanned: Scanned, wavelength: float) -> dict[str, Any]:
    """What `Crystal` takes of these flags.

    Raises:
        UsageError: If flags contradict each other.
    """
    found: dict[str, Any] = {}
    for name, needed in (
        ("crystal_depth", "crystal_box"),
        ("goniometer_angles", "goniometer"),
        ("scan_axis", "goniometer"),
    ):
        if name in scanned and needed not in scanned:
            raise UsageError(f"--{name.replace('_', '-')} needs --{needed.replace('_', '-')}")
    for name in (flag.dest for flag in SAMPLE_FLAGS):
        if "compat" in scanned and name in scanned:
            raise UsageError(f"--{name.replace('_', '-')}: the C program has no such thing (--compat)")
    if (spread := _list(scanned, "size_spread")) is not None:
        count = spread[1] if len(spread) > 1 else 7
        if not 1 <= count <= _MOST_SIZES or count != int(count):
            raise UsageError(f"--size-spread takes a number of sizes from 1 to {_MOST_SIZES}, but got {count:g}")
        found["sizes"] = LogNormalSizes(spread[0] * PERCENT, int(count))
    if (dose := _list(scanned, "dose")) is not None:
        found["damage"] = Damage(0.5 * dose[0], *dose[1:])  # that of its middle
    if (place := _list(scanned, "crystal_position")) is not None:
        found["position"] = np.asarray(place) * MILLIMETRE
    if (size := _list(scanned, "crystal_box")) is not None:
        depth = scanned.number("crystal_depth")
        attenuation = 1.0 / (depth * MICROMETRE) if depth else attenuation_of(_CRYSTAL, _CRYSTAL_DENSITY, wavelength)
        found["absorption"] = ConvexAbsorption.box(np.asarray(size) * MICROMETRE, attenuation)
    return found


def check_one_component(flag: str, experiment: Experiment) -> None:
    """Refuse what is of one crystal on the spindle where there is more.

    Raises:
        UsageError: If there is.
    """
    if not is_plain(experiment):
        raise UsageError(
            f"{flag} is of one crystal on the spindle: it contradicts --lattices, --size-spread, --crystal-position "
            "and --crystal-box"
        )


def _list(scanned: Scanned, name: str) -> list[float] | None:
    """The numbers of a flag, one or several."""
    value: Any = scanned.values.get(name)
    if value is None:
        return None
    return [float(x) for x in (value if isinstance(value, tuple) else (value,))]


def lattices_of(scanned: Scanned, crystal: Crystal) -> tuple[Crystal, ...]:
    """The further lattices of --lattices.

    Raises:
        FileError: If the file is missing or broken.
        UsageError: If a cell cannot be.
    """
    path = scanned.text("lattices")
    if path is None:
        return ()
    found = []
    for row in read_lattices(path):
        angles: Any = np.array(row.turn) * RADIANS
        if row.law is not None:
            found.append(twinned(crystal, row.law, row.share))
            continue
        turn = rotation.about_xyz(angles)
        frame = turn @ np.asarray(crystal.frame(), float)
        try:
            cell = crystal.cell if row.cell is None else UnitCell(*row.cell)
        except ValueError as error:
            raise UsageError(f"--lattices {path}: {error}") from None
        with numerics():
            blocks = crystal.blocks * row.share
        found.append(with_fields(crystal, cell=cell, orientation=frame, misset=np.zeros(3), blocks=blocks))
    return tuple(found)


def profile_of(scanned: Scanned, notes: Notes) -> AbstractProfile | None:
    """The beam's profile.

    Raises:
        UsageError: If there are two.
    """
    given = [name for name in ("beam_fwhm", "beam_box") if name in scanned]
    if len(given) > 1:
        raise UsageError("--beam-fwhm contradicts --beam-box")
    if not given:
        return None
    if "crystal_position" not in scanned and not (given == ["beam_fwhm"] and "flux" in scanned):
        notes.warn(f"--{given[0].replace('_', '-')}: the crystal is in the beam's middle (--crystal-position)")
    widths = np.asarray(scanned.numbers(given[0])) * MILLIMETRE
    return GaussianProfile(widths) if given == ["beam_fwhm"] else TophatProfile(widths)


def goniometer_of(scanned: Scanned) -> Goniometer | None:
    """The chain of axes of --goniometer.

    Raises:
        FileError: If the file is missing or broken.
        UsageError: If there is no axis of a name, or an angle is no number.
    """
    path = scanned.text("goniometer")
    if path is None:
        return None
    if "spindle_axis" in scanned:
        raise UsageError("-spindle_axis contradicts --goniometer, whose axes the file gives")
    angles = {}
    for part in filter(None, (scanned.text("goniometer_angles") or "").split(",")):
        name, _, number = part.partition("=")
        value = read_number(number)
        if not name or value is None:
            raise UsageError(f"--goniometer-angles takes angles such as kappa=30,phi=-15, but got '{part}'")
        angles[name] = value
    scan_axis = scanned.text("scan_axis")
    made = read_goniometer(path)
    for flag, name in (("scan-axis", scan_axis), *(("goniometer-angles", name) for name in angles)):
        if name is not None and name not in made.names:
            raise UsageError(f"--{flag}: {path} has the axes {', '.join(made.names)}, but no {name}")
    return read_goniometer(path, angles, scanned=scan_axis)
