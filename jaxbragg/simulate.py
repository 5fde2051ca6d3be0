"""From an experiment to its image: the entry, and how the blocks of an image follow each other.

What happens in a block is told in `jaxbragg.pipeline`.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxbragg.devices import check_devices, spread_over_devices
from jaxbragg.memory import check_image
from jaxbragg.models import Experiment
from jaxbragg.options import Options
from jaxbragg.pipeline import Arrays, checkpointed, draw_tiles, unpack, with_skipping
from jaxbragg.plan import Plan, make_plan
from jaxbragg.tiles import assemble, tiles_of_block


def simulate(
    experiment: Experiment, options: Options = Options(), *, progress: Callable[[float], None] | None = None
) -> Float[Array, "slow fast"] | Float[Array, "panel slow fast"]:
    """The diffraction image of an experiment.

    Pure: `jax.jit`, `grad`, `jacfwd` and `vmap` work on it as on any function of arrays, and a new value of a leaf
    compiles nothing anew. Float64 is opened inside, whatever the caller's settings are. From an experiment of numpy
    arrays, such as `jax.device_get` makes, there is less to compile: what is small is made by numpy.

    Args:
        experiment: What is in the beam, and where.
        options: How it is to be drawn.
        progress: Called with the share that is done, from time to time; the image is then drawn in several launches.
            Not for use under a transformation.

    Returns:
        Photons in each pixel, mean values: float64 with `precision="float64"`, otherwise float32. Several panels have
        an axis of their own in front. Pixels outside the region of interest, and masked ones, are 0.

    Raises:
        TypeError: If the experiment or the options are something else.
        ValueError: If the region of interest is not on the detector, or there are fewer devices than asked for.
    """
    options, plan = prepare(experiment, options)
    with jax.enable_x64(True):
        on_host = all(isinstance(leaf, (np.ndarray, np.generic)) for leaf in jax.tree.leaves(experiment))
        what = unpack(experiment, options) if on_host else experiment
        if progress is None:
            return _simulate(what, options, plan)
        return _in_steps(what, options, plan, progress)


def prepare(experiment: Experiment, options: Options) -> tuple[Options, Plan]:
    """The options with the shape of the spots filled in, and how the image is cut.

    Args:
        experiment: Its leaves need not have values.
        options: As the caller gave them.

    Raises:
        TypeError: As `simulate`.
        ValueError: As `simulate`.
    """
    if not isinstance(experiment, Experiment):
        raise TypeError(f"Argument `experiment` must be an Experiment, but is {type(experiment).__name__}.")
    if not isinstance(options, Options):
        raise TypeError(f"Argument `options` must be Options, but is {type(options).__name__}.")
    options = replace(options, shape=experiment.crystal.drawn_shape(options.shape, options.spot_width))
    check_devices(options.devices)
    check_image(experiment.detector.shape, 8 if options.precision == "float64" else 4)
    return options, make_plan(experiment.detector.shape, options)


@partial(jax.jit, static_argnames=("options", "plan"))
def _simulate(what: Experiment | Arrays, options: Options, plan: Plan) -> Float[Array, "..."]:
    return assemble(
        draw_blocks(_ready(what, options, plan), options, plan, jnp.arange(plan.blocks)), what.detector, plan
    )


def _ready(what: Experiment | Arrays, options: Options, plan: Plan) -> Arrays:
    return with_skipping(what if isinstance(what, Arrays) else unpack(what, options), options, plan)


def draw_blocks(
    arrays: Arrays, options: Options, plan: Plan, blocks: Int[Array, "block"]
) -> Float[Array, "block tile pixel"]:
    """Photons in the pixels of some blocks, one block after the other on each device.

    Args:
        arrays: The experiment, unpacked.
        options: How it is to be drawn.
        plan: How the image is cut.
        blocks: Numbers of the blocks, a multiple of the devices. Past the plan's last one they repeat the last tile.
    """

    def draw(arrays: Arrays, blocks: Int[Array, "block"]) -> Float[Array, "block tile pixel"]:
        # Reverse mode keeps next to nothing of a block.
        each = checkpointed(partial(_draw_block, arrays, options, plan), arrays, options)
        return jax.lax.map(each, blocks)

    return spread_over_devices(draw, options.devices)(arrays, blocks)


def _draw_block(arrays: Arrays, options: Options, plan: Plan, block: Int[Array, ""]) -> Float[Array, "tile pixel"]:
    return draw_tiles(arrays, options, plan, tiles_of_block(plan, block))


def _in_steps(
    what: Experiment | Arrays, options: Options, plan: Plan, progress: Callable[[float], None]
) -> Float[Array, "..."]:
    """The same, some blocks at a time, so that a person can see it advance."""
    launches, devices = min(plan.blocks, 50), options.devices or 1
    at_once = -(-plan.blocks // (launches * devices)) * devices
    drawn = []
    for first in range(0, plan.blocks, at_once):
        drawn.append(_draw_some(what, options, plan, jnp.asarray(first), at_once).block_until_ready())
        progress(min(1.0, (first + at_once) / plan.blocks))
    return _assemble(jnp.concatenate(drawn)[: plan.blocks], what.detector, plan)


@partial(jax.jit, static_argnames=("options", "plan", "count"))
def _draw_some(
    what: Experiment | Arrays, options: Options, plan: Plan, first: Int[Array, ""], count: int
) -> Float[Array, "..."]:
    return draw_blocks(_ready(what, options, plan), options, plan, first + jnp.arange(count))


_assemble = jax.jit(assemble, static_argnames="plan")
