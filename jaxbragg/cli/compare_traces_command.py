"""`jaxbragg compare-traces`: two programs disagree in a pixel; at which factor?"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxbragg.cli.arguments import Parser, index, not_negative
from jaxbragg.cli.errors import UsageError

if TYPE_CHECKING:
    from jaxbragg.io.trace_text import Trace

_DESCRIPTION = """\
Find the first factor, in the order of computation, in which two traces of one pixel differ. A trace is what a program
prints on lines TRACE_JAX:, TRACE_C: or TRACE_PY:; its other output may stand between them."""

_EXAMPLE = """\
example:
  jaxbragg trace -trace_pixel 40 31 -cell 40 40 55 90 90 90 -default_F 100 -N 8 -lambda 1 -distance 100 \\
      -detpixels 64 -phi 0 -osc 1 -phisteps 10 -o mine.log
  jaxbragg compare-traces nanobragg.log mine.log --out report

By relative difference a factor is PASS up to the tolerance, MINOR below 1e-4, DIVERGENT below 1e-2, CRITICAL beyond.
A factor that one trace alone has is MISSING: it is listed, and is no difference. But the comparison fails as INCOMPLETE
where one trace lacks the final intensity, steps that the other has, or most factors, or is of another pixel.

exit status: 0 the traces agree, 1 something differs or too little could be compared, 2 the command line is wrong,
3 a file cannot be read or written, or the two have nothing in common
"""


def run(words: Sequence[str]) -> int:
    """Compare two traces, print the verdict and write the report.

    Args:
        words: The command line after `compare-traces`.

    Returns:
        Exit status: 0 they agree, 1 they differ or share too little, 3 a file is at fault.

    Raises:
        UsageError: If the command line is wrong.
    """
    arguments = _parser().parse(words)
    if arguments is None:
        return 0
    from jaxbragg.io.errors import FileError

    try:
        return _compare(arguments, ["jaxbragg", "compare-traces", *words])
    except FileError as error:
        sys.stdout.flush()
        print(f"jaxbragg: {error}", file=sys.stderr)
        return 3


def _compare(arguments: argparse.Namespace, command: list[str]) -> int:
    from jaxbragg.compare.diagnosis import diagnose
    from jaxbragg.compare.report import NAMES, check_report, write_trace_report
    from jaxbragg.compare.traces import compare_traces
    from jaxbragg.io.errors import FileError
    from jaxbragg.io.trace_text import read_traces

    in_a, in_b = read_traces(arguments.a), read_traces(arguments.b)
    a = _pick(in_a, arguments.pixel)
    same_pixel = [trace for trace in in_b if a.pixel is not None and trace.pixel == a.pixel]
    b = same_pixel[0] if same_pixel else _pick(in_b, arguments.pixel)
    _check_ignored(arguments.ignore, a, b)
    if arguments.out is not None:
        check_report(arguments.out)
    try:
        comparison = compare_traces(a, b, arguments.tolerance, arguments.ignore)
    except ValueError as error:
        raise FileError(a.path, f"compared with {b.path}: {error}") from error
    if arguments.out is not None:
        write_trace_report(arguments.out, comparison, command)
    one_pixel = None in (a.pixel, b.pixel) or a.pixel == b.pixel
    enough = not comparison.gaps or (arguments.partial and one_pixel)
    if not comparison.agrees:
        print(f"DIFFERENT, first at {comparison.first_divergence}")
    else:
        print("PASS" if enough else "INCOMPLETE")
    for sentence in diagnose(comparison):
        print(f"  {sentence}")
    if arguments.pixel is None and max(len(in_a), len(in_b)) > 1:
        print(f"  The files hold {len(in_a)} and {len(in_b)} traces; these are the first: see --pixel.")
    if arguments.out is not None:
        print(f"  Written: {', '.join(os.path.join(arguments.out, name) for name in NAMES)}")
    return 0 if comparison.agrees and enough else 1


def _pick(traces: list[Trace], number: int | None) -> Trace:
    """The trace asked for; a file with one trace has no other."""
    if len(traces) == 1 or number is None:
        return traces[0]
    if number >= len(traces):
        raise UsageError(f"--pixel must be from 0 to {len(traces) - 1} for {traces[0].path}, but is {number}")
    return traces[number]


def _check_ignored(keys: Sequence[str], *traces: Trace) -> None:
    known = {key for trace in traces for record in (trace.factors, *trace.steps) for key in record}
    for key in keys:
        if key not in known:
            near = difflib.get_close_matches(key, sorted(known), n=1)
            hint = f": did you mean {near[0]}?" if near else ""
            raise UsageError(f"--ignore {key}: neither trace has that key{hint}")


def _parser() -> Parser:
    parser = Parser("compare-traces", _DESCRIPTION, _EXAMPLE)
    parser.add_argument("a", metavar="A", help="the one trace")
    parser.add_argument("b", metavar="B", help="the other; differences are B − A")
    parser.add_argument("--out", metavar="DIR", help="folder for summary.md, metrics.json and run_metadata.json")
    parser.add_argument(
        "--tolerance", type=not_negative, default=1e-6, metavar="X", help="relative difference that passes (1e-6)"
    )
    parser.add_argument(
        "--ignore", nargs="+", action="extend", default=[], metavar="KEY", help="keys to leave out; after A and B"
    )
    parser.add_argument("--partial", action="store_true", help="agree where traces of one pixel lack parts, too")
    parser.add_argument(
        "--pixel", type=index, metavar="N", help="which of several traces in a file, from 0 (the first)"
    )
    return parser
