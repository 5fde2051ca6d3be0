"""How fast an image is drawn, and how right: nanoseconds per step with the error beside them.

A step is one pixel × source × orientation with its look-up. Lowering, compilation and run are timed apart; a run is the
median of several, after one that is thrown away. Everything is written down with versions, device and commit.

Run: python benchmarks/measure.py [--quick] [--out FILE.json]
"""

import argparse
import json
import platform
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxbragg as jb
from jaxbragg.plan import make_plan
from jaxbragg.simulate import _simulate
from jaxbragg_kernels import reference, rotation

HERE = Path(__file__).parent


def experiment(pixels: int, domains: int, cells=(36, 47, 29), shape: str = "square") -> jb.Experiment:
    """A 100 Å cell with a table of structure factors before a detector of 0.1 mm pixels at 0.1 m."""
    table = jb.StructureFactors(np.random.default_rng(0).random((61, 61, 61)) * 100.0, (-30, -30, -30))
    half = pixels * 1e-4 / 2
    return jb.Experiment(
        beam=jb.Beam(1.0),
        crystal=jb.Crystal(
            (100, 100, 100, 90, 90, 90),
            misset=(10, 20, 30),
            cells=cells,
            shape=shape,
            mosaic=jb.CapMosaic(0.5, domains),
        ),
        detector=jb.FlatPanel((pixels, pixels), 1e-4, (0.1, half, -half), (0, 0, 1), (0, -1, 0)),
        structure_factors=table,
    )


def measure(name: str, made: jb.Experiment, options: jb.Options, repeats: int, truth: np.ndarray | None) -> dict:
    """Time one image; compare it with the float64 one."""
    options = replace(options, shape=options.shape or made.crystal.shape)
    plan = make_plan(made.detector.shape, options)
    with jax.enable_x64(True):
        start = time.perf_counter()
        lowered = _simulate.lower(made, options, plan)
        lowered_at = time.perf_counter()
        compiled = lowered.compile()
        compiled_at = time.perf_counter()
        image = compiled(made).block_until_ready()
        times = []
        for _ in range(repeats):
            begun = time.perf_counter()
            compiled(made).block_until_ready()
            times.append(time.perf_counter() - begun)
    steps = image.size * options.oversample**2 * made.crystal.mosaic.rotations().shape[0] * made.scan.angles.shape[0]
    record = {
        "case": name,
        "steps": steps,
        "lower_s": lowered_at - start,
        "compile_s": compiled_at - lowered_at,
        "run_s": {"median": float(np.median(times)), "least": min(times), "most": max(times)},
        "ns_per_step": float(np.median(times)) / steps * 1e9,
        "temporary_bytes": compiled.memory_analysis().temp_size_in_bytes,
        "error": None if truth is None else _error(np.asarray(image), truth),
    }
    error = "" if truth is None else f", error {record['error']:.1e} of the maximum"
    print(
        f"{name}: {record['ns_per_step']:.3f} ns per step, compiled in {record['compile_s']:.2f} s{error}", flush=True
    )
    return record


def _error(image: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(image.astype(float) - truth).max() / truth.max())


def textbook(made: jb.Experiment, repeats: int, truth: np.ndarray) -> dict:
    """The plain float64 formula, scanned over the orientations: the yardstick of every ratio."""
    with jax.enable_x64(True):
        detector, crystal, factors = made.detector, made.crystal, made.structure_factors
        _, slow, fast = detector.shape
        grid = jnp.meshgrid(jnp.arange(slow) + 0.5, jnp.arange(fast) + 0.5, indexing="ij")
        position = jax.vmap(jax.vmap(lambda s, f: detector.position(jnp.asarray(0), s, f)))(*grid)
        turns = rotation.orientation_stack(made.scan.rotations(), crystal.mosaic.rotations())
        cells = (turns[:, None, :, :] * crystal.vectors()[None, :, None, :]).sum(axis=-1)

        @jax.jit
        def draw(cells, position):
            def add(total, cell):
                term = reference.intensity(
                    position, cell, crystal.cells, made.beam.direction, made.beam.wavelength,
                    factors.values, factors.minimum, factors.default,
                )  # fmt: skip
                return total + term, None

            return jax.lax.scan(add, jnp.zeros((slow, fast)), cells)[0]

        draw(cells, position).block_until_ready()
        times = []
        for _ in range(repeats):
            begun = time.perf_counter()
            draw(cells, position).block_until_ready()
            times.append(time.perf_counter() - begun)
    steps = slow * fast * len(cells)
    nanoseconds = float(np.median(times)) / steps * 1e9
    print(f"textbook float64: {nanoseconds:.3f} ns per step", flush=True)
    return {"case": "textbook float64", "steps": steps, "run_s": {"median": float(np.median(times))},
            "ns_per_step": nanoseconds}  # fmt: skip


def provenance() -> dict:
    """What a figure is worthless without."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False)
    device = jax.devices()[0]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() or None,
        "versions": {name: version(name) for name in ("jax", "jaxlib", "numpy", "equinox")},
        "python": platform.python_version(),
        "device": {"platform": device.platform, "kind": device.device_kind, "count": jax.device_count()},
        "machine": platform.processor() or platform.machine(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small images, to see that it runs")
    parser.add_argument("--out", type=Path, help="write the records there as JSON")
    chosen = parser.parse_args()
    on_cpu = jax.default_backend() == "cpu"
    repeats = 2 if chosen.quick else 5
    pixels, domains = (64, 8) if chosen.quick else (512, 100) if on_cpu else (1024, 1000)
    records = []
    made = experiment(pixels, domains)
    truth = np.asarray(jb.simulate(made, jb.Options(precision="float64")))
    for precision in ("mixed", "float32", "float64"):
        records.append(measure(f"square, {precision}", made, jb.Options(precision=precision), repeats, truth))
    if not on_cpu:
        for unroll in (1, 8, 16, 32):
            options = jb.Options(unroll=unroll)
            records.append(measure(f"square, mixed, unroll {unroll}", made, options, repeats, truth))
    if on_cpu:
        records.append(textbook(made, repeats, truth))
    for shape in ("round", "gauss", "tophat"):
        other = experiment(pixels, domains, shape=shape)
        # A pixel on a tophat's edge is all or nothing: its error says nothing of the arithmetic.
        expected = np.asarray(jb.simulate(other, jb.Options(precision="float64"))) if shape != "tophat" else None
        records.append(measure(f"{shape}, mixed", other, jb.Options(), repeats, expected))
    tricubic = jb.Options(interpolation="tricubic")
    records.append(measure("square, mixed, tricubic", made, tricubic, repeats, None))
    for many in (1, 10) if chosen.quick else (1, 10, 100, 1000):
        records.append(measure(f"square, mixed, {many} domains", experiment(pixels, many), jb.Options(), repeats, None))
    if chosen.out:
        chosen.out.write_text(json.dumps({**provenance(), "records": records}, indent=1) + "\n")


if __name__ == "__main__":
    main()
