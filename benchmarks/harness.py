"""What one measurement holds: the times, as `jaxbragg benchmark` takes them, the result and the operations."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import jax
import numpy as np

from benchmarks.operations import NotCountable, Slots, count
from jaxbragg.cli.timing import time_calls as timing_of_calls
from jaxbragg.cli.timing import time_program as timing_of


@dataclass(frozen=True)
class Measured:
    """One program, timed.

    Attributes:
        runs: Seconds of each run, after one that is thrown away.
        output: What it computed, as numpy arrays.
        lower_s: Seconds from Python to StableHLO, or None where that cannot be told apart.
        compile_s: Seconds from there to machine code.
        temp_bytes: Working memory as XLA planned it.
        slots: Operations, or None where they cannot be counted.
        peak_rss: Most memory that a process of its own held [bytes].
        note: What the figures need to be understood.
    """

    runs: list[float]
    output: Any = None
    lower_s: float | None = None
    compile_s: float | None = None
    temp_bytes: int | None = None
    slots: Slots | None = None
    peak_rss: int | None = None
    note: str | None = None

    @property
    def run_s(self) -> float:
        """The median [s]."""
        return median(self.runs)


def time_program(function: Callable, argument: Any, repeats: int) -> Measured:
    """Time a function of one pytree that `jax.jit` takes, and count its operations.

    Args:
        function: To be compiled.
        argument: Of the function.
        repeats: Number of runs.
    """
    timing = timing_of(function, argument, repeats)
    with jax.enable_x64(True):
        slots = slots_of(function, argument)
    return Measured(
        timing.runs,
        jax.tree.map(np.asarray, timing.output),
        lower_s=timing.lower_s,
        compile_s=timing.compile_s,
        temp_bytes=timing.temp_bytes,
        slots=slots,
    )


def time_calls(call: Callable[[], Any], repeats: int) -> tuple[list[float], Any]:
    """Seconds of each call after a first one, and what the last call returned, as numpy arrays."""
    runs, output = timing_of_calls(call, repeats)
    return runs, jax.tree.map(np.asarray, output)


def slots_of(function: Callable, argument: Any) -> Slots | None:
    """The program's operations, or None where they cannot be counted."""
    try:
        return count(function, argument)
    except NotCountable:
        return None
