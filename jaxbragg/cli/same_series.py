"""Whether images that are there are those that would be made: a fingerprint of all that decides on them."""

import hashlib
import os

import numpy as np

from jaxbragg.cli.flag_table import FLAGS
from jaxbragg.cli.read import Setup
from jaxbragg.cli.scanner import Scanned
from jaxbragg.cli.streams import complain
from jaxbragg.io.recording import Recording
from jaxbragg.io.series import Series, path_of, read_series

# What makes no difference to an image in a file of its own.
_BESIDE = {"output", "images", "resume", "sidecar", "quiet", "progress", "noprogress", "device"}


def fingerprint_of(setup: Setup, recording: Recording, seed: int | None) -> str:
    """The same for the same series: of the experiment, of how it is computed, and of what is written.

    Args:
        setup: Of the first image.
        recording: All that is written but the images.
        seed: Of the counts; None for expected photons.
    """
    import jax

    digest = hashlib.sha256()
    leaves, structure = jax.tree.flatten(setup.experiment)
    for leaf in leaves:
        digest.update(np.ascontiguousarray(leaf).tobytes())
    frames = recording.frames
    written = (frames.number, frames.dtype, setup.spindle, seed)
    full = recording.saturation if seed is not None else None
    digest.update(repr((str(structure), setup.options, written, recording.offset, full, recording.material)).encode())
    return digest.hexdigest()


def series_of(template: str, names: tuple[str, ...], setup: Setup, fingerprint: str) -> Series:
    """The series in files with numbers, with the images that are there already where it is resumed.

    Args:
        template: Of the files' names.
        names: They.
        setup: Of the first image.
        fingerprint: Of the series.

    Raises:
        FileError: What is there is of another series, or what is written of it is broken.
    """
    series = Series(path_of(template), f"{fingerprint} {os.path.basename(template)}", _said(setup.scanned), set())
    if "resume" not in setup.scanned:
        return series
    there = {i for i, name in enumerate(names) if os.path.exists(name)}
    found = read_series(series.path)
    if found is not None:
        found.check_same(series)
        series.images = found.images & there
    elif there:
        complain(
            f"warning: --resume keeps {len(there)} of {len(names)} images; whether of the same flags is not known, as "
            f"{series.path} is not there"
        )
        series.images = there
    return series


def _said(scanned: Scanned) -> dict[str, str]:
    """What each flag says, those of headers and seeds of chance among them."""
    found = {}
    for flag in FLAGS:
        if flag.dest in scanned and flag.dest not in _BESIDE:
            value = scanned.values[flag.dest]
            words = value if isinstance(value, tuple) else (value,)
            found[flag.word] = "given" if value is True else " ".join(map(str, words))
    return found
