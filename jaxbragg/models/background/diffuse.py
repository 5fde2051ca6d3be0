"""Diffuse scatter of a crystal whose atoms move together as those of a liquid do."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.background.abstract import AbstractBackground
from jaxbragg_kernels import hkl
from jaxbragg_kernels.rays import Rays


class LiquidLikeMotions(AbstractBackground):
    """Displacements of the variance σ² along every direction, which are correlated as e^(−r/γ).

    N unit cells have, with s = |q| = 1/d and s_hkl the distance to a reciprocal lattice point,

        Σ |F|² = N e^(−4π² σ² s²) 4π² σ² s² · Σ_hkl |F_hkl|² 8π γ³ / V / (1 + 4π² γ² s_hkl²)²,

    point by point up to `reach` indices from the nearest one. Beyond these, where it is smooth but its sum converges
    slowly, the mean |F|² of the points within stands for all, and an integral over all but a sphere of their volume for
    the sum: that is 1 % off. |F| are without the displacements: the Bragg part has the B factor 8π² σ². The crystal is
    as it is at the middle of the scan; its mosaic spread, which is small against 1/γ, is left out. It has the symmetry
    of |F|.

    Attributes:
        vectors: Rows a, b, c in the laboratory [Å]; `Crystal.vectors()`, turned to the middle of the scan.
        values: |F| of the dense box [electrons].
        cells: N, as many as the crystal has, times its `blocks`.
        sigma: σ [Å].
        gamma: γ [Å].
        minimum: Miller indices of the box's first element.
        reach: Indices to each side.

    References:
        Caspar, Clarage, Salunke & Clarage (1988), Nature 332, 659; Wall, Ealick & Gruner (1997), PNAS 94, 6180.
    """

    vectors: Float[Array, "3 3"]
    values: Float[Array, "h k l"]
    cells: Float[Array, ""]
    sigma: Float[Array, ""]
    gamma: Float[Array, ""]
    minimum: tuple[int, int, int] = eqx.field(static=True)
    reach: int = eqx.field(static=True)

    def __init__(
        self, vectors: Any, values: Any, minimum: Any, cells: Any, sigma: Any = 0.3, gamma: Any = 10.0, reach: int = 1
    ) -> None:
        """Check and keep the numbers.

        Raises:
            ValueError: If vectors lie in a plane, there is no box, or a number is negative.
        """
        self.vectors = checks.leaf("vectors", vectors, (3, 3))
        self.values = checks.leaf("values", values, (None, None, None))
        self.cells = checks.leaf("cells", cells)
        self.sigma, self.gamma = checks.leaf("sigma", sigma), checks.leaf("gamma", gamma)
        self.minimum = tuple(int(m) for m in minimum)  # type: ignore[assignment]
        self.reach = checks.count("reach", reach, 0)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        if 0 in self.values.shape:
            raise ValueError(f"Argument `values` must hold at least one index, but has shape {self.values.shape}.")
        known = checks.known(self.vectors)
        if known is not None:
            checks.require(abs(np.linalg.det(known)) > 1e-6, "vectors", "span a cell", known)
        for name in ("cells", "sigma", "gamma"):
            checks.not_negative(name, getattr(self, name))

    @classmethod
    def of(cls, crystal: Any, factors: Any, sigma: Any = 0.3, gamma: Any = 10.0, **more: Any) -> "LiquidLikeMotions":
        """Of a crystal that is not turned, and its |F|.

        Args:
            crystal: A `Crystal`.
            factors: Its `StructureFactors`.
            sigma: σ [Å].
            gamma: γ [Å].
            **more: `reach`, and `cells` where they are not those of the crystal.
        """
        more = {"cells": crystal.volume() * crystal.blocks, **more}
        return cls(crystal.vectors(), factors.values, factors.minimum, sigma=sigma, gamma=gamma, **more)

    def scattering(self, rays: Rays) -> Float[Array, "tile pixel"]:
        """See `AbstractBackground.scattering`."""
        dtype = rays.directions.unit[0].dtype
        beam, wavelength = rays.beam.astype(dtype), rays.wavelength.astype(dtype)
        q = [(unit - b) / wavelength for unit, b in zip(rays.directions.unit, beam, strict=True)]
        rows = self.vectors.astype(dtype)
        stars = jnp.linalg.inv(self.vectors).T.astype(dtype)  # rows a*, b*, c*
        indices = [row[0] * q[0] + row[1] * q[1] + row[2] * q[2] for row in rows]
        wholes = [jnp.round(each) for each in indices]
        rest = [each - whole for each, whole in zip(indices, wholes, strict=True)]
        table = hkl.make_table(self.values.astype(dtype), self.minimum, jnp.zeros((), dtype))
        gamma = self.gamma.astype(dtype)
        total = squares = jnp.zeros_like(q[0])
        steps = range(-self.reach, self.reach + 1)
        for h in steps:
            for k in steps:
                for l in steps:
                    away = [r - step for r, step in zip(rest, (h, k, l), strict=True)]
                    delta = [sum(away[i] * stars[i, j] for i in range(3)) for j in range(3)]
                    square = delta[0] * delta[0] + delta[1] * delta[1] + delta[2] * delta[2]
                    near = [(w + step).astype(jnp.int32) for w, step in zip(wholes, (h, k, l), strict=True)]
                    factor = hkl.nearest(table, near[0], near[1], near[2])
                    squares = squares + factor * factor
                    total = total + factor * factor / (1.0 + 4.0 * np.pi**2 * gamma * gamma * square) ** 2
        s2 = q[0] * q[0] + q[1] * q[1] + q[2] * q[2]
        moved = 4.0 * np.pi**2 * (self.sigma * self.sigma).astype(dtype) * s2
        volume = jnp.abs(jnp.linalg.det(self.vectors)).astype(dtype)
        count = (2 * self.reach + 1) ** 3
        x = 2.0 * np.pi * gamma * jnp.cbrt(3.0 * count / (4.0 * np.pi * volume))
        beyond = 1.0 - (2.0 / np.pi) * (jnp.arctan(x) - x / (1.0 + x * x))
        total = 8.0 * np.pi * gamma**3 / volume * total + beyond * squares / count
        return self.cells.astype(dtype) * moved * jnp.exp(-moved) * total
