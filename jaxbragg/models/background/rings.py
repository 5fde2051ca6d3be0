"""Rings of a powder: crystallites in all orientations, in closed form."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.background.abstract import AbstractBackground
from jaxbragg.models.background.substances import hexagonal_ice
from jaxbragg.models.structure_factors import StructureFactors
from jaxbragg.models.unit_cell import cell_vectors
from jaxbragg_kernels.background import on_even_grid
from jaxbragg_kernels.numerics import numerics
from jaxbragg_kernels.rays import Rays

_POINTS = 8  # of the table to a standard deviation: cubics between them are 1e-4 of the top off
_BEYOND = 6.0  # standard deviations of the last ring
_MOST = 1 << 20  # points of the table
_SCHERRER = 0.94 / 2.3548200450309493


class PowderRings(AbstractBackground):
    """Crystallites in all orientations.

    N unit cells of the volume V have

        Σ |F|² = N / (4π s² V) · Σ_hkl |F_hkl|² p(s − 1/d_hkl),    s = 2 sin θ/λ,

    with p a Gaussian of area 1. So the multiplicity of a ring is in its sum, and Lorentz's factor in the solid angle.

    Attributes:
        cells: N.
        radius: 1/d of the rings, ascending [1/Å].
        strength: Σ |F|² / V of each [electrons²/Å³].
        width: Standard deviation of all rings in s [1/Å].
        points: Of the table that the pixels look them up in.

    References:
        Warren (1969), X-ray Diffraction, ch. 4 (the powder's intensity) and 13 (Scherrer's width, 0.94/L).
    """

    cells: Float[Array, ""]
    radius: Float[Array, "ring"]
    strength: Float[Array, "ring"]
    width: Float[Array, ""]
    points: int = eqx.field(static=True)

    def __init__(self, cells: Any, radius: Any, strength: Any, width: Any, points: int | None = None) -> None:
        """Check and keep the rings.

        Args:
            cells: How many unit cells the beam meets.
            radius: [1/Å].
            strength: [electrons²/Å³].
            width: [1/Å].
            points: None for 8 to a width.

        Raises:
            ValueError: If a number is negative, there is no ring, or they do not ascend.
        """
        self.cells = checks.leaf("cells", cells)
        self.radius = checks.leaf("radius", radius, (None,))
        self.strength = checks.leaf("strength", strength, (self.radius.shape[0],))
        self.width = checks.leaf("width", width)
        if points is None:
            checks.concrete("radius", self.radius, "give `points`, which are made of it and of `width`")
            checks.concrete("width", self.width, "give `points`, which are made of it and of `radius`")
            checks.positive("width", self.width)
            end = float(np.asarray(self.radius).max(initial=0.0)) + _BEYOND * float(self.width)
            points = int(np.ceil(end / float(self.width) * _POINTS)) + 2
        self.points = checks.count("points", points, 2)
        if self.points > _MOST:
            raise ValueError(
                f"Argument `width` must be wider: a table of {self.points} points, above {_MOST}, would be needed."
            )

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        if self.radius.shape[0] == 0:
            raise ValueError("Argument `radius` must hold at least one ring, but is empty.")
        for name in ("cells", "strength"):
            checks.not_negative(name, getattr(self, name))
        for name in ("radius", "width"):
            checks.positive(name, getattr(self, name))
        known = checks.known(self.radius)
        if known is not None:
            checks.require(np.diff(known) > 0, "radius", "ascend", known)

    def scattering(self, rays: Rays) -> Float[Array, "tile pixel"]:
        """See `AbstractBackground.scattering`: from a table, with cubics between its points, and 0 beyond."""
        step, table = self._table()
        dtype = rays.directions.unit[0].dtype
        found = on_even_grid(rays.scattering_length(), step.astype(dtype), table.astype(dtype))
        return jnp.maximum(found, 0.0)  # a cubic between two numbers that are all but 0 may be below

    def _table(self) -> tuple[Float[Array, ""], Float[Array, "point"]]:
        end = self.radius[-1] + _BEYOND * self.width
        step = end / (self.points - 1)
        s = step * jnp.arange(self.points, dtype=step.dtype)
        far = (s[:, None] - self.radius) / self.width
        rings = (self.strength * jnp.exp(-0.5 * far * far)).sum(axis=1) / (self.width * np.sqrt(2.0 * np.pi))
        square = jnp.maximum(s * s, (0.5 * self.radius[0]) ** 2)  # before the first ring there is none
        return step, self.cells * rings / (4.0 * np.pi * square)

    @classmethod
    def of(
        cls,
        factors: StructureFactors,
        cell: Any,
        cells: Any,
        size: Any = None,
        *,
        width: Any = None,
        d_min: float = 0.0,
    ) -> "PowderRings":
        """The rings of a table of |F|.

        Args:
            factors: |F| of all indices of P1; its default does not count.
            cell: Six numbers [Å, deg].
            cells: How many unit cells the beam meets.
            size: Of the crystallites, by Scherrer's formula [m].
            width: Instead: standard deviation in 1/d [1/Å].
            d_min: Rings beyond it are left out [Å]; 0 for none.

        Raises:
            ValueError: If there is neither size nor width, or no ring.
        """
        values = np.asarray(factors.values, float)
        return _rings(values**2, factors.minimum, np.asarray(cell, float), cells, _width(size, width), d_min)

    @classmethod
    def ice(
        cls, volume: Any, size: Any = 1e-7, *, width: Any = None, d_min: float = 1.0, b_factor: float = 1.5
    ) -> "PowderRings":
        """Hexagonal ice: its first rings are at 3.90, 3.66 and 3.44 Å.

        Args:
            volume: Of the ice in the beam [m³].
            size: Of the crystallites [m]: some nm for nano-ice, whose rings are broad.
            width: Instead: standard deviation in 1/d [1/Å].
            d_min: Rings beyond it are left out [Å].
            b_factor: Of its atoms [Å²].

        Raises:
            ValueError: If a number cannot be.
        """
        checks.not_negative("volume", volume)
        checks.positive("d_min", d_min)
        limits = tuple(int(np.ceil(edge / d_min)) for edge in (4.4969, 4.4969, 7.3211))
        cell, squares = hexagonal_ice(limits, b_factor)  # type: ignore[arg-type]
        per_cell = abs(np.linalg.det(cell_vectors(*cell))) * 1e-30
        low = tuple(-n for n in limits)
        size = None if width is not None else size
        return _rings(squares, low, np.array(cell), volume / per_cell, _width(size, width), d_min)


def _width(size: Any, width: Any) -> float:
    """Standard deviation in 1/d [1/Å]."""
    if (size is None) == (width is None):
        raise ValueError("Arguments `size` and `width` exclude each other, and one must be given.")
    if width is not None:
        checks.positive("width", width)
        return float(width)
    checks.positive("size", size)
    return _SCHERRER / (float(size) * 1e10)


def _rings(
    squares: np.ndarray, minimum: tuple[int, ...], cell: np.ndarray, cells: Any, width: float, d_min: float
) -> PowderRings:
    """Indices of one 1/d together."""
    with numerics():
        vectors = np.asarray(cell_vectors(*cell), float)
    stars = np.linalg.inv(vectors)
    grid = np.stack(np.meshgrid(*(np.arange(m, m + n) for m, n in zip(minimum, squares.shape, strict=True)),
                                indexing="ij"), axis=-1).reshape(-1, 3)  # fmt: skip
    lengths, weights = np.linalg.norm(grid @ stars.T, axis=1), squares.ravel()
    wanted = (lengths > 0) & (weights > 1e-9 * weights[lengths > 0].max(initial=0.0))
    if d_min > 0:
        wanted &= lengths * d_min <= 1.0
    if not wanted.any():
        raise ValueError("Argument `factors` must hold a reflection other than 000 within the resolution.")
    keys = np.round(lengths[wanted], 7)
    radius, which = np.unique(keys, return_inverse=True)
    strength = np.bincount(which.ravel(), weights[wanted]) / abs(np.linalg.det(vectors))
    return PowderRings(cells, radius, strength, width)
