r"""SMV images: a short text header in blanks-padded blocks of 512 bytes, then pixels, slow-major.

The header is byte for byte the C program's while its text fits into 512 bytes, and 1024 bytes beyond that. The C
program itself does not look: a longer text pushes its pixels back while HEADER_BYTES still says 512. Such files are
read too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted, read_bytes

_LONGEST = 1 << 17  # [bytes] more than any header seen
_FIXED = ("HEADER_BYTES", "DIM", "BYTE_ORDER", "TYPE")
_TYPES = {"unsigned_short": "u2", "unsigned_long": "u4", "long": "i4", "signed_long": "i4", "float": "f4"}
_ORDERS = {"little_endian": "<", "big_endian": ">"}


def read_smv_header(path: str | os.PathLike[str]) -> dict[str, str]:
    """Reads the header of an SMV image.

    Args:
        path: SMV file.

    Returns:
        Whole keys and their values, both stripped of blanks, in the file's order.

    Raises:
        FileError: The file cannot be read or has no SMV header.
    """
    return _header(path, read_bytes(path, _LONGEST))[0]


def read_smv(path: str | os.PathLike[str]) -> tuple[dict[str, str], NDArray[np.generic]]:
    """Reads an SMV image.

    Args:
        path: SMV file; TYPE may be unsigned_short (also when it is missing), unsigned_long, long, signed_long or float.

    Returns:
        The header, and the image, `(slow, fast)`, in the machine's own byte order.

    Raises:
        FileError: The file cannot be read, is cut short, or its header lacks what is needed.
    """
    content = read_bytes(path)
    header, end = _header(path, content)
    kind, order = header.get("TYPE", "unsigned_short"), header.get("BYTE_ORDER", "little_endian")
    if kind not in _TYPES:
        raise FileError(path, f"expected TYPE to be one of {', '.join(_TYPES)}, but found {quoted(kind)}")
    if order not in _ORDERS:
        raise FileError(path, f"expected BYTE_ORDER to be one of {', '.join(_ORDERS)}, but found {quoted(order)}")
    dtype = np.dtype(_ORDERS[order] + _TYPES[kind])
    start, fast, slow = (_count(path, header, key) for key in ("HEADER_BYTES", "SIZE1", "SIZE2"))
    size = fast * slow * dtype.itemsize
    if end > start:  # the C program's overflow: the text itself runs beyond HEADER_BYTES
        start = max(end, len(content) - size)
    if len(content) < start + size:
        wanted = f"expected {start + size} bytes ({start} of header, {slow}×{fast} pixels of {dtype.itemsize} bytes)"
        raise FileError(path, f"{wanted}, but found {len(content)}")
    image = np.frombuffer(content, dtype, count=fast * slow, offset=start).reshape(slow, fast)
    return header, image.astype(dtype.newbyteorder("="))


def smv_header_bytes(fields: Mapping[str, str]) -> bytes:
    """Makes the header of a little-endian 16-bit SMV image, as the C program writes it.

    Args:
        fields: Keys and values in the order wanted, SIZE1 and SIZE2 first. HEADER_BYTES, DIM, BYTE_ORDER and TYPE
            are left out where given: they come first and are what they are.

    Returns:
        512 bytes, or 1024 where the text does not fit into 512.

    Raises:
        ValueError: The text does not fit into 1024 bytes, or a key or value would break the header.
    """
    lines: list[str] = []
    for key, value in fields.items():
        if key in _FIXED:
            continue
        if not re.fullmatch(r"\w+", key, re.ASCII) or not re.fullmatch(r"[ -~]*", value) or set(value) & set("{};"):
            raise ValueError(f"Argument `fields` must hold words and plain text, but holds {key!r}: {value!r}")
        # The C program forgets this one semicolon; readers go by lines and do not mind.
        lines.append(f"{key}={value}\n" if key == "DIALS_ORIGIN" else f"{key}={value};\n")
    for size in (512, 1024):
        start = f"{{\nHEADER_BYTES={size};\nDIM=2;\nBYTE_ORDER=little_endian;\nTYPE=unsigned_short;\n"
        text = start + "".join(lines) + "}\f"
        if len(text) <= size:
            return text.encode("ascii").ljust(size)
    raise ValueError(f"Argument `fields` must fit into a header of 1024 bytes, but takes {len(text)}")


def write_smv(path: str | os.PathLike[str], image: NDArray[np.uint16], fields: Mapping[str, str]) -> None:
    """Writes a 16-bit SMV image.

    Args:
        path: File to write.
        image: Pixels, `uint16 (slow, fast)`.
        fields: Further keys of the header, in order; SIZE1 and SIZE2 are taken from the image.

    Raises:
        FileError: The file cannot be written.
        ValueError: The image or a field does not suit the format.
    """
    if image.ndim != 2 or image.dtype != np.uint16:
        raise ValueError(f"Argument `image` must be uint16 (slow, fast), but is {image.dtype} {image.shape}")
    slow, fast = image.shape
    others = {key: value for key, value in fields.items() if key not in ("SIZE1", "SIZE2")}
    header = smv_header_bytes({"SIZE1": str(fast), "SIZE2": str(slow)} | others)
    write_atomically(path, [header, image.astype("<u2").tobytes()])


def number(value: float) -> str:
    """Writes a number as C's %g does, six significant digits."""
    return f"{value:g}"


def _header(path: str | os.PathLike[str], content: bytes) -> tuple[dict[str, str], int]:
    """Returns the fields and the number of bytes up to and with the closing brace and form feed."""
    if not content.startswith(b"{"):
        raise FileError(path, f"expected an SMV header, '{{' first, but found {quoted(content[:8].decode('latin-1'))}")
    brace = content.find(b"}", 0, _LONGEST)
    if brace < 0:
        raise FileError(path, "expected an SMV header, but its closing '}' is missing")
    header: dict[str, str] = {}
    for part in re.split(r"[;\n]", content[1:brace].decode("latin-1")):
        key, equals, value = part.partition("=")
        if equals:
            header[key.strip()] = value.strip()
    return header, brace + 1 + (content[brace + 1 : brace + 2] == b"\f")


def _count(path: str | os.PathLike[str], header: Mapping[str, str], key: str) -> int:
    value = header.get(key)
    if value is None:
        raise FileError(path, f"expected the key {key} in the header, but it is missing")
    if not re.fullmatch(r"0*[1-9]\d{0,8}", value, re.ASCII):
        raise FileError(path, f"expected {key} to be a positive integer, but found {quoted(value)}")
    return int(value)
