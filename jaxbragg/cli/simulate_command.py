"""`jaxbragg simulate`: flags in, images out."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned
from jaxbragg.cli.streams import Log, complain


def run(scanned: Scanned) -> int:
    """Simulate an image and write what was asked for.

    Returns:
        Exit status: 0, or 1 where the image was not wanted after all, or the log could not be printed.

    Raises:
        UsageError: If the flags do not describe an experiment.
        FileError: If a file cannot be read or written.
    """
    from jaxbragg.cli.outputs import check_outputs, check_panels, statistics, wanted_outputs, write_outputs
    from jaxbragg.cli.report import describe_result, pixel_lines

    log = Log()
    say = _nothing if "quiet" in scanned else log
    wanted, count = wanted_outputs(scanned), scanned.whole("images") or 1
    output = check_outputs(wanted, scanned)
    # What overflows is infinite in the image, which is looked at below, or clamped in a file of integers.
    with np.errstate(all="ignore"):
        with device(scanned):
            setup, options, image = _simulated(scanned, log, say, output, partial(check_panels, wanted, output))
        left = (0,) if output is None else output.left
        if image is None and left:
            complain("jaxbragg: not simulated; nothing is written")
            return 1
        stats = None
        if image is not None:
            _check_numbers(image)
            stats = statistics(image, setup)
            if stats.largest == 0:
                complain("warning: no photons at all: check structure factors, -dmin, -roi and -mask")
            for line in describe_result(stats, setup):
                say(line)
            if "printout" in scanned or "printout_pixel" in scanned:
                for line in pixel_lines(image, setup):
                    log(line)
        for line in write_outputs(wanted, image, setup, stats, output, _further(setup, options, count, left[1:])):
            say(f"wrote {line}")
    log.flush()
    return 0 if log.failure is None else _of_the_log(log.failure)


def _further(setup: Any, options: Any, count: int, left: tuple[int, ...]) -> Iterator[np.ndarray]:
    """The images of a series of these numbers, each where the one before it ends.

    What is compiled serves all of them.
    """
    if not left:
        return
    import jax
    from tqdm import tqdm

    from jaxbragg.cli.readings import of_photons
    from jaxbragg.simulate import simulate

    quiet = _is_silent(setup.scanned)
    experiment = jax.device_get(of_photons(setup.experiment))
    with device(setup.scanned):
        for i in tqdm(left, initial=count - len(left), total=count, unit="image", leave=False, disable=quiet):
            image = np.asarray(simulate(_turned(experiment, setup, i), options))
            _check_numbers(image)
            yield image


def _turned(experiment: Any, setup: Any, number: int) -> Any:
    """The experiment of an image of a series."""
    from jaxbragg.models.readable import with_fields

    scan = with_fields(experiment.scan, angles=experiment.scan.angles + number * setup.spindle.span)
    crystal, *lattices = (_after(each, number) for each in experiment.crystals)
    return with_fields(experiment, scan=scan, crystal=crystal, lattices=tuple(lattices))


def _after(crystal: Any, number: int) -> Any:
    """The crystal of an image of a series: the dose, half of it by the first one's middle, is that of each image."""
    from jaxbragg.models.readable import with_fields

    if crystal.damage is None:
        return crystal
    damage = with_fields(crystal.damage, dose=crystal.damage.dose * (2 * number + 1))
    return with_fields(crystal, damage=damage)


def _simulated(
    scanned: Scanned, log: Log, say: Callable[[str], None], output: Any, check: Callable[[Any], None]
) -> tuple[Any, Any, np.ndarray | None]:
    """The set-up, its options and its first image that is not there yet, all that is known before being said.

    There is no image where all are there, or where it was not wanted after all.
    """
    import jax

    from jaxbragg.cli.cost import cost_of, in_short_blocks, may_start, measured
    from jaxbragg.cli.read import plausible, read_setup
    from jaxbragg.cli.readings import of_photons
    from jaxbragg.cli.report import describe
    from jaxbragg.pipeline.settings import make_settings
    from jaxbragg.pipeline.spots.closed_form import by_spots
    from jaxbragg.simulate import simulate

    _check_devices(scanned.whole("devices"))
    setup = read_setup(scanned)
    check(setup)
    for line in setup.notes.said:
        say(f"note: {line}")
    for line in setup.notes.doubts if "quiet" in scanned else setup.notes.warnings:
        complain(f"warning: {line}")
    with plausible():
        described = list(describe(setup))
    for line in described:
        say(line)
    if printed := scanned.numbers("printout_pixel"):
        _check_pixel(printed, setup.experiment.detector.shape)
    left = (0,) if output is None else output.left
    if not left:
        return setup, setup.options, None
    experiment = jax.device_get(of_photons(setup.experiment))  # of numpy: less to compile
    if output is not None and left[0]:
        say(f"image {left[0] + 1} of {output.count} is the first that is not there")
        experiment = _turned(experiment, setup, left[0])
    settings = make_settings(experiment, setup.options, warns=False)
    with plausible():
        spots = by_spots(experiment, settings)
    if spots:
        log.flush()
        return setup, setup.options, np.asarray(simulate(experiment, setup.options))
    cost = cost_of(experiment, setup.options)
    options = in_short_blocks(experiment, setup.options, cost)
    log.flush()  # so that there is something to read while the rate is measured
    cost = measured(experiment, options, cost)
    cost = replace(cost, pixels=cost.pixels * len(left))
    say(f"  {'cost':<12}{cost}")
    if not may_start(cost):
        return setup, options, None
    log.flush()
    with _progress(scanned, at_once=cost.seconds > 5) as progress:
        return setup, options, np.asarray(simulate(experiment, options, progress=progress))


def _of_the_log(failure: OSError) -> int:
    """The exit status where stdout took no more; the images are there."""
    if not isinstance(failure, BrokenPipeError):  # its reader has had enough, and knows
        from jaxbragg.io.errors import reason_of

        complain(f"jaxbragg: stdout: {reason_of(failure)}; the log is not complete, the images are")
    return 1


def _check_numbers(image: np.ndarray) -> None:
    """Says how many pixels are infinite; an image with what is no number is refused."""
    check = "check -fluence or -flux, structure factors, and geometry"
    wrong, full = int(np.isnan(image).sum()), int(np.isinf(image).sum())
    if wrong:
        raise UsageError(f"{wrong} of {image.size} pixels are no numbers (NaN): {check}")
    if full:
        complain(
            f"warning: {full} of {image.size} pixels hold more photons than float32 can, and are infinite: {check}"
        )


def _nothing(line: str) -> None:
    del line


def _check_pixel(pixel: tuple[float, ...], shape: tuple[int, int, int]) -> None:
    fast, slow = (int(v) for v in pixel)
    if fast >= shape[2] or slow >= shape[1] or fast < 0 or slow < 0:
        raise UsageError(f"-printout_pixel {fast} {slow} is not on the detector of {shape[2]} × {shape[1]} pixels")


@contextmanager
def device(scanned: Scanned) -> Iterator[None]:
    """The device that `--device` names, for what is inside.

    Raises:
        UsageError: If JAX does not find it, or none at all.
    """
    import jax

    name = scanned.text("device")
    try:
        known = ", ".join(sorted({found.platform for found in jax.devices()}))
    except (RuntimeError, AssertionError) as error:  # the latter where JAX was built without the platform
        platforms = os.environ.get("JAX_PLATFORMS", "")
        said = str(error).split(" (")[0].rstrip(".") or "JAX finds no such device here"
        raise UsageError(f"JAX_PLATFORMS={platforms}: {said}; --device cpu computes on the CPU") from None
    if name is None:
        yield
        return
    try:
        chosen = jax.devices(name)[0]
    except (RuntimeError, AssertionError):
        raise UsageError(f"--device {name}: JAX finds no such device here, only {known}") from None
    with jax.default_device(chosen):
        yield


def _check_devices(count: int | None) -> None:
    """Before any file is read: raise a UsageError if there are fewer devices than that."""
    if count is None:
        return
    from jaxbragg.pipeline.devices import usable_devices

    have = usable_devices()
    if count > len(have):
        raise UsageError(f"--devices {count}: JAX finds only {len(have)} here ({have[0].platform})")


def _is_silent(scanned: Scanned) -> bool:
    """Whether there is to be no progress bar: as the flags say, or as nobody looks."""
    silent = scanned.last("progress", "noprogress") == "noprogress" or "quiet" in scanned
    return silent or sys.stderr is None or not sys.stderr.isatty()


@contextmanager
def _progress(scanned: Scanned, *, at_once: bool) -> Iterator[Callable[[float], None] | None]:
    """A bar on a terminal, unless `-noprogress` (and no `-progress` after it) or `--quiet` says otherwise.

    Args:
        scanned: Flags.
        at_once: Whether to show it before the first block is done. Otherwise it waits a second: most images are done by
            then.
    """
    if _is_silent(scanned):
        yield None
        return
    from tqdm import tqdm

    layout, delay = "{l_bar}{bar}| {elapsed}<{remaining}", 0.0 if at_once else 1.0
    with tqdm(total=100, unit="%", bar_format=layout, delay=delay, leave=False) as bar:

        def advance(share: float) -> None:
            bar.update(round(100 * share) - bar.n)

        yield advance
