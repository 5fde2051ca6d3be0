"""In what the pixels of a detector differ: their calibration, their efficiency from image to image, and broken ones."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxbragg.models import checks
from jaxbragg.models.response.abstract import AbstractStep, Signal, number_for
from jaxbragg.models.response.chance import AbstractChance
from jaxbragg_kernels.namespace import namespace_of


class CalibrationError(AbstractStep):
    """Pixels are multiplied by factors of their own, the same in every image: a fixed pattern.

    Attributes:
        spread: Standard deviation of the factors, which are 1 on average.
        seed: Which pattern.
    """

    spread: Float[Array, ""]
    seed: int = eqx.field(static=True)

    def __init__(self, spread: Any, seed: int = 0) -> None:
        """Check and keep the spread.

        Raises:
            ValueError: If it is negative, or the seed is not a whole number of at least 0.
        """
        self.spread = checks.leaf("spread", spread)
        self.seed = checks.count("seed", seed, 0)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.not_negative("spread", self.spread)

    def pattern(self, image: Any) -> Any:
        """The factors of an image's pixels; panels have patterns of their own.

        Args:
            image: Whose shape and type they have, an axis of images in front left out.
        """
        # The same numbers inside JAX programs and outside, on any device.
        words = np.array([self.seed >> 32 & 0xFFFFFFFF, self.seed & 0xFFFFFFFF], np.uint32)
        key = jax.random.wrap_key_data(jnp.asarray(words), impl="threefry2x32")
        numbers = jax.random.normal(key, image.shape[-3:], jnp.float32).astype(image.dtype)
        xp = namespace_of(image, self.spread)
        return 1.0 + number_for(image, self.spread) * xp.asarray(numbers)

    def expected(self, signal: Signal) -> Signal:
        """See `AbstractStep.expected`: of this detector, whose pattern does not vary."""
        factors = self.pattern(signal.mean)
        return Signal(signal.mean * factors, signal.variance * factors * factors)

    def drawn(self, image: Any, chance: AbstractChance) -> Any:
        """See `AbstractStep.drawn`."""
        del chance
        return image * self.pattern(image)


class Flicker(AbstractStep):
    """Pixels are multiplied by random factors that are new in every image.

    Attributes:
        spread: Standard deviation of the factors, which are 1 on average.
        together: Whether all pixels of an image have one factor, as where the beam's intensity varies.
    """

    spread: Float[Array, ""]
    together: bool = eqx.field(static=True)

    def __init__(self, spread: Any, *, together: bool = False) -> None:
        """Check and keep the spread.

        Raises:
            ValueError: If it is negative.
        """
        self.spread = checks.leaf("spread", spread)
        self.together = bool(together)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.not_negative("spread", self.spread)

    def expected(self, signal: Signal) -> Signal:
        """See `AbstractStep.expected`."""
        square = number_for(signal.mean, self.spread) ** 2
        return Signal(signal.mean, signal.variance * (1.0 + square) + square * signal.mean * signal.mean)

    def drawn(self, image: Any, chance: AbstractChance) -> Any:
        """See `AbstractStep.drawn`: a factor below 0 is 0."""
        xp = namespace_of(image, self.spread)
        like = np.broadcast_to(np.zeros((), np.dtype(image.dtype)), (1,) * image.ndim) if self.together else image
        return image * xp.maximum(1.0 + number_for(image, self.spread) * chance.normal(like), 0.0)


class BadPixels(AbstractStep):
    """Pixels that read nothing, and pixels that read too much, whatever the light.

    Attributes:
        dead: Which read 0 [slow, fast], or [panel, slow, fast].
        hot: Which read `level`.
        level: Of hot ones, in what is read at this step.
    """

    dead: Bool[Array, "... slow fast"]
    hot: Bool[Array, "... slow fast"]
    level: Float[Array, ""]

    def __init__(self, dead: Any, hot: Any, level: Any = 1e4) -> None:
        """Check and keep the maps.

        Raises:
            ValueError: If the maps differ in shape or are not of True and False, or the level is negative.
        """
        for name, value in (("dead", dead), ("hot", hot)):
            if np.asarray(value).dtype != bool:
                raise ValueError(f"Argument `{name}` must be True and False, but is of type {np.asarray(value).dtype}.")
        checks.check_shape("hot", hot, np.shape(dead))
        self.dead, self.hot = jnp.asarray(dead), jnp.asarray(hot)
        self.level = checks.leaf("level", level)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.not_negative("level", self.level)

    @classmethod
    def random(
        cls, shape: tuple[int, ...], dead: float = 0.0, hot: float = 0.0, level: Any = 1e4, *, seed: int = 0
    ) -> "BadPixels":
        """Pixels chosen at random.

        Args:
            shape: Of the image.
            dead: Share of dead pixels.
            hot: Share of hot ones.
            level: See `BadPixels`.
            seed: Which ones.

        Raises:
            ValueError: If the shares cannot be.
        """
        for name, share in (("dead", dead), ("hot", hot)):
            checks.require(0 <= share <= 1 and dead + hot <= 1, name, "be a share from 0 to 1, of all together", share)
        numbers = np.random.default_rng([seed, 1]).random(shape)
        return cls(numbers < dead, numbers >= 1.0 - hot, level)

    def expected(self, signal: Signal) -> Signal:
        """See `AbstractStep.expected`."""
        whole = jnp.where(self.dead | self.hot, 0.0, signal.variance)
        return Signal(self._of(signal.mean), whole)

    def drawn(self, image: Any, chance: AbstractChance) -> Any:
        """See `AbstractStep.drawn`."""
        del chance
        return self._of(image)

    def _of(self, image: Any) -> Any:
        xp = namespace_of(image, self.level)
        return xp.where(self.hot, number_for(image, self.level), xp.where(self.dead, xp.zeros_like(image), image))
