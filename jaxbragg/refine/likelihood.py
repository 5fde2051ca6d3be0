"""How the counts of a pixel scatter about the model: what is minimised, its slope and its Fisher information.

What is minimised is −2 ln(likelihood) up to a constant, summed over pixels. A new one is one class with three methods
of `AbstractLikelihood`, each of the pixels' models and counts; a row in `LIKELIHOODS` gives it a name.
"""

import abc
import inspect
from collections.abc import Iterable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg_kernels.numerics import numerics

_Pixels = Float[Array, "..."]


class AbstractLikelihood(eqx.Module):
    """What a fit asks of the noise."""

    @abc.abstractmethod
    def deviance(self, model: _Pixels, counts: _Pixels) -> _Pixels:
        """−2 ln(likelihood) of each pixel, up to a constant."""

    @abc.abstractmethod
    def information(self, model: _Pixels) -> _Pixels:
        """Fisher information: the mean of half its second derivative."""

    @abc.abstractmethod
    def variance(self, model: _Pixels) -> _Pixels:
        """Variance of the counts [photons²]."""

    def slope(self, model: _Pixels, counts: _Pixels) -> _Pixels:
        """Half the derivative of the deviance by the model; JAX's, unless there is a better way."""
        return 0.5 * jax.jvp(lambda model: self.deviance(model, counts), (model,), (jnp.ones_like(model),))[1]

    def expected(self, model: _Pixels) -> _Pixels:
        """Mean of (count − model)²/variance where the model is right: 1, unless counts scatter otherwise."""
        return jnp.ones_like(model)

    def check(self, counts: Any) -> str | None:
        """What is wrong with the counts that are used, as the end of "… must …, but …"; None, unless something is."""
        del counts
        return None


class Poisson(AbstractLikelihood):
    """Photon counting: 2(m − d + d ln(d/m)) for each pixel, its Fisher information 1/m.

    Where a model has no background its spots fall to 0, and one photon there would make the likelihood 0. So `floor`
    photons are added to the model of every pixel, and a model below 0 counts as 0. They shift a fit by a share of
    floor/model, and the likelihood of a count in the dark becomes floor instead of 0: enough for steps to be finite.
    Give your background to the model, and the floor will not matter; give a larger floor where stray counts disturb.

    Attributes:
        floor: [photons].
    """

    floor: Float[Array, ""]

    def __init__(self, floor: Any = 1e-3) -> None:
        """Check and keep the floor.

        Raises:
            ValueError: If it is not positive.
        """
        self.floor = checks.leaf("floor", floor)
        checks.positive("floor", self.floor)

    def _mean(self, model: _Pixels) -> _Pixels:
        return jnp.maximum(model, 0.0) + self.floor

    def deviance(self, model: _Pixels, counts: _Pixels) -> _Pixels:
        """See `AbstractLikelihood.deviance`."""
        mean, some = self._mean(model), jnp.where(counts > 0, counts, 1.0)
        return 2.0 * (mean - counts + jnp.where(counts > 0, some * jnp.log(some / mean), 0.0))

    def slope(self, model: _Pixels, counts: _Pixels) -> _Pixels:
        """See `AbstractLikelihood.slope`."""
        return jnp.where(model >= 0, 1.0 - counts / self._mean(model), 0.0)

    def information(self, model: _Pixels) -> _Pixels:
        """See `AbstractLikelihood.information`."""
        return jnp.where(model >= 0, 1.0 / self._mean(model), 0.0)

    def variance(self, model: _Pixels) -> _Pixels:
        """See `AbstractLikelihood.variance`."""
        return self._mean(model)

    def expected(self, model: _Pixels) -> _Pixels:
        """The floor adds to the variance that is divided by, not to that of the counts."""
        return jnp.maximum(model, 0.0) / self._mean(model)

    def check(self, counts: Any) -> str | None:
        """See `AbstractLikelihood.check`."""
        low = int((counts < 0).sum())
        return None if low == 0 else f"not be negative where pixels are Poisson counts, but {low} pixels are: mask them"


class Gaussian(AbstractLikelihood):
    """Photon counting and read-out noise: r²/V + ln V with r = count − model, V = model + σ².

    The variance is the model's, never the counts': weights by counts pull a fit down. The term ln V makes the mean
    slope 0 at the truth, so that the variance may move with the parameters and one objective is minimised throughout.

    Attributes:
        read_noise: σ [photons].
        counting: Whether the model is part of the variance; without it this is plain least squares.
    """

    read_noise: Float[Array, ""]
    counting: bool = eqx.field(static=True)

    def __init__(self, read_noise: Any, *, counting: bool = True) -> None:
        """Check and keep the numbers.

        Raises:
            ValueError: If the noise is not positive.
        """
        self.read_noise = checks.leaf("read_noise", read_noise)
        checks.positive("read_noise", self.read_noise)
        self.counting = counting

    def deviance(self, model: _Pixels, counts: _Pixels) -> _Pixels:
        """See `AbstractLikelihood.deviance`; ln V is that over σ²."""
        variance = self.variance(model)
        return (counts - model) ** 2 / variance + jnp.log(variance / self.read_noise**2)

    def slope(self, model: _Pixels, counts: _Pixels) -> _Pixels:
        """See `AbstractLikelihood.slope`."""
        residual, variance = counts - model, self.variance(model)
        slope = -residual / variance
        if self.counting:
            slope = slope + jnp.where(model > 0, 0.5 / variance - 0.5 * (residual / variance) ** 2, 0.0)
        return slope

    def information(self, model: _Pixels) -> _Pixels:
        """See `AbstractLikelihood.information`."""
        weight = 1.0 / self.variance(model)
        return weight + jnp.where(model > 0, 0.5 * weight * weight, 0.0) if self.counting else weight

    def variance(self, model: _Pixels) -> _Pixels:
        """See `AbstractLikelihood.variance`; a model below 0 counts as 0."""
        constant = jnp.broadcast_to(self.read_noise**2, jnp.shape(model))
        return constant + jnp.maximum(model, 0.0) if self.counting else constant


LIKELIHOODS: dict[str, type[AbstractLikelihood]] = {"poisson": Poisson, "gaussian": Gaussian}
"""By name. `jaxbragg refine` takes these, with their arguments as keys."""


def likelihood_of(value: Any) -> AbstractLikelihood:
    """A likelihood from itself or its name.

    Raises:
        ValueError: If it is neither, or one of that name needs an argument.
    """
    if isinstance(value, AbstractLikelihood):
        return value
    if not isinstance(value, str) or value not in LIKELIHOODS:
        names = ", ".join(map(repr, LIKELIHOODS))
        raise ValueError(
            f"Argument `likelihood` must be one of {names}, or a likelihood such as Gaussian(3.0), but is {value!r}."
        )
    missing = missing_arguments(LIKELIHOODS[value], ())
    if missing:
        raise ValueError(
            f"Argument `likelihood` must be an object where it needs {missing[0]!r}, as {value!r} does: "
            f"{LIKELIHOODS[value].__name__}({missing[0]}=…)."
        )
    return LIKELIHOODS[value]()


def missing_arguments(kind: type[AbstractLikelihood], given: Iterable[str]) -> list[str]:
    """Arguments that a likelihood needs and that are not given."""
    parameters = inspect.signature(kind).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.name not in set(given)]


def under_x64(likelihood: AbstractLikelihood) -> AbstractLikelihood:
    """The likelihood with float64 leaves, whatever it was made with."""
    with numerics():
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), likelihood)
