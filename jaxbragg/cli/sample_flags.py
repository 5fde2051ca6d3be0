"""Flags of what a crystal is beside its cell, and of where it is; part of the table in `flag_table`."""

from __future__ import annotations

from jaxbragg.cli.flags import NOT_NEGATIVE, POSITIVE, Flag

SAMPLE = "Sample"


SAMPLE_FLAGS: tuple[Flag, ...] = (
    Flag("lattices", SAMPLE, "further lattices of a split or twinned crystal; a share and three angles in degrees, or "
         "a share and a twin law, on each line", "FILE", "file", own=True),
    Flag("size-spread", SAMPLE, "log-normal distribution of crystal sizes about -N; its width, and how many sizes "
         "stand for it", "SPREAD COUNT", unit="percent, and a number", fewest=1, check=NOT_NEGATIVE,
         default="none", own=True),
    Flag("dose", SAMPLE, "dose of each image, of which the B factor grows; and by how much", "DOSE RATE",
         unit="MGy and Å²/MGy", fewest=1, check=NOT_NEGATIVE, default="none", own=True),
    Flag("crystal-position", SAMPLE, "place of the crystal at φ = 0, from where the spindle meets the beam", "X Y Z",
         unit="mm", default="there", own=True),
    Flag("crystal-box", SAMPLE, "box of crystal in which beam and spots are absorbed, edges along x, y, z at φ = 0",
         "X Y Z", unit="µm", check=POSITIVE, default="none", own=True),
    Flag("crystal-depth", SAMPLE, "depth at which 1/e of the light is left in --crystal-box", "DEPTH", unit="µm",
         check=POSITIVE, default="of protein with as much water", own=True),
    Flag("goniometer", SAMPLE, "chain of axes; name, vector and angle in degrees of each, from the base to the crystal",
         "FILE", "file", own=True),
    Flag("goniometer-angles", SAMPLE, "angles of its axes in degrees, such as kappa=30,phi=-15", "ANGLES", "word",
         default="the file's", own=True),
    Flag("scan-axis", SAMPLE, "which of its axes -phi and -osc turn", "NAME", "word", default="the first", own=True),
    Flag("beam-fwhm", SAMPLE, "Gaussian profile of the beam; full widths along the polarization axis and across it, "
         "with --crystal-position or -flux", "WIDTH HEIGHT", unit="mm", check=POSITIVE, default="none", own=True),
    Flag("beam-box", SAMPLE, "profile of the beam that is even within a rectangle; likewise", "WIDTH HEIGHT", unit="mm",
         check=POSITIVE, default="none", own=True),
)  # fmt: skip
