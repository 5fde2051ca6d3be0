"""What the readers share: a file's bytes, its text, its rows of words.

Lines are counted as an editor counts them (LF, CR LF or CR), `#` starts a comment, and blank lines do not matter.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from jaxbragg.io.errors import FileError, reason_of


def read_bytes(path: str | os.PathLike[str], most: int = -1) -> bytes:
    """Reads a file, or its beginning.

    Args:
        path: File to read.
        most: [bytes] Read no more than this; -1 for everything.

    Raises:
        FileError: The file is missing, a folder, unreadable or empty.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(most)
    except (OSError, ValueError) as error:
        raise FileError(path, reason_of(error)) from error
    if not content:
        raise FileError(path, "the file is empty")
    return content


def read_text(path: str | os.PathLike[str]) -> str:
    """Reads a UTF-8 text file, with or without a byte order mark, and makes every line end in LF.

    Raises:
        FileError: As for `read_bytes`, or the file is not text.
    """
    content = read_bytes(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        reason = f"expected text in UTF-8, but found the byte 0x{content[error.start]:02x}"
        raise FileError(path, reason, _line(before)) from error
    if "\0" in text:
        raise FileError(path, "expected text, but found a zero byte", _line(content[: content.index(0)]))
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the line number and the words of each line that holds any, comments left out."""
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.partition("#")[0].split()
        if words:
            yield number, words


def to_float(word: str) -> float | None:
    """Reads a number as C would; None where the word is none. `nan` and `inf` are numbers here.

    Python alone would also take `1_000` and the digits of other scripts.
    """
    if "_" in word or not word.isascii():
        return None
    try:
        return float(word)
    except ValueError:
        return None


def quoted(words: list[str] | str) -> str:
    """Quotes what was found, cut to a length that suits one line of a terminal."""
    said = words if isinstance(words, str) else " ".join(words)
    return repr(said if len(said) <= 60 else said[:57] + "...")


def _line(before: bytes) -> int:
    return before.replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
