"""Writing so that nothing is ever half written: beside the target first, then renamed over it.

A disk that fills up or a Ctrl-C leaves the old file as it was, and no debris. Several files can be written as a set,
which is there as a whole or not at all. What cannot be replaced by renaming (/dev/null, /dev/stdout, a named pipe) is
written straight through.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from jaxbragg.io import ledger
from jaxbragg.io.errors import FileError, reason_of
from jaxbragg.io.writable import STREAMS, target_of
from jaxbragg.io.writable import check_writable as check_writable

Buffer = bytes | bytearray | memoryview


class _Part(NamedTuple):
    path: str | os.PathLike[str]  # as the caller named it
    beside: str
    name: str


@dataclass
class _Set:
    parts: list[_Part] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)  # made for it, the innermost first


_SET: ContextVar[_Set | None] = ContextVar("_SET", default=None)
_UNFINISHED: set[str] = set()  # of all threads, for `discard_unfinished`
_RENAMING = threading.Lock()


def write_atomically(path: str | os.PathLike[str], chunks: Buffer | Iterable[Buffer]) -> None:
    """Writes a file all at once, or leaves everything as it was.

    The old file's permissions are kept, and a symbolic link stays a link. An exception raised by `chunks` itself is
    passed on after the clean-up. Inside `together` the file appears with the others of its set.

    Args:
        path: File to write; an old one is replaced.
        chunks: The content, in one piece or several.

    Raises:
        FileError: The folder is missing or read-only, the file is read-only or a folder, the disk is full, ...
    """
    pieces = cast(Iterable[Buffer], (chunks,) if isinstance(chunks, Buffer) else chunks)
    target = target_of(path)
    ledger.writing(path)
    if target.straight:
        _write_straight(path, target.name, pieces)
        return
    folder, name = os.path.split(target.name)
    part = _Part(path, os.path.join(folder, f".{name[:40]}.{secrets.token_hex(4)}.part"), target.name)
    _UNFINISHED.add(part.beside)
    try:
        _write_beside(part, target.mode, pieces)
        group = _SET.get()
        if group is None:
            _rename([part])
        else:
            group.parts.append(part)
    except BaseException:
        _discard([part])
        raise


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Has all files that are written inside appear at its end, or none of them; a set inside a set joins it.

    Raises:
        FileError: A file can no longer be put in its place.
    """
    if _SET.get() is not None:
        yield
        return
    group = _Set()
    token = _SET.set(group)
    try:
        yield
        _rename(group.parts)
    except BaseException:
        _discard(group.parts)
        for folder in group.folders:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        raise
    finally:
        _SET.reset(token)


def make_folder(folder: str | os.PathLike[str]) -> None:
    """Makes a folder, and those above it, where there is none; if its set is not written, it goes again.

    Raises:
        FileError: It cannot be made.
    """
    missing, above = [], os.path.abspath(folder)
    while not os.path.lexists(above):
        missing.append(above)
        above = os.path.dirname(above)
    group = _SET.get()
    if group is not None:
        group.folders[:0] = missing
    try:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError as error:
        raise FileError(folder, "expected a folder, but found a file") from error
    except (OSError, ValueError) as error:
        raise FileError(folder, reason_of(error)) from error


@contextlib.contextmanager
def discard_unfinished() -> Iterator[None]:
    """For a process that is about to end in the middle of things: what is not in its place yet is removed.

    Waits for a set that is being put in place (but not for ever: a network disk may hang), and keeps others from it
    until the end of the context.
    """
    free = _RENAMING.acquire(timeout=10.0)
    try:
        for beside in list(_UNFINISHED) if free else ():
            _unlink(beside)
        yield
    finally:
        if free:
            _RENAMING.release()


def _write_beside(part: _Part, mode: int | None, pieces: Iterable[Buffer]) -> None:
    try:
        # os.open, not tempfile: its files are 0600 whatever the umask says.
        descriptor = os.open(part.beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    except (OSError, ValueError) as error:
        raise FileError(part.path, reason_of(error)) from error
    try:
        _write(part.path, descriptor, pieces)
    finally:
        _checked(part.path, os.close, descriptor)
    if mode is not None:
        _checked(part.path, os.chmod, part.beside, mode)


def _rename(parts: Sequence[_Part]) -> None:
    """Puts files in their places, all or none; no signal comes between the first and the last."""
    for part in parts:
        target_of(part.path)  # hours may have passed: what can fail is to fail before the first is replaced
    with _without_signals(), _RENAMING, contextlib.ExitStack() as clean, contextlib.ExitStack() as undo:
        for part in parts:
            if len(parts) > 1:
                undo.callback(_restore, part.name, _kept(part, clean))
            _checked(part.path, os.replace, part.beside, part.name)
            _UNFINISHED.discard(part.beside)
        undo.pop_all()
        for part in parts:
            ledger.wrote(part.path)


def _kept(part: _Part, clean: contextlib.ExitStack) -> str | None:
    """A second name for the old file, as long as the set is not complete; None where there is no old file."""
    old = f"{part.beside}.old"
    try:
        os.link(part.name, old)
    except FileNotFoundError:
        return None
    except OSError:  # a file system without hard links
        return part.name
    clean.callback(_unlink, old)
    return old


def _restore(name: str, old: str | None) -> None:
    if old is None:
        _unlink(name)
    elif old != name:
        with contextlib.suppress(OSError):
            os.replace(old, name)


def _unlink(name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name)


def _discard(parts: Iterable[_Part]) -> None:
    for part in parts:
        _unlink(part.beside)
        _UNFINISHED.discard(part.beside)


@contextlib.contextmanager
def _without_signals() -> Iterator[None]:
    """Ctrl-C and requests to end come after what is inside; only the main thread is ever interrupted by them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # None is a handler that was not installed from Python, and could not be put back.
    numbers = [number for number in numbers if signal.getsignal(number) not in (None, signal.SIG_IGN)]
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, frame: came.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def _write_straight(path: str | os.PathLike[str], name: str, pieces: Iterable[Buffer]) -> None:
    if name in STREAMS:
        stream = sys.stdout if name == "/dev/stdout" else sys.stderr
        _checked(path, stream.flush)
        descriptor = _checked(path, os.dup, STREAMS[name])
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
