"""Whether a file could be written, found out before a long computation."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import NamedTuple

from jaxbragg.io import ledger
from jaxbragg.io.errors import FileError, reason_of

# Opening these anew would begin at the start of a redirected file, over what was printed there.
STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class Target(NamedTuple):
    """Where a file goes.

    Attributes:
        name: Symbolic links resolved.
        straight: Whether it is no regular file, and cannot be replaced by renaming.
        mode: Permissions of the old file, or None.
    """

    name: str
    straight: bool
    mode: int | None


def check_writable(path: str | os.PathLike[str], label: str = "") -> None:
    """Finds out whether a file could be written, and that this run does not read it.

    Mode bits are looked at as well as the system's answer: root may write a read-only file, and should not.

    Args:
        path: File to be written later.
        label: What names it, such as "-floatfile", for messages.

    Raises:
        FileError: `write_atomically` would refuse.
    """
    target_of(path)
    ledger.writing(path, label)


def check_folder(folder: str | os.PathLike[str], names: Iterable[str]) -> None:
    """Finds out whether files could be written to a folder, which need not exist, without making it.

    Args:
        folder: Where to.
        names: The files.

    Raises:
        FileError: They could not, or this run reads one of them.
    """
    above, paths = os.path.abspath(folder), [os.path.join(folder, name) for name in names]
    if os.path.isdir(above):
        for path in paths:
            check_writable(path)
        return
    if os.path.lexists(above):
        raise FileError(folder, "expected a folder, but found a file")
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    _check_holds_files(folder, above)
    for path in paths:
        ledger.writing(path)


def target_of(path: str | os.PathLike[str]) -> Target:
    """Where a file goes.

    Raises:
        FileError: It cannot be written.
    """
    name = os.fspath(path)
    if not name:
        raise FileError(path, "expected a file name, but found an empty one")
    if name in STREAMS:
        return Target(name, True, None)
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
            return Target(name, True, None)
    name = os.path.realpath(name)
    above = _check_holds_files(path, os.path.dirname(name))
    # In /tmp and its like a file that all may write is still its owner's alone to replace.
    mine = getattr(os, "geteuid", int)()
    if old is not None and above.st_mode & stat.S_ISVTX and mine not in (0, old.st_uid, above.st_uid):
        raise FileError(path, "the file belongs to somebody else, and nobody else may replace it in this folder")
    return Target(name, False, None if old is None else stat.S_IMODE(old.st_mode))


def _check_holds_files(path: str | os.PathLike[str], folder: str) -> os.stat_result:
    status = _status(path, folder)
    if status is None:
        raise FileError(path, f"the folder {folder} does not exist")
    if not stat.S_ISDIR(status.st_mode):
        raise FileError(path, f"{folder} is not a folder")
    if not status.st_mode & _WRITABLE:
        raise FileError(path, f"the folder {folder} is read-only")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(path, f"permission denied in the folder {folder}")
    return status


def _status(path: str | os.PathLike[str], name: str) -> os.stat_result | None:
    try:
        return os.stat(name)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise FileError(path, reason_of(error)) from error
