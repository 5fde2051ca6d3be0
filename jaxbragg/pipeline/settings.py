"""All that is chosen before anything is compiled, resolved once: options, spot shape, types of numbers, the plan."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import jax
import jax.numpy as jnp

from jaxbragg.models import Experiment
from jaxbragg.models.components import is_plain, places_of
from jaxbragg.options import DEFAULT_SKIP_BELOW, Options
from jaxbragg.pipeline.devices import check_devices
from jaxbragg.pipeline.memory import check_image
from jaxbragg.pipeline.plan import Plan, make_plan
from jaxbragg.pipeline.precision import choose, extent_of, has_fringes, warn
from jaxbragg_kernels.shapes import AbstractShape, shape_named

_SINGLE, _DOUBLE = jnp.dtype("float32"), jnp.dtype("float64")


@dataclass(frozen=True)
class Settings:
    """How an image is to be simulated. Hashable: it is what a compilation is for.

    Attributes:
        options: As the caller gave them.
        shape: Of the spots.
        plan: How the image is cut.
        exact_phases: Whether phases of fringes are made in the type of the indices.
        precision_bound: See `jaxbragg.precision_bound`; NaN where values are not known.
    """

    options: Options
    shape: AbstractShape
    plan: Plan
    exact_phases: bool = False
    precision_bound: float = field(default=float("nan"), compare=False)

    def with_shape(self, shape: str | AbstractShape) -> "Settings":
        """The settings with spots of another shape."""
        found = shape_named(shape)
        exact = self.exact_phases and has_fringes(found)
        return replace(self, options=replace(self.options, shape=shape), shape=found, exact_phases=exact)

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


def make_settings(
    experiment: Experiment, options: Options, *, images: Sequence[Experiment] | None = None, warns: bool = True
) -> Settings:
    """The settings for an experiment.

    Args:
        experiment: Its leaves need not have values.
        options: As the caller gave them.
        images: All that are to have them, and to be precise; None for this one alone.
        warns: Whether to warn where mixed precision may be further off than promised.

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
    extents = [extent_of(image, options) for image in ([experiment] if images is None else images)]
    known = [extent for extent in extents if extent is not None]
    choice = choose(known if len(known) == len(extents) else None, options, shape)
    if warns:
        warn(choice, options)
    skips = share_skipped(options, shape) > 0
    plan = make_plan(experiment.detector.shape, options, tile=choice.tile, skips=skips)
    return Settings(options, shape, plan, choice.exact_phases, choice.bound)


def precision_bound(experiment: Experiment, options: Options = Options()) -> float:
    """How far an image may be from exact arithmetic, at most: what `simulate` warns with where it is above 1e-5.

    An estimate from the numbers of cells and the angle of a pixel, about twice what random experiments showed. It is
    for what `simulate` does with the same arguments outside of transformations; for what it does under `jax.jit`, ask
    with the options that it is called with there, such as `precise_options` makes.

    Args:
        experiment: With values.
        options: As for `simulate`.

    Returns:
        Largest difference over the image's brightest pixel, 1 at most.

    Raises:
        TypeError: If the experiment or the options are something else.
        ValueError: As `simulate`; or if the experiment's values are traced.
    """
    return _settled(experiment, options).precision_bound


def precise_options(experiment: Experiment, options: Options = Options()) -> Options:
    """The options with `tile`, `exact_phases` and `places` chosen for an experiment, as `simulate` chooses them.

    Under `jax.jit` values are not known: choose before, for the sharpest spots that will be met.

    Args:
        experiment: With values.
        options: What they fix stays.

    Raises:
        TypeError: As `precision_bound`.
        ValueError: As `precision_bound`.
    """
    settings = _settled(experiment, options)
    options = replace(options, tile=settings.plan.tile, exact_phases=settings.exact_phases)
    if options.places is None and not is_plain(experiment):
        options = replace(options, places=places_of(experiment))
    return options


def _settled(experiment: Experiment, options: Options) -> Settings:
    settings = make_settings(experiment, options, warns=False)
    if settings.precision_bound != settings.precision_bound:
        raise ValueError("Argument `experiment` must have known values, but some are traced: ask outside of jax.jit.")
    return settings


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
    # Traced alone: to compute it would compile it, which a first image from the command line would wait for.
    return jax.eval_shape(shape.radius, jax.ShapeDtypeStruct((), jnp.float32)) is not None
