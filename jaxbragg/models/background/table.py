"""A background that is looked up in a table of even steps."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.background.abstract import AbstractRadialBackground
from jaxbragg_kernels.background import on_even_grid


class RadialTable(AbstractRadialBackground):
    """|F|² between the points of a table that begins at 0, by cubics of one slope; 0 beyond its end.

    Attributes:
        step: Between the points, of sin θ/λ [1/Å].
        values: |F|² of all that scatters, there [electrons²].
    """

    step: Float[Array, ""]
    values: Float[Array, "point"]

    def __init__(self, step: Any, values: Any) -> None:
        """Check and keep the table.

        Raises:
            ValueError: If the step is not positive, there are fewer than two values, or one is negative.
        """
        self.step = checks.leaf("step", step)
        self.values = checks.leaf("values", values, (None,))

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("step", self.step)
        checks.not_negative("values", self.values)
        if self.values.shape[0] < 2:
            raise ValueError(f"Argument `values` must hold at least two, but holds {self.values.shape[0]}.")

    def intensity(self, stol: Float[Array, "..."]) -> Float[Array, "..."]:
        """See `AbstractRadialBackground.intensity`."""
        found = on_even_grid(stol, self.step.astype(stol.dtype), self.values.astype(stol.dtype))
        return jnp.maximum(found, 0.0)  # a cubic between two numbers that are all but 0 may be below
