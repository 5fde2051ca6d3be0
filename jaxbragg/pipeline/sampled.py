"""Says where samples stand for what gauss spots have in closed form."""

import math
import warnings

from jaxbragg.models import Experiment, GaussianMosaic, GaussianSources
from jaxbragg.options import Options


class SampledWarning(UserWarning):
    """Samples stand for what is Gaussian or turns evenly; the message says how many."""


def asks_for_spots(experiment: Experiment) -> bool:
    """Whether a model is there that other ways only sample."""
    return bool(_counts(experiment))


def samples_of(experiment: Experiment) -> int:
    """How many stand for all that is Gaussian and for an even rotation."""
    return math.prod(_counts(experiment))


def _counts(experiment: Experiment) -> list[int]:
    mosaic, sources, scan = experiment.crystal.mosaic, experiment.beam.sources, experiment.scan
    counts = [each.samples for each in (mosaic, sources) if isinstance(each, GaussianMosaic | GaussianSources)]
    return counts if scan.width is None else [*counts, scan.samples]


def warn_of_samples(experiment: Experiment, options: Options) -> None:
    """Warn, unless the options ask for samples."""
    if options.method == "samples" or not asks_for_spots(experiment):
        return
    warnings.warn(
        f"{samples_of(experiment)} samples stand for what is Gaussian or turns evenly: this has no closed form of it. "
        "Options(method='samples') takes them as they are; simulate with method='spots' says what it lacks.",
        SampledWarning,
        stacklevel=3,
    )
