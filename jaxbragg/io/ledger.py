"""What one run reads and what it writes: no file may be both.

Inside `one_run` every reader and writer of this package notes its file here, so that an output which is also an input
is refused whatever flag, table or default has named it, and whatever name it goes by: another spelling, a symbolic or
a hard link. Commands note all their inputs and outputs before they compute anything. Outside `one_run`, in a program
that uses the library, nothing is noted and nothing refused.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from jaxbragg.io.errors import FileError

_Key = str | tuple[int, int]  # a name with its links resolved, or device and inode


@dataclass
class _Run:
    inputs: dict[_Key, tuple[str, str]] = field(default_factory=dict)  # label and resolved name
    outputs: dict[_Key, tuple[str, str]] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)


_RUN: ContextVar[_Run | None] = ContextVar("_RUN", default=None)


@contextmanager
def one_run() -> Iterator[None]:
    """Notes the files of what happens inside."""
    token = _RUN.set(_Run())
    try:
        yield
    finally:
        _RUN.reset(token)


def reading(path: str | os.PathLike[str], label: str = "") -> None:
    """Notes an input.

    Args:
        path: The file, which need not exist.
        label: What names it, such as "-hkl", for messages.

    Raises:
        FileError: This run writes it.
    """
    run, keys = _RUN.get(), _keys(path)
    if run is None or not keys or keys[0] in run.written:
        return
    other = _found(run.outputs, keys)
    if other is not None:
        raise FileError(path, f"{_said(other)} would be written over this input: choose another name")
    for key in keys:
        run.inputs.setdefault(key, (label, str(keys[0])))


def writing(path: str | os.PathLike[str], label: str = "") -> None:
    """Notes an output.

    Args:
        path: The file, which need not exist.
        label: What names it, such as "-floatfile", for messages.

    Raises:
        FileError: This run reads it, or writes something else there.
    """
    run, keys = _RUN.get(), _keys(path)
    if run is None or not keys:
        return
    if keys[0] not in run.written and (other := _found(run.inputs, keys)) is not None:
        said = f"{other} reads this file" if other else "this run reads this file"
        raise FileError(path, f"{said}, and would lose it: choose another name for what is written")
    other = _found(run.outputs, keys)
    if other and label and other != label:
        raise FileError(path, f"{other} and {label} name the same file")
    for key in keys:
        run.outputs.setdefault(key, (label, str(keys[0])))


def wrote(path: str | os.PathLike[str]) -> None:
    """Notes that an output is there now: reading it again is no clash."""
    run, keys = _RUN.get(), _keys(path)
    if run is not None and keys:
        run.written.add(str(keys[0]))
        for key in keys:
            run.outputs.pop(key, None)


def other_use(path: str | os.PathLike[str]) -> str | None:
    """The label of what this run already reads or writes under that file, or None."""
    run, keys = _RUN.get(), _keys(path)
    if run is None:
        return None
    found = _found(run.inputs, keys)
    return _found(run.outputs, keys) if found is None else found


def _said(label: str) -> str:
    return label or "an output of this run"


def _keys(path: str | os.PathLike[str]) -> tuple[_Key, ...]:
    """What tells files apart; nothing for devices and pipes, which may be read and written at will."""
    try:
        real = os.path.realpath(path)
        status = os.stat(real) if os.path.exists(real) else None
    except (OSError, ValueError):
        return ()  # whoever opens it says what is wrong
    if status is None:
        return (real,)
    return (real, (status.st_dev, status.st_ino)) if stat.S_ISREG(status.st_mode) else ()


def _found(table: dict[_Key, tuple[str, str]], keys: tuple[_Key, ...]) -> str | None:
    for key in keys:
        if key in table:
            label, real = table[key]
            # The number of a file that is gone may have been given to another.
            if isinstance(key, str) or key in _keys(real):
                return label
    return None
