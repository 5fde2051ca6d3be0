"""Batches: shots a second as a stream and into files, beside a loop over `simulate`; memory over many shots.

usage: python -m benchmarks.batches [--shots N] [--runs N] [--memory-shots N] --out FILE
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jaxbragg.cli.start import prepare_jax

prepare_jax(None, cache=False)  # as the command line does: wide vectors, before JAX starts

import jax  # noqa: E402
import numpy as np  # noqa: E402

import jaxbragg as jb  # noqa: E402
from benchmarks.record import new_report  # noqa: E402
from jaxbragg.batch.files import Files  # noqa: E402
from jaxbragg.batch.folder import Folder  # noqa: E402

SIZES = (128, 512)


def plan_of(size: int, kind: str, shots: int, *, counts: bool = False) -> jb.batch.Plan:
    """Stills of a protein's cell in all orientations, cells and sizes a little different.

    Args:
        size: Pixels along each side.
        kind: "samples", 10 domains of square spots; or "spots", a Gaussian mosaic of gauss spots.
        shots: How many.
        counts: Whether they are counted.
    """
    sampled = kind == "samples"
    values = np.random.default_rng(0).uniform(20, 100, (41, 41, 21))
    experiment = jb.Experiment(
        beam=jb.Beam(1.0, fluence=1e24),
        crystal=jb.Crystal(
            (79, 79, 38, 90, 90, 90),
            cells=10,
            mosaic=jb.CapMosaic(0.5, 10) if sampled else jb.GaussianMosaic(0.2),
            shape="square" if sampled else "gauss",
        ),
        detector=jb.FlatPanel.from_distance((size, size), 0.1 / size, 0.1),
        structure_factors=jb.StructureFactors(values, (-20, -20, -10)),
    )
    vary: dict[str, jb.batch.Distribution] = {
        "crystal.orientation": jb.batch.UniformRotation(),
        "crystal.cell.a, crystal.cell.b": jb.batch.Normal(79.0, 0.2),
        "crystal.cells": jb.batch.LogNormal([10.0, 10.0, 10.0], 0.1),
    }
    return jb.batch.Plan(experiment, shots, vary, seed=3, counts=counts)


def loop(plan: jb.batch.Plan, shots: int) -> None:
    """The same shots as people write them: an experiment and a call of `simulate` for each."""
    experiment = plan.experiment
    for shot in range(shots):
        values = plan.values(shot)
        length = float(values["crystal.cell.a, crystal.cell.b"])
        crystal = jb.Crystal(
            (length, length, 38, 90, 90, 90),
            orientation=values["crystal.orientation"],
            cells=values["crystal.cells"],
            mosaic=experiment.crystal.mosaic,
            shape=experiment.crystal.shape,
        )
        one = jb.Experiment(experiment.beam, crystal, experiment.detector, experiment.structure_factors)
        np.asarray(jb.simulate(jax.device_get(one)))


def stream(plan: jb.batch.Plan, shots: int) -> None:
    """Shots as they come, thrown away."""
    for group in plan.iterate(last=shots):
        np.asarray(group.images)


def written(plan: jb.batch.Plan, shots: int) -> None:
    """Shots into chunks of 64 on the disk of this machine, packed by bitshuffle and LZ4."""
    with tempfile.TemporaryDirectory() as path:
        folder = Folder(path, "", {}, shots, 64)
        folder.prepare()
        dtype = "uint32" if plan.counts else "float32"
        Files(plan, folder, dtype, "bslz4").draw(range(folder.chunks), lambda *_: None)


def rate(what: Callable[[jb.batch.Plan, int], None], plan: jb.batch.Plan, shots: int, runs: int) -> float:
    """Shots a second, median of several runs after a short one."""
    what(plan, min(shots, plan.group))
    seconds = []
    for _ in range(runs):
        begun = time.perf_counter()
        what(plan, shots)
        seconds.append(time.perf_counter() - begun)
    return shots / statistics.median(seconds)


def rates(shots: int, runs: int) -> list[dict[str, Any]]:
    """By size and kind."""
    found = []
    for size in SIZES:
        for kind in ("samples", "spots"):
            plan = plan_of(size, kind, shots)
            counted = plan_of(size, kind, shots, counts=True)
            few = max(32, shots // 10) if kind == "spots" else shots
            row = {
                "size": size,
                "kind": kind,
                "loop": rate(loop, plan, few, runs),
                "stream": rate(stream, plan, shots, runs),
                "files": rate(written, plan, shots, runs),
                "counted_stream": rate(stream, counted, shots, runs),
                "counted_files": rate(written, counted, shots, runs),
            }
            found.append(row)
            print(json.dumps(row), flush=True)
    return found


def memory(shots: int) -> list[dict[str, float]]:
    """Resident memory of this process as shots go by [MiB]."""
    plan, found = plan_of(128, "samples", shots), []
    for group in plan.iterate(batch_size=64):
        np.asarray(group.images)
        last = int(group.numbers[-1]) + 1
        if last % (shots // 10) < 64:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            found.append({"shots": last, "mib": pages * 4096 / 2**20})
            print(json.dumps(found[-1]), flush=True)
    return found


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser("python -m benchmarks.batches", description=__doc__)
    parser.add_argument("--shots", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory-shots", type=int, default=10_000)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    head = asdict(new_report(repeats=arguments.runs, quick=False, peak=None))
    report = {key: value for key, value in head.items() if key not in ("records", "fits")}
    report |= {"memory": memory(arguments.memory_shots), "rates": rates(arguments.shots, arguments.runs)}
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
