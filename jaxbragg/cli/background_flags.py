"""Flags of what scatters beside the crystal and of what absorbs; part of the table in `flag_table`."""

from __future__ import annotations

from jaxbragg.cli.flags import NOT_NEGATIVE, POSITIVE, Flag

BACKGROUND = "Background and absorption"


def _own(name: str, text: str, values: str, unit: str, default: str = "none") -> Flag:
    return Flag(name, BACKGROUND, text, values, unit=unit, check=POSITIVE, default=default, own=True)


BACKGROUND_FLAGS: tuple[Flag, ...] = (
    Flag("water", BACKGROUND, "thickness of water around the crystal; a cube of it, as in the C program", "THICKNESS",
         unit="µm", check=NOT_NEGATIVE, default="0"),
    Flag("stol", BACKGROUND, "amorphous structure factor against sin θ/λ; with -water", "FILE", "file"),
    Flag("4stol", BACKGROUND, "amorphous structure factor against 4 sin θ/λ; with -water", "FILE", "file"),
    Flag("Q", BACKGROUND, "amorphous structure factor against Q; with -water", "FILE", "file"),
    _own("liquid", "thickness of a sheet of liquid water in the beam; -beamsize is the beam", "THICKNESS", "µm"),
    _own("air", "length of the beam in air that the detector sees, nitrogen, oxygen and argon; likewise", "PATH", "mm"),
    _own("helium", "the same of helium", "PATH", "mm"),
    _own("ice", "thickness of hexagonal ice in the beam, in all orientations; likewise", "THICKNESS", "µm"),
    _own("ice-size", "size of its crystallites; nm for nano-ice", "SIZE", "nm", "100"),
    Flag("compton", BACKGROUND, "Compton scatter of --liquid, --air and --helium, too", own=True),
    Flag("diffuse", BACKGROUND, "liquid-like motions of the crystal's atoms; rms displacement, and length over which "
         "they move together", "SIGMA GAMMA", unit="Å", check=POSITIVE, default="none", own=True),
    Flag("air-absorption", BACKGROUND, "where the air begins that absorbs; 0 for all the way from the sample", "START",
         unit="mm", check=NOT_NEGATIVE, default="none", own=True),
    Flag("beam-stop", BACKGROUND, "disc behind the sample; radius and distance", "RADIUS DISTANCE", unit="mm",
         check=POSITIVE, default="none", own=True),
)  # fmt: skip
