"""JSON whose fields are asked for by name, with errors that say where in the file they are."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.geometry.fields import Path, direction, number, numbers, whole
from jaxbragg.io.text import quoted, read_text


def parse_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        FileError: It is none; the message names the line.
    """
    try:
        return json.loads(read_text(path), parse_constant=lambda word: (_ for _ in ()).throw(ValueError(word)))
    except json.JSONDecodeError as error:
        raise FileError(path, f"expected JSON, but {error.msg[0].lower() + error.msg[1:]}", error.lineno) from None
    except ValueError as error:
        raise FileError(path, f"expected JSON, but found {quoted(str(error))}") from None
    except RecursionError:
        raise FileError(path, "expected JSON of a few levels, but found too many") from None


class Node(NamedTuple):
    """One object of the file, and where it is."""

    path: Path
    where: str
    value: Any

    def has(self, name: str) -> bool:
        """Whether a field is there, and not null."""
        return isinstance(self.value, dict) and self.value.get(name) is not None

    def get(self, name: str) -> Any:
        """The content of a field; a FileError where it is missing."""
        if not isinstance(self.value, dict):
            raise FileError(self.path, f"{self.where or 'the file'}: expected an object of JSON, but found a "
                                       f"{type(self.value).__name__}")  # fmt: skip
        if self.value.get(name) is None:
            raise FileError(self.path, f"{self.at(name)}: expected it, but it is missing")
        return self.value[name]

    def node(self, name: str) -> Node:
        """An object within."""
        return Node(self.path, self.at(name), self.get(name))

    def list(self, name: str) -> list[Node]:
        """The objects of a list."""
        found = self.get(name)
        if not isinstance(found, list):
            raise FileError(self.path, f"{self.at(name)}: expected a list, but found a {type(found).__name__}")
        return [Node(self.path, f"{self.at(name)}[{i}]", each) for i, each in enumerate(found)]

    def chosen(self, kind: str, experiment: Node) -> Node | None:
        """The model of that kind that an experiment has."""
        if not experiment.has(kind):
            return None
        models, index = self.list(kind), whole(self.path, experiment.at(kind), experiment.get(kind))
        if index >= len(models):
            raise FileError(self.path, f"{experiment.at(kind)}: {index}, but there are {len(models)}")
        return models[index]

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number, or the default where it is missing."""
        if default is not None and not self.has(name):
            return default
        return number(self.path, self.at(name), self.get(name))

    def numbers(self, name: str, count: int) -> NDArray[np.float64]:
        """So many finite numbers."""
        return numbers(self.path, self.at(name), self.get(name), count)

    def direction(self, name: str) -> NDArray[np.float64]:
        """A unit vector."""
        return direction(self.path, self.at(name), self.get(name))

    def at(self, name: str) -> str:
        """Where a field is, for messages."""
        return f"{self.where}.{name}" if self.where else name
