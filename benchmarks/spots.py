"""Images by spots: how right, how fast, and what the time grows with.

- accuracy: small experiments against N samples in float64;
- speed: whole detectors, with the samples that would be as right extrapolated, and nanoBragg.c where it is given;
- scaling: time against reflections, mosaic spread, pixels and bandwidth, with a line through each;
- derivatives: the gradient of all parameters and a Jacobian of 15 against the image.

usage: python -m benchmarks.spots [PART …] [--quick] [--samples N] [--repeats N] [--nanobragg PATH] [--out FILE]
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from jaxbragg.cli.start import prepare_jax

prepare_jax(None, cache=False)  # as the command line does: wide vectors, before JAX starts

import equinox as eqx  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

import jaxbragg as jb  # noqa: E402
from benchmarks.commands import timed_process  # noqa: E402
from benchmarks.harness import time_calls, time_program  # noqa: E402
from benchmarks.implementations.nanobragg import find_binary  # noqa: E402
from benchmarks.inputs import write_matrix  # noqa: E402
from benchmarks.record import Fit, Record, Report, new_report, write_report  # noqa: E402
from benchmarks.spot_cases import ACCURACY, SCALING, SPEED, Small, Whole  # noqa: E402
from benchmarks.table import heading  # noqa: E402
from jaxbragg.cli.timing import spread  # noqa: E402
from jaxbragg.io.atomic import check_writable  # noqa: E402
from jaxbragg.io.hkl import write_hkl  # noqa: E402
from jaxbragg_kernels.numerics import numerics  # noqa: E402

# Samples of the whole image, for the time of each; of a part of it, for the error; and the error to which it is
# extrapolated, by the square root: the pixels' root mean square difference over their root mean square.
_TIMED, _COMPARED = (4, 16, 64), (4096, 16384, 65536)
_AS_RIGHT = 1e-2
_PART = 256  # pixels along both sides
_COLUMNS = 15


# How right -----------------------------------------------------------------------------------------------------------


def accuracy(report: Report, chosen: argparse.Namespace) -> None:
    """Each small experiment by spots and by samples."""
    total = 256 if chosen.quick else chosen.samples
    columns = f"{'samples':>9} {'1 − corr':>9} {'sum':>9} {'most':>8} {'spots s':>8} {'samples s':>9}"
    print(f"\n{'against samples':<34} {columns}")
    for case in ACCURACY[::7] if chosen.quick else ACCURACY:
        record = against_samples(case, total, chosen.repeats)
        report.records.append(record)
        assert record.figures is not None
        far, off, sampled = (record.figures[name] for name in ("decorrelation", "sum", "samples_s"))
        print(
            f"{case.name:<34} {record.figures['samples']:>9.0f} {far:>9.1e} {off:>+9.1e} {record.error:>8.1e} "
            f"{record.run_s['median']:>8.4f} {sampled:>9.2f}",
            flush=True,
        )


def against_samples(case: Small, total: int, repeats: int) -> Record:
    """One experiment in float64."""
    experiment = case.experiment()
    options = jb.Options(precision="float64", oversample=2, samples=total)
    cold, runs, image = _timed_image(experiment, replace(options, method="spots"), repeats)
    draw = jax.jit(lambda e: jb.simulate(e, replace(options, method="samples")))
    with numerics():
        compiled = draw.lower(experiment).compile()
        begun = time.perf_counter()
        wanted = np.asarray(compiled(experiment))
    sampled = time.perf_counter() - begun
    figures = {
        "samples": float(total),
        "samples_s": sampled,
        "decorrelation": 1.0 - float(np.corrcoef(image.ravel(), wanted.ravel())[0, 1]),
        "sum": float(image.sum() / wanted.sum() - 1.0),
        "cold_s": cold,
    }
    error = float(np.abs(image - wanted).max() / wanted.max())
    return _record("accuracy", case.name, runs, image.size, image.size * 4, error=error, figures=figures)


# How fast ------------------------------------------------------------------------------------------------------------


def speed(report: Report, chosen: argparse.Namespace) -> None:
    """Whole detectors."""
    print(f"\n{'whole detectors':<16} {'by':<10} {'median s':>9} {'cold s':>7} {'events':>8} {'pairs':>9}")
    for case in SPEED:
        case = case.shrunk() if chosen.quick else case
        record, image = by_spots(case, chosen.repeats)
        report.records.append(record)
        _say_speed(record)
        for other in (by_samples(case, image, chosen.quick), by_nanobragg(case, chosen.nanobragg)):
            if isinstance(other, Record):
                report.records.append(other)
                _say_speed(other)
            elif other:
                report.left_out.append(other)


def by_spots(case: Whole, repeats: int, group: str = "speed") -> tuple[Record, np.ndarray]:
    """The image as a user calls for it, its lists made anew each time."""
    experiment, options = case.experiment(), case.options(method="spots")
    cold, runs, image = _timed_image(experiment, options, repeats)
    sizes: Any = jb.spot_options(experiment, options, margin=1.0).spots
    lists = {"near": float(sizes.near), "events": float(sizes.events), "pairs": float(sizes.pairs)}
    figures = lists | {"cold_s": cold}
    return _record(group, case.name, runs, image.size, sizes.pairs * 16, figures=figures), image


def by_samples(case: Whole, image: np.ndarray, quick: bool) -> Record:
    """The time of the samples that would be as right: a line through the times; errors by the square root."""
    times, timed, errors, compared = [], [], [], []
    for total in _TIMED:
        experiment, options = case.experiment(), case.options(method="samples", samples=total)
        runs, _ = time_calls(lambda e=experiment, o=options: jb.simulate(e, o), 1)
        times.append(min(runs))
        timed.append(total)
    slow, fast = (n // 4 for n in image.shape)
    right, bottom = min(fast + _PART, image.shape[1]) - 1, min(slow + _PART, image.shape[0]) - 1
    part = np.s_[slow : bottom + 1, fast : right + 1]
    wanted = np.asarray(image[part], np.float64)
    for total in [n // 16 for n in _COMPARED] if quick else _COMPARED:
        options = case.options(method="samples", samples=total, roi=(fast, right, slow, bottom))
        found = np.asarray(jb.simulate(case.experiment(), options))
        errors.append(float(np.linalg.norm(found[part] - wanted) / np.linalg.norm(wanted)))
        compared.append(total)
    each, once = np.polyfit(timed, times, 1)
    power = float(np.polyfit(np.log(compared), np.log(errors), 1)[0])
    enough = compared[-1] * (errors[-1] / _AS_RIGHT) ** 2
    note = f"extrapolated to {enough:.3g} samples, with which the root mean square error is {_AS_RIGHT:g}"
    figures = {"samples": enough, "each_s": float(each), "power": power, "least_error": errors[-1]}
    seconds = float(once + each * enough)
    return _record("speed", case.name, [seconds], image.size, image.size, by="samples", note=note, figures=figures)


def by_nanobragg(case: Whole, binary: str | None) -> Record | str:
    """The time of one orientation more, from 1 and 3 domains; its domains are not Gaussian ones, and as many needed."""
    if binary is None:
        return f"{case.name}, nanobragg: no --nanobragg PATH"
    experiment = case.experiment()
    panel: Any = experiment.detector
    factors: Any = experiment.structure_factors
    if panel.pixel_size[0] != panel.pixel_size[1]:
        return f"{case.name}, nanobragg: its pixels are squares"
    times = {}
    with tempfile.TemporaryDirectory() as folder:
        wavelength = float(experiment.beam.wavelength)
        write_matrix(Path(folder) / "A.mat", np.asarray(experiment.crystal.vectors()), wavelength)
        grid = np.stack(np.meshgrid(*(np.arange(n) for n in factors.values.shape), indexing="ij"), axis=-1)
        indices = grid.reshape(-1, 3) + np.array(factors.minimum)
        write_hkl(Path(folder) / "P1.hkl", indices, np.asarray(factors.values).ravel())
        words = [binary, "-lambda", wavelength, "-mat", f"{folder}/A.mat", "-hkl", f"{folder}/P1.hkl", "-distance", 250]
        words += ["-pixel", float(panel.pixel_size[0]) * 1e3, "-detpixels_f", panel.pixels[1]]
        words += ["-detpixels_s", panel.pixels[0], "-Na", 30, "-Nb", 30, "-Nc", 60, "-gauss_xtal", "-oversample", 1]
        words += ["-nointerpolate", "-nonoise", "-nopgm", "-mosaic", case.mosaic]
        words += ["-floatfile", f"{folder}/image.bin", "-intfile", f"{folder}/image.img"]
        for domains in (1, 3):
            times[domains], _ = timed_process([*map(str, words), "-mosaic_domains", str(domains)], folder=folder)
    each = (times[3] - times[1]) / 2
    pixels = int(np.prod(panel.pixels))
    return _record("speed", case.name, [each], pixels, pixels, by="nanobragg", note="for each orientation")


# What it grows with --------------------------------------------------------------------------------------------------


def scaling(report: Report, chosen: argparse.Namespace) -> None:
    """A few points along each, and the line."""
    for name, (unit, points) in SCALING.items():
        print(f"\ntime against {name}")
        places, times = [], []
        for at, case in points[::2] if chosen.quick else points:
            case = case.shrunk() if chosen.quick and name != "pixels" else case
            record, _ = by_spots(case, chosen.repeats, "scaling")
            assert record.figures is not None
            place = record.figures["events"] if name == "reflections" else at
            record = replace(record, case=f"{name}: {case.name}", figures=record.figures | {name: place})
            report.records.append(record)
            places.append(place)
            times.append(record.run_s["median"])
            print(f"  {place:>12g} {unit:<12} {times[-1]:>8.4f} s", flush=True)
        fit = line(name, places, times)
        report.fits.append(fit)
        print(f"  {fit.fixed_s:.4f} s + {fit.slope_ns * 1e-9:.3g} s for each {unit or 'unit'}, R² {fit.r_squared:.4f}")


def line(name: str, places: list[float], times: list[float]) -> Fit:
    """By least squares."""
    x, y = np.array(places), np.array(times)
    slope, fixed = np.polyfit(x, y, 1)
    rest = y - (fixed + slope * x)
    explained = 1.0 - float((rest**2).sum() / ((y - y.mean()) ** 2).sum())
    return Fit("scaling", "spots", float(slope) * 1e9, float(fixed), float(np.abs(rest / y).max()), name, explained)


# Derivatives ---------------------------------------------------------------------------------------------------------


def derivatives(report: Report, chosen: argparse.Namespace) -> None:
    """Compiled programs with lists of one length."""
    print(f"\n{'derivatives':<16} {'mode':<10} {'median s':>9} {'× image':>8} {'compile s':>9} {'temp MB':>8}")
    for case in SPEED[::2]:
        case = case.shrunk() if chosen.quick else case
        experiment = case.experiment()
        options = jb.spot_options(experiment, case.options(), margin=1.0)
        image = None
        for mode, (function, argument) in programs(experiment, options).items():
            measured = time_program(function, argument, chosen.repeats)
            image = image or measured.run_s
            pairs: Any = options.spots
            record = replace(
                _record("derivatives", case.name, measured.runs, _pixels(experiment), pairs.pairs * 16),
                mode=mode, lower_s=measured.lower_s, compile_s=measured.compile_s, temp_bytes=measured.temp_bytes,
                figures={"times_image": measured.run_s / image},
            )  # fmt: skip
            report.records.append(record)
            print(
                f"{case.name:<16} {mode:<10} {measured.run_s:>9.4f} {measured.run_s / image:>8.2f} "
                f"{measured.compile_s or 0:>9.2f} {(measured.temp_bytes or 0) / 1e6:>8.0f}",
                flush=True,
            )


def programs(experiment: jb.Experiment, options: jb.Options) -> dict[str, tuple[Callable, Any]]:
    """The image, the gradient of a number by every real leaf, and a Jacobian of 15 columns."""
    real, rest = eqx.partition(experiment, eqx.is_inexact_array)

    def draw(e: Any) -> Any:
        return jb.simulate(e, options)

    def loss(leaves: Any) -> Any:
        return jnp.log1p(draw(eqx.combine(leaves, rest))).sum()

    return {
        "forward": (draw, experiment),
        "reverse": (jax.grad(loss), real),
        "jacobian": (jax.jacfwd(lambda change: draw(_changed(experiment, change))), np.zeros(_COLUMNS)),
    }


def _changed(experiment: jb.Experiment, change: Any) -> jb.Experiment:
    """With cell, misset, origin of the detector and mosaic spread moved: 6, 3, 3 and 3 numbers."""

    def leaves(e: Any) -> list[Any]:
        cell = e.crystal.cell
        lengths_and_angles = [cell.a, cell.b, cell.c, cell.alpha, cell.beta, cell.gamma]
        return [*lengths_and_angles, e.crystal.misset, e.detector.origin, e.crystal.mosaic.spread]

    steps = [*(change[i] for i in range(6)), change[6:9], change[9:12], change[12:15]]
    return eqx.tree_at(leaves, experiment, [old + step for old, step in zip(leaves(experiment), steps, strict=True)])


# Helpers -------------------------------------------------------------------------------------------------------------


def _timed_image(experiment: jb.Experiment, options: jb.Options, repeats: int) -> tuple[float, list[float], np.ndarray]:
    """Seconds of a first image, of later ones, and the image."""
    jax.clear_caches()
    begun = time.perf_counter()
    jax.block_until_ready(jb.simulate(experiment, options))
    cold = time.perf_counter() - begun
    runs, image = time_calls(lambda: jb.simulate(experiment, options), repeats)
    return cold, runs, image


def _record(group: str, name: str, runs: list[float], pixels: int, steps: int, **more: Any) -> Record:
    """A step is a pixel of a pair of a reflection and a tile, or of an image."""
    run = spread(runs)
    by = more.pop("by", "spots")
    return Record(
        case=name, group=group, about=name, mode="call", implementation=by, steps=steps, pixels=pixels, run_s=run,
        ns_per_step=run["median"] / steps * 1e9, **more,
    )  # fmt: skip


def _say_speed(record: Record) -> None:
    figures = record.figures or {}
    cold, events, pairs = (figures.get(name, float("nan")) for name in ("cold_s", "events", "pairs"))
    print(
        f"{record.case:<16} {record.implementation:<10} {record.run_s['median']:>9.4g} {cold:>7.2f} {events:>8.0f} "
        f"{pairs:>9.0f}  {record.note or ''}",
        flush=True,
    )


def _pixels(experiment: jb.Experiment) -> int:
    return int(np.prod(experiment.detector.shape))


PARTS = {"accuracy": accuracy, "speed": speed, "scaling": scaling, "derivatives": derivatives}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (all of them)")
    add("--quick", action="store_true", help="few pixels, samples and cases, to see that it runs")
    add("--samples", type=int, default=1 << 16, metavar="N", help="that small experiments are compared with (65536)")
    add("--repeats", type=int, default=5, metavar="N", help="runs of which the median is taken (5)")
    add("--nanobragg", metavar="PATH", help="binary of the C program")
    add("--out", metavar="FILE", help="write the record there as JSON")
    chosen = parser.parse_args(argv)
    if unknown := [part for part in chosen.parts if part not in PARTS]:
        parser.error(f"unknown part {unknown[0]!r}: there are {', '.join(PARTS)}")
    if chosen.nanobragg is not None:
        binary = find_binary(chosen.nanobragg)
        if binary is None:
            parser.error(f"--nanobragg {chosen.nanobragg}: no such program, or it may not be run")
        chosen.nanobragg = binary
    if chosen.out is not None:
        check_writable(chosen.out)
    report = new_report(chosen.repeats, chosen.quick, None)
    print("\n".join(heading(report)))
    for part in chosen.parts or PARTS:
        PARTS[part](report, chosen)
    for reason in report.left_out:
        print(f"left out: {reason}")
    if chosen.out is not None:
        write_report(chosen.out, report)
        print(f"wrote {chosen.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
