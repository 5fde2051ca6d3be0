"""What the readers share: a file's bytes, its text, its rows of words.

Nothing is read without an end: neither a device that never stops nor a file that claims more than it holds can take
all memory. Lines are counted as an editor counts them (LF, CR LF or CR), `#` starts a comment, and blank lines do not
matter.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator

from jaxbragg.io import ledger
from jaxbragg.io.errors import FileError, reason_of

LARGEST = 2 << 30  # [bytes] of a file that does not say how long it is: an image of 23,000 × 23,000 float32 pixels
LARGEST_TEXT = 1 << 30  # [bytes] thirty million lines of h k l F
_HEAD = 1 << 17  # [bytes] more than any header seen
_PIECE = 1 << 24


def read_bytes(path: str | os.PathLike[str], most: int = -1) -> bytes:
    """Reads a file, or its beginning.

    Args:
        path: File to read.
        most: [bytes] Read no more than this; -1 for everything.

    Raises:
        FileError: The file is missing, a folder, unreadable or empty, or everything is asked for and is more than
            `LARGEST`.
    """
    if most >= 0:
        return read_claimed(path, lambda head: most - 1)
    return _within(path, read_claimed(path, lambda head: LARGEST), LARGEST)


def read_claimed(path: str | os.PathLike[str], claim: Callable[[bytes], int]) -> bytes:
    """Reads a file whose beginning says how long it is.

    Args:
        path: File to read.
        claim: From the first 128 KiB, or the whole file where it is shorter, to the number of bytes that there should
            be; it may raise a `FileError`.

    Returns:
        The content, and no more than one byte beyond what it claims: enough to see that there is more.

    Raises:
        FileError: The file is missing, a folder, unreadable or empty.
    """
    ledger.reading(path)
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
            if not head:
                raise FileError(path, "the file is empty")
            most = claim(head) + 1
            # As much as the file has, at once; beyond that in pieces, for what is asked for is set aside beforehand.
            pieces, have = [head], len(head)
            ahead = max(_PIECE, os.fstat(file.fileno()).st_size - have + 1)
            while have < most and (piece := file.read(min(most - have, ahead))):
                pieces.append(piece)
                have, ahead = have + len(piece), _PIECE
    except (OSError, ValueError) as error:
        raise FileError(path, reason_of(error)) from error
    except MemoryError:
        raise FileError(path, "the file does not fit into memory") from None
    return b"".join(pieces)[:most]


def size_of(path: str | os.PathLike[str], content: bytes) -> int:
    """How many bytes a file holds, for a message: more than were read where it is longer than it claims."""
    try:
        return max(os.stat(path).st_size, len(content))
    except (OSError, ValueError):
        return len(content)


def sha256(path: str | os.PathLike[str]) -> str:
    """The check sum of a file of any size, in hexadecimal digits.

    Raises:
        FileError: The file is missing, a folder, unreadable, empty, or no regular file.
    """
    check_regular(path)
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise FileError(path, reason_of(error)) from error


def check_regular(path: str | os.PathLike[str]) -> None:
    """For readers of other libraries, which open a file themselves: notes it, and refuses devices and pipes.

    Raises:
        FileError: The file is missing, unreadable, empty, or no regular file.
    """
    read_bytes(path, 1)
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise FileError(path, "expected a file on a disk for this format, but found a device or a pipe")


def read_text(path: str | os.PathLike[str]) -> str:
    """Reads a UTF-8 text file, with or without a byte order mark, and makes every line end in LF.

    Raises:
        FileError: The file is missing, a folder, unreadable, empty, no text, or more than `LARGEST_TEXT`.
    """

    def claim(head: bytes) -> int:
        if 0 in head:  # no text: an endless /dev/zero need not be read any further
            _decoded(path, head[: head.index(0) + 1])
        return LARGEST_TEXT

    text = _decoded(path, _within(path, read_claimed(path, claim), LARGEST_TEXT))
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def _within(path: str | os.PathLike[str], content: bytes, most: int) -> bytes:
    if len(content) > most:
        raise FileError(path, f"expected at most {most >> 30} GiB, but the file is longer, or has no end")
    return content


def _decoded(path: str | os.PathLike[str], content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        reason = f"expected text in UTF-8, but found the byte 0x{content[error.start]:02x}"
        raise FileError(path, reason, _line(before)) from error
    if "\0" in text:
        raise FileError(path, "expected text, but found a zero byte", _line(content[: content.index(0)]))
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
