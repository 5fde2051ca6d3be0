"""Writing so that nothing is ever half written: beside the target first, then renamed over it.

A disk that fills up or a Ctrl-C leaves the old file as it was, and no debris. What cannot be replaced by renaming
(/dev/null, /dev/stdout, a named pipe) is written straight through.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Iterable
from typing import NamedTuple, cast

from jaxbragg.io.errors import FileError, reason_of

Buffer = bytes | bytearray | memoryview

# Opening these anew would begin at the start of a redirected file, over what was printed there.
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def write_atomically(path: str | os.PathLike[str], chunks: Buffer | Iterable[Buffer]) -> None:
    """Writes a file all at once, or leaves everything as it was.

    The old file's permissions are kept, and a symbolic link stays a link. An exception raised by `chunks` itself is
    passed on after the clean-up.

    Args:
        path: File to write; an old one is replaced.
        chunks: The content, in one piece or several.

    Raises:
        FileError: The folder is missing or read-only, the file is read-only or a folder, the disk is full, ...
    """
    pieces = cast(Iterable[Buffer], (chunks,) if isinstance(chunks, Buffer) else chunks)
    target = _target(path)
    if target.straight:
        _write_straight(path, target.name, pieces)
        return
    folder, name = os.path.split(target.name)
    beside = os.path.join(folder, f".{name[:40]}.{secrets.token_hex(4)}.part")
    try:
        # os.open, not tempfile: its files are 0600 whatever the umask says.
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    except (OSError, ValueError) as error:
        raise FileError(path, reason_of(error)) from error
    try:
        try:
            _write(path, descriptor, pieces)
        finally:
            _checked(path, os.close, descriptor)
        if target.mode is not None:
            _checked(path, os.chmod, beside, target.mode)
        _checked(path, os.replace, beside, target.name)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def check_writable(path: str | os.PathLike[str]) -> None:
    """Finds out before a long computation whether its result could be written.

    Mode bits are looked at as well as the system's answer: root may write a read-only file, and should not.

    Args:
        path: File to be written later.

    Raises:
        FileError: `write_atomically` would refuse.
    """
    _target(path)


class _Target(NamedTuple):
    name: str  # symbolic links resolved
    straight: bool  # not a regular file: no renaming
    mode: int | None  # permissions of the old file


def _target(path: str | os.PathLike[str]) -> _Target:
    name = os.fspath(path)
    if not name:
        raise FileError(path, "expected a file name, but found an empty one")
    if name in _STREAMS:
        return _Target(name, True, None)
    old = _status(path, name)
    if old is None and name.endswith(os.sep):
        raise FileError(path, "expected a file name, but found a folder's")
    if old is not None:
        if stat.S_ISDIR(old.st_mode):
            raise FileError(path, "is a folder, not a file")
        if not old.st_mode & _WRITABLE:
            raise FileError(path, "the file is read-only")
        if not os.access(name, os.W_OK):
            raise FileError(path, "permission denied")
        if not stat.S_ISREG(old.st_mode):
            return _Target(name, True, None)
    name = os.path.realpath(name)
    folder = os.path.dirname(name)
    above = _status(path, folder)
    if above is None:
        raise FileError(path, f"the folder {folder} does not exist")
    if not stat.S_ISDIR(above.st_mode):
        raise FileError(path, f"{folder} is not a folder")
    if not above.st_mode & _WRITABLE:
        raise FileError(path, f"the folder {folder} is read-only")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(path, f"permission denied in the folder {folder}")
    return _Target(name, False, None if old is None else stat.S_IMODE(old.st_mode))


def _status(path: str | os.PathLike[str], name: str) -> os.stat_result | None:
    try:
        return os.stat(name)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise FileError(path, reason_of(error)) from error


def _write_straight(path: str | os.PathLike[str], name: str, pieces: Iterable[Buffer]) -> None:
    if name in _STREAMS:
        stream = sys.stdout if name == "/dev/stdout" else sys.stderr
        _checked(path, stream.flush)
        descriptor = _checked(path, os.dup, _STREAMS[name])
    else:
        descriptor = _checked(path, os.open, name, os.O_WRONLY)
    try:
        _write(path, descriptor, pieces)
    finally:
        _checked(path, os.close, descriptor)


def _write(path: str | os.PathLike[str], descriptor: int, pieces: Iterable[Buffer]) -> None:
    for piece in pieces:
        rest = memoryview(piece)
        rest = rest.cast("B") if rest.nbytes else memoryview(b"")
        while rest:
            rest = rest[_checked(path, os.write, descriptor, rest) :]


def _checked(path, call, *arguments):
    try:
        return call(*arguments)
    except (OSError, ValueError) as error:
        raise FileError(path, reason_of(error)) from error
