"""Whole commands from a cold process: what a person at a terminal waits for."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from benchmarks.inputs import write_lysozyme

_PROGRAM = "import sys; from jaxbragg.cli import main; sys.exit(main())"
# What would choose another cache than the command's own.
_JAX_CACHE = ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE")


@dataclass(frozen=True)
class Command:
    """A command line, started anew for each measurement.

    Attributes:
        name, group, about: As those of a `Case`.
        words: After `jaxbragg`; `{hkl}`, `{mat}` and `{out}` stand for files that are made for it.
        cache: "off" or "warm": whether it may find an earlier process's compilations, in a folder of its own.
        steps: Pixels × φ steps; 0 where nothing is drawn.
    """

    name: str
    group: str
    about: str
    words: tuple[str, ...]
    cache: str = "off"
    steps: int = 0

    def shrunk(self) -> "Command":
        """The same on few pixels."""
        if not self.steps:
            return self
        small = [*self.words, "-detpixels_f", "64", "-detpixels_s", "48"]
        return replace(self, words=tuple(small), steps=64 * 48 * 10)


# The command that this project grew out of, with a made-up crystal of the same cell.
_FLAGS = """-hkl {hkl} -mat {mat} -lambda 0.9768 -Na 36 -Nb 47 -Nc 29 -distance 231.27 -pixel 0.172
-detpixels_f 2463 -detpixels_s 2527 -oversample 1 -phi 0.05 -osc 0.1 -phisteps 10 -fluence 1e26
-floatfile {out} -nonoise -nopgm"""
_LYSOZYME = tuple(_FLAGS.split())
COMMANDS = (
    Command("help", "start-up", "jaxbragg --help", ("--help",)),
    Command("lysozyme-cold", "start-up", "Pilatus 6M, 10 φ steps; compiles", _LYSOZYME, "off", 2463 * 2527 * 10),
    Command("lysozyme-warm", "start-up", "the same; compilations found", _LYSOZYME, "warm", 2463 * 2527 * 10),
)


class CommandRun(NamedTuple):
    """Seconds of each run, and the most memory that one of them held [bytes]."""

    seconds: list[float]
    peak_rss: int


def run_command(command: Command, repeats: int) -> CommandRun:
    """Start a command several times; with a warm cache once more before, to fill it.

    Raises:
        RuntimeError: If the command fails; the message is its last line.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = {"hkl": f"{folder}/made.hkl", "mat": f"{folder}/made.mat", "out": f"{folder}/image.bin"}
        if command.steps:
            write_lysozyme(files["hkl"], files["mat"])
        words = [word.format(**files) for word in command.words]
        environment = {name: value for name, value in child_environment().items() if name not in _JAX_CACHE}
        environment["JAXBRAGG_CACHE"] = "off" if command.cache == "off" else f"{folder}/cache"
        seconds, most = [], 0
        for number in range(repeats + (command.cache == "warm")):
            spent, rss = timed_process([sys.executable, "-c", _PROGRAM, *words], environment)
            most = max(most, rss)
            if number or command.cache != "warm":
                seconds.append(spent)
    return CommandRun(seconds, most)


# The system counts what a process held before it became another program as that program's: measured from this process,
# `--help` would seem to need as much as JAX. So a small process starts it and reports on it.
_STARTER = """
import json, os, subprocess, sys, time
begun = time.perf_counter()
process = subprocess.Popen(sys.argv[2:], stdout=sys.stderr)
_, status, usage = os.wait4(process.pid, 0)
spent = time.perf_counter() - begun
with open(sys.argv[1], "w") as file:
    json.dump([spent, usage.ru_maxrss, os.waitstatus_to_exitcode(status)], file)
"""


def timed_process(
    words: list[str], environment: Mapping[str, str] | None = None, folder: str | None = None
) -> tuple[float, int]:
    """Seconds that a process takes, and the most memory that it held [bytes].

    Raises:
        RuntimeError: If it fails; the message is its last line.
    """
    with tempfile.TemporaryDirectory() as reports:
        report = Path(reports) / "report.json"
        starter = [sys.executable, "-S", "-c", _STARTER, str(report), *words]
        done = subprocess.run(starter, stderr=subprocess.PIPE, env=environment, cwd=folder, check=False)
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        if not report.exists():
            raise RuntimeError(f"{Path(words[0]).name} could not be started: {lines[-1]}")
        spent, most, status = json.loads(report.read_text(encoding="utf-8"))
    if status:
        raise RuntimeError(f"{Path(words[0]).name} left with status {status}: {lines[-1]}")
    return spent, most * (1 if sys.platform == "darwin" else 1024)


def child_environment() -> dict[str, str]:
    """This process's environment, with every folder from which it imports: nothing need be installed."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
