"""How a JAX program is timed: lowering, compilation and run apart, and every run waited for."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import jax

from jaxbragg_kernels.numerics import numerics


@dataclass(frozen=True)
class Timing:
    """One program, timed.

    Attributes:
        lower_s: From Python to StableHLO [s].
        compile_s: From there to machine code [s].
        runs: Of each run, after a first one that is not counted [s].
        output: What the last run returned.
        temp_bytes: Working memory as XLA planned it, beside arguments and result; None where the device does not say.
    """

    lower_s: float
    compile_s: float
    runs: list[float]
    output: Any
    temp_bytes: int | None


def time_program(function: Callable, argument: Any, repeats: int) -> Timing:
    """Time a function of one pytree, compiled by `jax.jit`; numbers of 64 bits keep them.

    Args:
        function: To be compiled.
        argument: Of the function; it is on the device before a run is timed.
        repeats: Number of runs.
    """
    jax.clear_caches()  # what was traced earlier would make lowering look free
    with numerics():
        begun = time.perf_counter()
        lowered = jax.jit(function).lower(argument)
        lowered_at = time.perf_counter()
        compiled = lowered.compile()
        compiled_at = time.perf_counter()
        argument = jax.device_put(argument)
        runs, output = time_calls(lambda: compiled(argument), repeats)
    analysis = compiled.memory_analysis()
    temporary = None if analysis is None else int(analysis.temp_size_in_bytes)
    return Timing(lowered_at - begun, compiled_at - lowered_at, runs, output, temporary)


def time_calls(call: Callable[[], Any], repeats: int) -> tuple[list[float], Any]:
    """Seconds of each call after a first one, and what the last call returned."""
    jax.block_until_ready(call())
    runs, output = [], None
    for _ in range(repeats):
        del output  # the last result's memory is free again, as it would be for a user
        begun = time.perf_counter()
        output = jax.block_until_ready(call())
        runs.append(time.perf_counter() - begun)
    return runs, output


def spread(runs: list[float]) -> dict[str, float]:
    """Median, least and most [s]."""
    return {"median": median(runs), "least": min(runs), "most": max(runs)}


def peak_memory() -> int | None:
    """Most memory that this process has held [bytes]; None on Windows.

    On Linux `getrusage` also counts what the process that started it held; VmHWM does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        fields = next(line.split() for line in status.read_text(encoding="ascii").splitlines() if "VmHWM" in line)
        return int(fields[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def peak_device_memory() -> int | None:
    """Most memory of the device that JAX uses by default [bytes]; None where it does not say, as CPUs do not."""
    return (default_device().memory_stats() or {}).get("peak_bytes_in_use")


def default_device() -> Any:
    """The `jax.Device` on which arrays are put unless told otherwise."""
    (device,) = jax.device_put(0.0).devices()
    return device
