"""Fits by spots: is a known truth found within its uncertainties, and how long does it take, beside fits by samples.

A still of 96 × 96 pixels with some 50 spots; mosaic spread, bandwidth, N, cell, misset, scale and background are free.

usage: python -m benchmarks.spot_fits [--fits N] [--samples N] [--sampled-fits N] --out FILE
"""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jaxbragg.cli.start import prepare_jax

prepare_jax(None, cache=False)  # as the command line does: wide vectors, before JAX starts

import numpy as np  # noqa: E402

import jaxbragg as jb  # noqa: E402
from benchmarks.record import new_report  # noqa: E402
from jaxbragg import refine  # noqa: E402

START = {"spread": 0.26, "bandwidth": 0.0026, "cells": 9.0, "a": 90.1, "misset": (11.05, 22.04, 32.95)}
TRUTH = {"mosaic": 0.2, "beam.sources.bandwidth": 0.002, "N": 10.0, "crystal.cell.a": 90.0, "crystal.misset[0]": 11.0,
         "crystal.misset[1]": 22.0, "crystal.misset[2]": 33.0, "image.scale": 1.0, "image.constant": 1.0}  # fmt: skip
FREE = [refine.Parameter("crystal.mosaic.spread", name="mosaic"),
        refine.Parameter(tuple(f"crystal.cells[{i}]" for i in range(3)), name="N"), "beam.sources.bandwidth",
        "crystal.cell.a", "crystal.misset", "image.scale", refine.Parameter("image.constant", start=0.5)]  # fmt: skip


def still(
    spread: float = 0.2,
    bandwidth: float = 0.002,
    cells: float = 10.0,
    a: float = 90.0,
    misset: Any = (11.0, 22.0, 33.0),
) -> jb.Experiment:
    """Spots of a few pixels each, at a scattering angle of about 23°, of up to 1,000 photons a pixel."""
    values = np.random.default_rng(0).uniform(20, 200, (81, 81, 81))
    return jb.Experiment(
        beam=jb.Beam(1.0, fluence=1.5e29, sources=jb.GaussianSources(bandwidth)),
        crystal=jb.Crystal(
            (a, 100, 110, 90, 90, 90),
            misset=misset,
            cells=(cells,) * 3,
            shape="gauss",
            mosaic=jb.GaussianMosaic(spread),
        ),
        detector=jb.FlatPanel((96, 96), 1e-4, (0.1, 0.035, 0.025), (0, 0, 1), (0, -1, 0)),
        structure_factors=jb.StructureFactors(values, (-40, -40, -40)),
    )


def fitted(image: np.ndarray, seed: int, options: jb.Options) -> tuple[dict[str, float], float]:
    """Pulls of one realisation of the noise, and seconds."""
    counts = np.random.default_rng(seed).poisson(image + 1.0)
    begun = time.perf_counter()
    result = refine.fit(refine.Problem(still(**START), FREE, counts, options))
    seconds = time.perf_counter() - begun
    sigmas: Any = result.uncertainties
    pulls = {name: float((result.values[name] - value) / sigmas[name]) for name, value in TRUTH.items()}
    return pulls, seconds


def summary(name: str, runs: list[tuple[dict[str, float], float]]) -> dict[str, Any]:
    """Means and standard deviations of the pulls, and the times after the first."""
    print(
        f"\n{name}: {len(runs)} fits, first {runs[0][1]:.1f} s, then {np.median([t for _, t in runs[1:]] or [0]):.2f} s"
    )
    found: dict[str, Any] = {"fits": len(runs), "seconds": [t for _, t in runs], "pulls": {}}
    for key in TRUTH:
        pulls = np.array([each[key] for each, _ in runs])
        spread = float(pulls.std(ddof=1)) if len(pulls) > 1 else float("nan")
        largest = float(abs(pulls).max())
        found["pulls"][key] = {"mean": float(pulls.mean()), "std": spread, "largest": largest}
        print(f"  {key:<24} mean {pulls.mean():+6.2f}  std {spread:5.2f}  largest {largest:5.2f}")
    return found


def main(argv: list[str] | None = None) -> int:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fits", type=int, default=50, help="by spots (50)")
    parser.add_argument("--sampled-fits", type=int, default=2, help="by samples (2)")
    parser.add_argument("--samples", type=int, default=4096, help="of an image by samples (4096)")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    chosen = parser.parse_args(argv)
    report = new_report(repeats=1, quick=False, peak=None)
    record: dict[str, Any] = {key: value for key, value in asdict(report).items() if key not in ("records", "fits")}
    image = np.asarray(jb.simulate(still()), float)
    record["largest photons"] = float(image.max())
    record["spots"] = summary("by spots", [fitted(image, seed, jb.Options()) for seed in range(chosen.fits)])
    options = jb.Options(method="samples", samples=chosen.samples)
    sampled = [fitted(image, seed, options) for seed in range(chosen.sampled_fits)]
    if sampled:
        record[f"{chosen.samples} samples"] = summary(f"by {chosen.samples} samples", sampled)
    chosen.out.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
