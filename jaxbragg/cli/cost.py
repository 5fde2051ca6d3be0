"""What an image costs: its steps, about how long they take, blocks short enough to watch, and whether to start."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxbragg.models import Experiment
    from jaxbragg.options import Options

# Nanoseconds for a step on one core of a recent x86 CPU (README: two cores in parallel take half of it), by whether
# structure factors are interpolated and whether float64 is asked for.
_NANOSECONDS = {(False, False): 5.0, (False, True): 150.0, (True, False): 400.0, (True, True): 600.0}
_MEASURED_FROM = 60.0  # [s] A shorter run is over before a measurement would have told more.
_SAMPLE = 0.5  # [s] What the measurement is to take, beside its compilation.
ASKED_FROM = 3600.0
"""[s] Longer runs are asked back for on a terminal."""
_BLOCK = 5.0  # [s] A bar that moves less often looks stuck.
_PASS = 20e-6  # [s] One pass of a block over its pixels: with much less, the loop around it costs more than the pass.
_TILE = 4


@dataclass(frozen=True)
class Cost:
    """The work of one image.

    Attributes:
        pixels: That are simulated, of all panels.
        per_pixel: Steps in each: sub-pixels × layers × sources × orientations.
        nanoseconds: For a step, estimated.
    """

    pixels: int
    per_pixel: int
    nanoseconds: float

    @property
    def steps(self) -> int:
        """Pixels × sub-pixels × layers × sources × orientations."""
        return self.pixels * self.per_pixel

    @property
    def seconds(self) -> float:
        """Estimated duration, without compilation."""
        return self.steps * self.nanoseconds * 1e-9

    def __str__(self) -> str:
        """Steps and duration, for the log."""
        return f"{self.steps:.3g} steps, {duration(self.seconds)}"


def cost_of(experiment: Experiment, options: Options, cores: int | None = None) -> Cost:
    """The cost by counting, with the rate of a CPU of so many cores (those of this machine)."""
    panels, slow, fast = experiment.detector.shape
    left, right, top, bottom = options.roi or (0, fast - 1, 0, slow - 1)
    from jaxbragg.models import components
    from jaxbragg.pipeline.sampled import steps_per_pixel

    several = components(experiment, options.places)
    per_pixel = steps_per_pixel(several[0], options) * len(several)
    pixels = panels * (right - left + 1) * (bottom - top + 1)
    return Cost(pixels, per_pixel, _rate(options) / (cores or os.cpu_count() or 1))


def in_short_blocks(experiment: Experiment, options: Options, cost: Cost) -> Options:
    """The options, with blocks that take a few seconds each where the usual ones take longer.

    Depends on what is asked for alone, not on who is watching: the image changes by up to 1e-6 with the block size.
    """
    one_core = _rate(options) * 1e-9
    wanted = max(_TILE**2, int(max(_PASS / one_core, _BLOCK / (one_core * cost.per_pixel))))
    return options if wanted >= _block(experiment, options) else replace(options, block_pixels=wanted)


def measured(experiment: Experiment, options: Options, cost: Cost) -> Cost:
    """The cost with a rate measured in the middle of the image, where the count says that it takes long.

    A guess by the CPU's rate may be a hundred times off on a GPU, or where skipping leaves most of the work out.
    """
    if cost.seconds < _MEASURED_FROM:
        return cost
    from jaxbragg.simulate import simulate

    block, others = _block(experiment, options), cost.per_pixel // options.oversample**2
    for _ in range(2):
        steps = _SAMPLE / (cost.nanoseconds * 1e-9)
        oversample = min(options.oversample, max(1, int((steps / (others * block)) ** 0.5)))
        per_pixel = oversample**2 * others
        roi = _middle(experiment.detector.shape, options, steps / per_pixel)
        some = replace(options, roi=roi, oversample=oversample)
        simulate(experiment, some).block_until_ready()  # compiles
        start = time.perf_counter()
        simulate(experiment, some).block_until_ready()
        seconds = time.perf_counter() - start
        pixels = experiment.detector.shape[0] * (roi[1] - roi[0] + 1) * (roi[3] - roi[2] + 1)
        cost = replace(cost, nanoseconds=1e9 * seconds / (pixels * per_pixel))
        if seconds > 0.2 * _SAMPLE:
            break  # long enough for the start of a launch not to count
    return cost


def _rate(options: Options) -> float:
    return _NANOSECONDS[options.interpolation == "tricubic", options.precision == "float64"]


def _block(experiment: Experiment, options: Options) -> int:
    """Pixels in a block."""
    from jaxbragg.pipeline.settings import make_settings

    plan = make_settings(experiment, options, warns=False).plan
    return plan.tiles_per_block * plan.pixels_per_tile


def _middle(shape: tuple[int, int, int], options: Options, pixels: float) -> tuple[int, int, int, int]:
    """A square region of about so many pixels, in whole tiles, in the middle of what is simulated."""
    panels, slow, fast = shape
    region = options.roi or (0, fast - 1, 0, slow - 1)
    side = max(_TILE, int((pixels / panels) ** 0.5) // _TILE * _TILE)
    edges = []
    for first, last in (region[:2], region[2:]):
        start = max(first, ((first + last + 1 - side) // 2) // _TILE * _TILE)
        edges += [start, min(last, start + side - 1)]
    return tuple(edges)  # type: ignore[return-value]


def may_start(cost: Cost) -> bool:
    """Whether to go on: asks for longer than an hour where somebody is there to answer."""
    if cost.seconds < ASKED_FROM or not all(_is_terminal(stream) for stream in (sys.stdin, sys.stderr)):
        return True
    print(f"This image takes {cost}. Simulate it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _is_terminal(stream) -> bool:
    return stream is not None and stream.isatty()


def duration(seconds: float) -> str:
    """A duration to two digits: "less than a second", "about 13 days"."""
    if seconds < 1:
        return "less than a second"
    units = (("years", 365.25 * 86400), ("days", 86400), ("h", 3600), ("min", 60), ("s", 1))
    name, unit = next((name, unit) for name, unit in units if seconds >= 2 * unit or unit == 1)
    count = seconds / unit
    return f"about {count:.0f} {name}" if 10 <= count < 1e6 else f"about {count:.2g} {name}"
