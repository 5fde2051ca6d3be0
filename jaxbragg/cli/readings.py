"""What the detector reads out of an image of photons, on average or with its noise."""

from dataclasses import replace

import jax
import numpy as np

from jaxbragg.cli.read import Setup
from jaxbragg.models import Experiment, Response


def of_photons(experiment: Experiment) -> Experiment:
    """The experiment whose image is that of the photons, before the detector reads them out."""
    return replace(experiment, response=None)


def expected_reading(photons: np.ndarray, setup: Setup) -> np.ndarray:
    """What is read out on average, float32; the photons themselves without a response.

    Args:
        photons: The image.
        setup: For the response, and the pixels that there are.
    """
    response = setup.experiment.response
    if response is None:
        return photons
    return _seen(np.asarray(_mean(response, photons), np.float32), setup)


@jax.jit
def _mean(response: Response, photons: np.ndarray) -> jax.Array:
    return response.expected(photons).mean  # type: ignore[arg-type]


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
    return _seen(np.rint(np.asarray(response.drawn(photons, seed), np.float64)), setup)


def _seen(image: np.ndarray, setup: Setup) -> np.ndarray:
    """The image with 0 where mask and region leave pixels out."""
    roi, mask = setup.options.roi, setup.experiment.detector.mask
    if roi is not None:
        outside = np.ones(image.shape, bool)
        outside[..., roi[2] : roi[3] + 1, roi[0] : roi[1] + 1] = False
        image = np.where(outside, image.dtype.type(0), image)
    return image if mask is None else np.where(np.asarray(mask).reshape(image.shape), image, image.dtype.type(0))
