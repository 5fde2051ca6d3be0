"""Flags → spectra that are no grid: of a file, or of a random pulse."""

from dataclasses import replace

import numpy as np

from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned
from jaxbragg.io.spectrum import read_spectrum
from jaxbragg.models import SpectrumTable
from jaxbragg.units import PERCENT

_WHOLE = ("spectrum", "sase", "two_colors", "bandwidth")


def with_wavelength(scanned: Scanned) -> Scanned:
    """The flags with the mean wavelength of --spectrum, where nothing else says one.

    Raises:
        FileError: If the file is missing or broken.
    """
    path, colors = scanned.text("spectrum"), scanned.numbers("two_colors")
    if (path is None and colors is None) or "lambda" in scanned or "energy" in scanned:
        return scanned
    if colors is not None:
        mean = float(np.average(colors[:2], weights=_shares(colors)))
    else:
        wavelengths, weights = read_spectrum(path or "", scanned.text("spectrum_unit"))
        mean = float((wavelengths * weights).sum() / weights.sum())
    return replace(scanned, values={**scanned.values, "lambda": mean}, order=["lambda", *scanned.order])


def _shares(colors: tuple[float, ...]) -> np.ndarray:
    """Of the two wavelengths of --two-colors."""
    share = colors[2] if len(colors) > 2 else 0.5
    return np.array([share, 1.0 - share])


def spectrum_of(scanned: Scanned, wavelength: float, notes: Notes) -> tuple[SpectrumTable, float] | None:
    """The spectrum that flags give, and how many times the fluence it has; None where none does.

    Args:
        scanned: Flags.
        wavelength: Of -lambda or -energy [Å].
        notes: For the log.

    Raises:
        FileError: If the file is missing or broken.
        UsageError: If flags contradict each other.
    """
    given = [name for name in _WHOLE if name in scanned]
    for name, needed in (("spectrum_unit", "spectrum"), ("sase_seed", "sase"), ("sase_lines", "sase")):
        if name in scanned and needed not in scanned:
            raise UsageError(f"--{name.replace('_', '-')} needs --{needed}")
    if not given or given == ["bandwidth"]:
        return None
    if given == ["two_colors", "bandwidth"]:
        given = ["two_colors"]
    if len(given) > 1:
        first, second = (f"--{name.replace('_', '-')}" for name in given[:2])
        raise UsageError(f"{second} contradicts {first}, which says all of the spectrum")
    if "compat" in scanned:
        raise UsageError(f"--{given[0].replace('_', '-')}: the C program has other spectra (--compat)")
    if (colors := scanned.numbers("two_colors")) is not None:
        width = (scanned.number("bandwidth") or 0.0) * PERCENT
        order = np.argsort(colors[:2])
        return SpectrumTable(np.array(colors[:2])[order], _shares(colors)[order], [width, width]), 1.0
    if path := scanned.text("spectrum"):
        wavelengths, weights = read_spectrum(path, scanned.text("spectrum_unit"))
        mean = float((wavelengths * weights).sum() / weights.sum())
        notes.say(f"--spectrum {path}: {len(weights)} lines about {mean:.6g} Å")
        if not wavelengths[0] <= wavelength <= wavelengths[-1] or abs(mean / wavelength - 1) > 0.05:
            notes.doubt(
                f"--spectrum {path}: its mean is {mean:.6g} Å, but -lambda {wavelength:.6g}: the image is of it"
            )
        return SpectrumTable(wavelengths, weights), 1.0
    import jax

    from jaxbragg.models.sase import sase_pulse

    bandwidth, duration = scanned.numbers("sase") or (0.0, 0.0)
    seed, lines = scanned.whole("sase_seed") or 0, scanned.whole("sase_lines") or 128
    try:
        pulse = sase_pulse(jax.random.key(seed), wavelength, bandwidth * PERCENT, duration, lines)
    except ValueError as error:
        raise UsageError(f"--sase {bandwidth:g} {duration:g}: {error}") from None
    energy = float(np.asarray(pulse.energy))
    notes.say(f"--sase {bandwidth:g} {duration:g}: pulse {seed} (--sase-seed) has {energy:.4g} of the mean energy")
    return pulse.sources, energy
