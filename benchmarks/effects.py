"""What backgrounds, absorbers and a detector's response cost beside an image's spots.

usage: python -m benchmarks.effects [--quick] [--repeats N] [--out FILE]
"""

import argparse
from dataclasses import replace

from jaxbragg.cli.start import prepare_jax

prepare_jax(None, cache=False)  # as the command line does: wide vectors, before JAX starts

import numpy as np  # noqa: E402

import jaxbragg as jb  # noqa: E402
from benchmarks.harness import time_calls  # noqa: E402
from benchmarks.record import Record, new_report, write_report  # noqa: E402
from benchmarks.spot_cases import SPEED  # noqa: E402
from benchmarks.table import heading  # noqa: E402
from jaxbragg.cli.timing import spread  # noqa: E402
from jaxbragg.io.atomic import check_writable  # noqa: E402

_BEAM_SIZE = 5e-5  # [m]


def effects() -> dict[str, dict]:
    """Fields of an experiment, by what they add."""
    water = jb.AmorphousBackground.slab(3e-5, _BEAM_SIZE)
    air = jb.AmorphousBackground.gas(0.02, _BEAM_SIZE)
    ice = jb.PowderRings.ice(2.5e-15)
    compton = [jb.AmorphousBackground.compton(f, b.molecules) for f, b in (("H2O", water), ("N2", air))]
    absorbers = {"absorbers": (jb.AirPath.of(0.9795), jb.BeamStop(5e-4, 0.02))}
    every = {"background": (water, air, ice, *compton)} | absorbers
    return {
        "spots": {},
        "water": {"background": (water,)},
        "air": {"background": (air,)},
        "ice": {"background": (ice,)},
        "absorbers": absorbers,
        "all of them": every,
        "point spread and dead time": {"response": jb.Response([jb.GaussianSpread(0.8), jb.Counting(1.2e-7)])},
        "all of them, read out": every | {"response": jb.Response([jb.GaussianSpread(0.8), jb.Counting(1.2e-7)])},
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few pixels, to see that it runs")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="runs of which the median is taken (5)")
    parser.add_argument("--out", metavar="FILE", help="write the record there as JSON")
    chosen = parser.parse_args(argv)
    if chosen.out is not None:
        check_writable(chosen.out)
    report = new_report(chosen.repeats, chosen.quick, None)
    print("\n".join(heading(report)))
    cases = [replace(case, width=0.2) for case in SPEED if case.name == "rotation-16m"]
    case = cases[0].shrunk() if chosen.quick else cases[0]
    options = case.options(method="spots")
    print(f"\n{'an image of 0.2° with':<28} {'median s':>9} {'× spots':>8}")
    spots = None
    for name, fields in effects().items():
        experiment = case.experiment().replace(**fields)
        runs, image = time_calls(lambda e=experiment: jb.simulate(e, options), chosen.repeats)
        run = spread(runs)
        spots = spots or run["median"]
        report.records.append(
            Record(
                case=name, group="effects", about=case.name, mode="call", implementation="spots", steps=image.size,
                pixels=image.size, run_s=run, ns_per_step=run["median"] / image.size * 1e9,
                figures={"times_spots": run["median"] / spots, "photons": float(np.sum(image, dtype=float))},
            )
        )  # fmt: skip
        print(f"{name:<28} {run['median']:>9.4f} {run['median'] / spots:>8.2f}", flush=True)
    if chosen.out is not None:
        write_report(chosen.out, report)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
