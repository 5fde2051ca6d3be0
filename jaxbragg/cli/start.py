"""What a program may set before JAX starts, and a library may not.

All of it is left alone where JAX has been imported already: then this is somebody else's process.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxbragg.cli.scanner import Scanned

# Steps (pixels × orientations × sub-pixels) up to which it pays to compile faster what then runs slower.
QUICK_STEPS = 1e8
_SOURCES = ("sourcefile", "hdivrange", "vdivrange", "divergence", "dispersion", "hdivsteps", "vdivsteps", "dispsteps")


def prepare_jax(device: str | None, *, cache: bool = True, quick: bool = False) -> None:
    """Choose the device, the width of vectors, the way to compile and the cache of compilations.

    Args:
        device: Where to compute, or None.
        cache: Whether compilations may be kept, and found, in the user's cache folder.
        quick: Whether it is better to compile fast than to run fast.
    """
    if "jax" in sys.modules:
        return
    if device == "cpu":
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
    # 256-bit vectors are LLVM's choice even where there are wider ones; the kernels run 1.5 times faster with those.
    _set_flag("xla_cpu_prefer_vector_width", "512")
    if quick and _jaxlib_is("0.10."):
        # XLA's newer way to write loops takes 2.5 s of one core's time for an image, the older one 1.1 s; its loops
        # take a quarter longer, 0.1 s for 3e7 steps. XLA ends a process that sets a flag which it does not know.
        _set_flag("xla_cpu_use_fusion_emitters", "false")
    # Importing JAX and tracing make a million objects that stay. Looking through them for cycles took 0.15 s on the
    # way, and 0.3 s more at the end, where the interpreter does it once again before it leaves.
    gc.set_threshold(100_000, 20, 100)
    atexit.register(gc.freeze)
    if cache:
        from jaxbragg.cli.cache import open_cache

        open_cache()


def is_small(scanned: Scanned) -> bool:
    """Whether an image is drawn before a better program for it were compiled: a guess from the flags."""
    if any(name in scanned for name in _SOURCES):
        return False
    counts = [scanned.whole(scanned.last("detpixels", f"detpixels_{axis}") or "") or 1024 for axis in "fs"]
    span, step = scanned.number("osc") or 0.0, scanned.number("phistep") or 0.0
    angles = scanned.whole("phisteps") or (max(1.0, abs(span / step)) if step else 1 + bool(span))
    domains = (scanned.whole("mosaic_domains") or 10) if scanned.number("mosaic") else 1
    inside = (scanned.whole("oversample") or 2) ** 2 * (scanned.whole("detector_thicksteps") or 1)
    return counts[0] * counts[1] * angles * domains * inside <= QUICK_STEPS


def _set_flag(name: str, value: str) -> None:
    """Set one of XLA's flags, unless the user has."""
    flags = os.environ.get("XLA_FLAGS", "")
    if name not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{name}={value}".strip()


def _jaxlib_is(release: str) -> bool:
    from jaxlib.version import __version__  # takes no more than this one file

    return __version__.startswith(release)
