"""Batches by spots: whether they are, and lists as long as the longest that one of the images needs."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import jax

from jaxbragg.models import Experiment
from jaxbragg.models.checks import is_traced
from jaxbragg.models.components import components, is_plain, places_of
from jaxbragg.options import Options
from jaxbragg.pipeline.plan import TILE
from jaxbragg.pipeline.settings import Settings, make_settings
from jaxbragg.pipeline.spots.closed_form import by_spots
from jaxbragg.pipeline.spots.lists import sizes_for
from jaxbragg.several.axes import Batch, batch_of

# Compiled together a list may get one entry more or less than where its length was found.
_SURE = 1.02


def spot_options(
    experiments: Experiment | Iterable[Experiment],
    options: Options = Options(),
    *,
    axes: Sequence[str] | None = None,
    margin: float = 1.5,
) -> Options:
    """The options with `spots` chosen: for `jax.jit` and `jax.grad`, where values are not known, and to choose once.

    Args:
        experiments: With values: one, or several in either of the forms that `simulate_batch` takes.
        options: What else they say stays.
        axes: As for `simulate_batch`.
        margin: How much longer the lists are than the longest that these experiments need, for others like them.

    Raises:
        TypeError: As `simulate_batch`.
        ValueError: If the images cannot be made by spots, there are too many reflections, or as `simulate_batch`.
    """
    batch = batch_of(experiments, axes, alone=True)
    options = with_places(batch, options)
    settings = settings_by_spots(batch, replace(options, method="spots", spots=None), margin=margin)
    assert settings is not None
    return replace(options, method="spots", spots=settings.options.spots)


def with_places(batch: Batch, options: Options) -> Options:
    """The options with `places` for all images of a batch, where its values are known."""
    if (
        not isinstance(options, Options)
        or options.places is not None
        or is_plain(batch.experiment)
        or is_traced(jax.tree.leaves(batch.experiment))
    ):
        return options
    return replace(options, places=max(map(places_of, batch.images(batch.count))))


def settings_by_spots(batch: Batch, options: Options, *, margin: float = _SURE) -> Settings | None:
    """Settings for the images of a batch by spots, lengths of lists included; None where they are to be sampled.

    Args:
        batch: The experiments.
        options: As the caller gave them.
        margin: How much longer the lists are than the longest of them needs; for nothing where the options say.

    Raises:
        ValueError: If `Options.method` asks for spots and an image cannot be made so; or if there are neither values
            nor lengths of lists.
    """
    traced = is_traced(jax.tree.leaves(batch.experiment))
    images = batch.images(1 if traced else batch.count)
    settings = make_settings(images[0], options, warns=False)
    images = [each for image in images for each in components(image, options.places)]
    if not all(by_spots(each, settings) for each in images):
        return None
    options = replace(options, method="spots", tile=options.tile or TILE, exact_phases=False)
    settings = make_settings(images[0], options, warns=False)
    if options.spots is not None:
        return settings
    if traced:
        raise ValueError(
            "Option `spots` must be given where values are traced, as under jax.jit and jax.grad: "
            "jb.spot_options(experiments, options) finds it from the values at which you begin."
        )
    return replace(settings, options=replace(options, spots=sizes_for(images, settings, margin)))
