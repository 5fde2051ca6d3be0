"""`jaxbragg benchmark`: how fast, how right, beside whom."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jaxbragg.cli.arguments import Parser, count
from jaxbragg.cli.errors import UsageError

_DESCRIPTION = """\
Time named cases with several programs in one run, with the error against float64 beside every time. A step is one pixel
× source × orientation with its look-up of a structure factor. Compilation and run are timed apart; a run is the median
of several. "× textbook" is how many times faster than the plain float64 formula, "of peak" the time that the operations
would take at the rate of multiply-adds measured in the same run, over the time that they took."""

_EXAMPLE = """\
example, a minute or so on two cores:
  jaxbragg benchmark --cases yardstick domains --nanobragg ./nanoBragg --out yardstick.json

exit status: 0 done; 1 a file cannot be written; 2 the command line is wrong; 3 nothing could be measured
"""


def run(words: Sequence[str]) -> int:
    """Measure, print the table and write the record.

    Args:
        words: The command line after `benchmark`.

    Returns:
        Exit status: 0, or 3 where nothing could be measured.

    Raises:
        UsageError: If the command line is wrong.
        FileError: If the record cannot be written.
    """
    arguments = _parser().parse(words)
    if arguments is None:
        return 0
    from jaxbragg.cli import prepare_jax

    prepare_jax(arguments.device, cache=False)  # the seconds of a compilation are among what is measured
    if arguments.list:
        from jaxbragg.benchmark.table import list_cases

        print("\n".join(list_cases()))
        return 0
    _check_cases(arguments.cases)
    _check_device(arguments.device)
    nanobragg = _binary(arguments.nanobragg)
    if arguments.out is not None:
        from jaxbragg.cli.file_names import check_output

        check_output("--out", arguments.out, "JSON")
    return _measure(arguments, nanobragg)


def _measure(arguments: argparse.Namespace, nanobragg: str | None) -> int:
    from jaxbragg.benchmark.record import write_report
    from jaxbragg.benchmark.run import Request, run
    from jaxbragg.cli.read import read_experiment

    request = Request(
        cases=arguments.cases,
        modes=arguments.modes,
        implementations=arguments.implementations,
        repeats=arguments.repeats,
        quick=arguments.quick,
        nanobragg=nanobragg,
        read_experiment=read_experiment,
    )
    report = run(request, lambda line: print(line, flush=True))
    if arguments.out is not None:
        write_report(arguments.out, report)
        print(f"wrote {arguments.out}")
    if not report.records:
        print("jaxbragg: nothing could be measured", file=sys.stderr)
        return 3
    return 0


def _check_cases(words: Sequence[str]) -> None:
    from jaxbragg.benchmark.cases import find

    try:
        find(words)
    except KeyError as error:
        raise UsageError(f"--cases: {error.args[0]}") from None


def _check_device(name: str | None) -> None:
    import jax

    if name is None:
        return
    try:
        jax.devices(name)
    except RuntimeError:
        known = ", ".join(sorted({device.platform for device in jax.devices()}))
        raise UsageError(f"--device {name}: JAX finds no such device here, only {known}") from None


def _binary(word: str | None) -> str | None:
    from jaxbragg.benchmark.implementations.nanobragg import find_binary
    from jaxbragg.io.ledger import reading

    if word is None:
        return None
    found = find_binary(word)
    if found is None:
        raise UsageError(f"--nanobragg {word}: no such program, or it may not be run")
    reading(found, "--nanobragg")
    return found


def _parser() -> Parser:
    from jaxbragg.benchmark.names import DEFAULT_GROUPS, IMPLEMENTATIONS, MODES

    parser = Parser("benchmark", _DESCRIPTION, _EXAMPLE)
    add = parser.add_argument
    add("--cases", nargs="+", default=DEFAULT_GROUPS, metavar="NAME", help="cases, groups of them, or all")
    add("--list", action="store_true", help="print the cases and leave")
    add("--quick", action="store_true", help="a few thousand pixels of each, to see that it runs")
    add("--repeats", type=count, default=5, metavar="N", help="runs of which the median is taken (5)")
    modes, names = ", ".join(MODES), ", ".join(IMPLEMENTATIONS)
    add("--modes", nargs="+", choices=MODES, metavar="MODE", default=["forward"], help=f"{modes} (forward)")
    add(
        "--implementations", nargs="+", choices=IMPLEMENTATIONS, metavar="NAME", help=f"{names} (each case has its own)"
    )
    add("--nanobragg", metavar="PATH", help="binary of the C program; OMP_NUM_THREADS says how many threads it takes")
    add("--out", metavar="FILE", help="write the record there as JSON")
    add("--device", choices=("cpu", "gpu"), help="where to run")
    return parser
