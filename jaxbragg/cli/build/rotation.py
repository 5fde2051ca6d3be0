"""Flags → the rotation during an image, and whether it and what is Gaussian are in closed form."""

from dataclasses import replace

import numpy as np

from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.build.sample import goniometer_of
from jaxbragg.cli.build.sampling import Grid
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned
from jaxbragg.models import Experiment, Scan
from jaxbragg.options import Options
from jaxbragg.pipeline.sampled import samples_of
from jaxbragg.pipeline.settings import make_settings
from jaxbragg.pipeline.spots.closed_form import has_closed_form

_GAUSSIAN = ("mosaic_gauss", "cell_spread", "bandwidth", "divergence_gauss", "spectrum", "sase")


def asks_for_closed_form(scanned: Scanned) -> bool:
    """Whether flags say what gauss spots have in closed form."""
    return scanned.text("method") == "spots" or any(name in scanned for name in _GAUSSIAN)


def build_scan(scanned: Scanned, spindle: Grid, phi: float, frame_axis: np.ndarray) -> Scan:
    """The rotation: an even one where it is in closed form, else steps.

    Raises:
        UsageError: If there are steps, or it is too wide.
    """
    goniometer = goniometer_of(scanned)
    axis = frame_axis if goniometer is None else None
    closed = asks_for_closed_form(scanned) and scanned.text("method") != "samples"
    if not closed or not spindle.span:
        return Scan(phi + spindle.step * np.arange(spindle.count), axis, goniometer=goniometer)
    for name in ("phisteps", "phistep"):
        if name in scanned:
            raise UsageError(f"-{name} contradicts an image by spots, which has no steps: -osc alone")
    if not 0 < spindle.span <= 180:
        raise UsageError(
            f"-osc {spindle.span:g}: an image turns evenly by more than 0° and at most 180°: take several (--images)"
        )
    return Scan.continuous(phi, spindle.span, axis, goniometer=goniometer)


def check_method(scanned: Scanned, experiment: Experiment, options: Options, notes: Notes) -> Options:
    """Refuse spots where they have no closed form, and say where samples stand for what is Gaussian.

    Returns:
        The options, with "samples" where these are what there is.

    Raises:
        UsageError: If --method spots cannot be.
    """
    if not asks_for_closed_form(scanned):
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in _GAUSSIAN)
        if options.samples is not None:
            raise UsageError(f"--samples: nothing is sampled without one of {flags}")
        if "tolerance" in scanned:
            raise UsageError(f"--tolerance: nothing is in closed form without --method spots or one of {flags}")
        return options
    reason = has_closed_form(experiment, make_settings(experiment, options, warns=False))
    if reason and options.method == "spots":
        raise UsageError(f"--method spots: {reason}")
    if (reason or options.method == "samples") and "tolerance" in scanned:
        raise UsageError(f"--tolerance: nothing is in closed form ({reason or '--method samples'})")
    if reason or options.method == "samples":
        options = replace(options, method="samples")
        why = reason or "--method samples"
        sources, each = samples_of(experiment, options)
        count = max(sources, 1) * max(each, 1)
        notes.warn(f"nothing is in closed form ({why}): {count} samples (--samples) stand for what is Gaussian")
    elif options.samples is not None:
        raise UsageError("--samples: nothing is sampled, all is in closed form; give --method samples too")
    return options
