"""Whether an image fits into memory, before anything is allocated for it."""

import os

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned

# Beside the float32 image: its tiles before they are put in order, and the copies that the writers make.
_BYTES_PER_PIXEL = 24
BYTES_PER_STEP = 400
"""A rotation matrix and the three cell vectors that it turns, in float64, with the copies on the way."""
BYTES_PER_INDEX = 40
"""A structure factor in float64 and in the look-up table, with the copies on the way."""


def check_memory(scanned: Scanned, pixels: tuple[int, int]) -> None:
    """Raise a UsageError that says how much the image needs and which flag asks for it.

    Args:
        scanned: Flags.
        pixels: Along slow and fast.
    """
    size = scanned.last("detpixels", "detpixels_f", "detpixels_s")
    size = size or scanned.last("detsize", "detsize_f", "detsize_s", "pixel")
    asked = f"-{size} {scanned.values[size]:g}: " if size is not None else ""
    what = f"{asked}an image of {pixels[1]} × {pixels[0]} pixels needs"
    _check(scanned, what, pixels[0] * pixels[1] * _BYTES_PER_PIXEL)


def check_list(scanned: Scanned, what: str, count: int, each: int = BYTES_PER_STEP) -> None:
    """The same for other long lists: what is drawn one after the other in each pixel, or looked up there.

    Args:
        scanned: Flags.
        what: Of what, for the message, with the flags that ask for it.
        count: How many.
        each: Bytes for one.
    """
    count = min(count, 10**60)  # more than any memory, and no more than a float shows
    _check(scanned, f"{count:.6g} {what} need", count * each)


def _check(scanned: Scanned, what: str, needed: int) -> None:
    limit = scanned.whole("memory_limit")
    have = limit if limit is not None else _physical_memory()
    if have is None or needed <= have:
        return
    allowed = f"--memory-limit allows {_shown(have)}" if limit is not None else f"this machine has {_shown(have)}"
    raise UsageError(f"{what} {_shown(needed)} of memory, but {allowed}")


def _physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _shown(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1024 or unit == "PiB":
            return f"{size:.4g} {unit}"
        size /= 1024
    return ""
