"""What a response asks of its steps. A new step is one class with two methods, `expected` and `drawn`."""

import abc
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.readable import Readable
from jaxbragg.models.response.chance import AbstractChance, chance_of
from jaxbragg_kernels.numerics import numerics, with_numerics


class Signal(NamedTuple):
    """What pixels read on average, and how much that varies from image to image.

    Attributes:
        mean: Of each pixel [... slow fast].
        variance: Likewise; that pixels vary together is not kept.
    """

    mean: Float[Array, "... slow fast"]
    variance: Float[Array, "... slow fast"]


class AbstractStep(Readable):
    """One thing that a detector does to an image.

    Leaves are real numbers that can be differentiated and refined.
    """

    @abc.abstractmethod
    def expected(self, signal: Signal) -> Signal:
        """Mean and variance after the step; differentiable.

        Args:
            signal: Before it.
        """

    @abc.abstractmethod
    def drawn(self, image: Float[Array, "... slow fast"], chance: AbstractChance) -> Float[Array, "... slow fast"]:
        """One image after the step, of one before it.

        Args:
            image: Of JAX or of numpy; the result may be of either.
            chance: Random numbers.
        """


def number_for(image: Any, number: Any) -> Any:
    """A leaf in the type of an image, so that the image keeps its own.

    Args:
        image: Of any real type.
        number: The leaf.
    """
    return number.astype(image.dtype)


class PointwiseStep(AbstractStep):
    """A step that is one function of every pixel's reading, without chance."""

    @abc.abstractmethod
    def of(self, image: Any) -> Any:
        """Readings after it, of JAX or of numpy.

        Args:
            image: Before it.
        """

    def expected(self, signal: Signal) -> Signal:
        """See `AbstractStep.expected`: the variance by the slope, to first order."""
        mean, slope = jax.jvp(self.of, (signal.mean,), (jnp.ones_like(signal.mean),))
        return Signal(mean, signal.variance * slope * slope)

    def drawn(self, image: Any, chance: AbstractChance) -> Any:
        """See `AbstractStep.drawn`."""
        del chance
        return self.of(image)


class Response(Readable):
    """What a detector makes of an image: steps, one after the other.

        response = jb.Response([jb.GaussianSpread(1.2), jb.Counting(), jb.Gain(1.8), jb.ReadNoise(3.0)])
        mean, variance = response.expected(photons)
        image = response.drawn(photons, 0)

    Attributes:
        steps: In the order in which they happen.
    """

    steps: tuple[AbstractStep, ...]

    def __init__(self, steps: Iterable[AbstractStep] | AbstractStep = ()) -> None:
        """Check and keep the steps.

        Raises:
            ValueError: If one is not a step.
        """
        self.steps = (steps,) if isinstance(steps, AbstractStep) else tuple(steps)

    def __check_init__(self) -> None:
        """Raise a ValueError for what is no step."""
        for step in self.steps:
            if not isinstance(step, AbstractStep):
                raise ValueError(
                    f"Argument `steps` must be steps such as GaussianSpread or Counting, but has {step!r}."
                )

    def expected(self, photons: Float[Array, "... slow fast"]) -> Signal:
        """What is read out on average, and its variance; differentiable by the photons and by the steps' numbers.

        Args:
            photons: Mean photons in each pixel, as `jaxbragg.simulate` gives them without a response.
        """
        return with_numerics(_expected)(None, (self, photons))

    def drawn(self, photons: Any, seed: Any) -> Any:
        """A random image: the same photons and seed give the same one.

        Args:
            photons: Mean photons in each pixel [... slow fast].
            seed: A whole number, for numpy's random numbers on the host's cores; or a key of `jax.random`, for those of
                JAX, under `jax.jit` and `jax.vmap` too. The two give other images.

        Raises:
            ValueError: If it is neither, or a mean is NaN or negative; where means are traced, these give NaN.
        """
        return drawn_by(Response._drawn, self, photons, chance_of(seed))

    def _drawn(self, image: Any, chance: AbstractChance) -> Any:
        for i, step in enumerate(self.steps):
            image = step.drawn(image, chance.of_step(i))
        return image


def drawn_by(function: Callable[..., Any], model: Any, photons: Any, chance: AbstractChance) -> Any:
    """What a function draws, with numpy's numbers of arrays of numpy.

    Args:
        function: Of model, photons and chance.
        model: With leaves of JAX.
        photons: The image.
        chance: Random numbers.
    """
    known = checks.known(photons)
    if known is not None and not (known >= 0).all():
        wrong = int((~(known >= 0)).sum())
        raise ValueError(f"Argument `photons` must not be NaN or negative, but {wrong} of {known.size} pixels are.")
    if not chance.is_traceable:
        model, photons = jax.device_get(model), np.asarray(photons)
    with numerics():
        return function(model, photons, chance)


def _expected(static: None, response_and_photons: tuple[Response, Any]) -> Signal:
    del static
    response, photons = response_and_photons
    mean = jnp.asarray(photons)
    signal = Signal(mean, jnp.zeros_like(mean))
    for step in response.steps:
        signal = step.expected(signal)
    return signal
