"""Flags → what scatters beside the crystal, and what stands between sample and detector."""

import numpy as np

from jaxbragg.cli.build.beam import beam_size
from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned
from jaxbragg.io import read_stol
from jaxbragg.models import (
    AbstractAbsorber,
    AbstractBackground,
    AbstractStructureFactors,
    AirPath,
    AmorphousBackground,
    BeamStop,
    Crystal,
    LiquidLikeMotions,
    PowderRings,
    StructureFactors,
)
from jaxbragg.units import MICROMETRE, MILLIMETRE

# How much sin θ/λ is in one unit of each table's first column.
_STOL_FLAGS = {"stol": 1.0, "4stol": 0.25, "Q": 1.0 / (4.0 * np.pi)}
_OWN = ("liquid", "air", "helium", "ice")
_NANOMETRE = 1e-9
_AIR = "N1.5616O0.419Ar0.0093"  # atoms of a molecule of dry air on average


def build_background(
    scanned: Scanned, crystal: Crystal, factors: AbstractStructureFactors, notes: Notes
) -> tuple[AbstractBackground, ...] | AbstractBackground | None:
    """Everything that scatters beside the crystal's spots; None where there is nothing.

    Args:
        scanned: Flags.
        crystal: Whose diffuse scatter it may be.
        factors: Its |F|.
        notes: For the log.

    Raises:
        FileError: If a table of structure factors is missing or broken.
        UsageError: If a flag has nothing that it could be of, or --compat knows nothing of it.
    """
    found: list[AbstractBackground] = [each for each in (_water(scanned, notes),) if each is not None]
    given = [name for name in _OWN if name in scanned]
    if given and "compat" in scanned:
        raise UsageError(f"--{given[0]}: the C program has water alone (--compat)")
    if "ice_size" in scanned and "ice" not in scanned:
        raise UsageError("--ice-size needs --ice")
    amorphous, edge = [], beam_size(scanned)
    if thickness := scanned.number("liquid"):
        amorphous.append(("H2O", AmorphousBackground.slab(thickness * MICROMETRE, edge)))
    for name, formula, shares in (("air", _AIR, None), ("helium", "He", {"He": 1.0})):
        if path := scanned.number(name):
            amorphous.append((formula, AmorphousBackground.gas(path * MILLIMETRE, edge, shares)))
    found += [each for _, each in amorphous]
    if "compton" in scanned:
        if not amorphous:
            raise UsageError("--compton needs --liquid, --air or --helium")
        found += [AmorphousBackground.compton(formula, each.molecules) for formula, each in amorphous]
    if thickness := scanned.number("ice"):
        size = scanned.number("ice_size") or 100.0
        found.append(PowderRings.ice(thickness * MICROMETRE * edge**2, size * _NANOMETRE))
    if both := scanned.numbers("diffuse"):
        found.append(_diffuse(scanned, crystal, factors, both, notes))
    if given:
        notes.say(f"--{', --'.join(given)}: in a beam of {edge / MILLIMETRE:g} mm (-beamsize)")
    return None if not found else found[0] if len(found) == 1 else tuple(found)


def build_absorbers(scanned: Scanned, wavelength: float) -> tuple[AbstractAbsorber, ...]:
    """What stands between the sample and the detector.

    Args:
        scanned: Flags.
        wavelength: [Å].

    Raises:
        UsageError: If --compat knows nothing of it.
    """
    found: list[AbstractAbsorber] = []
    if (start := scanned.number("air_absorption")) is not None:
        found.append(AirPath.of(wavelength, start * MILLIMETRE))
    if both := scanned.numbers("beam_stop"):
        found.append(BeamStop(both[0] * MILLIMETRE, both[1] * MILLIMETRE))
    if found and "compat" in scanned:
        raise UsageError("--air-absorption and --beam-stop: the C program knows of none (--compat)")
    return tuple(found)


def _diffuse(
    scanned: Scanned, crystal: Crystal, factors: AbstractStructureFactors, both: tuple[float, ...], notes: Notes
) -> LiquidLikeMotions:
    sigma, gamma = both
    if "compat" in scanned:
        raise UsageError("--diffuse: the C program has no diffuse scatter (--compat)")
    if not isinstance(factors, StructureFactors) or not factors.has_table:
        raise UsageError("--diffuse needs a table of structure factors, the same for all wavelengths")
    if "bfactor" not in scanned:
        b_factor = 8 * np.pi**2 * sigma**2
        notes.warn(
            f"--diffuse {sigma:g} {gamma:g}: what it takes from the spots is --bfactor {b_factor:.4g}, not given"
        )
    if (start := scanned.number("phi")) or scanned.number("osc"):
        notes.say(f"--diffuse: of the crystal as it is at φ = 0, not at {start or 0:g}° and beyond")
    return LiquidLikeMotions.of(crystal, factors, sigma, gamma)


def _water(scanned: Scanned, notes: Notes) -> AmorphousBackground | None:
    """Water or another amorphous substance around the crystal, as in the C program."""
    thickness = scanned.number("water")
    last = scanned.last(*_STOL_FLAGS)
    if not thickness:
        if last is not None:
            notes.warn(f"-{last} without -water: there is nothing whose structure factors it could be")
        return None
    if last is None:
        return AmorphousBackground.water(thickness * MICROMETRE)
    stol, factor = read_stol(scanned.text(last) or "", _STOL_FLAGS[last])
    notes.say(f"background of {thickness:g} µm, structure factors from {scanned.text(last)}")
    return AmorphousBackground.water(thickness * MICROMETRE, stol, factor)
