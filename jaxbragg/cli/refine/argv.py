"""A command line as its flags, each with its values: to put one image's flags in place of those of all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jaxbragg.cli.flag_table import OUTPUT, OWN, TABLES, find_flag
from jaxbragg.cli.flags import Flag

Group = tuple[Flag | None, list[str]]

# Of jaxbragg's own flags these describe how an image is simulated.
_HOW = ("compat", "precision", "memory-limit")


def groups(argv: Sequence[str]) -> list[Group]:
    """Each flag with the words that follow it; None where the command line begins with no flag.

    `scan` refuses what is wrong with them.
    """
    found: list[Group] = []
    for word in argv:
        name, equals, value = word.partition("=")
        joined = word.startswith("--") and bool(equals)
        flag = find_flag(name if joined else word)
        if flag is not None or not found:
            found.append((flag, [name, value] if joined and flag is not None else [word]))
        else:
            found[-1][1].append(word)
    return found


def flatten(parts: Iterable[Group]) -> list[str]:
    """The command line again."""
    return [word for _, group in parts for word in group]


def replaced(argv: Sequence[str], by: Sequence[str]) -> list[str]:
    """Some flags with others in place of those of the same name."""
    new = groups(by)
    names = {flag.name for flag, _ in new if flag is not None}
    return flatten([*(g for g in groups(argv) if g[0] is None or g[0].name not in names), *new])


def without(argv: Sequence[str], names: Iterable[str]) -> list[str]:
    """The flags except some, by their names without dashes."""
    gone = set(names)
    return flatten(g for g in groups(argv) if g[0] is None or g[0].name not in gone)


def no_part(argv: Sequence[str]) -> str | None:
    """A flag that has no part in a refinement, as it would be accepted and ignored, or None.

    It writes images or the dump of a table, or says where to compute.
    """
    found = groups(argv)
    table = any(flag is not None and flag.name in TABLES for flag, _ in found)
    for flag, group in found:
        if flag is None:
            continue
        if flag.group == OUTPUT or (flag.group == OWN and flag.name not in _HOW) or (flag.name == "dump" and table):
            return group[0]
    return None
