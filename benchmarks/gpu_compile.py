"""A program compiled for an NVIDIA GPU on a machine that has none.

XLA's CUDA plug-in compiles without a device if it is told the card's properties. JAX does not offer that: it takes the
place of one private function of it, and was tried with jax 0.10.2 (CUDA 13) alone.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

import jax
import jax._src.xla_bridge as bridge
import numpy as np
from jax.experimental import topologies
from jax.sharding import SingleDeviceSharding

from benchmarks.gpu_listing import Code, Launches, code_of, count_launches, thunks_of, trips_of

INSTALL = "pip install 'jax[cuda13]' nvidia-cuda-nvdisasm"


class Card(NamedTuple):
    """What XLA asks of a device; from NVIDIA's sheets.

    Attributes:
        capability: Major and minor.
        cores: Multiprocessors.
        lanes, threads: Of a multiprocessor: float32 units, and threads at once.
        clock: [GHz].
        memory, bandwidth, l2: [bytes, bytes/s, bytes].
        shared, block_shared: Shared memory of a multiprocessor, and what one block may have of it [bytes].
    """

    capability: tuple[int, int]
    cores: int
    lanes: int
    threads: int
    clock: float
    memory: int
    bandwidth: int
    l2: int
    shared: int
    block_shared: int


CARDS = {
    "h100": Card((9, 0), 132, 128, 2048, 1.98, 84929347584, 3352320000000, 52428800, 233472, 232448),
    "h200": Card((9, 0), 132, 128, 2048, 1.98, 150754820096, 4800000000000, 62914560, 233472, 232448),
    "a100": Card((8, 0), 108, 64, 2048, 1.41, 42505273344, 1555200000000, 41943040, 167936, 166912),
    "rtx4090": Card((8, 9), 128, 128, 1536, 2.52, 25393692672, 1008096000000, 75497472, 102400, 101376),
}


class NoCompiler(Exception):
    """What is not installed, as a sentence."""


@dataclass(frozen=True)
class Kernel:
    """One of the heaviest kernels of a program.

    Attributes:
        name: XLA's.
        runs, threads: How often it is launched, and threads of all its launches.
        code: As the assembler makes it.
    """

    name: str
    runs: int
    threads: int
    code: Code


@dataclass(frozen=True)
class OnPaper:
    """What a GPU would have to do.

    Attributes:
        launches: Of a run.
        temp_bytes: Working memory.
        kernels: The heaviest: most threads × instructions, loops counted once.
    """

    launches: Launches
    temp_bytes: int
    kernels: list[Kernel]


def tool(name: str) -> str:
    """The path of ptxas or nvdisasm: of this environment's packages, or any other.

    Raises:
        NoCompiler: If there is none.
    """
    found = next(Path(sys.prefix).glob(f"lib/python*/site-packages/nvidia/**/bin/{name}"), None) or which(name)
    if found is None:
        raise NoCompiler(f"there is no {name}: {INSTALL}")
    return str(found)


def versions() -> dict[str, str]:
    """Of what compiles.

    Raises:
        NoCompiler: If something is not there.
    """
    found = {"jax": jax.__version__}
    for package in ("jax-cuda13-pjrt", "jax-cuda12-pjrt"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    if len(found) == 1:
        raise NoCompiler(f"jax has no CUDA plug-in here: {INSTALL}")
    for name in ("ptxas", "nvdisasm"):
        said = subprocess.run([tool(name), "--version"], capture_output=True, text=True, check=True).stdout
        number = re.search(r"release \S+ V(\S+)", said.replace(",", ""))
        found[name] = number[1] if number else said.strip().splitlines()[-1]
    return found


@contextmanager
def instead_of_cpu(name: str) -> Iterator[Any]:
    """A card's device; meanwhile whoever asks JAX for its backend is told that it is a GPU.

    Args:
        name: One of `CARDS`.
    """
    card, usual, backend = CARDS[name], bridge.canonicalize_platform, jax.default_backend
    bridge.canonicalize_platform = lambda said: "cuda" if said in ("gpu", "cuda") else usual(said)
    jax.default_backend = lambda: "gpu"
    try:
        described = topologies.get_topology_desc(
            topology_name=name, platform="cuda", target_config=_config(name, card), topology="1x1x1"
        )
        yield described.devices[0]
    finally:
        bridge.canonicalize_platform, jax.default_backend = usual, backend


def on_paper(function: Callable, operand: Any, device: Any, heaviest: int) -> OnPaper:
    """Compile a function for a device, and look at what comes out.

    Args:
        function: Of one pytree.
        operand: It; only shapes and types count.
        device: Of `instead_of_cpu`.
        heaviest: How many kernels to look at.
    """
    with tempfile.TemporaryDirectory() as folder, jax.enable_x64(True):
        shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(np.shape(x), np.asarray(x).dtype), operand)
        where = SingleDeviceSharding(device)
        lowered = jax.jit(function, in_shardings=where, out_shardings=where).trace(shapes)
        lowered = lowered.lower(lowering_platforms=("cuda",))
        compiled = lowered.compile({"xla_dump_to": folder, "xla_dump_hlo_as_text": True})

        def text(ending: str) -> str:
            found = next(Path(folder).glob(f"*{ending}"), None)
            return "" if found is None else found.read_text(encoding="utf-8")

        trips = trips_of(text(".thunk_metadata.txt"), text("gpu_after_optimizations.txt"))
        # The second is written only where some launches became a graph.
        steps = text(".thunk_sequence_after_thunk_passes.txt") or text(".thunk_sequence.txt")
        launches = count_launches(thunks_of(steps), trips)
        kernels = _heaviest(Path(folder), launches.kernels, heaviest)
        memory: Any = compiled.memory_analysis()
        return OnPaper(launches, memory.temp_size_in_bytes, kernels)


def _heaviest(folder: Path, kernels: Mapping[str, tuple[int, int]], count: int) -> list[Kernel]:
    sources = {}
    for path in folder.glob("*.ptx"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"\.entry (\w+)", text):
            sources[name] = (path, text.count(";"))
    known = [name for name in kernels if name in sources]
    known.sort(key=lambda name: kernels[name][1] * sources[name][1], reverse=True)
    return [Kernel(name, *kernels[name], _assembled(sources[name][0])[name]) for name in known[:count]]


def _assembled(ptx: Path) -> dict[str, Code]:
    target = re.search(r"\.target (\w+)", ptx.read_text(encoding="utf-8"))
    assert target is not None
    cubin = ptx.with_suffix(".cubin")
    words = [tool("ptxas"), f"-arch={target[1]}", "-v", str(ptx), "-o", str(cubin)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stderr
    listing = subprocess.run([tool("nvdisasm"), "-c", str(cubin)], capture_output=True, text=True, check=True).stdout
    return code_of(said, listing)


def _config(name: str, card: Card) -> str:
    major, minor = card.capability
    return f"""gpu_device_info {{ threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152
 shared_memory_per_core: {card.shared} threads_per_core_limit: {card.threads} core_count: {card.cores}
 fpus_per_core: {card.lanes} block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
 memory_bandwidth: {card.bandwidth} l2_cache_size: {card.l2} clock_rate_ghz: {card.clock}
 device_memory_size: {card.memory} shared_memory_per_block_optin: {card.block_shared}
 cuda_compute_capability {{ major: {major} minor: {minor} }}
 registers_per_core_limit: 65536 registers_per_block_limit: 65536 }}
 platform_name: "CUDA" dnn_version_info {{ major: 9 minor: 10 patch: 0 }}
 runtime_version {{ major: 13 minor: 0 patch: 0 }} device_description_str: "{name}" """
