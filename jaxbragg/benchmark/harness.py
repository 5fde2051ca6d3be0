"""How a program is timed: lowering, compilation and run apart, and every run waited for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import jax
import numpy as np

from jaxbragg.benchmark.operations import NotCountable, Slots, count


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
    """Time a function of one pytree that `jax.jit` takes.

    Args:
        function: To be compiled.
        argument: Of the function.
        repeats: How many runs.
    """
    jax.clear_caches()  # what an earlier case traced would make lowering look free
    with jax.enable_x64(True):
        begun = time.perf_counter()
        lowered = jax.jit(function).lower(argument)
        lowered_at = time.perf_counter()
        compiled = lowered.compile()
        compiled_at = time.perf_counter()
        argument = jax.device_put(argument)
        runs, output = time_calls(lambda: compiled(argument), repeats)
        return Measured(
            runs,
            output,
            lower_s=lowered_at - begun,
            compile_s=compiled_at - lowered_at,
            temp_bytes=temporary_bytes(compiled),
            slots=slots_of(function, argument),
        )


def time_calls(call: Callable[[], Any], repeats: int) -> tuple[list[float], Any]:
    """Seconds of each call after a first one, and what it gives, as numpy arrays."""
    jax.block_until_ready(call())
    runs, output = [], None
    for _ in range(repeats):
        del output  # the last result's memory is free again, as it would be for a user
        begun = time.perf_counter()
        output = jax.block_until_ready(call())
        runs.append(time.perf_counter() - begun)
    return runs, jax.tree.map(np.asarray, output)


def temporary_bytes(compiled: Any) -> int | None:
    """XLA's plan of working memory, where the device tells it."""
    analysis = compiled.memory_analysis()
    return None if analysis is None else int(analysis.temp_size_in_bytes)


def slots_of(function: Callable, argument: Any) -> Slots | None:
    """The program's operations, or None where they cannot be counted."""
    try:
        return count(function, argument)
    except NotCountable:
        return None
