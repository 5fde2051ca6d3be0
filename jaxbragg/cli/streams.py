"""stdout and stderr as they come: closed, full, or of an encoding that lacks a letter. No image is lost for it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def prepared() -> Iterator[None]:
    """Streams that take every line, and Python's warnings as one line each; around the whole command."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    usual = warnings.showwarning

    def show(message: Any, category: type[Warning], filename: str, lineno: int, *rest: Any, **more: Any) -> None:
        complain("warning: " + " ".join(str(message).split()))

    warnings.showwarning = show
    try:
        yield
    finally:
        if warnings.showwarning is show:
            warnings.showwarning = usual


def complain(line: str) -> None:
    """Print a line to stderr, if it can be."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


class Log:
    """Prints lines to stdout; what stdout does not take is given up, once and for all, and remembered.

    Attributes:
        failure: Why stdout took no more, or None.
    """

    def __init__(self) -> None:
        self.failure: OSError | None = None

    def __call__(self, line: str) -> None:
        """Print a line."""
        try:
            print(line)
        except OSError as error:
            self._give_up(error)

    def flush(self) -> None:
        """Have everything printed that was said."""
        try:
            sys.stdout.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.failure = error
        silence(sys.stdout)


def silence(stream: Any) -> None:
    """Send what is still to be printed nowhere: Python would complain once more while it closes the stream."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _open_what_is_closed() -> None:
    """The next file opened would take the number of a closed stream, and get what libraries write to stderr."""
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    number = os.open(os.devnull, os.O_RDWR)
    while number <= 2:
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # print(…, file=None) would print to the other one
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
