"""Many crystals in one image."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg.models import Experiment
from jaxbragg.models.components import background_of, is_plain
from jaxbragg.options import Options
from jaxbragg.pipeline.arrays import Arrays
from jaxbragg.pipeline.blocks import simulate_blocks
from jaxbragg.pipeline.components import tiles_of_components
from jaxbragg.pipeline.readout import image_of
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.spots.image import image_of_tiles
from jaxbragg.pipeline.threshold import with_threshold
from jaxbragg.several.axes import Batch, batch_of
from jaxbragg.several.chunks import settings_and_chunk, sum_in_chunks
from jaxbragg.several.images import batch_settings, bytes_of_one, putting, unpacking
from jaxbragg.several.spots import settings_by_spots, with_places
from jaxbragg_kernels.numerics import with_numerics


def simulate_together(
    experiments: Experiment | Iterable[Experiment], options: Options = Options(), *, axes: Sequence[str] | None = None
) -> Float[Array, "slow fast"] | Float[Array, "panel slow fast"]:
    """One image of many crystals: the sum of what `simulate` makes of each, the background counted once.

    Pure, as `simulate` is; memory does not grow with the number of crystals. By spots, where all crystals can be drawn
    so, as `simulate_batch`. Each crystal's photons are those of its own experiment: give a crystal that the beam meets
    with half its strength half the fluence.

    Args:
        experiments: As for `simulate_batch`. Background, mask and response are the first one's.
        options: How the image is to be computed.
        axes: As for `simulate_batch`.

    Returns:
        Photons in each pixel, as from `simulate`.

    Raises:
        TypeError: As `simulate_batch`.
        ValueError: As `simulate_batch`.
    """
    if not isinstance(experiments, Experiment) and isinstance(experiments, Iterable):
        experiments = _with_what_all_share(tuple(experiments))
    batch = batch_of(experiments, axes)
    options = with_places(batch, options)
    settings = settings_by_spots(batch, options)
    if settings is not None:
        return with_numerics(_draw_together)((batch.batched, batch.count, settings), batch.experiment)
    settings = batch_settings(batch, options)
    if not is_plain(batch.experiment):
        return with_numerics(_draw_together)((batch.batched, batch.count, settings), batch.experiment)
    return with_numerics(_simulate_together)((batch.batched, batch.count, settings), batch.experiment)


@partial(jax.jit, static_argnums=0)
def _draw_together(static: tuple[tuple[bool, ...], int, Settings], experiment: Experiment) -> Float[Array, "..."]:
    """The image by spots, or of experiments with several components."""
    batched, count, settings = static
    put, leaves = putting(Batch(experiment, batched, count))
    total = sum_in_chunks(lambda mine: tiles_of_components(settings, put(mine)), leaves, count, 1)
    return image_of_tiles(total, background_of(put([leaf[0] for leaf in leaves])), settings)


@partial(jax.jit, static_argnums=0)
def _simulate_together(static: tuple[tuple[bool, ...], int, Settings], experiment: Experiment) -> Float[Array, "..."]:
    batched, count, settings = static
    batch = Batch(experiment, batched, count)
    settings, at_once = settings_and_chunk(batch.single(), settings, bytes_of_one(batch), count)
    unpack_one, leaves = unpacking(batch, settings)
    blocks = jnp.arange(settings.plan.blocks)

    def bragg(leaves: list[Array]) -> Float[Array, "block tile pixel"]:
        arrays = with_threshold(unpack_one(leaves)._replace(backgrounds=()), settings)
        return simulate_blocks(arrays, settings, blocks)

    total = sum_in_chunks(bragg, leaves, count, at_once)
    first = unpack_one([leaf[0] for leaf in leaves])
    if first.backgrounds:
        total = total + simulate_blocks(_without_bragg(first), settings, blocks)
    return image_of(total, first.detector, first.response, settings.plan)


def _without_bragg(arrays: Arrays) -> Arrays:
    """The arrays with one orientation of the crystal, the fewest that there can be, which scatters nothing."""
    crystal = arrays.crystal._replace(orientations=arrays.crystal.orientations[..., :1, :, :])
    return arrays._replace(crystal=crystal, bragg_scale=jnp.zeros_like(arrays.bragg_scale))


def _with_what_all_share(several: tuple) -> tuple:
    """Only the first one's counts, as does its response. What is no experiment stays, to be refused."""
    if not several or not all(isinstance(each, Experiment) for each in several):
        return several
    first = several[0]
    return tuple(replace(each, background=first.background, response=first.response) for each in several)
