"""Images as bare little-endian float32, slow-major, without a header: the C program's float images."""

from __future__ import annotations

import math
import os

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.errors import FileError
from jaxbragg.io.text import read_claimed, size_of


def write_float_image(path: str | os.PathLike[str], image: ArrayLike) -> None:
    """Writes an image as raw float32.

    Args:
        path: File to write.
        image: [photons] Pixels, `(slow, fast)` or `(panel, slow, fast)`.

    Raises:
        FileError: The file cannot be written.
    """
    # As bytes without a copy, where the image is float32 already: half of the time that writing takes.
    write_atomically(path, np.ascontiguousarray(image, "<f4").reshape(-1).view(np.uint8).data)


def read_float_image(path: str | os.PathLike[str], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Reads an image from raw float32.

    Args:
        path: File to read.
        shape: Numbers of pixels, `(slow, fast)` or `(panel, slow, fast)`; the file does not know them.

    Returns:
        Pixels [photons], `float32`, of that shape.

    Raises:
        FileError: The file cannot be read, or its size is not that of the shape.
    """
    expected = 4 * math.prod(shape)
    content = read_claimed(path, lambda head: expected)
    if len(content) != expected:
        pixels, found = "×".join(map(str, shape)), size_of(path, content)
        raise FileError(path, f"expected {expected} bytes for {pixels} pixels of float32, but found {found}")
    return np.frombuffer(content, "<f4").reshape(shape).astype(np.float32)
