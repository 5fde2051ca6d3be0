"""Flags that were not given: those that the headers of `-img` and `-mask` supply, and one of the C program's."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from jaxbragg.cli.build.detector import pixel_size
from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.flag_table import find_flag
from jaxbragg.cli.flags import Value
from jaxbragg.cli.scanner import Scanned
from jaxbragg.io import FileError, read_mask, read_smv_header
from jaxbragg.io.text import to_float
from jaxbragg.units import MILLIMETRE

# Header key → flag, and the flags that say the same thing in another way.
_FLAG_OF_KEY = {
    "SIZE1": ("detpixels_f", ("detpixels", "detsize", "detsize_f")),
    "SIZE2": ("detpixels_s", ("detpixels", "detsize", "detsize_s")),
    "PIXEL_SIZE": ("pixel", ()),
    "DISTANCE": ("distance", ("close_distance",)),
    "CLOSE_DISTANCE": ("close_distance", ("distance",)),
    "WAVELENGTH": ("lambda", ("energy",)),
    "BEAM_CENTER_X": ("Xbeam", ()),
    "BEAM_CENTER_Y": ("Ybeam", ()),
    "ORGX": ("ORGX", ("Xclose",)),
    "ORGY": ("ORGY", ("Yclose",)),
    "PHI": ("phi", ()),
    "OSC_RANGE": ("osc", ()),
    "TWOTHETA": ("twotheta", ()),
}


class Inherited(NamedTuple):
    """A command line with what headers add to it.

    Attributes:
        scanned: Flags, those of the headers first.
        mask: Pixels to be simulated [slow, fast], or None.
        names: Flags that the headers supply.
    """

    scanned: Scanned
    mask: np.ndarray | None
    names: frozenset[str]


def inherit(scanned: Scanned, notes: Notes) -> Inherited:
    """Read the headers that `-mask` and `-img` name; flags win over both, and the image wins over the mask.

    Raises:
        FileError: If a file is missing or broken, or a header's value is no number.
    """
    found: dict[str, Value] = {}
    mask = None
    if path := scanned.text("mask"):
        found_mask = read_mask(path)
        mask = found_mask.pixels
        if "geometry" in scanned:  # which says the rest, of several panels too
            return Inherited(scanned, mask, frozenset())
        if mask.ndim != 2:
            raise FileError(path, "expected an image of slow × fast pixels whose file says how many there are")
        sizes = {"SIZE1": str(mask.shape[1]), "SIZE2": str(mask.shape[0])}
        values = _flags_of(path, found_mask.header or sizes)
        if "Ybeam" in values:
            # The C program counts a mask's beam centre from the other end of the slow axis.
            pixel = values.get("pixel") or pixel_size(scanned) / MILLIMETRE
            values["Ybeam"] = mask.shape[0] * pixel - values["Ybeam"]
        found.update(values)
    if path := scanned.text("img"):
        found.update(_flags_of(path, read_smv_header(path)))
    added = {
        name: value
        for name, value in found.items()
        if name not in scanned and not any(other in scanned for other in _others(name))
    }
    if added:
        files = " and ".join(f for f in (scanned.text("mask"), scanned.text("img")) if f)
        notes.say(f"from the header of {files}: " + ", ".join(f"-{name} {value:g}" for name, value in added.items()))
    order = [*added, *scanned.order]
    return Inherited(replace(scanned, values={**added, **scanned.values}, order=order), mask, frozenset(added))


def _others(name: str) -> tuple[str, ...]:
    return next(others for flag, others in _FLAG_OF_KEY.values() if flag == name)


def _flags_of(path: str, header: Mapping[str, str]) -> dict[str, float | int]:
    values: dict[str, float | int] = {}
    for key, (flag, _) in _FLAG_OF_KEY.items():
        if key not in header:
            continue
        number = to_float(header[key])
        if number is None or not np.isfinite(number) or (key.startswith("SIZE") and (number < 1 or number % 1)):
            raise FileError(path, f"the header's {key} must be a number, but is {header[key]!r}")
        known = find_flag(f"-{flag}")
        if known and known.check and not known.check.holds(number):
            raise FileError(path, f"the header's {key} must be a number {known.check.phrase}, but is {header[key]!r}")
        values[flag] = int(number) if key.startswith("SIZE") else number
    return values


def with_c_flag_matching(scanned: Scanned, notes: Notes) -> Scanned:
    """What the C program makes of `-twotheta_axis`: it finds the name of `-twotheta` in it and reads that too.

    Of all such mix-ups this one changes a plausible command; the others are left out.
    """
    axis = scanned.numbers("twotheta_axis")
    if axis is None or scanned.last("twotheta", "twotheta_axis") != "twotheta_axis":
        return scanned
    notes.warn(f"-twotheta_axis also sets -twotheta to {axis[0]:g}, as in the C program (--compat)")
    return replace(scanned, values={**scanned.values, "twotheta": axis[0]}, order=[*scanned.order, "twotheta"])
