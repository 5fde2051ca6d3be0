"""Every key of a plan's TOML file: reader, messages and the help page follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Key(NamedTuple):
    """One key.

    Attributes:
        takes: What its value is, for messages and the help page.
        holds: Whether a value is that.
    """

    takes: str
    holds: Callable[[Any], bool]


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _flags(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))


TYPES, PACKINGS = ("float32", "uint16", "uint32", "int32"), ("bslz4", "gzip", "none")

TOP: dict[str, Key] = {
    "shots": Key("a whole number of at least 1", _whole(1)),
    "seed": Key("a whole number of at least 0", _whole(0)),
    "base": Key("a table, written [base]", lambda value: isinstance(value, dict)),
    "vary": Key("a table, written [vary]", lambda value: isinstance(value, dict)),
    "lattices": Key("a distribution of whole numbers, such as {choice = [1, 1, 2]}", lambda value: True),
    "sase": Key("a table, written [sase]", lambda value: isinstance(value, dict)),
    "output": Key("a table, written [output]", lambda value: isinstance(value, dict)),
}
TABLES: dict[str, dict[str, Key]] = {
    "base": {
        "flags": Key("flags of jaxbragg simulate, a text or a list of words", _flags),
        "file": Key("the name of a file of such flags", lambda value: isinstance(value, str)),
    },
    "sase": {
        "bandwidth": Key("a number above 0 in percent", _number),
        "duration": Key("a number above 0 in fs", _number),
        "lines": Key("a whole number of at least 2", _whole(2)),
    },
    "output": {
        "chunk": Key("a whole number of at least 1", _whole(1)),
        "counts": Key("true or false", lambda value: isinstance(value, bool)),
        "dtype": Key(f"one of {', '.join(TYPES)}", lambda value: value in TYPES),
        "compression": Key(f"one of {', '.join(PACKINGS)}", lambda value: value in PACKINGS),
        "reflections": Key("true or false", lambda value: isinstance(value, bool)),
        "at_once": Key("a whole number of at least 1", _whole(1)),
    },
}
DISTRIBUTIONS = {
    "normal": "[mean, standard deviation]",
    "log_normal": "[median, standard deviation of the logarithm]",
    "uniform": "[lowest, highest]",
    "choice": "values, each as likely, or as weights = […] says",
    "poisson": "a mean, of lattices; at least = 1, most = 6",
    "list": "values, one shot after the other",
    "file": "of values in .npy, with an axis of shots in front, or crystals for crystal.vectors: .stream, .expt",
}
EXAMPLE = """\
shots = 1000
seed = 7

[base]
flags = "--model protein.pdb --detector eiger2-4m -distance 150 -lambda 1 -N 25 -gauss_xtal --mosaic-gauss 0.1"

[vary]
"crystal.orientation" = "uniform"
"crystal.cell.a, crystal.cell.b" = {normal = [79, 0.2]}   # one value for both
"crystal.mosaic.spread" = {uniform = [0.05, 0.3]}
"crystal.cells" = {log_normal = [25, 0.3]}
"beam.fluence" = {log_normal = [1e24, 0.5]}

[output]
counts = true
chunk = 100
"""
