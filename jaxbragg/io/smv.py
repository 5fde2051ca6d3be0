r"""SMV images, d*TREK's among them: a text header of HEADER_BYTES bytes, padded with blanks, then pixels, slow-major.

A header written here is byte for byte the C program's while its text fits into 512 bytes, and 1024 bytes beyond that.
The C program itself does not look: a longer text pushes its pixels back while HEADER_BYTES still says 512. Such files
are read too.

References:
    Rigaku, d*TREK Image Format, version 1.1: the names of the types, HEADER_BYTES, braces in values.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted, read_bytes, read_claimed, size_of

_LONGEST = 1 << 17  # [bytes] more than any header seen
_FIXED = ("HEADER_BYTES", "DIM", "BYTE_ORDER", "TYPE")
# Lower case, with blanks for underscores, without the words signed and int (of which `long int` need not have one).
_TYPES = {
    "char": "i1",
    "unsigned char": "u1",
    "short": "i2",
    "unsigned short": "u2",
    "long": "i4",
    "unsigned long": "u4",
    "float": "f4",
    "float ieee": "f4",
}
_TYPE_KEYS = ("TYPE", "DATA_TYPE")  # the C program's and ADSC's, d*TREK's
_ORDERS = {"little_endian": "<", "big_endian": ">"}
_NO_COMPRESSION = ("", "none", "no", "0", "1", "1.0")
_HEADER_BYTES = re.compile(rb"[{;\n]\s*HEADER_BYTES\s*=\s*0*([1-9]\d{0,8})\s*[;\n]")
# A value ends with its line or a semicolon, one in braces excepted.
_FIELD = re.compile(r"([^=;\n]+)=((?:\{[^{}=\n]*\}|[^;\n])*)")


def looks_like_smv(start: bytes) -> bool:
    """Whether a file that begins like this is an SMV image."""
    return start.startswith(b"{") and b"HEADER_BYTES" in start[:512]


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
        path: SMV file. TYPE or Data_type is one of the names that ADSC and d*TREK use, such as unsigned_short, long
            int or float IEEE; without it the pixels are unsigned 16-bit integers, if the file has that size.

    Returns:
        The header, and the image, `(slow, fast)`, in the machine's own byte order.

    Raises:
        FileError: The file cannot be read, is shorter or longer than its header says, is compressed, or its header
            lacks what is needed.
    """
    content = read_claimed(path, lambda head: _layout(path, head).end)
    layout = _layout(path, content)
    ends = {start + layout.size: start for start in layout.starts}
    if len(content) not in ends:
        start, (slow, fast) = layout.starts[-1], layout.shape
        pixels = f"{slow}×{fast} pixels of {layout.dtype.itemsize} bytes"
        wanted = f"expected {start + layout.size} bytes ({start} of header, {pixels})"
        hint = "" if layout.typed else "; TYPE and Data_type, which say what a pixel is, are missing"
        raise FileError(path, f"{wanted}, but found {size_of(path, content)}{hint}")
    image = np.frombuffer(content, layout.dtype, offset=ends[len(content)]).reshape(layout.shape)
    return layout.header, image.astype(layout.dtype.newbyteorder("="))


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


class _Layout(NamedTuple):
    header: dict[str, str]
    starts: tuple[int, ...]  # where the pixels may begin; the last is what messages name
    shape: tuple[int, int]
    dtype: np.dtype
    typed: bool

    @property
    def size(self) -> int:
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    @property
    def end(self) -> int:
        return max(self.starts) + self.size


def _layout(path: str | os.PathLike[str], content: bytes) -> _Layout:
    header, brace, end = _header(path, content)
    _check_uncompressed(path, header)
    start, fast, slow = (_count(path, header, key) for key in ("HEADER_BYTES", "SIZE1", "SIZE2"))
    if (dimensions := header.get("DIM", "2")) != "2":
        raise FileError(path, f"expected an image with DIM=2, but found {quoted(dimensions)}")
    order = header.get("BYTE_ORDER", "little_endian")
    if order.lower() not in _ORDERS:
        raise FileError(path, f"expected BYTE_ORDER to be one of {', '.join(_ORDERS)}, but found {quoted(order)}")
    said = _types(path, header)
    dtype = np.dtype(_ORDERS[order.lower()] + next(iter(said.values()), "u2"))
    # The C program's overflow: the text itself runs beyond HEADER_BYTES. A pixel may look like the form feed, though.
    starts = (start,) if end <= start else (end,) if brace >= start else (start, end)
    return _Layout(header, starts, (slow, fast), dtype, bool(said))


def _types(path: str | os.PathLike[str], header: Mapping[str, str]) -> dict[str, str]:
    """What each of the keys says a pixel is; they agree."""
    said: dict[str, str] = {}
    for key, value in header.items():
        if key.upper() not in _TYPE_KEYS:
            continue
        words = [word for word in value.lower().replace("_", " ").split() if word not in ("signed", "int")]
        if " ".join(words) not in _TYPES:
            known = ", ".join(_TYPES)
            raise FileError(path, f"expected {key} to be one of {known}, but found {quoted(value)}")
        said[f"{key}={value}"] = _TYPES[" ".join(words)]
    if len(set(said.values())) > 1:
        raise FileError(path, f"expected one type of pixels, but found {' and '.join(said)}")
    return said


def _check_uncompressed(path: str | os.PathLike[str], header: Mapping[str, str]) -> None:
    """CrysAlis has COMPRESSION, d*TREK Data_type=Compressed; RAXIS_COMPRESSION_RATIO scales what is above 32767."""
    for key, value in header.items():
        packed = "COMPRESSION" in key.upper() and value.lower() not in _NO_COMPRESSION
        if packed or (key.upper() in _TYPE_KEYS and value.lower() == "compressed"):
            raise FileError(path, f"expected uncompressed pixels, but found {key}={value}")


def _header(path: str | os.PathLike[str], content: bytes) -> tuple[dict[str, str], int, int]:
    """The fields, the place of the closing brace, and the number of bytes up to and with it and a form feed."""
    if not content.startswith(b"{"):
        raise FileError(path, f"expected an SMV header, '{{' first, but found {quoted(content[:8].decode('latin-1'))}")
    claimed = _HEADER_BYTES.search(content, 0, _LONGEST)
    # Values may hold braces, too: the header's own is the last in HEADER_BYTES, or the first beyond (see above).
    brace = content.rfind(b"}", 0, int(claimed[1])) if claimed else -1
    if brace < 0:
        brace = content.find(b"}", 0, _LONGEST)
    if brace < 0:
        raise FileError(path, "expected an SMV header, but its closing '}' is missing")
    text = content[1:brace].decode("latin-1").replace("\r", "\n")
    header = {key.strip(): value.strip() for key, value in _FIELD.findall(text)}
    return header, brace, brace + 1 + (content[brace + 1 : brace + 2] == b"\f")


def _count(path: str | os.PathLike[str], header: Mapping[str, str], key: str) -> int:
    value = header.get(key)
    if value is None:
        raise FileError(path, f"expected the key {key} in the header, but it is missing")
    if not re.fullmatch(r"0*[1-9]\d{0,8}", value, re.ASCII):
        raise FileError(path, f"expected {key} to be a positive integer, but found {quoted(value)}")
    return int(value)
