"""From the arguments of a command line to checked values, in the order given.

Unlike the C program, which looks for each flag's name anywhere inside each argument, a flag matches as a whole here,
and every argument must be understood: a misspelt flag that is ignored without a message costs its user an afternoon.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.flag_table import find_flag, spellings
from jaxbragg.cli.flags import Flag, Value, is_number


@dataclass(frozen=True)
class Scanned:
    """What a command line says.

    Attributes:
        values: Value by canonical name without dashes; True for a switch.
        order: These names in the order of their last appearance: detector pivot and convention depend on it.
        warnings: One line each, for the log.
    """

    values: dict[str, Value] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __contains__(self, name: str) -> bool:
        """Whether a flag was given."""
        return name in self.values

    def last(self, *names: str) -> str | None:
        """The one of these flags that was given last, or None."""
        return next((name for name in reversed(self.order) if name in names), None)

    def number(self, name: str) -> float | None:
        """The number given with a flag, or None."""
        value = self.values.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def whole(self, name: str) -> int | None:
        """The whole number given with a flag, or None."""
        value = self.values.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def text(self, name: str) -> str | None:
        """The text or file name given with a flag, or None."""
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def numbers(self, name: str) -> tuple[float, ...] | None:
        """The numbers given with a flag, or None."""
        value = self.values.get(name)
        return value if isinstance(value, tuple) else None


def scan(argv: Sequence[str]) -> Scanned:
    """Read the arguments of a command line.

    Args:
        argv: The arguments after the program's name and sub-command. What follows `--help` is not read.

    Returns:
        The values, their order and the warnings.

    Raises:
        UsageError: An argument is no flag and no value, or a value is missing, malformed or out of range.
    """
    scanned = Scanned()
    given: dict[str, str] = {}  # each flag as typed, values included: for the messages
    before: tuple[Flag, str] | None = None
    at = 0
    while at < len(argv):
        typed, joined = _split(argv[at])
        flag = find_flag(typed)
        if flag is None:
            dashed = argv[at].startswith("-") and not is_number(argv[at])
            raise UsageError(_unknown(argv[at]) if dashed else _stray(argv[at], before))
        if joined is None:
            value, used = _take(flag, typed, argv[at + 1 :])
            text = " ".join(argv[at : at + 1 + used])
        elif flag.most == 0:
            raise UsageError(f"{typed} takes no value, but got '{joined}'")
        else:
            value, used, text = flag.read(joined, typed), 0, f"{typed} {joined}"

        name = flag.dest
        if name in scanned.values:
            scanned.order.remove(name)
            if scanned.values[name] != value:
                scanned.warnings.append(f"{text} replaces the earlier {given[name]}")
        elif flag.no_effect:
            scanned.warnings.append(f"{typed} has no effect (as in the C program)")
        scanned.values[name] = value
        scanned.order.append(name)
        if name == "help":
            break
        given[name] = text
        before = (flag, text)
        at += 1 + used
    return scanned


def _split(word: str) -> tuple[str, str | None]:
    if word.startswith("--") and "=" in word:
        name, _, value = word.partition("=")
        return name, value
    return word, None


def _take(flag: Flag, typed: str, rest: Sequence[str]) -> tuple[Value, int]:
    """Read a flag's values from the arguments that follow it; also says how many arguments that took."""
    if flag.most == 0:
        return True, 0
    if rest and rest[0].lower() in flag.keywords:
        keyword = rest[0].lower()
        return (math.inf if keyword == "inf" else keyword), 1
    got: list[float] = []
    for word in rest[: flag.most]:
        if _looks_like_flag(word) or (len(got) >= flag.least and not is_number(word)):
            break
        value = flag.read(word, typed)
        if isinstance(value, str):
            return value, 1
        got.append(value)
    if len(got) < flag.least:
        raise UsageError(_missing(flag, typed, rest, len(got)))
    if flag.together and (complaint := flag.together(tuple(got))):
        raise UsageError(f"{typed} takes {flag.takes}, but {complaint}")
    return (got[0] if flag.most == 1 else tuple(got)), len(got)


def _looks_like_flag(word: str) -> bool:
    if find_flag(_split(word)[0]):
        return True
    # -5abc is a mistyped number, not a flag
    return word.startswith("-") and len(word) > 1 and not (is_number(word) or word[1] in "0123456789.")


def _missing(flag: Flag, typed: str, rest: Sequence[str], got: int) -> str:
    after = f" after {got}" if got else ""
    what = f"{rest[got]} follows{after}" if len(rest) > got else f"the command line ends {after.strip() or 'there'}"
    meaning = flag.help.split(";")[0] + "".join(f", or the word {keyword}" for keyword in flag.keywords)
    return f"{typed} takes {flag.count} ({meaning}), but {what}{flag.hint}"


def _stray(word: str, before: tuple[Flag, str] | None) -> str:
    # a dash pasted from a document is not the keyboard's
    bare = word.lstrip("–—−")
    meant = next((dashes + bare for dashes in ("-", "--") if find_flag(dashes + bare)), "")
    where = f"after {before[1]}" if before else "at the start"
    if meant:
        hint = f"did you mean {meant}?"
    elif before is None:
        hint = "flags begin with a dash"
    else:
        hint = f"{before[1].split()[0]} takes {before[0].count}"
    return f"unexpected argument '{word}' {where}: {hint}"


def _unknown(word: str) -> str:
    name, equals, value = word.partition("=")
    if equals and find_flag(name):
        return f"unknown flag {word}: did you mean {name} {value}?"
    near = _nearest(word)
    return f"unknown flag {word}: did you mean {near}?" if near else f"unknown flag {word}: --help lists all flags"


def _nearest(word: str) -> str:
    """The flags that a misspelt one may stand for, joined with "or"; empty when none is near."""
    bare = word.partition("=")[0].lstrip("-").lower()
    names: dict[str, list[str]] = {}
    for spelling in spellings():
        names.setdefault(spelling.lstrip("-").lower(), []).append(spelling)
    if bare in names:
        found = [bare]
    elif len(bare) >= 3 and (longer := [n for n in names if n.startswith(bare)] or [n for n in names if bare in n]):
        longer.sort(key=len)
        found = longer[:1] if len(longer[0]) == len(bare) + 1 else longer[:3]
    elif ends := [name for name in names if len(name) >= 6 and bare.endswith(name)]:
        found = [max(ends, key=len)]  # the C program would have taken it for this flag
    else:
        found = difflib.get_close_matches(bare, names, n=1, cutoff=0.7)
    by_flag: dict[str, str] = {}
    for name in found:
        for spelling in names[name]:
            by_flag.setdefault(spellings()[spelling].name, spelling)
    return " or ".join(by_flag.values())
