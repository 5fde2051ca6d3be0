"""`python -m benchmarks`: named cases, computed by several programs in one run, with the error beside every time."""

import argparse
import sys
from collections.abc import Sequence

from benchmarks.names import DEFAULT_GROUPS, IMPLEMENTATIONS, MODES

_DESCRIPTION = """\
Time named cases with several programs in one run, with the error against float64 beside every time. A step is one pixel
× source × orientation with its look-up of a structure factor. Compilation and run are timed apart; a run is the median
of several. "× textbook" is how many times faster than the plain float64 formula, "of peak" the time that the operations
would take at the rate of multiply-adds measured in the same run, over the time that they took."""

_EXAMPLE = """\
example, a minute or so on two cores:
  python -m benchmarks --cases yardstick domains --nanobragg ./nanoBragg --out yardstick.json

exit status: 0 done; 1 a file cannot be written; 2 the command line is wrong; 3 nothing could be measured
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table and write the record; the exit status."""
    parser = _parser()
    chosen = parser.parse_args(argv)
    from jaxbragg.cli.start import prepare_jax

    prepare_jax(chosen.device, cache=False)  # the seconds of a compilation are among what is measured
    if chosen.list:
        from benchmarks.table import list_cases

        print("\n".join(list_cases()))
        return 0
    if complaint := _complaint(chosen):
        parser.error(complaint)
    from jaxbragg.io.errors import FileError

    try:
        return _measure(chosen)
    except FileError as error:
        print(error, file=sys.stderr)
        return 1


def _measure(chosen: argparse.Namespace) -> int:
    from benchmarks.implementations.nanobragg import find_binary
    from benchmarks.record import write_report
    from benchmarks.run import Request, run
    from jaxbragg.cli.read import read_experiment
    from jaxbragg.io.atomic import check_writable

    if chosen.out is not None:
        check_writable(chosen.out)
    request = Request(
        cases=chosen.cases,
        modes=chosen.modes,
        implementations=chosen.implementations,
        repeats=chosen.repeats,
        quick=chosen.quick,
        nanobragg=None if chosen.nanobragg is None else find_binary(chosen.nanobragg),
        read_experiment=read_experiment,
    )
    report = run(request, lambda line: print(line, flush=True))
    if chosen.out is not None:
        write_report(chosen.out, report)
        print(f"wrote {chosen.out}")
    if not report.records:
        print("nothing could be measured", file=sys.stderr)
        return 3
    return 0


def _complaint(chosen: argparse.Namespace) -> str | None:
    """What is wrong with the command line, or None."""
    import jax

    from benchmarks.cases import find
    from benchmarks.implementations.nanobragg import find_binary

    try:
        find(chosen.cases)
    except KeyError as error:
        return f"--cases: {error.args[0]}"
    if chosen.nanobragg is not None and find_binary(chosen.nanobragg) is None:
        return f"--nanobragg {chosen.nanobragg}: no such program, or it may not be run"
    if chosen.device is not None:
        try:
            jax.devices(chosen.device)
        except RuntimeError:
            return f"--device {chosen.device}: JAX finds no such device here, only {jax.default_backend()}"
    return None


def _parser() -> argparse.ArgumentParser:
    from jaxbragg.cli.arguments import count

    parser = argparse.ArgumentParser(
        "python -m benchmarks",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--cases", nargs="+", default=DEFAULT_GROUPS, metavar="NAME", help="cases, groups of them, or all")
    add("--list", action="store_true", help="print the cases and leave")
    add("--quick", action="store_true", help="a few thousand pixels of each, to see that it runs")
    add("--repeats", type=count, default=5, metavar="N", help="runs of which the median is taken (5)")
    modes, names = ", ".join(MODES), ", ".join(IMPLEMENTATIONS)
    add("--modes", nargs="+", choices=MODES, metavar="MODE", help=f"{modes} (each case has its own)")
    add(
        "--implementations", nargs="+", choices=IMPLEMENTATIONS, metavar="NAME", help=f"{names} (each case has its own)"
    )
    add("--nanobragg", metavar="PATH", help="binary of the C program; OMP_NUM_THREADS says how many threads it takes")
    add("--out", metavar="FILE", help="write the record there as JSON")
    add("--device", choices=("cpu", "gpu"), help="where to run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
