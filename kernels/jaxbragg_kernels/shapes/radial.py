"""Shapes that depend on r² = Δhᵀ M Δh alone, with M = fudge·NᵀN: as wide along a direction as the crystal is small."""

import abc
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg_kernels.reciprocal import Offsets
from jaxbragg_kernels.shapes.abstract import AbstractShape, Slopes

_Image = Float[Array, "..."]
_Three = Float[Array, "pixel 3 tile"]


class RadialShape(AbstractShape):
    """A shape of r² alone: `of_radius_squared` is all that it needs.

    With `radius` as well, tiles of pixels that no spot reaches are left out, which saves most of the time.
    """

    @abc.abstractmethod
    def of_radius_squared(self, radius_squared: _Image) -> _Image:
        """(F_latt / det N)² as a function of r² = fudge·|N Δh|²; differentiable, at 0 too."""

    def slope(self, radius_squared: _Image) -> tuple[_Image, _Image]:
        """`of_radius_squared` and its derivative by r²; JAX's, unless there is a better way."""
        return jax.jvp(self.of_radius_squared, (radius_squared,), (jnp.ones_like(radius_squared),))

    def size(self, n_cells: Any, metric: Any) -> Any:
        """M as a matrix."""
        del n_cells
        return None if metric is None else metric_matrix(metric)

    def intensity(self, offsets: Offsets, size: Float[Array, "3 3"]) -> _Image:
        """See `AbstractShape.intensity`."""
        return self.of_radius_squared(radius_squared(*offsets.delta, size))

    def slopes(self, deltas: _Three, size: Float[Array, "3 3"]) -> Slopes:
        """See `AbstractShape.slopes`."""
        h, k, l = (deltas[:, i] for i in range(3))
        along = _times(size, deltas)
        value, slope = self.slope(h * along[:, 0] + k * along[:, 1] + l * along[:, 2])
        return Slopes(value, slope, None)

    def by_delta(self, slopes: Slopes, deltas: _Three, size: Float[Array, "3 3"]) -> _Three:
        """Half of it is M Δh."""
        del slopes
        return 2.0 * _times(size, deltas)

    def by_size(self, slopes: Slopes, deltas: _Three, size: Float[Array, "3 3"]) -> tuple[_Three, _Three]:
        """Δh Δhᵀ."""
        del slopes, size
        return deltas, deltas


def radius_squared(h: _Image, k: _Image, l: _Image, matrix: Float[Array, "3 3"]) -> _Image:
    """Δhᵀ M Δh for a symmetric M.

    In Miller-index units M = fudge·diag(Na², Nb², Nc²). The widths in Å⁻¹ of the C program are fudge·(Na Nb Nc)²·G*
    with the reciprocal metric tensor G*.
    """
    return (
        (matrix[0, 0] * h + 2.0 * (matrix[0, 1] * k + matrix[0, 2] * l)) * h
        + (matrix[1, 1] * k + 2.0 * matrix[1, 2] * l) * k
        + matrix[2, 2] * l * l
    )


def metric_matrix(metric: Float[Array, "6"]) -> Float[Array, "3 3"]:
    """M from (hh, kk, ll, hk, hl, kl), off-diagonal elements once."""
    return metric[jnp.asarray([[0, 3, 4], [3, 1, 5], [4, 5, 2]])]


def _times(matrix: Float[Array, "3 3"], images: _Three) -> _Three:
    columns = [matrix[:, j, None] * images[:, j, None] for j in range(3)]
    return columns[0] + columns[1] + columns[2]
