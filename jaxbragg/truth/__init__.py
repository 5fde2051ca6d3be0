"""What an image is made of: photons of each reflection and where their middle is, the strongest one of each pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import numpy as np
from numpy.typing import NDArray

from jaxbragg.models import Experiment
from jaxbragg.models.components import only_component
from jaxbragg.options import Options
from jaxbragg.pipeline.settings import make_settings, precise_options
from jaxbragg.pipeline.spots.closed_form import by_spots
from jaxbragg.several import spot_options
from jaxbragg.truth.pixels import mean_wavelengths, strongest
from jaxbragg.truth.reflections import Reflections as Reflections
from jaxbragg.truth.reflections import covering
from jaxbragg.truth.reflections import reflections_of as reflections_of

_SURE = 1.02  # compiled together a list may get one entry more than where its length was found


@dataclass(frozen=True, eq=False)
class Truth(Reflections):
    """The ground truth of one image: its reflections, and what each pixel shows.

    Attributes:
        strongest: Miller indices that are nearest in the strongest term of each pixel's sum [slow, fast, 3], or
            [panel, slow, fast, 3].
        wavelength: Mean of each pixel's photons [Å], those of backgrounds included; NaN where there are none.
    """

    strongest: NDArray[np.int32]
    wavelength: NDArray[np.float32]


def ground_truth(experiment: Experiment, options: Options = Options()) -> Truth:
    """What each reflection gives to an image.

    Args:
        experiment: Of one image and one crystal, with known values. Photons are those that come: its response does not
            count.
        options: As for `simulate`. With tricubic interpolation photons are shared out to the indices between which |F|
            is taken.

    Raises:
        ValueError: If there are more indices within the detector's resolution than can be counted: `Options.d_min`
            cuts it.
    """
    experiment = covering(only_component(jax.device_get(replace(experiment, response=None))), options)
    spots = by_spots(experiment, make_settings(experiment, options, warns=False))
    options = spot_options(experiment, options, margin=_SURE) if spots else precise_options(experiment, options)
    return Truth(
        **reflections_of(experiment, options).columns(),
        strongest=strongest(experiment, options, by_spots=spots),
        wavelength=mean_wavelengths(experiment, options, by_spots=spots),
    )
