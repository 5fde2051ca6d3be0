"""`jaxbragg trace`: every factor of some pixels, without simulating the image."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned, scan
from jaxbragg.cli.streams import complain

if TYPE_CHECKING:
    from jaxbragg.cli.read import Setup

HELP = """usage: jaxbragg trace -trace_pixel SLOW FAST [SLOW FAST …] FLAGS [-o FILE] [--json]

Every factor of a pixel's intensity, one line each, and one line for each layer, sub-pixel, source, φ step and mosaic
domain. FLAGS are those of `jaxbragg simulate`; the image is not simulated. Computed in float64 unless --precision says
otherwise; the last line is the image's pixel in that precision. --compat traces what the C program does.

  -trace_pixel SLOW FAST   pixels, counted from 0; several may follow
  -o FILE                  write there instead of to the screen
  --json                   as JSON: a list with a record for each pixel

example, and what to do with it:
  jaxbragg trace -trace_pixel 40 31 -cell 40 40 55 90 90 90 -misset 10 20 30 -default_F 100 -N 8 -lambda 1 \\
      -distance 100 -detpixels 64 -pixel 0.8 -phi 0 -osc 1 -phisteps 10 -o right.log
  jaxbragg trace --compat … (as above) … -o as_c.log
  jaxbragg compare-traces right.log as_c.log --out report
"""


def run(words: Sequence[str]) -> int:
    """Trace the pixels that the command line names.

    Raises:
        UsageError: If the flags do not describe an experiment, or a pixel is not simulated.
        FileError: If a file cannot be read or written.
    """
    if any(word in ("--help", "-h", "-help") for word in words):
        print(HELP)
        return 0
    pixels, output, as_json, rest = split(words)
    scanned = scan(rest)
    if not pixels:
        raise UsageError("which pixel? -trace_pixel takes its slow and fast coordinates; see jaxbragg trace --help")
    from jaxbragg.cli.start import prepare_jax

    prepare_jax(scanned.text("device"))
    from jaxbragg.cli.file_names import check_output
    from jaxbragg.cli.outputs import check_outputs, wanted_outputs, write_table
    from jaxbragg.io import together, write_atomically

    # Of what the flags write, the table of structure factors alone is there without an image.
    dump = wanted_outputs(scanned).get("dump")
    check_outputs({} if dump is None else {"dump": dump}, scanned)
    if output is not None:
        check_output("-o", output, "JSON" if as_json else "text")
    records, setup = _trace_all(pixels, scanned)
    if as_json:
        text = json.dumps([record.to_json() for record in records], indent=1) + "\n"
    else:
        text = "".join(record.to_text() for record in records)
    with together():
        if dump is not None:
            write_table(dump, setup)
        if output is not None:
            write_atomically(output, text.encode())
    if output is None:
        sys.stdout.write(text)
    return 0


def _trace_all(pixels: list[tuple[int, int]], scanned: Scanned) -> tuple[list, Setup]:
    from jaxbragg.cli.build.sample import check_one_component
    from jaxbragg.cli.read import read_setup
    from jaxbragg.cli.simulate_command import device
    from jaxbragg.trace import trace_pixel

    if "precision" not in scanned:
        scanned.values["precision"] = "float64"
    with device(scanned):
        setup = read_setup(scanned)
        check_one_component("-trace_pixel", setup.experiment)
        quiet = "quiet" in scanned
        for line in () if quiet else setup.notes.said:
            complain(f"note: {line}")  # stdout is the trace's
        for line in setup.notes.doubts if quiet else setup.notes.warnings:
            complain(f"warning: {line}")
        if (panels := setup.experiment.detector.shape[0]) > 1:
            raise UsageError(f"the trace is of one panel, and these are {panels}: jb.trace_pixel(…, panel=…) takes one")
        phi = [setup.phi + setup.spindle.step * i for i in range(setup.spindle.count)]
        try:
            return [trace_pixel(setup.experiment, setup.options, *pixel, phi=phi) for pixel in pixels], setup
        except ValueError as error:
            raise UsageError(f"-trace_pixel: {error}") from None


def split(words: Sequence[str]) -> tuple[list[tuple[int, int]], str | None, bool, list[str]]:
    """The trace's own flags, and the rest.

    Raises:
        UsageError: If a coordinate or the file's name is missing or malformed.
    """
    pixels: list[tuple[int, int]] = []
    output, as_json, rest = None, False, []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "-trace_pixel":
            numbers = []
            while at < len(words) and words[at].isdecimal():
                numbers.append(int(words[at]))
                at += 1
            if not numbers or len(numbers) % 2:
                found = " ".join(map(str, numbers)) or (repr(words[at]) if at < len(words) else "nothing")
                raise UsageError(f"-trace_pixel takes pairs of whole numbers (slow, fast), but got {found}")
            pixels += zip(numbers[::2], numbers[1::2], strict=True)
        elif word == "-o":
            if at == len(words):
                raise UsageError("-o takes 1 value (a file to write), but the command line ends there")
            output = words[at]
            at += 1
        elif word == "--json":
            as_json = True
        else:
            rest.append(word)
    return pixels, output, as_json, rest
