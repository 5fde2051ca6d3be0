"""Many images in one launch."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg.models import Experiment
from jaxbragg.models.components import is_plain, settled
from jaxbragg.options import Options
from jaxbragg.pipeline.arrays import Arrays, unpack
from jaxbragg.pipeline.blocks import simulate_blocks
from jaxbragg.pipeline.components import image_of_components
from jaxbragg.pipeline.readout import image_of
from jaxbragg.pipeline.settings import Settings, make_settings
from jaxbragg.pipeline.spots.image import image_of_spots
from jaxbragg.pipeline.threshold import with_threshold
from jaxbragg.several.axes import Batch, batch_of
from jaxbragg.several.chunks import map_in_chunks, settings_and_chunk
from jaxbragg.several.spots import settings_by_spots, with_places
from jaxbragg_kernels.numerics import with_numerics


def simulate_batch(
    experiments: Experiment | Iterable[Experiment], options: Options = Options(), *, axes: Sequence[str] | None = None
) -> Float[Array, "image slow fast"] | Float[Array, "image panel slow fast"]:
    """The images of many experiments of one make, in one launch; each is what `simulate` makes of it.

    Pure, as `simulate` is: it runs under `jax.jit`, `grad` and `jacfwd`. Several images are simulated at once, whole or
    block by block, as many as `Options.memory_limit` allows; the images themselves are not counted. By spots
    (`Options.method`), where all images can be made so, they are drawn one after the other; how long their lists are is
    found from all of them first, which takes about as long again, unless `Options.spots` says (`jb.spot_options`).

    Args:
        experiments: Several experiments of the same classes, counts and choices. What differs between them is stacked;
            what is the same in all is kept once. Or one experiment, some leaves of which have an axis of images in
            front, all of one length: `eqx.tree_at` puts them there.
        options: How each is to be computed.
        axes: Of one experiment: paths of the leaves that have the axis, or of parts all of whose leaves have it, such
            as "crystal.misset" or "beam". Without it the leaves are found by their number of axes, as annotated in
            the models. A detector or mosaic of your own whose fields are not annotated as Float[Array, "…"] needs it.

    Returns:
        Photons in each pixel of each image, as from `simulate`.

    Raises:
        TypeError: If the experiments or the options are something else.
        ValueError: If there is no experiment, they differ in more than values, or their axes do not fit; or as
            `simulate`.
    """
    return simulate_stack(batch_of(experiments, axes), options)


def simulate_stack(batch: Batch, options: Options) -> Float[Array, "image ..."]:
    """As `simulate_batch`, of experiments that are stacked already."""
    options = with_places(batch, options)
    settings = settings_by_spots(batch, options)
    if settings is not None:
        return with_numerics(_draw_batch)((batch.batched, batch.count, settings), batch.experiment)
    settings = batch_settings(batch, options)
    return with_numerics(_simulate_batch)((batch.batched, batch.count, settings), batch.experiment)


@partial(jax.jit, static_argnums=0)
def _draw_batch(static: tuple[tuple[bool, ...], int, Settings], experiment: Experiment) -> Float[Array, "image ..."]:
    """The images by spots."""
    batched, count, settings = static
    put, leaves = putting(Batch(experiment, batched, count))
    draw = image_of_spots if is_plain(experiment) else image_of_components
    return map_in_chunks(lambda mine: draw(settings, put(mine)), leaves, count, 1)


def batch_settings(batch: Batch, options: Options) -> Settings:
    """As `make_settings`, for one image of the batch."""
    # A detector may take the number of its pixels from its leaves.
    whole = replace(batch.experiment, detector=batch.single().detector)
    return make_settings(whole, options, images=batch.distinct())


@partial(jax.jit, static_argnums=0)
def _simulate_batch(
    static: tuple[tuple[bool, ...], int, Settings], experiment: Experiment
) -> Float[Array, "image ..."]:
    batched, count, settings = static
    batch = Batch(experiment, batched, count)
    settings, at_once = settings_and_chunk(batch.single(), settings, bytes_of_one(batch), count)
    if not is_plain(experiment):
        put, leaves = putting(batch)
        return map_in_chunks(lambda mine: image_of_components(settings, put(mine)), leaves, count, at_once)
    unpack_one, leaves = unpacking(batch, settings)

    def image(leaves: list[Array]) -> Float[Array, "..."]:
        arrays = with_threshold(unpack_one(leaves), settings)
        blocks = simulate_blocks(arrays, settings, jnp.arange(settings.plan.blocks))
        return image_of(blocks, arrays.detector, arrays.response, settings.plan)

    return map_in_chunks(image, leaves, count, at_once)


def unpacking(batch: Batch, settings: Settings) -> tuple[Callable[[list[Array]], Arrays], list[Array]]:
    """A function from the leaves that one image has of its own to its arrays, and these leaves of all images.

    Args:
        batch: The experiments.
        settings: How they are simulated.
    """
    put, of_all = putting(batch)
    has_axis: Any = jax.tree.unflatten(jax.tree.structure(batch.experiment), batch.batched)
    crystal = batch.experiment.crystal
    makes_table = has_axis.structure_factors, has_axis.crystal.b_factor, has_axis.crystal.damage
    if crystal.b_factor is not None or crystal.damage is not None:
        makes_table = *makes_table, has_axis.crystal.cell
    if any(jax.tree.leaves(makes_table)):
        return lambda batched: unpack(put(batched), settings), of_all
    # The table is large, and would be made anew for each image.
    table = unpack(put([x[0] for x in of_all]), settings).crystal.table

    def unpack_one(batched: list[Array]) -> Arrays:
        arrays = unpack(put(batched), settings)
        return arrays._replace(crystal=arrays.crystal._replace(table=table))

    return unpack_one, of_all


def putting(batch: Batch) -> tuple[Callable[[list[Array]], Experiment], list[Array]]:
    """A function from the leaves that one image has of its own to its experiment, and these leaves of all images.

    Args:
        batch: The experiments.
    """
    leaves, make = jax.tree.flatten(batch.experiment)

    def put(batched: list[Array]) -> Experiment:
        each = iter(batched)
        one = jax.tree.unflatten(
            make, [next(each) if mine else x for x, mine in zip(leaves, batch.batched, strict=True)]
        )
        return settled(one) if is_plain(one) else one

    # The last counts the images: there may be nothing in which they differ.
    return put, [*(x for x, mine in zip(leaves, batch.batched, strict=True) if mine), jnp.arange(batch.count)]


def bytes_of_one(batch: Batch) -> int:
    """Bytes of the leaves that one image does not share."""
    leaves = jax.tree.leaves(batch.experiment)
    return (
        sum(x.size * x.dtype.itemsize for x, batched in zip(leaves, batch.batched, strict=True) if batched)
        // batch.count
    )
