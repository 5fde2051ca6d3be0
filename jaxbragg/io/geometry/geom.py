"""CrystFEL's geometry files (.geom): panels, regions that are bad, photon energy; z along the beam, y up.

References:
    CrystFEL's manual, crystfel_geometry(5): keys, defaults, units.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.geometry.fields import Path, detector_of, number, panel
from jaxbragg.io.geometry.record import Geometry
from jaxbragg.io.text import quoted, read_text, to_float
from jaxbragg.models import FlatPanel
from jaxbragg.units import METRE_IN_ANGSTROM, wavelength_from_energy

_EDGES = ("min_fs", "max_fs", "min_ss", "max_ss")
_TERM = re.compile(r"([+-]?)\s*(\d*\.?\d*(?:[eE][+-]?\d+)?)\s*([xyz])")
_UNITS = {"m": 1.0, "mm": 1e-3, "eV": 1.0, "keV": 1e3, "MeV": 1e6, "A": 1.0 / METRE_IN_ANGSTROM}


class _Value(NamedTuple):
    text: str
    line: int


_Keys = dict[str, _Value]


def read_geom(path: Path, wavelength: float | None = None) -> Geometry:
    """The panels of a file.

    Args:
        path: CrystFEL's .geom.
        wavelength: [Å] in place of the file's.

    Raises:
        FileError: The file cannot be read, or a key is missing or is not what it must be.
    """
    whole, panels, bad = _parsed(path)
    if not panels:
        raise FileError(path, "expected panels (name/min_fs = 0, …), but found none")
    found = wavelength if wavelength is not None else _wavelength(path, whole)
    made = [_panel(path, name, keys, bad) for name, keys in panels.items()]
    return Geometry(
        path=str(path),
        kind="CrystFEL's .geom",
        detector=detector_of(path, made),
        wavelength=found,
        direction=np.array([0.0, 0.0, 1.0]),
        polarization=None,
        polarization_axis=np.array([1.0, 0.0, 0.0]),
        axis=np.array([1.0, 0.0, 0.0]),
        notes=("mask files and per-image values that it names are not read",) if _names_files(whole, panels) else (),
    )


def _names_files(whole: _Keys, panels: dict[str, _Keys]) -> bool:
    return any(key.startswith("mask") for keys in (whole, *panels.values()) for key in keys)


def _parsed(path: Path) -> tuple[_Keys, dict[str, _Keys], dict[str, _Keys]]:
    """Keys of the whole detector, of each panel, of each bad region; what precedes a panel's first line is its default.

    The order of the file matters: a default holds for the panels that begin after it.
    """
    whole: _Keys = {}
    panels: dict[str, _Keys] = {}
    bad: dict[str, _Keys] = {}
    for at, row in enumerate(read_text(path).split("\n"), start=1):
        text = row.partition(";")[0].strip()
        if not text:
            continue
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name:
            raise FileError(path, f"expected `key = value`, but found {quoted(text)}", at)
        owner, slash, key = name.rpartition("/")
        if not slash:
            whole[key] = _Value(value, at)
            continue
        group = bad if owner.startswith("bad") else panels
        group.setdefault(owner, {} if group is bad else dict(whole))[key] = _Value(value, at)
    return whole, panels, bad


def _quantity(path: Path, keys: _Keys, name: str, default: float | None = None, base: str = "") -> float:
    """A number with or without a unit, in the base unit of its kind."""
    if name not in keys:
        if default is not None:
            return default
        raise FileError(path, f"{name}: expected it, but it is missing")
    text, line = keys[name]
    words = text.split()
    if len(words) == 2 and words[1] in _UNITS and to_float(words[0]) is not None:
        return number(path, name, words[0], line) * _UNITS[words[1]]
    if _is_place(text):
        raise FileError(path, f"{name}: {quoted(text)} is a place in each image's file: write the number here", line)
    return number(path, name, text, line) * _UNITS.get(base, 1.0)


def _is_place(text: str) -> bool:
    """Whether a value is where each image's own is, such as /LCLS/photon_energy_eV."""
    return text.startswith("/")


def _wavelength(path: Path, keys: _Keys) -> float | None:
    """[Å]; None where it is each image's own."""
    for name, convert in _ENERGIES.items():
        if name in keys and not _is_place(keys[name].text):
            value = _quantity(path, keys, name)
            if not value > 0:
                raise FileError(path, f"{name}: expected a number above 0, but found {value:g}", keys[name].line)
            return convert(value)
    return None


_ENERGIES: dict[str, Callable[[float], float]] = {
    "photon_energy": wavelength_from_energy,
    "wavelength": lambda metres: metres * METRE_IN_ANGSTROM,
}


def _panel(path: Path, name: str, keys: _Keys, bad: dict[str, _Keys]) -> FlatPanel:
    where = f"panel {name}"
    try:
        left, right, top, bottom = (int(_quantity(path, keys, edge)) for edge in _EDGES)
        resolution = _quantity(path, keys, "res")
        corner = [_quantity(path, keys, f"corner_{axis}") for axis in "xy"]
        distance = _quantity(path, keys, "clen") + _quantity(path, keys, "coffset", 0.0)
    except FileError as error:
        raise FileError(path, f"{where}, {error.reason}", error.line) from None
    if not resolution > 0:
        raise FileError(path, f"{where}, res: expected a number above 0, but found {resolution:g}", keys["res"].line)
    fast, slow = (_vector(path, where, keys, axis) for axis in ("fs", "ss"))
    lengths = np.array([np.linalg.norm(fast), np.linalg.norm(slow)])
    origin = np.array([corner[0] / resolution, corner[1] / resolution, distance])
    place = (origin, fast / lengths[0], slow / lengths[1])
    size = (bottom - top + 1, right - left + 1)
    made = panel(path, where, size, lengths / resolution, place)
    mask = _mask(path, name, made, (left, top), bad)
    return made if mask is None else panel(path, where, size, lengths / resolution, place, mask=mask)


def _vector(path: Path, where: str, keys: _Keys, name: str) -> NDArray[np.float64]:
    """`+0.999x -0.01y` as three numbers."""
    default = {"fs": "+1.0x", "ss": "+1.0y"}[name]
    text, line = keys.get(name, _Value(default, 0))
    found = np.zeros(3)
    at = 0
    for term in _TERM.finditer(text):
        if text[at : term.start()].strip():
            break
        sign, amount, axis = term.groups()
        value = 1.0 if amount == "" else to_float(amount)
        found["xyz".index(axis)] += np.nan if value is None else value * (-1.0 if sign == "-" else 1.0)
        at = term.end()
    if text[at:].strip() or not np.isfinite(found).all() or not 1e-9 < np.abs(found).max() < 1e9:
        raise FileError(path, f"{where}, {name}: expected a direction such as +1.0x -0.01y, but found {quoted(text)}",
                        line or None)  # fmt: skip
    return found


def _mask(path: Path, name: str, made: FlatPanel, first: tuple[int, int], bad: dict[str, _Keys]) -> np.ndarray | None:
    """False in the bad regions, of pixels or of the laboratory."""
    mask = np.ones(made.pixels, bool)
    for region, keys in bad.items():
        try:
            if "panel" in keys and keys["panel"].text != name:
                continue
            if all(edge in keys for edge in _EDGES):
                left, right, top, bottom = (int(_quantity(path, keys, edge)) for edge in _EDGES)
                rows = slice(max(top - first[1], 0), max(bottom - first[1] + 1, 0))
                mask[rows, max(left - first[0], 0) : max(right - first[0] + 1, 0)] = False
                continue
            edges = [_quantity(path, keys, edge) for edge in ("min_x", "max_x", "min_y", "max_y")]
        except FileError as error:
            raise FileError(path, f"{region}, {error.reason}", error.line) from None
        # In pixels, as the panels' corners are, of a pixel's corner.
        slow, fast = np.meshgrid(*map(np.arange, made.pixels), indexing="ij")
        size = np.asarray(made.pixel_size)
        places = np.asarray(made.origin)[:2] + sum(
            (count * edge)[..., None] * np.asarray(axis)[:2]
            for count, edge, axis in ((fast, size[0], made.fast_axis), (slow, size[1], made.slow_axis))
        )
        x, y = (places[..., i] / size[0] for i in (0, 1))
        mask[(x >= edges[0]) & (x <= edges[1]) & (y >= edges[2]) & (y <= edges[3])] = False
    return None if mask.all() else mask
