"""Whether an image fits into memory, before anything is allocated for it: beyond that the system ends the process."""

import contextlib
import os
from pathlib import Path

_NOT_ASKED = 1 << 26  # [bytes] JAX itself takes more, and to ask takes a tenth of what a small image does
_CGROUP = Path("/sys/fs/cgroup/memory.max")


def check_image(shape: tuple[int, ...], bytes_per_pixel: int) -> None:
    """Refuse an image that this machine cannot hold.

    Args:
        shape: Panels, slow and fast pixels.
        bytes_per_pixel: Of the image's type; it is needed twice, in tiles and put in order.

    Raises:
        ValueError: If it needs more memory than there is.
    """
    needed = 2 * bytes_per_pixel
    for count in shape:
        needed *= count
    if needed < _NOT_ASKED:
        return
    have = available()
    if have is not None and needed > have:
        pixels = " × ".join(map(str, shape))
        raise ValueError(
            f"Argument `experiment` must have a detector whose image fits into memory, but {pixels} pixels (panel × "
            f"slow × fast) need {shown(needed)}, and this process may have {shown(have)}."
        )


def available() -> int | None:
    """The memory that this process may have at most [bytes]: the machine's, its container's, its own limit.

    Returns:
        None where the system does not say.
    """
    found = []
    with contextlib.suppress(AttributeError, ValueError, OSError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with contextlib.suppress(ValueError, OSError):  # "max" where there is no limit
        found.append(int(_CGROUP.read_text()))
    with contextlib.suppress(ImportError):
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            found.append(soft)
    return min(found, default=None)


def shown(size: float) -> str:
    """A number of bytes for people."""
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} PiB"
