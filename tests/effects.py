"""What the tests of single flags share: a flag, what it is added to, and the number that it must change.

No image is drawn: `jaxbragg.cli.read.read_setup` says what would be.
"""

import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxbragg.cli.flag_table import find_flag
from jaxbragg.cli.read import Setup, read_setup
from jaxbragg.cli.scanner import scan

CELL = "-cell 50 60 70 90 90 90"
BASE = f"{CELL} -default_F 100"


@dataclass(frozen=True)
class Effect:
    """One flag and what must come of it.

    Attributes:
        words: The flag with its values; what else it needs is in `base`.
        get: The number, or whatever it is, of the set-up.
        expected: With the flag; without it, `get` must give something else.
        base: Flags before it, beside those of `given`.
        given: A crystal and its structure factors.
    """

    words: str
    get: Callable[[Setup], Any]
    expected: Any
    base: str = ""
    given: str = BASE

    @property
    def flag(self) -> str:
        """Canonical name."""
        found = find_flag(self.words.split()[0])
        assert found is not None
        return found.name

    def __str__(self) -> str:
        return " ".join(filter(None, (self.base, self.words)))


def setup(words: str = "", given: str = BASE) -> Setup:
    """What a command line, to which a crystal is added, is read as."""
    return read_setup(scan(f"{given} {words}".split()))


def check(effect: Effect) -> None:
    """The flag changes the number, and to the expected one."""
    without = effect.get(setup(effect.base, effect.given))
    found = effect.get(setup(f"{effect.base} {effect.words}", effect.given))
    assert same(found, effect.expected), f"expected {effect.expected!r}, but found {found!r}"
    assert not same(without, effect.expected), f"{without!r} without the flag, too"


def same(found: Any, expected: Any) -> bool:
    """Whether numbers or lists of them agree to rounding, and everything else exactly."""
    if expected is None or found is None or isinstance(expected, str | bool | type):
        return found == expected
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    return found.shape == expected.shape and np.allclose(found, expected, rtol=1e-12, atol=1e-14)


def flags_of(effects: Iterable[Effect]) -> set[str]:
    """The flags that a list of effects tests."""
    return {effect.flag for effect in effects}


def cases_of(path: Path) -> tuple[Effect, ...]:
    """The list `CASES` of a test file."""
    spec = importlib.util.spec_from_file_location(f"effects_of_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CASES
