"""`jaxbragg refine`: which crystal, detector and beam made these images?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxbragg.cli.arguments import Parser

if TYPE_CHECKING:
    from jaxbragg.cli.refine.config import Config
    from jaxbragg.cli.refine.setup import Request

_DESCRIPTION = """\
Fit the numbers of an experiment to measured images, with standard uncertainties and correlations. A TOML file says what
is measured, what is free and how counts scatter; names of files in it begin where it lies."""

_EXAMPLE = """\
example, refine.toml:
  [experiment]
  flags = ["-mat", "A.mat", "-hkl", "P1.hkl", "-lambda", "0.9768", "-distance", "231.27", "-gauss_xtal", "-N", "30"]
  [[images]]
  file = "observed.img"
  offset = 40                                # what nanoBragg adds to every pixel; jaxbragg's headers say it
  [[parameters]]
  path = "crystal.rotation"                  # three angles about the laboratory's axes
  [[parameters]]
  path = ["crystal.cell.a", "crystal.cell.b"]     # one value for both
  bounds = [70, 90]
  [[parameters]]
  path = "detector.distance"
  prior = [0.2313, 0.0005]                   # [m]: what the still itself can hardly tell from the cell
  [[parameters]]
  path = "image.constant"                    # background
  start = 5
  [fit]
  coarse_to_fine = true

  jaxbragg refine refine.toml --out refined

writes result.json, summary.txt, and for each image its flags, matrix and all its numbers (flags_0.txt, A_0.mat,
experiment_0.npz), model and residual (raw float32), and pictures.

Ctrl-C ends the fit and writes the best so far; a second one leaves at once.

exit status: 0 converged; 3 ended without (the results are written); 130 interrupted (the best so far is written);
2 the command line or the TOML file is wrong; 1 a file cannot be read or written, or does not go with the rest
"""


def run(argv: Sequence[str]) -> int:
    """Fit, and write what was found.

    Args:
        argv: The command line after `refine`.

    Returns:
        Exit status: 0 converged, 3 not, 130 interrupted.

    Raises:
        UsageError: If the command line or the configuration is wrong.
        FileError: If a file is at fault.
    """
    arguments = _parser(list(argv)).parse(argv)
    if arguments is None:
        return 0
    from jaxbragg.cli.refine.config import read_config

    config = read_config(arguments.config)
    from jaxbragg.cli.refine.outputs import check, folder_of
    from jaxbragg.cli.scanner import scan
    from jaxbragg.cli.simulate_command import device
    from jaxbragg.cli.start import prepare_jax

    prepare_jax(arguments.device)
    with device(scan([] if arguments.device is None else ["--device", arguments.device])):
        from jaxbragg.cli.refine.setup import build

        folder = folder_of(config, arguments.out)
        request = build(config)
        check(folder, request)
        return _refine(arguments, config, request, folder, ["jaxbragg", "refine", *argv])


def _refine(arguments: argparse.Namespace, config: Config, request: Request, folder: str, command: list[str]) -> int:
    from jaxbragg.cli.errors import UsageError
    from jaxbragg.cli.refine.outputs import write
    from jaxbragg.cli.refine.progress import fit_as_asked, interruptible
    from jaxbragg.cli.refine.setup import plain

    def say(line: str) -> None:
        if not arguments.quiet:
            print(line, flush=True)

    for note in request.notes:
        say(f"note: {note}")
    _warn(request.warnings)
    problem = request.problem
    masked = sum(int((~image.used).sum()) for image in problem.images) - problem.not_numbers - problem.flagged
    say(
        f"{len(problem.images)} image{'s' * (len(problem.images) > 1)}, {problem.pixels} pixels; left out: {masked} "
        f"masked, {problem.not_numbers} without a number, {problem.flagged} full or flagged; "
        f"{len(problem.names)} free values"
    )
    with interruptible() as interruption:
        try:
            result = fit_as_asked(config, problem, (lambda line: None) if arguments.noprogress else say)
        except ValueError as error:
            raise UsageError(f"{config.path}: {plain(str(error))}") from None
        except ImportError as error:
            raise config.wrong("fit", None, "solver", str(error)) from None
        interruption.fitting = False
        found = result.concerns
        say(result.table())
        _warn(found)
        for line in write(folder, config, request, result, command, [*request.warnings, *found]):
            say(line)
        say(f"written: {folder}")
    if interruption.pressed:
        return 130
    return 0 if result.converged else 3


def _warn(lines: Sequence[str]) -> None:
    sys.stdout.flush()
    for line in lines:
        print(f"warning: {line}", file=sys.stderr)


def _parser(argv: list[str]) -> Parser:
    example = _EXAMPLE
    if "--help" in argv or "-h" in argv:
        from jaxbragg.cli.refine.schema import key_lines

        example = "\n".join(["the TOML file's tables and keys; defaults in round brackets:", *key_lines(), "", example])
    parser = Parser("refine", _DESCRIPTION, example)
    add = parser.add_argument
    add("config", metavar="CONFIG.toml", help="what is measured, what is free, and how")
    add("--out", metavar="DIR", help="output folder, instead of the one in the TOML file")
    add("--quiet", action="store_true", help="print errors and warnings only")
    add("--noprogress", "-noprogress", action="store_true", help="no line for each step")
    add("--device", metavar="DEVICE", help="where to compute: cpu, gpu, …")
    return parser
