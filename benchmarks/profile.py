"""What takes how long in one image, and what the roofline says: writes docs/profile.md anew.

A fused loop cannot be timed piece by piece from inside. So pieces are switched off one after the other, and the
differences are theirs: without a table there is no look-up, with tophat spots hardly a lattice factor, and a line
through the times of 1 and 100 domains parts what is done once for each pixel from what is done for each step.

usage: python -m benchmarks.profile [--quick] [--out docs/profile.md]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from jaxbragg.cli.start import prepare_jax

prepare_jax(None, cache=False)  # as the command line does: wide vectors, before JAX starts

import jax  # noqa: E402

from benchmarks.cases import CASES, Case  # noqa: E402
from benchmarks.commands import COMMANDS, child_environment  # noqa: E402
from benchmarks.experiments import experiment_of, options_of  # noqa: E402
from benchmarks.harness import Measured, time_program  # noqa: E402
from benchmarks.inputs import write_lysozyme  # noqa: E402
from benchmarks.peak import Peak, measure_bandwidth, measure_peak  # noqa: E402
from benchmarks.record import new_report  # noqa: E402
from benchmarks.table import heading  # noqa: E402
from jaxbragg.simulate import simulate  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]

# The cold process, stage by stage. The command line does the same in this order.
_STAGES = """
import time; begun = time.perf_counter()
import json, os, sys
from jaxbragg.cli.start import prepare_jax
prepare_jax(None, cache=False)
stamps = {}
def stamp(name):
    global begun
    now = time.perf_counter(); stamps[name] = now - begun; begun = time.perf_counter()
import jax
stamp("import jax")
from jaxbragg.cli.read import read_experiment
from jaxbragg.pipeline import unpack
from jaxbragg.simulate import _simulate, prepare
from jaxbragg.io.raw import write_float_image
stamp("import the rest")
jax.devices()
stamp("start the device")
experiment, options = read_experiment(sys.argv[2:])
stamp("read the files")
with jax.enable_x64(True):
    experiment = jax.device_get(experiment)
    options, plan = prepare(experiment, options)
    arrays = unpack(experiment, options)
    stamp("unpack by numpy")
    lowered = _simulate.lower(arrays, options, plan)
    stamp("trace and lower")
    compiled = lowered.compile()
    stamp("compile")
    image = compiled(arrays).block_until_ready()
    stamp("draw")
import numpy
write_float_image(sys.argv[1], numpy.asarray(image))
stamp("write the image")
print(json.dumps(stamps))
"""


def pieces(quick: bool, repeats: int) -> tuple[dict[str, float], Measured]:
    """ns per step of each piece of the yardstick, and the whole image's measurement."""
    whole = CASES["yardstick"]
    assert isinstance(whole, Case)
    whole = whole.shrunk() if quick else whole
    times = {
        name: _time(case, repeats, **options)
        for name, case, options in (
            ("whole", whole, {}),
            ("no table", replace(whole, table=False), {}),
            ("no shape", replace(whole, table=False, shape="tophat"), {}),
            ("one domain", replace(whole, domains=1), {}),
            ("unpolarized", replace(whole, domains=1), {"polarization": False}),
        )
    }
    seconds = {name: measured.run_s for name, measured in times.items()}
    per_domain = (seconds["whole"] - seconds["one domain"]) / (whole.domains - 1)
    once = max(0.0, seconds["one domain"] - per_domain)
    polarization = max(0.0, min(once, seconds["one domain"] - seconds["unpolarized"]))
    shares = {
        "once for each pixel: positions, directions, solid angle, tiles put together": once - polarization,
        "once for each pixel and source: polarization": polarization,
        "each step: look-up of the structure factor": seconds["whole"] - seconds["no table"],
        "each step: lattice factor": seconds["no table"] - seconds["no shape"],
        "each step: Miller indices, rounding, sum": seconds["no shape"] - once,
        "the whole image": seconds["whole"],
    }
    return {name: share / whole.steps * 1e9 for name, share in shares.items()}, times["whole"]


def _time(case: Case, repeats: int, **options: object) -> Measured:
    chosen = replace(options_of(case), **options)
    return time_program(lambda e: simulate(e, chosen), experiment_of(case), repeats)


def cold_process(quick: bool) -> dict[str, float]:
    """Seconds of each stage of the lysozyme command, in a process of its own without a compilation cache."""
    command = next(command for command in COMMANDS if command.name == "lysozyme-cold")
    command = command.shrunk() if quick else command
    with tempfile.TemporaryDirectory() as folder:
        hkl, matrix, image = (f"{folder}/{name}" for name in ("made.hkl", "made.mat", "image.bin"))
        write_lysozyme(hkl, matrix)
        flags = [word.format(hkl=hkl, mat=matrix, out=image) for word in command.words]
        words = [sys.executable, "-c", _STAGES, image, *flags]
        environment = {**child_environment(), "JAX_ENABLE_COMPILATION_CACHE": "false"}
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.strip().splitlines()[-1])


def page(quick: bool, repeats: int) -> str:
    """The whole of docs/profile.md."""
    peak = measure_peak(2e8 if quick else 2e9)
    report = new_report(repeats, quick, peak)
    shares, whole = pieces(quick, repeats)
    near, far = measure_bandwidth(1 << 14, peak.threads), measure_bandwidth(1 << 26, 1)
    total = shares["the whole image"]
    lines = ["# Where the time goes", "", "Written by `benchmarks/profile.py`; run it again after a change.", ""]
    lines += [f"- {line}" for line in heading(report)] + [f"- {report.date}", ""]
    lines += [
        "## A warm image",
        "",
        "512 × 512 pixels × 100 mosaic domains with look-up, square spots, mixed precision.",
    ]
    lines += ["Each figure is the difference that switching the piece off makes.", ""]
    lines += ["| piece | ns per step | share |", "|---|--:|--:|"]
    lines += [f"| {name} | {value:.3f} | {100 * value / total:.0f} % |" for name, value in shares.items()]
    lines += ["", "## The roofline", "", *roofline(whole, total, peak, near, far)]
    stages = cold_process(quick)
    lines += ["", "## A cold process", "", "The lysozyme command: Pilatus 6M, 10 φ steps, no compilation cache.", ""]
    lines += ["| stage | s |", "|---|--:|"] + [f"| {name} | {seconds:.2f} |" for name, seconds in stages.items()]
    lines += [f"| in all | {sum(stages.values()):.2f} |", ""]
    return "\n".join(lines)


def roofline(whole: Measured, nanoseconds: float, peak: Peak, near: float, far: float) -> list[str]:
    """What bounds the inner loop: arithmetic or memory."""
    if whole.slots is None:
        return ["The program holds a loop of unknown length: its operations cannot be counted."]
    steps = whole.run_s / nanoseconds * 1e9
    single, double, lookups = (getattr(whole.slots, name) / steps for name in ("single", "double", "lookups"))
    unroll = options_of(_yardstick()).unroll
    streamed = 20 / unroll + 4 * lookups
    arithmetic, memory = (single / peak.single + double / peak.double) * 1e9, streamed / near * 1e9
    return [
        "A slot is one fused multiply-add or one of any other operation (`benchmarks/operations.py`).",
        "",
        "| | |",
        "|---|--:|",
        f"| slots for each step, 32 bits | {single:.1f} |",
        f"| slots for each step, 64 bits | {double:.2f} |",
        f"| bytes for each step: three steps of a pixel in, its sum in and out, every {unroll} orientations; |F| | "
        f"{streamed:.1f} |",
        f"| slots for each byte | {(single + double) / streamed:.1f} |",
        f"| copying within the caches | {near / 1e9:.0f} GB/s |",
        f"| copying through memory | {far / 1e9:.0f} GB/s |",
        f"| slots for each byte from which on arithmetic is the bound, caches / memory | {peak.single / near:.1f} / "
        f"{peak.single / far:.1f} |",
        f"| ns for each step at the peak of arithmetic | {arithmetic:.3f} |",
        f"| ns for each step at the caches' bandwidth | {memory:.3f} |",
        f"| ns for each step, measured | {nanoseconds:.3f} |",
        "",
        f"The bound is {'arithmetic' if arithmetic > memory else 'memory'}; "
        f"{100 * max(arithmetic, memory) / nanoseconds:.0f} % of it is reached.",
    ]


def _yardstick() -> Case:
    case = CASES["yardstick"]
    assert isinstance(case, Case)
    return case


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few pixels, to see that it runs")
    parser.add_argument("--repeats", type=int, default=9, help="runs of which the median is taken (9)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "profile.md", help="page to write")
    chosen = parser.parse_args()
    text = page(chosen.quick, chosen.repeats)
    beside = chosen.out.with_suffix(".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, chosen.out)
    print(text)
    print(f"wrote {chosen.out} on {jax.devices()[0].device_kind}")


if __name__ == "__main__":
    main()
