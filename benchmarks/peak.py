"""What the machine can do: the fused multiply-adds in a second, measured in the same run as all the rest.

A long chain x ← a·x + b on many independent numbers, in one fusion so that they stay in registers; on a CPU one such
chain in the caches of each core. XLA contracts a·x + b to one instruction by default, on CPUs (the measured 45 G/s for
one AVX-512 core would be beyond it otherwise) and on GPUs.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from benchmarks.operations import Slots

# (numbers, links of the chain to a pass). LLVM's schedule makes any one of them slow now and then: the best counts.
_SHAPES = {"cpu": ((512, 16), (1024, 16), (2048, 8), (4096, 8)), "accelerator": ((1 << 22, 256), (1 << 24, 256))}


@dataclass(frozen=True)
class Peak:
    """Fused multiply-adds in a second.

    Attributes:
        single: In float32.
        double: In float64.
        threads: Chains at a time.
    """

    single: float
    double: float
    threads: int

    def share(self, slots: Slots, seconds: float) -> float:
        """The time that the slots would take at the measured rates, over the time that they took."""
        return (slots.single / self.single + slots.double / self.double) / seconds


def measure_peak(work: float = 2e9) -> Peak:
    """Time the chains on JAX's default device.

    Args:
        work: Multiply-adds to each measurement.
    """
    on_cpu = jax.default_backend() == "cpu"
    threads = cores() if on_cpu else 1
    with jax.enable_x64(True):
        single, double = (_best(dtype, threads, work, on_cpu) for dtype in (jnp.float32, jnp.float64))
    return Peak(single, double, threads)


def measure_bandwidth(numbers: int, threads: int) -> float:
    """Bytes that are read and written in a second while arrays of float32 are gone through.

    Args:
        numbers: In each array: few for the caches, many for the memory.
        threads: Arrays at a time; XLA itself takes all cores for a large one.
    """
    passes = max(2, (1 << 28) // numbers)
    start = (jnp.linspace(0.0, 1.0, numbers, dtype=jnp.float32), jnp.float32(0.999), jnp.float32(0.001))
    chain = jax.jit(partial(_chain, links=1, passes=passes)).lower(*start).compile()
    return threads * 2 * 4 * numbers * passes / _fastest(lambda: chain(*start), threads)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _best(dtype: DTypeLike, threads: int, work: float, on_cpu: bool) -> float:
    rates = []
    for numbers, links in _SHAPES["cpu" if on_cpu else "accelerator"]:
        passes = max(1, int(work * (1 if on_cpu else 100) / (numbers * links)))
        start = (jnp.linspace(0.0, 1.0, numbers, dtype=dtype), jnp.asarray(0.999, dtype), jnp.asarray(0.001, dtype))
        chain = jax.jit(partial(_chain, links=links, passes=passes)).lower(*start).compile()
        rates.append(threads * numbers * links * passes / _fastest(lambda c=chain, s=start: c(*s), threads))
    return max(rates)


def _chain(x: jax.Array, a: jax.Array, b: jax.Array, *, links: int, passes: int) -> jax.Array:
    def one_pass(_, x):
        for _ in range(links):
            x = a * x + b
        return x

    return jax.lax.fori_loop(0, passes, one_pass, x)


def _fastest(call: Callable[[], jax.Array], threads: int) -> float:
    """Seconds of the fastest of six rounds, each of one call on every thread."""
    spent = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(6):
            begun = time.perf_counter()
            list(pool.map(lambda _: call().block_until_ready(), range(threads)))
            spent.append(time.perf_counter() - begun)
    return min(spent)
