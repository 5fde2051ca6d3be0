"""How shots a second grow with processes, and an image's time with devices; what more of them should give.

Processes are `jaxbragg batch --shard i/n`, each of which takes all cores that it finds: on one machine they share them.
The time of a run is a + b·shots; a is the start of Python and JAX, which no process saves. Devices are XLA's virtual
ones, which share the cores too: they show what sharing out costs, not what devices win.

usage: python -m benchmarks.scaling [--shots N] [--size N] --out FILE
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.record import new_report

PLAN = """\
shots = {shots}
[base]
flags = '''-cell 79 79 38 90 90 90 -default_F 100 -N 10 -detpixels {size} -pixel {pixel} -distance 100 -lambda 1
  -fluence 1e24 -mosaic 0.5 -mosaic_domains 10 -oversample 1'''
[vary]
"crystal.orientation" = "uniform"
[output]
chunk = 16
compression = "none"
"""
PROCESSES, DEVICES = (1, 2, 4), (1, 2, 4, 8)
_IMAGE = """
import os, sys, time, json
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={sys.argv[1]}"
import jax, numpy as np
import jaxbragg as jb
count = int(sys.argv[1])
experiment, options = jb.read_experiment(sys.argv[2].split())
experiment = jax.device_get(experiment)
from dataclasses import replace
options = replace(options, devices=count)
times = []
for _ in range(6):
    begun = time.perf_counter()
    np.asarray(jb.simulate(experiment, options))
    times.append(time.perf_counter() - begun)
print(json.dumps(sorted(times[1:])[2]))
"""


def seconds_of(processes: int, shots: int, size: int) -> float:
    """Of a whole run by so many processes, compilations found."""
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder, "plan.toml")
        plan.write_text(PLAN.format(shots=shots, size=size, pixel=100 / size))
        begun = time.perf_counter()
        running = [
            subprocess.Popen([sys.executable, "-m", "jaxbragg", "batch", str(plan), "--out", f"{folder}/out", "--quiet",
                              *(["--shard", f"{i + 1}/{processes}"] if processes > 1 else [])])
            for i in range(processes)
        ]  # fmt: skip
        if any(process.wait() for process in running):
            raise RuntimeError("a process failed")
        return time.perf_counter() - begun


def by_processes(shots: int, size: int) -> dict[str, Any]:
    """Times, serial and parallel parts, and the projection."""
    seconds_of(1, 64, size)  # compiles
    few, many = seconds_of(1, shots // 8, size), {n: seconds_of(n, shots, size) for n in PROCESSES}
    per_shot = (many[1] - few) / (shots - shots // 8)
    start = many[1] - per_shot * shots
    found: dict[str, Any] = {"seconds": many, "start_s": start, "shots_a_second_and_process": 1 / per_shot}
    print(f"start {start:.1f} s, then {1 / per_shot:.0f} shots a second of one process on {os.cpu_count()} cores")
    for n, seconds in many.items():
        print(f"{n} processes on the same cores: {seconds:.1f} s, {shots / seconds:.0f} shots a second")
    million = 1_000_000
    for name, workers in (("8 workers as fast as this process", 8), ("64 nodes of 8 such workers", 512)):
        seconds = start + per_shot * million / workers
        found[name] = million / seconds
        print(f"projection, not measured: a million shots by {name}: {seconds:.0f} s, {million / seconds:.0f} a second")
    return found


def by_devices(size: int) -> dict[int, float]:
    """Seconds of one image of many domains by virtual devices."""
    flags = (
        f"-cell 79 79 38 90 90 90 -default_F 100 -N 10 -detpixels {size} -pixel {100 / size} -distance 100 -lambda 1 "
        "-mosaic 0.5 -mosaic_domains 50 -oversample 1"
    )
    found = {}
    for count in DEVICES:
        done = subprocess.run(
            [sys.executable, "-c", _IMAGE, str(count), flags], capture_output=True, text=True, check=True
        )
        found[count] = json.loads(done.stdout.splitlines()[-1])
        print(f"{count} virtual devices: {1e3 * found[count]:.1f} ms an image")
    return found


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser("python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--shots", type=int, default=8000)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    head = asdict(new_report(repeats=1, quick=False, peak=None))
    report = {key: value for key, value in head.items() if key not in ("records", "fits")}
    report["processes"] = by_processes(arguments.shots, arguments.size)
    report["devices"] = by_devices(1024)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
