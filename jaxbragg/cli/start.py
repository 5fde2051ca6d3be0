"""What a program may set before JAX starts, and a library may not.

All of it is left alone where JAX has been imported already: then this is somebody else's process.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys


def prepare_jax(device: str | None, *, cache: bool = True) -> None:
    """Choose the device, the width of vectors and the cache of compilations.

    Args:
        device: Where to compute, or None.
        cache: Whether compilations may be kept, and found, in the user's cache folder.
    """
    if "jax" in sys.modules:
        return
    if device == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"  # the flag was typed now, the variable some time ago
    # 256-bit vectors are LLVM's choice even where there are wider ones; the kernels run 1.5 times faster with those.
    _set_flag("xla_cpu_prefer_vector_width", "512")
    # Importing JAX and tracing make a million objects that stay. Looking through them for cycles took 0.15 s on the
    # way, and 0.3 s more at the end, where the interpreter does it once again before it leaves.
    gc.set_threshold(100_000, 20, 100)
    atexit.register(gc.freeze)
    if cache:
        from jaxbragg.cli.cache import open_cache

        open_cache()


def _set_flag(name: str, value: str) -> None:
    """Set one of XLA's flags, unless the user has."""
    flags = os.environ.get("XLA_FLAGS", "")
    if name not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{name}={value}".strip()
