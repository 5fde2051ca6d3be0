"""The one exception that a bad file raises, whatever is wrong with it.

The command line turns a `FileError` into one line and exit status 1, so every reader and writer of `jaxbragg.io`
raises it instead of `OSError`, `UnicodeDecodeError`, `struct.error` or a bare `ValueError`. A `ValueError` from this
package means that the caller, not a file, is at fault (an image of the wrong shape, say).
"""

from __future__ import annotations

import os


class FileError(Exception):
    """A file that cannot be read or written.

    Args:
        path: The file's name as the caller gave it.
        reason: What is wrong, in one line; of the form "expected ..., but found ..." where that fits.
        line: Line number, counted from 1, where the file has lines.
    """

    def __init__(self, path: str | os.PathLike[str], reason: str, line: int | None = None) -> None:
        self.path = os.fspath(path)
        self.reason = reason
        self.line = line
        super().__init__(self.path, reason, line)  # these three make it survive pickling, e.g. out of a worker process

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}, line {self.line}"
        return " ".join(f"{where}: {self.reason}".splitlines())


def reason_of(error: OSError | ValueError) -> str:
    """Says in a few words why the system refused to open, read or write a file.

    Args:
        error: What `open`, `os.stat`, `os.write`, ... raised. `ValueError` is what Python raises for a file name
            with a zero byte or with characters that the file system cannot hold.
    """
    if not isinstance(error, OSError):
        return "the file name holds a character that no file name can hold"
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "is a folder, not a file"
    if isinstance(error, PermissionError):
        return "permission denied"
    said = error.strerror or str(error) or type(error).__name__
    return said[0].lower() + said[1:]
