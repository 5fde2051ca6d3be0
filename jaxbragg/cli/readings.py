"""What the detector reads out of an image of photons, on average or with its noise."""

from dataclasses import replace

import jax
import numpy as np

from jaxbragg.cli.read import Setup
from jaxbragg.models import Experiment
from jaxbragg.pipeline.plan import make_plan
from jaxbragg.pipeline.readout import read_out, seen


def of_photons(experiment: Experiment) -> Experiment:
    """The experiment whose image is that of the photons, before the detector reads them out."""
    return replace(experiment, response=None)


def quantity(setup: Setup) -> str:
    """What the numbers of an image without noise are."""
    return "photons" if setup.experiment.response is None else "readings, on average"


def expected_reading(photons: np.ndarray, setup: Setup) -> np.ndarray:
    """What is read out on average, float32; the photons themselves without a response.

    Args:
        photons: The image.
        setup: For the response, and the pixels that there are.
    """
    response = setup.experiment.response
    if response is None:
        return photons
    plan = make_plan(setup.experiment.detector.shape, setup.options)
    return np.asarray(_read_out(photons, setup.experiment.detector, response, plan), np.float32)


_read_out = jax.jit(read_out, static_argnames="plan")


def random_reading(photons: np.ndarray, setup: Setup, seed: int) -> np.ndarray:
    """Whole numbers as they are read out: Poisson counts without a response.

    Args:
        photons: The image.
        setup: For the response, and the pixels that there are.
        seed: Of the noise.
    """
    response = setup.experiment.response
    if response is None:
        from jaxbragg.counting import poisson_counts

        return poisson_counts(photons, seed)
    plan = make_plan(setup.experiment.detector.shape, setup.options)
    readings = np.rint(np.asarray(response.drawn(photons, seed), np.float64))
    return np.asarray(seen(readings, jax.device_get(setup.experiment.detector), plan))
