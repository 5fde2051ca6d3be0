"""A refinement's TOML file, read and checked against `schema`: whatever it says is used, or is an error."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.refine.schema import ARRAYS, OPEN, TABLES
from jaxbragg.io.errors import FileError
from jaxbragg.io.text import read_text


@dataclass(frozen=True)
class Config:
    """The file as it stands.

    Attributes:
        path: Of the file.
        text: Of the file, for the line numbers of messages.
        tables: Values by table and key; "images" and "parameters" are lists.
    """

    path: str
    text: str
    tables: dict[str, Any]

    def table(self, name: str) -> dict[str, Any]:
        """A table, empty where the file has none."""
        return self.tables.get(name, {})

    def rows(self, name: str) -> list[dict[str, Any]]:
        """An array of tables, empty where the file has none."""
        return self.tables.get(name, [])

    def beside(self, path: str) -> str:
        """A file named in the file: relative names begin where it lies."""
        return os.path.join(os.path.dirname(self.path), path)

    def wrong(self, table: str, index: int | None, key: str | None, message: str) -> UsageError:
        """What is wrong where, in one line.

        Args:
            table: Name of the table.
            index: Which of an array of tables, from 0.
            key: In it, or None.
            message: What.
        """
        line = _line_of(self.text, table, index, key)
        where = self.path if line is None else f"{self.path}, line {line}"
        what = f"[[{table}]] {index + 1}" if index is not None else f"[{table}]"
        return UsageError(f"{where}: {what}{f' {key}' if key else ''}: {message}")

    def argv(self, table: str, index: int | None = None) -> list[str]:
        """The flags of a table.

        Raises:
            UsageError: If the text cannot be split.
        """
        row = self.table(table) if index is None else self.rows(table)[index]
        flags = row.get("flags", [])
        if isinstance(flags, list):
            return list(flags)
        return _split(flags, lambda reason: self.wrong(table, index, "flags", reason))


def _split(text: str, wrong: Any) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError as error:
        raise wrong(str(error).lower()) from None


def flags_of_file(path: str) -> list[str]:
    """The flags in a text file, `#` for comments.

    Raises:
        FileError: If it cannot be read or split.
    """
    return _split(read_text(path), lambda reason: FileError(path, reason))


def read_config(path: str) -> Config:
    """Read a refinement's TOML file.

    Raises:
        FileError: If it cannot be read.
        UsageError: If it is no TOML, a table or key is unknown, a value cannot be, or one is missing.
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
    config = Config(path, text, tables)
    for name, value in tables.items():
        if name not in TABLES:
            raise UsageError(f"{path}{_at(text, name)}: unknown table or key {name!r}{_nearest(name, TABLES)}")
        if name in ARRAYS:
            if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
                raise UsageError(f"{path}{_at(text, name)}: {name} is written [[{name}]], one table for each")
            for index, row in enumerate(value):
                _check(config, name, index, row)
        elif not isinstance(value, dict):
            raise UsageError(f"{path}{_at(text, name)}: {name} is a table, written [{name}]")
        else:
            _check(config, name, None, value)
    _check_what_goes_together(config)
    return config


def _check(config: Config, table: str, index: int | None, row: dict[str, Any]) -> None:
    known = TABLES[table]
    for name, value in row.items():
        if name not in known and table in OPEN:
            continue  # an argument of what the table names: it knows
        if name not in known:
            raise config.wrong(table, index, name, f"unknown key{_nearest(name, known)}")
        if not known[name].holds(value):
            raise config.wrong(table, index, name, f"must be {known[name].takes}, but is {_shown(value)}")


def _check_what_goes_together(config: Config) -> None:
    if ("flags" in config.table("experiment")) == ("file" in config.table("experiment")):
        raise config.wrong("experiment", None, None, "the experiment is given by flags or by a file of them, by one")
    if not config.rows("images"):
        raise UsageError(f"{config.path}: there must be at least one image: [[images]] with file = …")
    for index, row in enumerate(config.rows("images")):
        if "file" not in row:
            raise config.wrong("images", index, None, "file is missing")
    if not config.rows("parameters"):
        raise UsageError(f"{config.path}: nothing is free: [[parameters]] with path = 'crystal.misset', for instance")
    for index, row in enumerate(config.rows("parameters")):
        if ("path" in row) == ("system" in row):
            raise config.wrong("parameters", index, None, "what is free is given by path or by system, by one")
        for key in ("start", "name"):
            if key in row and "system" in row:
                raise config.wrong("parameters", index, key, "goes with a path, not with a system")
    fit = config.table("fit")
    if "blurs" in fit and fit.get("coarse_to_fine") is False:
        raise config.wrong("fit", None, "blurs", "goes with coarse_to_fine = true")
    for key in ("spread", "finalists", "seed"):
        if key in fit and fit.get("multi_start", 1) == 1:
            raise config.wrong("fit", None, key, "goes with multi_start = 2 or more")


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f": did you mean {near[0]!r}?" if near else f": known are {', '.join(known)}"


def _shown(value: Any) -> str:
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return text if len(text) < 80 else text[:77] + "…"


def _toml_reason(text: str) -> str:
    """Tomllib ends its messages in "(at line 3, column 5)" or "(at end of document)"."""
    match = re.fullmatch(r"(.*) \(at (.*)\)", text, re.DOTALL)
    return f"{match[2]}: no TOML: {match[1][0].lower()}{match[1][1:]}" if match else f"no TOML: {text}"


def _at(text: str, name: str) -> str:
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(rf"\s*(\[\[?\s*)?{re.escape(name)}\b", line):
            return f", line {number}"
    return ""


def _line_of(text: str, table: str, index: int | None, key: str | None) -> int | None:
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


def resolved(argv: Sequence[str], config: Config) -> list[str]:
    """Flags whose files are found from where the TOML file lies."""
    from jaxbragg.cli.refine.argv import groups

    return [
        word if place == 0 or flag is None or flag.kind != "file" else config.beside(word)
        for flag, group in groups(argv)
        for place, word in enumerate(group)
    ]
