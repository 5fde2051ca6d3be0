"""Flags of beams that the C program knows nothing of; part of the table in `flag_table`."""

from __future__ import annotations

from jaxbragg.cli.flags import FRACTION, NOT_NEGATIVE, POSITIVE, Check, Flag

BEAM = "Beam"


def _two_colors_say(values: tuple[float, ...]) -> str:
    return f"the third is the share of the first, not {values[2]:g}" if len(values) > 2 and values[2] > 1 else ""


_LINES = Check("from 2 to 4096", lambda value: 2 <= value <= 4096)

BEAM_FLAGS: tuple[Flag, ...] = (
    Flag("bandwidth", BEAM, "Gaussian spectrum, standard deviation; gauss spots have it in closed form", "SIGMA",
         unit="percent", check=NOT_NEGATIVE, own=True),
    Flag("divergence-gauss", BEAM, "Gaussian divergence, standard deviations horizontal and vertical; likewise", "H V",
         unit="mrad", check=NOT_NEGATIVE, own=True),
    Flag("spectrum", BEAM, "spectrum; energy or wavelength and intensity in two columns, .lam files in Å", "FILE",
         "file", own=True),
    Flag("spectrum-unit", BEAM, "unit of the first column of --spectrum", "UNIT", "word",
         choices=("eV", "keV", "angstrom", "nm", "m"), default="by the numbers, where they tell", own=True),
    Flag("sase", BEAM, "random pulse of a free-electron laser; full widths at half maximum of mean spectrum and pulse",
         "BANDWIDTH DURATION", unit="percent and fs", check=POSITIVE, default="none", own=True),
    Flag("two-colors", BEAM, "two wavelengths, each with --bandwidth; and the share of the first", "FIRST SECOND SHARE",
         unit="Å", fewest=2, check=POSITIVE, together=_two_colors_say, default="none", own=True),
    Flag("stokes", BEAM, "polarization as S1 S2 S3 over S0; along the axis, 45° to it, circular", "S1 S2 S3",
         check=FRACTION, default="-polar", own=True),
    Flag("sase-seed", BEAM, "seed of --sase, which pulse", "SEED", "whole", check=NOT_NEGATIVE, default="0", own=True),
    Flag("sase-lines", BEAM, "lines that stand for its spectrum", "COUNT", "whole", check=_LINES, default="128",
         own=True),
)  # fmt: skip
