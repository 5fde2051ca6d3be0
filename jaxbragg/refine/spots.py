"""Fits by spots: whether models are drawn so, and lists that are long enough for wherever a fit goes.

The lists of an image are made anew at each point, but their lengths are part of a compilation. Where one is too short
the model is NaN, and the fit goes on with longer ones.
"""

from collections.abc import Sequence
from dataclasses import replace

import jax.numpy as jnp
import numpy as np

from jaxbragg.models import Experiment
from jaxbragg.models.components import components, is_plain, places_of
from jaxbragg.options import Options, SpotSizes
from jaxbragg.pipeline.plan import TILE
from jaxbragg.pipeline.settings import Settings, make_settings
from jaxbragg.pipeline.spots.closed_form import by_spots
from jaxbragg.pipeline.spots.limits import TooManySpots
from jaxbragg.pipeline.spots.lists import sizes_for
from jaxbragg.refine.model import Recipe, drawn
from jaxbragg.refine.model import by_spots as is_by_spots
from jaxbragg_kernels.numerics import numerics

_MARGIN = 1.5
_AT_ONCE = 4  # times as long, at most: farther than that a step is not followed


def settings_of(experiments: Sequence[Experiment], options: Options) -> list[Settings]:
    """Settings for the model of each image, all by spots (`Options.method`) or all by samples.

    Args:
        experiments: One for each image.
        options: As the caller gave them.

    Raises:
        ValueError: If spots differ in shape, or an image cannot be made as the options ask for.
    """
    if options.places is None and not all(map(is_plain, experiments)):
        options = replace(options, places=max(map(places_of, experiments)))
    first = make_settings(experiments[0], options, warns=False)
    if all(by_spots(part, first) for each in experiments for part in components(each, options.places)):
        options = replace(options, method="spots", tile=options.tile or TILE, exact_phases=False)
        return [make_settings(each, options, warns=False) for each in experiments]
    # One precision for all: that of the sharpest spots.
    settings = [make_settings(each, options, images=experiments, warns=i == 0) for i, each in enumerate(experiments)]
    if len({each.shape for each in settings}) != 1:
        names = sorted({str(options.shape or each.crystal.shape) for each in experiments})
        raise ValueError(f"Argument `experiments` must have spots of one shape, but has {names}.")
    return settings


def long_enough(
    recipes: Sequence[Recipe],
    experiments: Sequence[Experiment],
    values: Sequence[np.ndarray],
    blur: float,
    *,
    anew: bool,
    spare: float,
) -> tuple[Recipe, ...] | None:
    """Recipes whose lists are long enough for some values, the same for all images.

    Args:
        recipes: Of each image.
        experiments: What is not free.
        values: Local free values.
        blur: See `jaxbragg.refine.model.photons`.
        anew: Whether the lists that there are do not count; otherwise they grow, and by so much at most.
        spare: How much longer than needed is enough.

    Returns:
        None where nothing has to change, or would help: models are not by spots, their lists are long enough, or would
        have to be too long.
    """
    settings = recipes[0].settings
    if not is_by_spots(settings) or not all(np.isfinite(each).all() for each in values):
        return None
    now = None if anew else settings.options.spots
    most = None if now is None else _longer(now)
    with numerics():
        each = zip(recipes, experiments, map(jnp.asarray, values), strict=True)
        models = [drawn(*one, jnp.asarray(blur, jnp.float64)) for one in each]
    try:
        if now is not None and not sizes_for(models, settings, spare, most=most).exceeds(now):
            return None
        sizes = sizes_for(models, settings, _MARGIN)
    except TooManySpots:
        if now is None:
            raise
        return None
    sizes = sizes if now is None else now.longest(sizes)
    return tuple(
        replace(r, settings=replace(r.settings, options=replace(r.settings.options, spots=sizes))) for r in recipes
    )


def _longer(sizes: SpotSizes) -> SpotSizes:
    h, k, l = (2 * n + 1 for n in sizes.limits)
    near, events, pairs = (_AT_ONCE * n for n in (sizes.near, sizes.events, sizes.pairs))
    return SpotSizes((h, k, l), near, events, pairs, tuple(_AT_ONCE * n for n in sizes.cuts))
