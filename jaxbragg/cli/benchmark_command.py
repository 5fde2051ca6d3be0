"""`jaxbragg benchmark`: how long the image of some flags takes on this machine, and how much memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from jaxbragg.cli.arguments import count
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned, scan

if TYPE_CHECKING:
    from jaxbragg.cli.read import Setup
    from jaxbragg.cli.timing import Timing

HELP = """usage: jaxbragg benchmark FLAGS [--repeats N]

Time the image that FLAGS describe; they are those of `jaxbragg simulate`, and no file is written. Printed are the
seconds of reading the flags and their files, of lowering (Python to StableHLO), of compilation and of a run: median,
least and most of several, after a first one that is not counted. The image stays on the device. A step is one
sub-pixel × source × orientation (φ steps × mosaic domains), with its look-up of a structure factor.
Memory is what XLA plans beside arguments and image, and the most that the process (Python and JAX included) or the GPU
held. No compilation is taken from an earlier run.

  --repeats N   runs that are timed (5)

example:
  jaxbragg benchmark -cell 40 40 55 90 90 90 -misset 10 20 30 -default_F 100 -N 10 -lambda 1 -distance 100 \\
      -detpixels 512 -mosaic 0.5 -mosaic_domains 100 --repeats 9
"""

_REPEATS = "--repeats"


def run(argv: Sequence[str]) -> int:
    """Time the image of a command line and print the figures.

    Args:
        argv: The command line after `benchmark`.

    Raises:
        UsageError: If the flags do not describe an experiment.
        FileError: If a file cannot be read.
    """
    if any(word in ("--help", "-h", "-help") for word in argv):
        print(HELP)
        return 0
    repeats, rest = _split(argv)
    if not rest:
        raise UsageError("which image? Flags are those of jaxbragg simulate; see jaxbragg benchmark --help")
    scanned = scan(rest)
    from jaxbragg.cli.start import prepare_jax

    prepare_jax(scanned.text("device"), cache=False)  # the seconds of a compilation are among what is measured
    for line in _measure(scanned, repeats):
        print(line, flush=True)
    return 0


def _measure(scanned: Scanned, repeats: int) -> Iterator[str]:
    import time

    import jax

    from jaxbragg.cli.read import read_setup
    from jaxbragg.cli.simulate_command import device
    from jaxbragg.cli.timing import time_program
    from jaxbragg.simulate import simulate

    with device(scanned):
        begun = time.perf_counter()
        setup = read_setup(scanned)
        read_s = time.perf_counter() - begun
        if "quiet" not in scanned:
            for line in setup.notes.warnings:
                print(f"warning: {line}", file=sys.stderr)
            if unused := _unused(scanned):
                print(f"note: no file is written here: {', '.join(unused)} without effect", file=sys.stderr)
        yield from _machine()
        experiment = jax.device_get(setup.experiment)
        timing = time_program(lambda e: simulate(e, setup.options), experiment, repeats)
        yield from _figures(setup, timing, read_s)


def _figures(setup: Setup, timing: Timing, read_s: float) -> Iterator[str]:
    from jaxbragg.cli.timing import peak_device_memory, peak_memory, spread

    text, steps = _work(setup)
    yield _line("image", text)
    for name, seconds in (("reading", read_s), ("lowering", timing.lower_s), ("compilation", timing.compile_s)):
        yield _line(name, f"{seconds:.3g} s")
    runs = spread(timing.runs)
    yield _line(
        "run",
        f"{runs['median']:.4g} s, {runs['least']:.4g} … {runs['most']:.4g} s in {len(timing.runs)} runs; "
        f"{runs['median'] / steps * 1e9:.4g} ns for each step",
    )
    memory = [] if timing.temp_bytes is None else [f"{timing.temp_bytes / 1e6:.1f} MB planned"]
    if (held := peak_memory()) is not None:
        memory.append(f"{held / 1e6:.0f} MB held by the process at most")
    if (held := peak_device_memory()) is not None:
        memory.append(f"{held / 1e6:.0f} MB of the device")
    yield _line("memory", ", ".join(memory))


def _machine() -> Iterator[str]:
    """Versions and device: what a figure is worthless without."""
    import os
    import platform
    from importlib.metadata import version

    from jaxbragg.cli.help import version as own_version
    from jaxbragg.cli.timing import default_device

    packages = ", ".join(f"{name} {version(name)}" for name in ("jax", "jaxlib", "numpy"))
    yield _line("versions", f"jaxbragg {own_version()}, {packages}, Python {platform.python_version()}")
    device = default_device()
    yield _line("device", f"{device.device_kind} ({device.platform}), {os.cpu_count()} CPU cores")
    yield _line("XLA_FLAGS", os.environ.get("XLA_FLAGS") or "(none)")


def _work(setup: Setup) -> tuple[str, int]:
    """What is computed, in words, and the number of steps."""
    experiment, options = setup.experiment, setup.options
    panels, slow, fast = experiment.detector.shape
    if options.roi is not None:
        fast, slow = options.roi[1] - options.roi[0] + 1, options.roi[3] - options.roi[2] + 1
    from jaxbragg.pipeline.sampled import steps_of, steps_text

    sources, orientations = steps_of(experiment, options)
    steps = panels * slow * fast * options.oversample**2 * sources * orientations
    text = (
        f"{fast} × {slow} pixels × {options.oversample}² sub-pixels × "
        f"{steps_text(experiment, options)}: {steps:.4g} steps, {options.precision}"
    )
    return text, steps


def _unused(scanned: Scanned) -> list[str]:
    from jaxbragg.cli.flag_table import FLAGS, OUTPUT

    names = {flag.name for flag in FLAGS if flag.group == OUTPUT}
    return [f"--{name}" if name == "png" else f"-{name}" for name in scanned.order if name in names or name == "png"]


def _split(argv: Sequence[str]) -> tuple[int, list[str]]:
    """The number of runs, and the flags of the image.

    Raises:
        UsageError: If the number is missing or malformed.
    """
    import argparse

    repeats, rest, words = 5, [], iter(argv)
    for word in words:
        flag, joined, value = word.partition("=")
        if flag != _REPEATS:
            rest.append(word)
            continue
        try:
            repeats = count(value if joined else next(words, ""))
        except argparse.ArgumentTypeError as error:
            raise UsageError(f"{_REPEATS}: {error}") from None
    return repeats, rest


def _line(name: str, text: str) -> str:
    return f"{name:<13}{text}"
