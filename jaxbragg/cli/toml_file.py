"""TOML files of the command line: read, and what messages say of them."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import tomllib
from collections.abc import Sequence
from typing import Any

from jaxbragg.cli.errors import UsageError
from jaxbragg.io.errors import FileError
from jaxbragg.io.text import read_text


def load_toml(path: str) -> tuple[str, dict[str, Any]]:
    """The text of a file, and its tables.

    Raises:
        FileError: If it cannot be read.
        UsageError: If it is no TOML.
    """
    text = read_text(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: {_toml_reason(str(error))}") from None
    except (ValueError, OverflowError):  # of int() and its like, beyond some thousand digits
        raise UsageError(f"{path}: a number in it is too large, or no date is like this") from None
    except RecursionError:
        raise UsageError(f"{path}: brackets or tables are nested too deep") from None
    return text, tables


def split_flags(text: str, wrong: Any) -> list[str]:
    """The words of a text of flags; `wrong` makes the error of a reason."""
    try:
        return shlex.split(text, comments=True)
    except ValueError as error:
        raise wrong(str(error).lower()) from None


def flags_of_file(path: str) -> list[str]:
    """The flags in a text file, `#` for comments.

    Raises:
        FileError: If it cannot be read or split.
    """
    return split_flags(read_text(path), lambda reason: FileError(path, reason))


def resolved(argv: Sequence[str], path: str) -> list[str]:
    """Flags whose files are found from where the TOML file lies."""
    from jaxbragg.cli.refine.argv import groups

    return [
        word if place == 0 or flag is None or flag.kind != "file" else os.path.join(os.path.dirname(path), word)
        for flag, group in groups(argv)
        for place, word in enumerate(group)
    ]


def nearest(name: str, known: Any) -> str:
    """The end of a message about a name that is not known."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f": did you mean {near[0]!r}?" if near else f": known are {', '.join(known)}"


def shown(value: Any) -> str:
    """A value as it stands in a file."""
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return text if len(text) < 80 else text[:77] + "…"


def _toml_reason(text: str) -> str:
    """Tomllib ends its messages in "(at line 3, column 5)" or "(at end of document)"."""
    match = re.fullmatch(r"(.*) \(at (.*)\)", text, re.DOTALL)
    return f"{match[2]}: no TOML: {match[1][0].lower()}{match[1][1:]}" if match else f"no TOML: {text}"


def at_line(text: str, name: str) -> str:
    """Where a table or key stands, for a message."""
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(rf"\s*(\[\[?\s*)?{re.escape(name)}\b", line):
            return f", line {number}"
    return ""


def line_of(text: str, table: str, index: int | None, key: str | None) -> int | None:
    """Where a key stands, as far as that can be seen; tomllib does not say."""
    seen, inside, header = -1, False, None
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if re.match(r"\[+\s*[\w.]+\s*\]+", bare):
            inside = re.match(rf"\[\[?\s*{table}\s*\]", bare) is not None
            seen += inside
            inside = inside and (index is None or seen == index)
            header = number if inside else header
        elif inside and key is not None and re.match(rf"[\"']?{re.escape(key)}[\"']?\s*=", bare):
            return number
    return header
