"""Portable grey maps (P5, 8 bits): pictures that any viewer opens."""

from __future__ import annotations

import os
import re

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted, read_claimed

_GAP = rb"(?:\s|#[^\n]*\n)+"
_HEADER = re.compile(rb"P5" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})\s")


def write_pgm(path: str | os.PathLike[str], image: NDArray[np.uint8], comment: str | None = None) -> None:
    """Writes an 8-bit grey picture.

    Args:
        path: File to write.
        image: Grey levels, `uint8 (slow, fast)`.
        comment: One line for the header; the C program's is `pixels scaled by %g`.

    Raises:
        FileError: The file cannot be written.
        ValueError: The image or the comment does not suit the format.
    """
    if image.ndim != 2 or image.dtype != np.uint8:
        raise ValueError(f"Argument `image` must be uint8 (slow, fast), but is {image.dtype} {image.shape}")
    if comment is not None and ("\n" in comment or "\r" in comment):
        raise ValueError(f"Argument `comment` must be one line, but is {comment!r}")
    slow, fast = image.shape
    remark = "" if comment is None else f"# {comment}\n"
    write_atomically(path, [f"P5\n{fast} {slow}\n{remark}255\n".encode(), image.tobytes()])


def read_pgm(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Reads an 8-bit grey picture.

    Args:
        path: PGM file, binary (P5), with 255 as its white.

    Returns:
        Grey levels, `uint8 (slow, fast)`.

    Raises:
        FileError: The file cannot be read, is of another kind, or is cut short. What follows the pixels is ignored:
            PGM allows several pictures in a file.
    """
    content = read_claimed(path, lambda head: sum(_layout(path, head)[:2]))
    start, expected, (slow, fast) = _layout(path, content)
    if len(content) < start + expected:
        raise FileError(path, f"expected {expected} bytes for {slow}×{fast} pixels, but found {len(content) - start}")
    return np.frombuffer(content, np.uint8, count=expected, offset=start).reshape(slow, fast).copy()


def _layout(path: str | os.PathLike[str], content: bytes) -> tuple[int, int, tuple[int, int]]:
    """Bytes of the header, bytes of the pixels, and their numbers along slow and fast."""
    header = _HEADER.match(content)
    if header is None:
        raise FileError(path, f"expected a P5 header, but found {quoted(content[:20].decode('latin-1'))}")
    fast, slow, white = (int(word) for word in header.groups())
    if white != 255:
        raise FileError(path, f"expected 255 as the largest grey level, but found {white}")
    if not fast or not slow:
        raise FileError(path, f"expected at least one pixel, but found {slow}×{fast}")
    return header.end(), slow * fast, (slow, fast)
