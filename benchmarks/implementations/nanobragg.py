"""nanoBragg.c: the binary is run on the case's files, and its float image is compared with jaxbragg's.

Its time is that of the whole process, reading the structure factors included, warm: after a run that is thrown away.
Its mosaic domains are random, but its generator is known: the experiment that its image is compared with comes from the
very flags that it was run with, domains and all, drawn with `--compat` in float64.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.cases import Case
from benchmarks.commands import timed_process
from benchmarks.experiments import flags_of
from benchmarks.harness import Measured
from benchmarks.implementations.base import Implementation, Region
from benchmarks.peak import cores
from jaxbragg.io.raw import read_float_image
from jaxbragg.models import Experiment
from jaxbragg.options import Options
from jaxbragg.simulate import simulate

ReadExperiment = Callable[[Sequence[str]], tuple[Experiment, Options]]


class NanoBragg(Implementation):
    """The C program, as a process."""

    name = "nanobragg"

    def __init__(self, path: str | None, read_experiment: ReadExperiment | None) -> None:
        """Keep what is needed to run it.

        Args:
            path: Of the binary, or None if there is none.
            read_experiment: From its flags to an experiment; without it there is no error beside the time.
        """
        self.path, self.read_experiment = path, read_experiment

    def refusal(self, case: Case, mode: str) -> str | None:
        """See `Implementation.refusal`."""
        if self.path is None:
            return "no --nanobragg PATH"
        if mode != "forward":
            return "nanoBragg has no derivatives"
        try:
            with tempfile.TemporaryDirectory() as folder:
                flags_of(replace(case, table=False), Path(folder))
        except ValueError as error:
            return str(error)
        return None

    def measure(self, case: Case, mode: str, repeats: int) -> Measured:
        """See `Implementation.measure`."""
        del mode
        assert self.path is not None
        threads = os.environ.get("OMP_NUM_THREADS") or str(cores())
        environment = {**os.environ, "OMP_NUM_THREADS": threads}
        with tempfile.TemporaryDirectory() as folder:
            image = Path(folder) / "image.bin"
            words = [self.path, *flags_of(case, Path(folder)), "-floatfile", str(image), "-nonoise", "-nopgm"]
            words += ["-intfile", str(Path(folder) / "image.img")]
            runs, most = [], 0
            for _ in range(repeats + 1):
                spent, rss = timed_process(words, environment, folder)
                runs, most = [*runs, spent], max(most, rss)
            found = read_float_image(image, case.pixels)
        return Measured(runs[1:], found, peak_rss=most, note=f"OMP_NUM_THREADS={threads}, whole process")

    def truth(self, case: Case, region: Region | None) -> Any:
        """See `Implementation.truth`."""
        if self.read_experiment is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            experiment, options = self.read_experiment(
                ["--compat", "--precision", "float64", *flags_of(case, Path(folder))]
            )
        with jax.enable_x64(True):
            return np.asarray(simulate(experiment, replace(options, roi=region)))


def find_binary(word: str) -> str | None:
    """The path of an executable that was named with or without its folder; None if there is none."""
    found = shutil.which(word)
    return None if found is None else str(Path(found).resolve())
