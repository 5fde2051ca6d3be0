"""Traces: every factor of one pixel's intensity as lines of text, as nanoBragg and its successors print them.

    TRACE_C: pix0_vector_meters -0.216475836204836 0.216343050492215 -0.230192414300537
    TRACE_C_PHI thick_tic=0 subS=0 subF=0 source=0 phi_tic=1 mos_tic=0 phi_deg=0.01 h_frac=… k_frac=… …

The C program writes TRACE_C, jaxbragg TRACE_JAX, nanobrag_torch TRACE_PY. Whatever else the program printed stands
between these lines and is passed over.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted, read_text, to_float

# What tells one step of the innermost loop from another.
TICS = ("thick_tic", "subS", "subF", "source", "phi_tic", "mos_tic")


class Dialect(NamedTuple):
    """How a program writes what the others write under `key`."""

    key: str
    factor: float  # its number times this is the number of the others


# Where a program's key does not mean what it means in the others. Programs and keys that are not here are taken as
# they stand.
DIALECTS: dict[str, dict[str, Dialect]] = {
    "PY": {
        "scattering_vec_A_inv": Dialect("scattering_vec_A_inv", 1e-10),  # says 1/Å, holds 1/m
        "I_before_scaling_pre_polar": Dialect("I_before_scaling", 1.0),
    },
}

# Keys of three numbers, so that one cut off after the second is noticed.
_TRIPLES = {
    "pix0_vector_meters",
    "fdet_vec",
    "sdet_vec",
    "pixel_pos_meters",
    "diffracted_vec",
    "incident_vec",
    "scattering_vec_A_inv",
    "rot_a_angstroms",
    "rot_b_angstroms",
    "rot_c_angstroms",
    "hkl_frac",
    "hkl_rounded",
}
_SCALARS = {
    "R_distance_meters",
    "omega_pixel_sr",
    "close_distance_meters",
    "obliquity_factor",
    "lambda_meters",
    "F_latt",
    "F_cell",
    "I_before_scaling",
    "r_e_sqr",
    "fluence_photons_per_m2",
    "steps",
    "capture_fraction",
    "polar",
    "omega_pixel",
    "cos_2theta",
    "I_pixel_final",
}
_LAST = "I_pixel_final"
_LINE = re.compile(r"\s*TRACE_([A-Z0-9]+)(_PHI(?=\s|$)|:)(.*)")
# %.15g and repr write two digits of the exponent at least: 1e-0 is what is left of 1e-07.
_CUT_EXPONENT = re.compile(r"[eE]([+-]\d?)?$")


@dataclasses.dataclass(frozen=True)
class Trace:
    """Every factor of one pixel, as a program printed them, in the units that the keys name.

    Attributes:
        program: What stands after `TRACE_`: "C", "JAX", "PY".
        factors: Numbers by key, in the order of the file.
        steps: One for each step of the innermost loop, the numbers by key, in the order of the file.
        path: The file.
        pixel: Slow and fast index of the pixel, where the file says it.
        labels: What the file says in words: `TRACE_JAX: device cpu`.
    """

    program: str
    factors: dict[str, tuple[float, ...]]
    steps: tuple[dict[str, float], ...]
    path: str
    pixel: tuple[int, int] | None = None
    labels: dict[str, str] = dataclasses.field(default_factory=dict)


def read_traces(path: str | os.PathLike[str]) -> list[Trace]:
    """Reads the traces in a file, one for each pixel and program.

    A new trace begins where a key comes again, and at a line `TRACE_JAX: pixel SLOW FAST`.

    Args:
        path: Text file; the output of a program as it was printed will do.

    Returns:
        The traces, at least one, in the order in which they begin. Dialects are translated: see `DIALECTS`.

    Raises:
        FileError: The file cannot be read, holds no trace, or a line of a trace is cut off or broken.
    """
    text = read_text(path)
    lines = text.split("\n")
    traces: list[_Open] = []
    current: dict[str, _Open] = {}
    for number, program, kind, rest in _trace_lines(lines):
        unfinished = number == len(lines)  # no newline after it: a number may have lost its last digits or exponent
        trace = current.get(program)
        if kind == "_PHI":
            step = _step(path, rest, number, unfinished)
            if trace is None or trace.is_done_before(step):
                trace = current[program] = _Open(program, trace)
                traces.append(trace)
            if unfinished:
                raise _cut_off(path, number)
            trace.add_step(step)
            continue
        key, words = _key_and_words(path, rest, number, unfinished)
        values = _values(path, key, words, number, unfinished)
        if unfinished:
            raise _cut_off(path, number)
        if trace is None or key in trace.seen or (key == "pixel" and (trace.factors or trace.steps)):
            trace = current[program] = _Open(program, trace)
            traces.append(trace)
        trace.add(path, key, words, values, number)
    if not traces:
        raise FileError(path, "expected lines that begin with TRACE_C:, TRACE_JAX: or TRACE_PY:, but found none")
    return [trace.closed(path) for trace in traces]


class _Open:
    """A trace while its lines come in."""

    def __init__(self, program: str, before: _Open | None) -> None:
        self.program = program
        self.seen: set[str] = set()  # keys as written
        self.factors: dict[str, tuple[float, ...]] = {}
        self.labels: dict[str, str] = {} if before is None else dict(before.labels)  # said once, true of all
        self.steps: list[dict[str, float]] = []
        self.tics: set[tuple[float | None, ...]] = set()
        self.pixel: tuple[int, int] | None = None

    def add(
        self,
        path: str | os.PathLike[str],
        key: str,
        words: list[str],
        values: tuple[float, ...] | None,
        number: int,
    ) -> None:
        self.seen.add(key)
        if key == "pixel":
            if values is None or len(values) != 2 or not all(v.is_integer() for v in values):
                raise FileError(path, f"expected the slow and fast index of a pixel, but found {quoted(words)}", number)
            self.pixel = (int(values[0]), int(values[1]))
        elif values is None:
            self.labels[key] = " ".join(words)
        else:
            dialect = DIALECTS.get(self.program, {}).get(key, Dialect(key, 1.0))
            self.factors[dialect.key] = tuple(value * dialect.factor for value in values)

    def add_step(self, step: dict[str, float]) -> None:
        self.steps.append(step)
        self.tics.add(_tics(step))

    def is_done_before(self, step: dict[str, float]) -> bool:
        """Whether the step is another pixel's: its tics came already, and so did the pixel's final intensity."""
        return _LAST in self.seen and _tics(step) in self.tics

    def closed(self, path: str | os.PathLike[str]) -> Trace:
        return Trace(self.program, self.factors, tuple(self.steps), os.fspath(path), self.pixel, self.labels)


def _tics(step: dict[str, float]) -> tuple[float | None, ...]:
    return tuple(step.get(tic) for tic in TICS)


def _trace_lines(lines: list[str]) -> Iterator[tuple[int, str, str, str]]:
    for number, line in enumerate(lines, start=1):
        if match := _LINE.match(line):
            yield number, match[1], match[2], match[3]


def _cut_off(path: str | os.PathLike[str], number: int) -> FileError:
    return FileError(path, f"the file is cut off in line {number}")


def _step(path: str | os.PathLike[str], rest: str, number: int, unfinished: bool) -> dict[str, float]:
    words = rest.removeprefix(":").split()
    step: dict[str, float] = {}
    for position, word in enumerate(words):
        key, equals, text = word.partition("=")
        last = unfinished and position == len(words) - 1
        value = to_float(text)
        if last and (value is None or _CUT_EXPONENT.search(text)):
            raise _cut_off(path, number)
        if not (key and equals) or value is None:
            raise FileError(path, f"expected key=number, but found {quoted(word)}", number)
        step[key] = value
    if not step:
        if unfinished:
            raise _cut_off(path, number)
        raise FileError(path, "expected key=number after TRACE_…_PHI, but found nothing", number)
    return step


def _key_and_words(path: str | os.PathLike[str], rest: str, number: int, unfinished: bool) -> tuple[str, list[str]]:
    words = rest.split()
    if words and "=" in words[0][1:]:  # nanobrag_torch's scripts also write TRACE_PY:key=value
        words = [word for word in words[0].split("=", 1) if word] + words[1:]
    if len(words) < 2:
        if unfinished:
            raise _cut_off(path, number)
        raise FileError(path, f"expected a key and its value, but found {quoted(words)}", number)
    return words[0], words[1:]


def _values(
    path: str | os.PathLike[str], key: str, words: list[str], number: int, unfinished: bool
) -> tuple[float, ...] | None:
    """The numbers of a line; None where it holds words, which only a key that is no known factor may."""
    values = [to_float(word) for word in words]
    numbers = tuple(value for value in values if value is not None)
    count = 3 if key in _TRIPLES else 1 if key in _SCALARS else None
    cut = len(numbers) < len(words) or (count or 0) > len(words) or _CUT_EXPONENT.search(words[-1])
    if unfinished and cut and (count or numbers):
        raise _cut_off(path, number)
    if count is None:
        return numbers if len(numbers) == len(words) else None
    if len(numbers) < len(words) or len(words) != count:
        wanted = "three numbers" if count == 3 else "one number"
        raise FileError(path, f"expected {wanted} after {key}, but found {quoted(words)}", number)
    return numbers
