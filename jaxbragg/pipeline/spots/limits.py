"""Which Miller indices are looked at: all that the detector sees and the table holds."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import Experiment, MultiPanel
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.spots.cuts import cut_lines, cuts_in

_MOST_INDICES = 50_000_000


class TooManySpots(ValueError):
    """More reflections, or longer lists of them, than may be."""


def limits_of(experiment: Experiment, settings: Settings, spare: float) -> tuple[int, int, int]:
    """The largest |h|, |k|, |l| that are looked at.

    Args:
        experiment: With values.
        settings: How the image is simulated.
        spare: How much larger they are than needed, as a factor.

    Raises:
        TooManySpots: If there are too many indices.
    """
    most, held = (np.asarray(x) for x in reached(experiment, settings))
    limits = np.minimum(np.floor(most * spare).astype(int) + 1, held)
    if float((2.0 * limits + 1).prod()) > _MOST_INDICES:
        raise TooManySpots(
            f"Argument `experiment` must have at most {_MOST_INDICES} indices within the detector's resolution, "
            f"but has {' × '.join(f'{2 * n + 1:.0f}' for n in limits)}: Options(d_min=…), -dmin, cuts it."
        )
    return int(limits[0]), int(limits[1]), int(limits[2])


@partial(jax.jit, static_argnames="settings")
def reached(experiment: Experiment, settings: Settings) -> tuple[Float[Array, "3"], Float[Array, "3"]]:
    """The largest |h|, |k|, |l| that the detector sees; and that the table holds, where there is nothing outside."""
    detector: Any = experiment.detector
    panels = detector.panels if isinstance(detector, MultiPanel) else (detector,)
    lines: Any = experiment.beam
    lines = cut_lines(lines.gaussians(), lines.polarization_axis, cuts_in(settings.options))
    reach, d_min, beams = jnp.zeros(()), settings.options.d_min, lines.directions[:, None, None]
    at = np.linspace(0, 1, 17)
    for panel in panels:
        across = panel.pixels[1] * panel.pixel_size[0] * panel.fast_axis
        down = panel.pixels[0] * panel.pixel_size[1] * panel.slow_axis
        place = panel.origin + at[:, None, None] * across + at[:, None] * down
        unit = place / jnp.sqrt((place * place).sum(axis=-1, keepdims=True))
        farthest = jnp.sqrt(((unit - beams) ** 2).sum(axis=-1)).max(axis=(1, 2))
        reach = jnp.maximum(reach, (farthest / lines.wavelengths).max())
    if d_min > 0:
        reach = jnp.minimum(reach, 1 / d_min)
    vectors, factors = experiment.crystal.vectors(), experiment.structure_factors
    most, low = jnp.sqrt((vectors * vectors).sum(axis=1)) * reach, factors.minimum
    shape = factors.amplitudes().shape[-3:]
    if 0 in shape:
        return most, jnp.full(3, jnp.inf)
    held = np.maximum(np.abs(np.array(low)), np.abs(np.array(low) + np.array(shape) - 1)).astype(float)
    return most, jnp.where(factors.default == 0.0, held, jnp.inf)
