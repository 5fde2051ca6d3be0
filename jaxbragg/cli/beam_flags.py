"""Flags of spectra that are no grid: measured, or a random pulse; part of the table in `flag_table`."""

from __future__ import annotations

from jaxbragg.cli.flags import NOT_NEGATIVE, POSITIVE, Check, Flag

BEAM = "Beam"
_LINES = Check("from 2 to 4096", lambda value: 2 <= value <= 4096)

BEAM_FLAGS: tuple[Flag, ...] = (
    Flag("spectrum", BEAM, "spectrum; energy or wavelength and intensity in two columns, .lam files in Å", "FILE",
         "file", own=True),
    Flag("spectrum-unit", BEAM, "unit of the first column of --spectrum", "UNIT", "word",
         choices=("eV", "keV", "angstrom", "nm", "m"), default="by the numbers, where they tell", own=True),
    Flag("sase", BEAM, "random pulse of a free-electron laser; full widths at half maximum of mean spectrum and pulse",
         "BANDWIDTH DURATION", unit="percent and fs", check=POSITIVE, default="none", own=True),
    Flag("sase-seed", BEAM, "seed of --sase, which pulse", "SEED", "whole", check=NOT_NEGATIVE, default="0", own=True),
    Flag("sase-lines", BEAM, "lines that stand for its spectrum", "COUNT", "whole", check=_LINES, default="128",
         own=True),
)  # fmt: skip
