"""Spectra as two columns: energy or wavelength, and intensity."""

from __future__ import annotations

import math
import os

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted, read_text, rows, to_float
from jaxbragg.units import HC_EV_ANGSTROM

UNITS = {"eV": 1.0, "keV": 1e3, "angstrom": 1.0, "nm": 10.0, "m": 1e10}
"""Of the first column, in eV or Å."""

_ENERGIES = ("eV", "keV")
_FORM = "expected an energy or a wavelength, and an intensity"


def read_spectrum(path: str | os.PathLike[str], unit: str | None = None) -> tuple[NDArray[np.float64], ...]:
    """Reads a spectrum.

    Args:
        path: Text file of two columns; further ones, `#` comments and blank lines are ignored. `.lam` files, of
            diffBragg, are in Å.
        unit: Of the first column, one of `UNITS`; None to tell eV (above 200) and metres (below 1e-6) by the numbers.

    Returns:
        Wavelengths [Å] and intensities, both [line], by ascending wavelength; lines of intensity 0 are left out.

    Raises:
        FileError: The file cannot be read, a word is no number, a number is not positive or an intensity negative,
            there is no intensity at all, or the unit is not clear.
        ValueError: There is no such unit.
    """
    if unit is not None and unit not in UNITS:
        raise ValueError(f"Argument `unit` must be one of {', '.join(UNITS)}, but is {unit!r}.")
    table: list[tuple[float, float]] = []
    for line, words in rows(read_text(path)):
        if len(words) < 2:
            raise FileError(path, f"{_FORM}, but found {quoted(words)}", line)
        place, intensity = (to_float(word) for word in words[:2])
        if place is None or intensity is None or not (math.isfinite(place) and math.isfinite(intensity)):
            raise FileError(path, f"{_FORM}, but found {quoted(words[:2])}", line)
        if place <= 0.0:
            raise FileError(path, f"expected a positive energy or wavelength, but found {quoted(words[0])}", line)
        if intensity < 0.0:
            raise FileError(path, f"expected an intensity that is not negative, but found {quoted(words[1])}", line)
        table.append((place, intensity))
    if not any(intensity for _, intensity in table):
        raise FileError(path, f"{_FORM}, but found no intensity above 0")
    places, intensities = np.array(table, float).T
    unit = unit or _unit_of(path, places)
    found = UNITS[unit] * places
    wavelengths = HC_EV_ANGSTROM / found if unit in _ENERGIES else found
    order = np.argsort(wavelengths, kind="stable")
    order = order[intensities[order] > 0]
    return wavelengths[order], intensities[order]


def _unit_of(path: str | os.PathLike[str], places: NDArray[np.float64]) -> str:
    if os.fspath(path).endswith(".lam"):
        return "angstrom"
    if places.min() > 200.0:
        return "eV"
    if places.max() < 1e-6:
        return "m"
    raise FileError(
        path, f"numbers from {places.min():g} to {places.max():g} may be Å, nm or keV: --spectrum-unit says which"
    )
