"""Flags of what a detector makes of the photons; part of the table in `flag_table`."""

from __future__ import annotations

from jaxbragg.cli.flags import AT_LEAST_ONE, NOT_NEGATIVE, POSITIVE, Check, Flag

RESPONSE = "Detector response"

SPREADS = ("psf-gauss", "psf-fibre", "psf-moffat")
_SHARE = Check("from 0 to 100", lambda value: 0 <= value <= 100)


def _own(name: str, text: str, values: str, unit: str, check: Check | None = POSITIVE, default: str = "none") -> Flag:
    return Flag(name, RESPONSE, text, values, unit=unit, check=check, default=default, own=True)


RESPONSE_FLAGS: tuple[Flag, ...] = (
    _own("psf-gauss", "Gaussian point spread, full width at half maximum; before photons are counted", "FWHM", "µm"),
    _own("psf-fibre", "point spread of a fibre-coupled phosphor, g/(2π(g² + r²)^1.5); likewise", "G", "µm"),
    _own("psf-moffat", "Moffat's point spread, full width at half maximum and β; likewise", "FWHM BETA", "µm and 1"),
    Flag("psf-radius", RESPONSE, "how far --psf-fibre and --psf-moffat reach; what comes farther is lost", "RADIUS",
         "whole", "pixels", AT_LEAST_ONE, "the whole image", own=True),
    _own("flicker", "random factor of each pixel that is new in every image, standard deviation", "SPREAD", "percent",
         NOT_NEGATIVE, "0"),
    _own("dead-time", "dead time after each photon; -exposure is the time in which they come", "TIME", "ns",
         NOT_NEGATIVE, "0"),
    Flag("paralyzable", RESPONSE, "photons that come in the dead time make it longer; with --dead-time", own=True),
    _own("charge-sharing", "Gaussian cloud that charge spreads to in the sensor, standard deviation", "SIGMA", "µm"),
    _own("calibration-error", "factor of each pixel that is the same in every image, standard deviation", "SPREAD",
         "percent", NOT_NEGATIVE, "0"),
    Flag("calibration-seed", RESPONSE, "seed of --calibration-error, which stands for the detector", "SEED", "whole",
         check=NOT_NEGATIVE, default="0", own=True),
    Flag("gain-stages", RESPONSE, "integrating detector that switches its gain, of nominal figures; calibrated again",
         "NAME", "word", choices=("jungfrau",), default="none", own=True),
    _own("gain", "reading of one photon", "GAIN", "ADU", POSITIVE, "1"),
    _own("read-noise", "noise of the read-out, standard deviation", "SPREAD", "ADU", NOT_NEGATIVE, "0"),
    _own("pedestal", "reading without light; SMV images have -adc", "OFFSET", "ADU", NOT_NEGATIVE, "0"),
    Flag("bad-pixels", RESPONSE, "shares of dead pixels, which read 0, and of hot ones, which read --hot-level",
         "DEAD HOT", unit="percent", check=_SHARE, default="0 0", own=True),
    _own("hot-level", "reading of hot pixels", "LEVEL", "ADU", NOT_NEGATIVE, "10000"),
)  # fmt: skip
