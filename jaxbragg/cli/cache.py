"""Compilations that outlive the process: where they are kept, and what keeps the folder whole and small.

Most of the first seconds of a command go into compiling a program that depends on counts and choices alone: other
numbers, another orientation say, find it in the cache. JAX keeps such a cache, but leaves its folder to grow (its own
limit needs the package filelock, and fails for good once a process was killed between two of its files) and
warns at every run of an entry that is broken. So both are seen to here.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import sys
import warnings
from collections.abc import Mapping
from typing import Any

VARIABLE = "JAXBRAGG_CACHE"
LARGEST = 256 * 1024**2  # bytes; a compilation takes 0.1 to 1 MB

_OFF = ("off", "0", "no", "false", "")
_ENTRY = "-cache"  # how JAX ends the names of its files
_TROUBLE = re.compile(r"Error (?:reading|writing) persistent compilation cache entry for '([\w.<>-]+)'")


def cache_folder(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> str | None:
    """Where compilations are kept for programs like this one; None for nowhere.

    Args:
        environment: JAXBRAGG_CACHE: off, 0, or a folder.
        system: As `sys.platform` has it.
    """
    chosen = environment.get(VARIABLE)
    if chosen is not None:
        return None if chosen.strip().lower() in _OFF else os.path.abspath(os.path.expanduser(chosen))
    home = os.path.expanduser("~")
    if system == "win32":
        above = environment.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif system == "darwin":
        above = os.path.join(home, "Library", "Caches")
    else:
        above = environment.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(above):  # the standard: a relative path is to be ignored
            above = os.path.join(home, ".cache")
    return os.path.join(above, "jaxbragg") if os.path.isabs(above) else None


def open_cache(environment: Mapping[str, str] = os.environ) -> str | None:
    """Have JAX keep its compilations, if that is wanted and possible; to be called before anything is compiled.

    Returns:
        The folder, or None where JAX goes without, or where JAX's own variable has chosen one.
    """
    if "JAX_COMPILATION_CACHE_DIR" in environment:
        return None
    above = cache_folder(environment)
    if above is None:
        return None
    # The home folder of a cluster serves machines of several kinds, and what is compiled for one may crash another.
    folder = os.path.join(above, machine())
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)  # what lies here is executed: nobody else may write
    except OSError:
        return None
    if not os.access(folder, os.W_OK | os.X_OK):
        return None
    prune(folder)
    # XLA's check of the processor counts LLVM's tuning switches as features and says on stderr at every hit that they
    # are missing (jax issue 38445); it loads the program all the same.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import jax

    jax.config.update("jax_compilation_cache_dir", folder)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")  # they have no bound
    _mend_silently(folder)
    return folder


def machine() -> str:
    """A short name for what the processor can do."""
    said = [platform.machine()]
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        first = file.read(1 << 14).split("\n\n")[0]  # one processor of many: the whole file takes long to make
        said += [line for line in first.split("\n") if line.startswith(("model name", "flags", "Features", "CPU "))]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]


def prune(folder: str, largest: int = LARGEST) -> None:
    """Remove the entries that have not been used for longest, once the folder holds more than that many bytes.

    Another process may read or write at the same time: an entry that is gone is compiled anew.
    """
    entries, total = [], 0
    try:
        with os.scandir(folder) as files:
            for file in files:
                with contextlib.suppress(OSError):
                    status = file.stat(follow_symlinks=False)
                    if file.name.endswith(_ENTRY):
                        entries.append((max(status.st_atime, status.st_mtime), status.st_size, file.path))
                        total += status.st_size
    except OSError:
        return
    if total <= largest:
        return
    for _, size, path in sorted(entries):
        with contextlib.suppress(OSError):
            os.unlink(path)
        total -= size
        if total <= 0.75 * largest:  # not one at a time at every start from now on
            return


def _mend_silently(folder: str) -> None:
    """Take JAX's warnings of broken entries for the order to remove them; it compiles, and writes them anew."""
    usual = warnings.showwarning

    def show(message: Any, *rest: Any, **more: Any) -> None:
        found = _TROUBLE.match(str(message))
        if found is None:
            usual(message, *rest, **more)
        else:
            _remove(folder, found[1])

    warnings.filterwarnings("always", message=_TROUBLE.pattern)
    warnings.showwarning = show


def _remove(folder: str, program: str) -> None:
    """Remove all entries of a program: the warning does not say which it was."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(f"{program}-") and name.endswith(_ENTRY):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, name))
