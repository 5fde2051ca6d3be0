"""A refinement's TOML file, read and checked against `schema`: whatever it says is used, or is an error."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.refine.schema import ARRAYS, OPEN, TABLES
from jaxbragg.cli.toml_file import at_line, line_of, load_toml, nearest, shown, split_flags


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
        line = line_of(self.text, table, index, key)
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
        return split_flags(flags, lambda reason: self.wrong(table, index, "flags", reason))


def read_config(path: str) -> Config:
    """Read a refinement's TOML file.

    Raises:
        FileError: If it cannot be read.
        UsageError: If it is no TOML, a table or key is unknown, a value cannot be, or one is missing.
    """
    text, tables = load_toml(path)
    config = Config(path, text, tables)
    for name, value in tables.items():
        if name not in TABLES:
            raise UsageError(f"{path}{at_line(text, name)}: unknown table or key {name!r}{nearest(name, TABLES)}")
        if name in ARRAYS:
            if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
                raise UsageError(f"{path}{at_line(text, name)}: {name} is written [[{name}]], one table for each")
            for index, row in enumerate(value):
                _check(config, name, index, row)
        elif not isinstance(value, dict):
            raise UsageError(f"{path}{at_line(text, name)}: {name} is a table, written [{name}]")
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
            raise config.wrong(table, index, name, f"unknown key{nearest(name, known)}")
        if not known[name].holds(value):
            raise config.wrong(table, index, name, f"must be {known[name].takes}, but is {shown(value)}")


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
