"""All that is chosen before anything is compiled, resolved once: options, spot shape, types of numbers, the plan."""

from dataclasses import dataclass, replace
from functools import cache

import jax.numpy as jnp

from jaxbragg.models import Experiment
from jaxbragg.options import DEFAULT_SKIP_BELOW, Options
from jaxbragg.pipeline.devices import check_devices
from jaxbragg.pipeline.memory import check_image
from jaxbragg.pipeline.plan import TILE, Plan, make_plan
from jaxbragg_kernels.shapes import AbstractShape, shape_named

_SINGLE, _DOUBLE = jnp.dtype("float32"), jnp.dtype("float64")


@dataclass(frozen=True)
class Settings:
    """How an image is to be simulated. Hashable: it is what a compilation is for.

    Attributes:
        options: As the caller gave them.
        shape: Of the spots.
        plan: How the image is cut.
    """

    options: Options
    shape: AbstractShape
    plan: Plan

    def with_shape(self, shape: str | AbstractShape) -> "Settings":
        """The settings with spots of another shape."""
        return replace(self, options=replace(self.options, shape=shape), shape=shape_named(shape))

    @property
    def index_dtype(self) -> jnp.dtype:
        """Type of what Miller indices are made of."""
        return _SINGLE if self.options.precision == "float32" else _DOUBLE

    @property
    def dtype(self) -> jnp.dtype:
        """Type of the image."""
        return _DOUBLE if self.options.precision == "float64" else _SINGLE

    @property
    def skip_below(self) -> float:
        """The share of the brightest pixel that may be left out; 0 to leave nothing out."""
        return share_skipped(self.options, self.shape)


def make_settings(experiment: Experiment, options: Options) -> Settings:
    """The settings for an experiment.

    Args:
        experiment: Its leaves need not have values.
        options: As the caller gave them.

    Raises:
        TypeError: If the experiment or the options are something else.
        ValueError: If the region of interest is not on the detector, there are fewer devices than asked for, or the
            spots cannot have that shape.
    """
    if not isinstance(experiment, Experiment):
        raise TypeError(f"Argument `experiment` must be an Experiment, but is {type(experiment).__name__}.")
    if not isinstance(options, Options):
        raise TypeError(f"Argument `options` must be Options, but is {type(options).__name__}.")
    shape = experiment.crystal.spot_shape(options.shape, options.spot_width)
    check_devices(options.devices)
    check_image(experiment.detector.shape, 8 if options.precision == "float64" else 4)
    skips = share_skipped(options, shape) > 0
    return Settings(
        options, shape, make_plan(experiment.detector.shape, options, tile=options.tile or TILE, skips=skips)
    )


def share_skipped(options: Options, shape: AbstractShape) -> float:
    """What `Options.skip_below` comes to for a shape of spots; 0 for one without a radius.

    Args:
        options: As the caller gave them.
        shape: Of the spots.
    """
    # What lies between two structure factors may be larger than either.
    if options.interpolation == "tricubic" or not _has_radius(shape):
        return 0.0
    return DEFAULT_SKIP_BELOW if options.skip_below is None else options.skip_below


@cache
def _has_radius(shape: AbstractShape) -> bool:
    # Asked at every call of `simulate`, where an operation of JAX would take longer than all the rest.
    return shape.radius(jnp.ones(())) is not None
