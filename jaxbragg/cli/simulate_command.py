"""`jaxbragg simulate`: flags in, images out."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned


def run(scanned: Scanned) -> int:
    """Draw an image and write what was asked for.

    Raises:
        UsageError: If the flags do not describe an experiment.
        FileError: If a file cannot be read or written.
    """
    import jax

    from jaxbragg.cli.cost import cost_of, in_short_blocks, may_start, measured
    from jaxbragg.cli.outputs import check_outputs, statistics, wanted_outputs, write_outputs
    from jaxbragg.cli.read import plausible, read_setup
    from jaxbragg.cli.report import describe, describe_result, pixel_lines
    from jaxbragg.simulate import simulate

    say = _nothing if "quiet" in scanned else print
    wanted = wanted_outputs(scanned)
    check_outputs(wanted, scanned)
    with device(scanned):
        _check_devices(scanned.whole("devices"))
        setup = read_setup(scanned)
        for line in setup.notes.said:
            say(f"note: {line}")
        for line in setup.notes.doubts if "quiet" in scanned else setup.notes.warnings:
            print(f"warning: {line}", file=sys.stderr)
        with plausible():
            for line in describe(setup):
                say(line)
        if printed := scanned.numbers("printout_pixel"):
            _check_pixel(printed, setup.experiment.detector.shape)
        experiment = jax.device_get(setup.experiment)  # of numpy: less to compile
        cost = cost_of(experiment, setup.options)
        options = in_short_blocks(experiment, setup.options, cost)
        if sys.stdout is not None:
            sys.stdout.flush()  # so that there is something to read while the rate is measured
        cost = measured(experiment, options, cost)
        say(f"  {'cost':<12}{cost}")
        if not may_start(cost):
            print("jaxbragg: not simulated; nothing is written", file=sys.stderr)
            return 1
        with _progress(scanned, at_once=cost.seconds > 5) as progress:
            image = np.asarray(simulate(experiment, options, progress=progress))
    if not np.isfinite(image).all():
        raise UsageError("the image holds numbers that float32 cannot: check -fluence or -flux, and the geometry")
    stats = statistics(image, setup)
    if stats.largest == 0:
        print("warning: no photons at all: check structure factors, -dmin, -roi and -mask", file=sys.stderr)
    for line in describe_result(stats, setup):
        say(line)
    if "printout" in scanned or "printout_pixel" in scanned:
        for line in pixel_lines(image, setup):
            print(line)
    for line in write_outputs(wanted, image, setup, stats):
        say(f"wrote {line}")
    return 0


def _nothing(line: str) -> None:
    del line


def _check_pixel(pixel: tuple[float, ...], shape: tuple[int, int, int]) -> None:
    fast, slow = (int(v) for v in pixel)
    if fast >= shape[2] or slow >= shape[1] or fast < 0 or slow < 0:
        raise UsageError(f"-printout_pixel {fast} {slow} is not on the detector of {shape[2]} × {shape[1]} pixels")


@contextmanager
def device(scanned: Scanned) -> Iterator[None]:
    """The device that `--device` names, for what is inside."""
    import jax

    name = scanned.text("device")
    if name is None:
        yield
        return
    try:
        device = jax.devices(name)[0]
    except RuntimeError:
        known = ", ".join(sorted({d.platform for d in jax.devices()}))
        raise UsageError(f"--device {name}: JAX finds no such device here, only {known}") from None
    with jax.default_device(device):
        yield


def _check_devices(count: int | None) -> None:
    """Before any file is read: raise a UsageError if there are fewer devices than that."""
    if count is None:
        return
    from jaxbragg.devices import usable_devices

    have = usable_devices()
    if count > len(have):
        raise UsageError(f"--devices {count}: JAX finds only {len(have)} here ({have[0].platform})")


@contextmanager
def _progress(scanned: Scanned, *, at_once: bool) -> Iterator[Callable[[float], None] | None]:
    """A bar on a terminal, unless `-noprogress` (and no `-progress` after it) or `--quiet` says otherwise.

    Args:
        scanned: Flags.
        at_once: Whether to show it before the first block is done. Otherwise it waits a second: most images are done by
            then.
    """
    silent = scanned.last("progress", "noprogress") == "noprogress" or "quiet" in scanned
    if silent or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    layout, delay = "{l_bar}{bar}| {elapsed}<{remaining}", 0.0 if at_once else 1.0
    with tqdm(total=100, unit="%", bar_format=layout, delay=delay, leave=False) as bar:

        def advance(share: float) -> None:
            bar.update(round(100 * share) - bar.n)

        yield advance
