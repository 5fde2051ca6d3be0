"""From an experiment to its image.

The stages, in this order: settings, arrays, the threshold of what may be left out, blocks, image. `jaxbragg.pipeline`
has each in a file of its own.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxbragg.models import AbstractDetector, Experiment, Response
from jaxbragg.models.checks import is_traced
from jaxbragg.models.components import background_of, components, is_plain, settled
from jaxbragg.options import Options
from jaxbragg.pipeline.arrays import Arrays, unpack
from jaxbragg.pipeline.backgrounds import background_tiles
from jaxbragg.pipeline.blocks import simulate_blocks
from jaxbragg.pipeline.components import image_of_components
from jaxbragg.pipeline.plan import TILE, Plan, blocks_per_launch
from jaxbragg.pipeline.readout import image_of, read_out
from jaxbragg.pipeline.sampled import warn_of_samples
from jaxbragg.pipeline.settings import Settings, make_settings
from jaxbragg.pipeline.spots.closed_form import by_spots
from jaxbragg.pipeline.spots.image import simulate_spots
from jaxbragg.pipeline.threshold import with_threshold
from jaxbragg_kernels.numerics import numerics, with_numerics


def simulate(
    experiment: Experiment, options: Options = Options(), *, progress: Callable[[float], None] | None = None
) -> Float[Array, "slow fast"] | Float[Array, "panel slow fast"]:
    """The diffraction image of an experiment.

    Pure: `jax.jit`, `grad`, `jacfwd` and `vmap` work on it as on any function of arrays, and a new value of a leaf
    compiles nothing anew. Float64 is opened inside, whatever the caller's settings are. From an experiment of numpy
    arrays, such as `jax.device_get` makes, there is less to compile: what is small is made by numpy.

    Args:
        experiment: What is in the beam, and where.
        options: How the image is to be computed.
        progress: Called with the share that is done, from time to time; the image is then computed in several
            launches. Not for use under a transformation.

    Returns:
        Photons in each pixel, mean values: float64 with `precision="float64"`, otherwise float32. Several panels have
        an axis of their own in front. Pixels outside the region of interest, and masked ones, are 0. Where the
        experiment has a response, what is read out on average instead: `Response.expected` also has its variance, and
        `Response.drawn` random images, both of an image without a response.

    Raises:
        TypeError: If the experiment or the options are something else.
        ValueError: If the region of interest is not on the detector, or there are fewer devices than asked for.
    """
    settings = make_settings(experiment, options, warns=getattr(options, "method", None) != "spots")
    if not is_plain(experiment):
        return _sum_of_components(experiment, settings, progress)
    experiment = settled(experiment)
    if by_spots(experiment, settings):
        # Nothing large is subtracted in a tile, however sharp the fringes of a crystal without spread would be.
        chosen = replace(options, tile=options.tile or TILE, exact_phases=False)
        image = simulate_spots(experiment, make_settings(experiment, chosen, warns=False))
        if progress is not None:
            progress(1.0)
        return image
    warn_of_samples(experiment, options)
    on_host = all(isinstance(leaf, (np.ndarray, np.generic)) for leaf in jax.tree.leaves(experiment))
    if progress is None and not on_host:
        return with_numerics(_unpack_and_simulate)(settings, experiment)
    with numerics():
        arrays = (unpack if on_host else _unpack)(experiment, settings, warns=False)
        if progress is None:
            return _simulate(arrays, settings)
        return _simulate_in_launches(arrays, settings, progress)


def _sum_of_components(
    experiment: Experiment, settings: Settings, progress: Callable[[float], None] | None
) -> Float[Array, "..."]:
    """The image of what is not one crystal at the sample's place: each component as an image of its own."""
    options, several = settings.options, components(experiment, settings.options.places)
    if is_traced(jax.tree.leaves(experiment)):
        return _traced_sum(experiment, several, options)
    total = jnp.zeros(())
    with numerics():
        for i, component in enumerate(several):
            total = total + simulate(component, options)
            if progress is not None:
                progress((i + 1) / len(several))
        if experiment.backgrounds:
            total = total + _backgrounds(background_of(experiment), settings)
        total = total.astype(settings.dtype)
        if experiment.response is None:
            return total
        return _read_out(total, experiment.detector, experiment.response, settings.plan)


def _traced_sum(experiment: Experiment, several: tuple[Experiment, ...], options: Options) -> Float[Array, "..."]:
    """The same inside a program of the caller's, where components of one make are compiled once."""
    settings = make_settings(several[0], options, warns=False)
    if all(by_spots(each, settings) for each in several):
        options = replace(options, method="spots", tile=options.tile or TILE, exact_phases=False)
        if options.spots is None:
            simulate_spots(several[0], make_settings(several[0], options, warns=False))  # says what is missing
    else:
        warn_of_samples(several[0], options)
        options = replace(options, method="samples")
    return with_numerics(image_of_components)(make_settings(experiment, options, warns=False), experiment)


@partial(jax.jit, static_argnames="settings")
def _backgrounds(experiment: Experiment, settings: Settings) -> Float[Array, "..."]:
    return image_of(background_tiles(experiment, settings), experiment.detector, None, settings.plan)


@partial(jax.jit, static_argnames="plan")
def _read_out(
    photons: Float[Array, "..."], detector: AbstractDetector, response: Response, plan: Plan
) -> Float[Array, "..."]:
    return read_out(photons, detector, response, plan)


def _image(arrays: Arrays, settings: Settings) -> Float[Array, "..."]:
    arrays = with_threshold(arrays, settings)
    blocks = simulate_blocks(arrays, settings, jnp.arange(settings.plan.blocks))
    return image_of(blocks, arrays.detector, arrays.response, settings.plan)


@partial(jax.jit, static_argnames="settings")
def _simulate(arrays: Arrays, settings: Settings) -> Float[Array, "..."]:
    return _image(arrays, settings)


@partial(jax.jit, static_argnums=0)
def _unpack_and_simulate(settings: Settings, experiment: Experiment) -> Float[Array, "..."]:
    # One launch: where images are small, a second takes as long as the image.
    return _image(unpack(experiment, settings, warns=False), settings)


_unpack = jax.jit(unpack, static_argnames=("settings", "warns"))


def _simulate_in_launches(arrays: Arrays, settings: Settings, progress: Callable[[float], None]) -> Float[Array, "..."]:
    """The image some blocks at a time, so that a person can see it advance."""
    layers = 1 if arrays.detector.sensor is None else arrays.detector.sensor.layers
    steps = arrays.crystal.orientations.shape[-3] * arrays.sources[2].shape[0] * layers
    plan, at_once = settings.plan, blocks_per_launch(settings.plan, settings.options, steps)
    arrays = _with_threshold(arrays, settings)
    done = []
    for first in range(0, plan.blocks, at_once):
        numbers = first + np.arange(at_once)
        done.append(_some_blocks(arrays, settings, jnp.asarray(numbers)).block_until_ready())
        progress(min(1.0, (first + at_once) / plan.blocks))
    return _image_of(jnp.concatenate(done)[: plan.blocks], arrays.detector, arrays.response, plan)


_with_threshold = jax.jit(with_threshold, static_argnames="settings")
_image_of = jax.jit(image_of, static_argnames="plan")


@partial(jax.jit, static_argnames="settings")
def _some_blocks(arrays: Arrays, settings: Settings, blocks: Int[Array, "block"]) -> Float[Array, "block tile pixel"]:
    return simulate_blocks(arrays, settings, blocks)
