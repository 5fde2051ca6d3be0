"""Whether what the flags ask for fits into memory, before anything is allocated for it."""

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned
from jaxbragg.pipeline.memory import available, shown

# Beside the float32 image: its tiles before they are put in order, and the copies that the writers make.
_BYTES_PER_PIXEL = 24
BYTES_PER_STEP = 400
"""A rotation matrix and the three cell vectors that it rotates, in float64, with the copies on the way."""
BYTES_PER_INDEX = 40
"""A structure factor in float64 and in the look-up table, with the copies on the way."""


def check_memory(scanned: Scanned, pixels: tuple[int, int]) -> None:
    """Refuse an image that does not fit.

    Args:
        scanned: Flags.
        pixels: Along slow and fast.

    Raises:
        UsageError: If it needs too much; the message says how much and which flag asks for it.
    """
    size = scanned.last("detpixels", "detpixels_f", "detpixels_s")
    size = size or scanned.last("detsize", "detsize_f", "detsize_s", "pixel")
    asked = f"-{size} {scanned.values[size]:g}: " if size is not None else ""
    what = f"{asked}an image of {pixels[1]} × {pixels[0]} pixels needs"
    _check(scanned, what, pixels[0] * pixels[1] * _BYTES_PER_PIXEL)


def check_list(scanned: Scanned, what: str, count: int, each: int = BYTES_PER_STEP) -> None:
    """Refuse a list that does not fit: of what is summed in each pixel, or looked up there.

    Args:
        scanned: Flags.
        what: Of what, for the message, with the flags that ask for it.
        count: How many.
        each: Bytes for one.

    Raises:
        UsageError: If it needs too much.
    """
    count = min(count, 10**60)  # more than any memory, and no more than a float shows
    _check(scanned, f"{count:.6g} {what} need", count * each)


def _check(scanned: Scanned, what: str, needed: int) -> None:
    limit = scanned.whole("memory_limit")
    have = limit if limit is not None else available()
    if have is None or needed <= have:
        return
    allowed = f"--memory-limit allows {shown(have)}" if limit is not None else f"this machine has {shown(have)}"
    raise UsageError(f"{what} {shown(needed)} of memory, but {allowed}")
