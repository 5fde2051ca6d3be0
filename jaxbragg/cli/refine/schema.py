"""Every table and key of a refinement's TOML file: what it takes, and what it is for.

A new key is one line here and the place that uses it; messages and the help page follow.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes:
        takes: How it reads after "must be".
        holds: Whether a value is that.
        about: One line for the help page.
    """

    takes: str
    holds: Callable[[Any], bool]
    about: str


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _number(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= sys.float_info.max
    return isinstance(value, float) and math.isfinite(value)


def _numbers(value: Any, count: int | None = None, inf: bool = False) -> bool:
    def right(x: Any) -> bool:
        return _number(x) or (inf and isinstance(x, float) and math.isinf(x))

    return isinstance(value, list) and len(value) > 0 and count in (None, len(value)) and all(map(right, value))


def _whole(value: Any, least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 1 << 63


def _list_of_text(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(map(_text, value))


def _boxes(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(_numbers(b) and len(b) in (4, 5) for b in value)


def _start(value: Any) -> bool:
    return _number(value) or _numbers(value) or (isinstance(value, list) and value != [] and all(map(_numbers, value)))


def _prior(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) == 2 and _number(value[1]) and (_number(value[0]) or _numbers(value[0]))
    )


def _one_of(*argv: str) -> Callable[[Any], bool]:
    return lambda value: value in argv


_SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "hexagonal", "rhombohedral", "cubic")
_SOLVERS = ("lm", "scipy", "optax", "optimistix")


def _flags(about: str) -> Key:
    return Key("text or a list of words", lambda v: _text(v) or _list_of_text(v), about)


def _switch(about: str) -> Key:
    return Key("true or false", lambda v: isinstance(v, bool), about)


def _positive(about: str) -> Key:
    return Key("a positive number", lambda v: _number(v) and v > 0, about)


def _count(about: str, least: int = 1) -> Key:
    return Key(f"a whole number of at least {least}", lambda v: _whole(v, least), about)


def _file(about: str) -> Key:
    return Key("the name of a file", _text, about)


IMAGE_KEYS: dict[str, Key] = {
    "flags": _flags("what differs from [experiment], such as ['-misset', '1', '2', '3']"),
    "parameters": _file("values to start from: the experiment_*.npz of an earlier refinement, on top of the flags"),
    "mask": _file("0 or false for pixels to be left out"),
    "shoeboxes": Key(
        "a list of [first fast, last fast, first slow, last slow]", _boxes, "use these boxes only; ends included"
    ),
    "trusted_range": Key(
        "two numbers that ascend",
        lambda v: _numbers(v, 2, inf=True) and v[0] < v[1],
        "pixels as stored beyond these are left out, instead of those that are full or hold a mark (65535, -1, …)",
    ),
    "offset": Key(
        "a number",
        _number,
        "of a pixel without photons: photons = (pixel - offset)/gain (ADC_OFFSET of an SMV header, or 0)",
    ),
    "gain": _positive("stored units per photon (1)"),
    "background": Key(
        "a number or the name of a file",
        lambda v: _number(v) or _text(v),
        "photons known to be there beside the model's",
    ),
    "dataset": Key("text", _text, "of an HDF5 file, such as /entry/data/data"),
    "frame": _count("of that dataset, from 0 (0)", 0),
}

# "images" and "parameters" are arrays of tables.
TABLES: dict[str, dict[str, Key]] = {
    "experiment": {
        "flags": _flags("nanoBragg's, as jaxbragg takes them; a list, or text that is split as a shell does"),
        "file": _file("instead: a text file of flags, such as the flags_*.txt of an earlier refinement"),
    },
    "images": {
        "file": _file("SMV, .npy, .npz, HDF5, PGM, what fabio reads (.cbf, …), or raw float32, packed or not"),
        **IMAGE_KEYS,
    },
    "every_image": {name: key for name, key in IMAGE_KEYS.items() if name not in ("flags", "parameters")},
    "likelihood": {
        "kind": Key("the name of a likelihood", _text, "how counts scatter: poisson or gaussian (poisson)"),
        "floor": _positive("poisson: photons added to the model of each pixel (0.001)"),
        "read_noise": _positive("gaussian: standard deviation of the read-out noise [photons]"),
        "counting": _switch("gaussian: whether the model adds to the variance (true)"),
    },
    "parameters": {
        "path": Key(
            "a path or a list of paths that share one value",
            lambda v: _text(v) or _list_of_text(v),
            "such as crystal.cell.a, crystal.misset, detector.distance, image.scale",
        ),
        "system": Key(
            f"one of {', '.join(_SYSTEMS)}", _one_of(*_SYSTEMS), "instead of a path: the free cell of a crystal system"
        ),
        "start": Key("a number or a list of them", _start, "instead of the experiment's value"),
        "bounds": Key(
            "[lowest, highest]; -inf and inf for none", lambda v: _numbers(v, 2, inf=True), "kept throughout"
        ),
        "prior": Key("[value, its standard uncertainty]", _prior, "known from elsewhere"),
        "per_image": _switch("whether each image has a value of its own (false)"),
        "scale": _positive("a typical change, in the path's unit"),
        "name": Key("text", _text, "instead of the path, in the results"),
    },
    "fit": {
        "solver": Key(f"one of {', '.join(_SOLVERS)}", _one_of(*_SOLVERS), "lm: Levenberg and Marquardt (lm)"),
        "steps": _count("at most so many (100, others 500)"),
        "tolerance": _positive("where the solver may stop [standard uncertainties] (0.01; optimistix 0.001)"),
        "coarse_to_fine": _switch("simulate spots wide at first: reaches farther (false)"),
        "blurs": Key(
            "a list of numbers of at least 1", lambda v: _numbers(v) and min(v) >= 1, "how wide, by stages ([4, 2])"
        ),
        "multi_start": _count("look at so many random starts (1)"),
        "spread": _positive("of the starts, in scales (2)"),
        "finalists": _count("how many starts are fitted (3)"),
        "seed": _count("of the starts (0)", 0),
    },
    "output": {
        "folder": Key("text", _text, "where to write (refined, beside the TOML file); --out wins"),
        "images": _switch("write the model and residual of each image (true)"),
        "figures": _switch("draw pictures, with matplotlib (true)"),
    },
}
ARRAYS = ("images", "parameters")
# Further keys are arguments of what the table names, a likelihood from outside perhaps.
OPEN = ("likelihood",)


def key_lines() -> list[str]:
    """The keys for the help page."""
    lines = []
    for table, keys in TABLES.items():
        lines.append(f"[[{table}]], one for each" if table in ARRAYS else f"[{table}]")
        if table == "every_image":
            lines.append(f"  {', '.join(keys)}: for all images that do not say otherwise")
            continue
        lines += [f"  {name:<15}{key.about}" for name, key in keys.items()]
    return lines
