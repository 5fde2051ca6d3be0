"""`jaxbragg batch`: the shots of a plan into a folder, whatever happens on the way."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jaxbragg.cli.arguments import Parser, count
from jaxbragg.cli.batch.schema import DISTRIBUTIONS, EXAMPLE, TABLES, TOP
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.start import prepare_jax
from jaxbragg.cli.streams import complain

if TYPE_CHECKING:
    from jaxbragg.batch.files import Files

_DESCRIPTION = """\
Draw the shots of a plan into chunks of HDF5, and a master file that shows them as one stack. What is there is kept:
the same command goes on after any end, and damaged chunks are found and drawn again. A shot is the same whatever it is
drawn with: by its plan's seed and its number."""


def _help() -> str:
    keys = "\n".join(f"  {name:<12}{key.takes}" for name, key in TOP.items() if name not in TABLES)
    tables = "\n".join(
        f"  [{table}] {name:<12}{key.takes}" for table, known in TABLES.items() for name, key in known.items()
    )
    kinds = "\n".join(f"  {{{name} = …}}  {text}" for name, text in DISTRIBUTIONS.items())
    return f"""\
a plan:
{EXAMPLE}
keys:
{keys}
{tables}

distributions, in [vary] by a path of the experiment (all that refine can name; several with commas have one value):
  "uniform"  of "crystal.orientation": uniform over all rotations
{kinds}

examples:
  jaxbragg batch plan.toml --out shots
  jaxbragg batch plan.toml --out shots --shard 3/16      # of 16 jobs this is the third; --shard slurm asks SLURM
  jaxbragg batch plan.toml --out shots --dask local --workers 4
  jaxbragg batch plan.toml --out two.h5 --shots 17,42    # some shots again, the same to the last bit

exit status: 0; 1 a file cannot be read or written; 2 the command line or the plan is wrong; 130 after Ctrl-C, 143
after SIGTERM
"""


def run(words: Sequence[str]) -> int:
    """Draw what is not there.

    Raises:
        UsageError: If the command line or the plan is wrong.
        FileError: If a file cannot be read or written.
    """
    arguments = _parser().parse(words)
    if arguments is None:
        return 0
    prepare_jax(arguments.device)
    from jaxbragg.cli.batch.plan_file import read_plan
    from jaxbragg.cli.read import plausible
    from jaxbragg.cli.scanner import scan
    from jaxbragg.cli.simulate_command import device

    if arguments.workers is not None and arguments.dask != "local":
        raise UsageError("--workers goes with --dask local")
    shard = _shard(arguments.shard)
    if arguments.dask and shard[1] > 1:
        raise UsageError("--dask contradicts --shard: workers share the chunks by themselves")
    for name in ("check", "shard", "dask"):
        if arguments.shots is not None and getattr(arguments, name):
            raise UsageError(f"--shots contradicts --{name}")
    if arguments.device and arguments.dask:
        raise UsageError("--device contradicts --dask: workers compute where JAX does on their machines")
    with device(scan([] if arguments.device is None else ["--device", arguments.device])):
        with plausible():
            files = read_plan(arguments.plan, arguments.out)
        for line in files.warnings:
            complain(f"warning: {arguments.plan}: {line}")
        return _run(files, shard, arguments)


def _run(files: Files, shard: tuple[int, int], arguments: argparse.Namespace) -> int:
    if arguments.shots is not None:
        return _some(files, arguments.out, arguments.shots)
    say = (lambda line: None) if arguments.quiet else print
    for line in _summary(files):
        say(line)
    if arguments.check:
        _prepare(files, arguments.plan)
        say(f"time        {_time(files, arguments.plan)}")
        say("the plan can be drawn, as far as its first shots tell")
        return 0
    files.folder.prepare()
    with files.folder.locked(shard):
        files.folder.prepare()  # once more: another plan may have come between
        return _draw(files, shard, arguments, say)


def _prepare(files: Files, plan: str) -> None:
    try:
        files.plan.prepare()
    except ValueError as error:
        raise UsageError(f"{plan}: {error}") from None


def _time(files: Files, plan: str) -> str:
    """How long the shots take, by a launch that is drawn here for the second time."""
    from jaxbragg.cli.cost import duration

    launch = range(min(files.plan.group, files.plan.shots))
    try:
        files.plan.draw(launch)
        started = time.perf_counter()
        files.plan.draw(launch)
    except ValueError as error:
        raise UsageError(f"{plan}: {error}") from None
    seconds = (time.perf_counter() - started) / len(launch)
    return f"{duration(seconds * files.plan.shots)} on this machine, {1 / seconds:.3g} shots a second, not written"


def _draw(files: Files, shard: tuple[int, int], arguments: argparse.Namespace, say: Any) -> int:
    from tqdm import tqdm

    from jaxbragg.batch.folder import shard_of

    folder = files.folder
    if shard[1] == 1:
        folder.clean()
    mine = shard_of(folder.chunks, shard)
    silent = arguments.quiet or not sys.stderr.isatty()
    left, there = [], 0
    for chunk, state in tqdm(
        folder.states(mine, whole=not arguments.no_verify), total=len(mine), desc="looking", leave=False, disable=silent
    ):
        if state == "whole":
            there += 1
            continue
        left.append(chunk)
        if state == "damaged":
            complain(f"warning: {folder.name_of(chunk)} is damaged: it is drawn again")
    if there:
        say(f"{there} of {len(mine)} chunks are there")
    totals = {"shots": 0, "full": 0, "photons": 0.0}
    if left:
        _prepare(files, arguments.plan)  # before workers are asked, and before the clock runs
    started = time.perf_counter()
    shots_left = sum(len(folder.shots_of(chunk)) for chunk in left)
    bar = tqdm(total=shots_left, unit="shot", leave=False, disable=silent)

    def done(chunk: int, said: dict[str, Any]) -> None:
        del chunk
        for name in totals:
            totals[name] += said[name]
        bar.update(said["shots"])

    try:
        with bar:
            if arguments.dask and left:
                from jaxbragg.cli.batch.dask_run import draw_by_dask

                draw_by_dask(arguments, files, left, done)
            else:
                files.draw(left, done)
    except ValueError as error:
        raise UsageError(f"{arguments.plan}: {error}") from None
    except BaseException:
        whole = sum(state == "whole" for _, state in folder.states(mine, whole=False))
        complain(f"{whole} of {len(mine)} chunks are there: the same command goes on")
        raise
    if all(state == "whole" for _, state in folder.states(range(folder.chunks), whole=False)):
        files.write_master()
        say(f"wrote {folder.master}: {files.plan.shots} shots in {folder.chunks} chunks")
    else:
        say(f"{folder.master} is written when the chunks of all shards are there")
    for line in _report(files, totals, time.perf_counter() - started):
        say(line)
    return 0


def _summary(files: Files) -> list[str]:
    import numpy as np

    from jaxbragg.pipeline.memory import shown

    plan, folder = files.plan, files.folder
    shape = plan.experiment.detector.image_shape
    size = plan.shots * int(np.prod(shape)) * np.dtype(files.dtype).itemsize
    what = "readings with noise" if plan.counts else "mean photons"
    return [
        f"plan        {plan.shots} shots, seed {plan.seed}, {what} of {' × '.join(map(str, shape))} pixels",
        f"varies      {', '.join(plan.vary) or 'nothing but noise'}",
        f"chunks      {folder.chunks} of {folder.chunk} shots, {files.dtype}, {files.packing}",
        f"disk        {shown(size)} before they are packed",
    ]


def _report(files: Files, totals: dict[str, Any], seconds: float) -> list[str]:
    if not totals["shots"]:
        return ["nothing was left to draw"]
    lines = [
        f"drawn       {totals['shots']} shots in {seconds:.1f} s, {totals['shots'] / seconds:.3g} a second",
        f"sum         {totals['photons'] / totals['shots']:.6g} a shot on average",
    ]
    if files.plan.counts:
        lines.append(f"overloads   {totals['full']} pixels")
    try:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        lines.append(f"memory      {peak / 1024 / (1024 if sys.platform == 'darwin' else 1):.0f} MiB at most")
    except ImportError:
        pass
    return lines


def _some(files: Files, out: str, text: str) -> int:
    """Some shots again, into a file of their own."""
    if not out.endswith((".h5", ".hdf5")):
        raise UsageError(f"--shots draws into one file: --out must end in .h5, but is {out}")
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise UsageError(f"--shots takes numbers with commas between them, such as 17,42, but got '{text}'")
    numbers = [int(each) for each in text.split(",")]
    if max(numbers) >= files.plan.shots:
        raise UsageError(f"--shots {text}: the plan has shots 0 … {files.plan.shots - 1}")
    try:
        files.write_some(out, numbers)
    except ValueError as error:
        raise UsageError(f"--shots {text}: {error}") from None
    print(f"wrote {out}: {len(numbers)} shot(s)")
    return 0


def _shard(text: str | None) -> tuple[int, int]:
    """Which one, from 0, of how many."""
    if text is None:
        return 0, 1
    if text == "slurm":
        names = ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"), ("SLURM_PROCID", "SLURM_NTASKS")
        for number, total in names:
            if number in os.environ and total in os.environ:
                array = number == names[0][0]
                first, step = (int(os.environ.get(f"SLURM_ARRAY_TASK_{name}", default)) if array else int(default)
                               for name, default in (("MIN", "0"), ("STEP", "1")))  # fmt: skip
                index, left = divmod(int(os.environ[number]) - first, step)
                if left or not 0 <= index < int(os.environ[total]):
                    raise UsageError("--shard slurm: the array's numbers must have even steps, as 0-15 and 0-30:2 have")
                return index, int(os.environ[total])
        raise UsageError("--shard slurm: neither SLURM_ARRAY_TASK_ID nor SLURM_PROCID is set: this is no job of SLURM")
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"--shard takes i/n with i from 1 to n, or slurm, but got '{text}'")
    return int(match[1]) - 1, int(match[2])


def _parser() -> Parser:
    parser = Parser("batch", _DESCRIPTION, _help())
    add = parser.add_argument
    add("plan", metavar="PLAN.toml", help="see below")
    add("--out", metavar="DIR", required=True, help="folder of the chunks and the master file")
    add("--shard", metavar="i/n", help="draw every n-th chunk, for one of n jobs; slurm: as SLURM numbers them")
    add("--dask", metavar="ADDRESS", help="of a scheduler of dask, or local for one on this machine")
    add("--workers", type=count, metavar="N", help="of --dask local (cores)")
    add("--shots", metavar="N,N", help="these shots alone, into the file --out")
    add("--no-verify", action="store_true", help="trust chunks by their sizes, without reading them")
    add(
        "--check",
        action="store_true",
        help="whether the plan can be drawn, how large it is, how long it takes; write nothing",
    )
    add("--device", metavar="NAME", help="cpu or gpu (what JAX finds)")
    add("--quiet", action="store_true", help="warnings and errors alone")
    return parser
