"""What one flag is, and how the arguments after it are read and checked.

A `Flag` is data: its spellings, how many values of which kind, their unit and range, one line of help. The scanner, the
help page and the error messages all read it, so that none of them can disagree with the others. The table of all
flags is in `flag_table`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from jaxbragg.cli.errors import UsageError

Value = bool | int | float | str | tuple[float, ...]
Kind = Literal["number", "whole", "word", "file", "size"]

# Python's float() also takes 1_000, blanks and foreign digits: a command line should not.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_SIZE = re.compile(r"(\d+\.?\d*|\.\d+)([kmgt]?)(i?b|)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Check:
    """A range that every value of a flag lies in.

    Attributes:
        phrase: How it reads after "a number".
        holds: Whether a value lies in it.
    """

    phrase: str
    holds: Callable[[float], bool]


POSITIVE = Check("above 0", lambda value: value > 0)
NOT_NEGATIVE = Check("of at least 0", lambda value: value >= 0)
AT_LEAST_ONE = Check("of at least 1", lambda value: value >= 1)
NOT_ZERO = Check("other than 0", lambda value: value != 0)
FRACTION = Check("from -1 to 1", lambda value: -1 <= value <= 1)


@dataclass(frozen=True)
class Flag:
    """One flag of the command line.

    Attributes:
        name: Canonical name without leading dashes.
        group: Heading in the help page.
        help: One line; up to the first semicolon it names the values in error messages.
        values: Names of the values, one word each; empty for a switch.
        kind: What each value is.
        unit: Unit of the values as the user gives them.
        check: Range of each value.
        default: What holds without the flag, for the help page.
        aliases: Further spellings, with dashes; one that ends in an ellipsis matches every argument that begins so.
        fewest: Values that must be there; all of them unless given.
        keywords: Words taken in place of the values.
        choices: The only words taken.
        abbreviated: Whether a choice may be abbreviated or lengthened.
        together: Says what is wrong with all values at once, or "".
        hint: Added to the message about a missing value.
        no_effect: Accepted because the C program accepts it.
        own: jaxbragg's own, written with two dashes.
    """

    name: str
    group: str
    help: str
    values: str = ""
    kind: Kind = "number"
    unit: str = ""
    check: Check | None = None
    default: str = ""
    aliases: tuple[str, ...] = ()
    fewest: int | None = None
    keywords: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    abbreviated: bool = False
    together: Callable[[tuple[float, ...]], str] | None = None
    hint: str = ""
    no_effect: bool = False
    own: bool = False

    @property
    def word(self) -> str:
        """The canonical spelling with its dashes."""
        return ("--" if self.own else "-") + self.name

    @property
    def words(self) -> tuple[str, ...]:
        """All spellings, the canonical one first."""
        return (self.word, *self.aliases)

    @property
    def dest(self) -> str:
        """Key of the value in `Scanned.values`: the name, with underscores for inner dashes."""
        return self.name.replace("-", "_")

    @property
    def most(self) -> int:
        """How many values it takes at most."""
        return len(self.values.split())

    @property
    def least(self) -> int:
        """How many values it takes at least."""
        return self.most if self.fewest is None else self.fewest

    @property
    def count(self) -> str:
        """How many values it takes, in words."""
        number = f"{self.least} to {self.most}" if self.least < self.most else str(self.most)
        return f"{number} value{'' if self.most == 1 else 's'}" if self.most else "no value"

    @property
    def takes(self) -> str:
        """What it takes, in words: "a whole number of at least 1", "3 numbers in degrees or the word random"."""
        if self.choices:
            text = " or ".join(self.choices) if len(self.choices) < 3 else "one of " + ", ".join(self.choices)
        else:
            noun = {"whole": "whole number", "file": "file name", "size": "size in bytes, such as 4G or 500M"}.get(
                self.kind, self.kind
            )
            text = f"a {noun}" if self.most == 1 else f"{self.count.split(' value')[0]} {noun}s"
        text += f" {self.check.phrase}" if self.check and self.kind != "size" else ""
        text += f" in {self.unit}" if self.unit else ""
        return text + "".join(f" or the word {keyword}" for keyword in self.keywords)

    def read(self, word: str, typed: str) -> int | float | str:
        """Read one value.

        Args:
            word: The value as it was given on the command line.
            typed: The flag as it was given there, for the message.

        Returns:
            The value, checked against the flag's range.

        Raises:
            UsageError: The argument is not what the flag takes.
        """
        if self.choices:
            value = self._choose(word)
        elif self.kind in ("word", "file"):
            value = word if word.strip() and not word.startswith("-") else None
        elif self.kind == "size":
            value = read_size(word)
        else:
            value = read_whole(word) if self.kind == "whole" else read_number(word)
        if value is None or (self.check and not isinstance(value, str) and not self.check.holds(value)):
            why = ""
            if self.kind == "file" and word.startswith("-"):
                why = f" (write ./{word} for a file of that name)"
            elif self.kind in ("number", "whole") and _NOT_FINITE.fullmatch(word):
                why = " (nan and inf are not numbers here)"
            elif self.kind in ("number", "whole") and value is None and _NUMBER.fullmatch(word):
                why = " (too large)" if math.isinf(float(word)) else ""
            raise UsageError(f"{typed} takes {self.takes}, but got '{word}'{why}")
        return value

    def _choose(self, word: str) -> str | None:
        if self.abbreviated and word:
            low = word.lower()
            return next((c for c in self.choices if c.startswith(low) or low.startswith(c)), None)
        return word if word in self.choices else None


def is_number(word: str) -> bool:
    """Whether an argument is meant as a number: nan and inf count, so that the flag before them can refuse them."""
    return bool(_NUMBER.fullmatch(word) or _NOT_FINITE.fullmatch(word))


def read_number(word: str) -> float | None:
    """Read a finite number; None for anything else."""
    if not _NUMBER.fullmatch(word):
        return None
    value = float(word)
    return value if math.isfinite(value) else None


def read_whole(word: str) -> int | None:
    """Read a whole number, `1e9` and `256.0` too; None for anything else."""
    if re.fullmatch(r"[+-]?\d{1,300}", word, re.ASCII):
        return int(word)
    value = read_number(word)
    return int(value) if value is not None and value.is_integer() else None


def read_size(word: str) -> int | None:
    """Read a number of bytes: G and GiB are 2^30, GB is 10^9, likewise k, M and T; None for anything else."""
    match = _SIZE.fullmatch(word)
    if not match:
        return None
    number, letter, suffix = match.groups()
    base = 1000 if letter and suffix.lower() == "b" else 1024
    if not letter and suffix.lower() == "ib":
        return None
    size = float(number) * base ** " kmgt".index(letter.lower() or " ")
    return int(size) if math.isfinite(size) and size >= 1 else None
