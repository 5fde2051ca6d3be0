"""What the sums ask of a spot shape. A new shape is one class; one of r² alone is a `RadialShape` and needs less."""

import abc
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg_kernels.reciprocal import Offsets

_Image = Float[Array, "..."]
_Three = Float[Array, "pixel 3 tile"]


class Slopes(NamedTuple):
    """The intensity of a shape and its derivatives, in factors that are used more than once.

    Attributes:
        intensity: (F_latt / det N)².
        factor: Multiplies every derivative.
        by_delta: factor · by_delta is the derivative by Δh, Δk, Δl, or None where `AbstractShape.by_delta` makes it.
    """

    intensity: Float[Array, "pixel tile"]
    factor: Float[Array, "pixel tile"]
    by_delta: _Three | None


class AbstractShape(abc.ABC):
    """How a crystal's shape spreads the intensity about each Bragg point.

    Shapes hold no arrays and are chosen before anything is compiled, so that equal ones must be equal and hash alike:
    frozen dataclasses do. What they depend on is the crystal's. Intensities are even in (Δh, Δk, Δl) and finite.

    A class with `size` and `intensity` is complete; derivatives by `Offsets.delta` and the size are then JAX's. One
    that uses `Offsets.phases` gives `slopes`, `by_delta` and `by_size` as well.
    """

    @abc.abstractmethod
    def size(self, n_cells: Any, metric: Any) -> Any:
        """What of the crystal the shape depends on: one of the two, or an array that is linear in it.

        Args:
            n_cells: Na, Nb, Nc, or their tangents, or None where these are zero.
            metric: M as in `Crystal`, or its tangents, or None where these are zero.
        """

    @abc.abstractmethod
    def intensity(self, offsets: Offsets, size: Array) -> _Image:
        """(F_latt / det N)²: F_latt is det N at a Bragg point, up to a factor of the shape.

        Args:
            offsets: From the nearest Bragg points.
            size: From `size`.
        """

    def radius(self, threshold: Float[Array, ""]) -> Float[Array, ""] | None:
        """The r, with r² = Δhᵀ M Δh, beyond which `intensity` is guaranteed to stay below a threshold.

        None, the default, where nothing may be left out.
        """
        del threshold

    def phases(self, deltas: tuple[_Image, ...], size: Array) -> tuple[_Image, ...] | None:
        """Phases of the fringes in periods, less whole numbers, −½ … ½; None, the default, for a shape without fringes.

        In float32 a phase of a thousand periods has lost four digits. Where it matters, phases are made in float64 by
        this, and are in `Offsets.phases` when `intensity` is called.

        Args:
            deltas: Δh, Δk, Δl in float64.
            size: From `size`, in float64.
        """
        del deltas, size
        return None

    def phases_beside(
        self, phases: tuple[_Image, ...], steps: tuple[_Image, ...], nearest: tuple[_Image, ...], size: Array
    ) -> tuple[_Image, ...] | None:
        """Phases a small step away, less any whole number, where they are linear in h, k, l; None, the default, if not.

        Args:
            phases: From `phases`, in the type of the image.
            steps: Of h, k, l, in that type.
            nearest: By how much the nearest Bragg point is another one.
            size: As for `phases`.
        """
        del phases, steps, nearest, size
        return None

    def slopes(self, deltas: _Three, size: Array) -> Slopes:
        """Intensity and derivatives.

        Args:
            deltas: Δh, Δk, Δl.
            size: From `size`.
        """
        value, by_delta = jax.linearize(lambda deltas: self._at(deltas, size), deltas)
        units = (jnp.zeros_like(deltas).at[:, i].set(1.0) for i in range(3))
        return Slopes(value, jnp.ones_like(value), jnp.stack([by_delta(unit) for unit in units], axis=1))

    def by_delta(self, slopes: Slopes, deltas: _Three, size: Array) -> _Three:
        """The derivative by Δh, Δk, Δl over `Slopes.factor`."""
        del deltas, size
        assert slopes.by_delta is not None
        return slopes.by_delta

    def by_size(
        self, slopes: Slopes, deltas: _Three, size: Array
    ) -> tuple[Float[Array, "pixel a tile"], Float[Array, "pixel b tile"]]:
        """Two sets of images p, q: the derivative by the size's element ab, over `Slopes.factor`, is p_a q_b."""
        del slopes
        _, change = jax.linearize(lambda size: self._at(deltas, size), size)
        units = jnp.eye(size.size, dtype=size.dtype).reshape(size.size, *size.shape)
        images = jnp.stack([change(unit) for unit in units], axis=1)
        return images, jnp.ones_like(images[:, :1])

    def _at(self, deltas: _Three, size: Array) -> _Image:
        return self.intensity(Offsets((deltas[:, 0], deltas[:, 1], deltas[:, 2]), None), size)

    def sign(self, offsets: Offsets, nearest: tuple[_Image, ...], size: Array) -> _Image:
        """The sign of F_latt, for traces.

        Args:
            offsets: From the nearest Bragg points.
            nearest: Their Miller indices.
            size: From `size`.
        """
        del nearest, size
        return jnp.ones_like(offsets.delta[0])

    def axes(self, offsets: Offsets, nearest: tuple[_Image, ...], size: Array) -> tuple[_Image, ...]:
        """The factors of F_latt along a, b and c with their signs, for traces; NaN where it is no such product."""
        del nearest, size
        return tuple(jnp.full_like(delta, jnp.nan) for delta in offsets.delta)
