"""Flags → what the detector makes of the photons."""

from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.response_flags import RESPONSE_FLAGS, SPREADS
from jaxbragg.cli.scanner import Scanned
from jaxbragg.models import AbstractDetector, AbstractStep, Response
from jaxbragg.models.response import (
    BadPixels,
    CalibrationError,
    Counting,
    FibreSpread,
    Flicker,
    Gain,
    GainStages,
    GaussianSpread,
    MoffatSpread,
    Pedestal,
    PhotonCharge,
    ReadNoise,
)
from jaxbragg.units import HC_EV_ANGSTROM, MICROMETRE, PERCENT

_NANOSECOND = 1e-9


def build_response(
    scanned: Scanned, detector: AbstractDetector, pixel: float, wavelength: float, notes: Notes
) -> Response | None:
    """The steps that flags ask for, in the order in which they happen; None where there is no such flag.

    Args:
        scanned: Flags.
        detector: For the number of its pixels.
        pixel: Edge of its pixels [m].
        wavelength: Of the photons [Å].
        notes: For the log.

    Raises:
        UsageError: If flags contradict each other, or one has nothing that it could be of.
    """
    given = [flag.name for flag in RESPONSE_FLAGS if flag.dest in scanned]
    if not given:
        return None
    if "compat" in scanned:
        raise UsageError(f"--{given[0]}: the C program's detector counts photons and no more (--compat)")
    _check_what_belongs_together(scanned)
    steps: list[AbstractStep] = [*_spread(scanned, pixel)]
    if flicker := scanned.number("flicker"):
        steps.append(Flicker(flicker * PERCENT))
    exposure = 1.0 if (time := scanned.number("exposure")) is None else time
    dead = (scanned.number("dead_time") or 0.0) * _NANOSECOND
    steps.append(Counting(dead, exposure, paralyzable="paralyzable" in scanned))
    if sigma := scanned.number("charge_sharing"):
        steps.append(PhotonCharge(sigma * MICROMETRE / pixel))
    if error := scanned.number("calibration_error"):
        steps.append(CalibrationError(error * PERCENT, scanned.whole("calibration_seed") or 0))
    if scanned.text("gain_stages"):
        steps.append(GainStages.jungfrau(HC_EV_ANGSTROM / wavelength / 1e3))
    if gain := scanned.number("gain"):
        steps.append(Gain(gain))
    if noise := scanned.number("read_noise"):
        steps.append(ReadNoise(noise))
    if pedestal := scanned.number("pedestal"):
        steps.append(Pedestal(pedestal))
    elif noise or scanned.text("gain_stages"):
        notes.say("readings below 0, which noise makes, are written as 0: --pedestal keeps them")
    if bad := scanned.numbers("bad_pixels"):
        level = 1e4 if (given_level := scanned.number("hot_level")) is None else given_level
        steps.append(BadPixels.random(detector.image_shape, bad[0] * PERCENT, bad[1] * PERCENT, level))
    return Response(steps)


def _check_what_belongs_together(scanned: Scanned) -> None:
    spreads = [name for name in SPREADS if name.replace("-", "_") in scanned]
    if len(spreads) > 1:
        raise UsageError(f"--{spreads[1]} contradicts --{spreads[0]}: one point spread")
    for name, needed in (
        ("psf_radius", ("psf_fibre", "psf_moffat")),
        ("paralyzable", ("dead_time",)),
        ("calibration_seed", ("calibration_error",)),
        ("hot_level", ("bad_pixels",)),
    ):
        if name in scanned and not any(other in scanned for other in needed):
            words = " or ".join(f"--{other.replace('_', '-')}" for other in needed)
            raise UsageError(f"--{name.replace('_', '-')} needs {words}")
    if sum(scanned.numbers("bad_pixels") or ()) > 100:
        raise UsageError("--bad-pixels: both together are more than all")
    moffat = scanned.numbers("psf_moffat")
    if moffat and moffat[1] <= 1:
        raise UsageError(f"--psf-moffat: β is {moffat[1]:g}, and must be above 1, where the integral is finite")


def _spread(scanned: Scanned, pixel: float) -> list[AbstractStep]:
    radius = scanned.whole("psf_radius")
    if width := scanned.number("psf_gauss"):
        return [GaussianSpread(width * MICROMETRE / pixel)]
    if g := scanned.number("psf_fibre"):
        return [FibreSpread(g * MICROMETRE / pixel, radius)]
    if both := scanned.numbers("psf_moffat"):
        return [MoffatSpread(both[0] * MICROMETRE / pixel, both[1], radius)]
    return []
