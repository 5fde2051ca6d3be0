"""From a measurement to its record: the error beside the time, and the share of the machine."""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax

from benchmarks.cases import Case
from benchmarks.commands import Command, run_command
from benchmarks.experiments import experiment_of, truth_region
from benchmarks.harness import Measured
from benchmarks.implementations import own
from benchmarks.implementations.base import Implementation, Region
from benchmarks.implementations.stills import stills_error
from benchmarks.peak import Peak
from benchmarks.programs import PARAMETERS, error
from benchmarks.record import Record
from jaxbragg.cli.timing import peak_device_memory, peak_memory, spread

# A truth takes no longer than some 20 s of two cores in float64; a larger image is compared with a region of it.
_TRUTH_STEPS = {"cpu": 4e8, "accelerator": 4e10}
_TRUTH_COST = {"reverse": 6, "jacobian": PARAMETERS + 1}  # steps of a truth for each step of the image, about


class Truths:
    """What images are compared with, simulated when they are first asked for; the last alone is kept."""

    def __init__(self) -> None:
        self._key: Any = None
        self._value: Any = None

    def of(self, case: Case, mode: str) -> tuple[Any, Region | None]:
        """The truth, and the region that it is true of; (None, None) where there is none to be had."""
        region = region_of(case, mode)
        if case.shape == "tophat" or (region is not None and mode in _TRUTH_COST):
            return None, None  # a tophat's edge is all or nothing: its error says nothing of the arithmetic
        mode = "forward" if mode == "call" else mode
        if self._key != (case, mode):
            self._key, self._value = (case, mode), None
            self._value = own.truth(case, mode, region)
        return self._value, region


def region_of(case: Case, mode: str) -> Region | None:
    """Where the truth is drawn."""
    most = _TRUTH_STEPS["cpu" if jax.default_backend() == "cpu" else "accelerator"]
    return truth_region(case, most / _TRUTH_COST.get(mode, 1))


def measure(
    case: Case, mode: str, implementation: Implementation, repeats: int, peak: Peak | None, truths: Truths
) -> Record:
    """Time one implementation on one case, then hold it against the truth.

    Raises:
        RuntimeError: If a program of its own fails.
    """
    measured = implementation.measure(case, mode, repeats)
    record = make_record(case, mode, implementation.name, measured, peak)
    return replace(record, error=_error(case, mode, implementation, measured, truths))


def measure_alone(case: Case, mode: str, implementation: Implementation, repeats: int, peak: Peak | None) -> Record:
    """The same in a process of which nothing else is asked: its peak memory is that of the image."""
    jax.block_until_ready(jax.jit(lambda e: e.beam.rays())(experiment_of(case)))  # JAX itself, its threads and all
    before = peak_memory()
    measured = replace(implementation.measure(case, mode, repeats), peak_rss=peak_memory())
    record = make_record(case, mode, implementation.name, measured, peak)
    device = peak_device_memory()
    wrong = _error(case, mode, implementation, measured, Truths())
    return replace(record, rss_before=before, peak_device=device, error=wrong)


def make_record(case: Case, mode: str, implementation: str, measured: Measured, peak: Peak | None) -> Record:
    """A record without its error."""
    slots, steps = measured.slots, case.steps
    return Record(
        case=case.name,
        group=case.group,
        about=case.about,
        mode=mode,
        implementation=implementation,
        steps=steps,
        pixels=case.image_pixels * case.stills,
        run_s=spread(measured.runs),
        ns_per_step=measured.run_s / steps * 1e9,
        lower_s=measured.lower_s,
        compile_s=measured.compile_s,
        temp_bytes=measured.temp_bytes,
        peak_rss=measured.peak_rss,
        slots_per_step=None
        if slots is None
        else {name: getattr(slots, name) / steps for name in ("single", "double", "lookups")},
        share_of_peak=None if slots is None or peak is None else peak.share(slots, measured.run_s),
        note=measured.note,
    )


def measure_command(command: Command, repeats: int) -> Record:
    """Time a whole process.

    Raises:
        RuntimeError: If it fails.
    """
    seconds, rss = run_command(command, repeats)
    run = spread(seconds)
    return Record(
        case=command.name,
        group=command.group,
        about=command.about,
        mode="command",
        implementation="jaxbragg",
        steps=command.steps,
        pixels=command.steps // 10,
        run_s=run,
        ns_per_step=run["median"] / command.steps * 1e9 if command.steps else None,
        peak_rss=rss,
    )


def _error(case: Case, mode: str, implementation: Implementation, measured: Measured, truths: Truths) -> float | None:
    if measured.output is None:
        return None
    if case.stills > 1:
        return stills_error(case, measured.output)
    region = region_of(case, mode)
    truth = implementation.truth(case, region)
    if truth is None:
        truth, region = truths.of(case, mode)
    if truth is None:
        return None
    leaves = eqx.filter(experiment_of(case), eqx.is_inexact_array) if mode == "reverse" else None
    return error(mode, measured.output, truth, region, leaves)
