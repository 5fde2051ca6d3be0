"""Structure factors of each source: across an absorption edge they depend on the wavelength."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.structure_factors import AbstractStructureFactors, StructureFactors


class SourceStructureFactors(AbstractStructureFactors):
    """Several boxes of |F|, which are dealt out to the beam's sources in turn: source i sees box i modulo their number.

    `RelativeSources.grid` has its wavelengths fastest: so many boxes as there are wavelengths serve all directions.

        factors = jb.SourceStructureFactors.of(
            [jb.StructureFactors.from_model("1lyz.pdb", 1.8, wavelength=each) for each in wavelengths]
        )

    Attributes:
        values: Dense boxes of one size [electrons].
        default: |F| of every index outside of them [electrons].
        minimum: Miller indices of a box's first element.
    """

    values: Float[Array, "box h k l"]
    default: Float[Array, ""]
    minimum: tuple[int, int, int] = eqx.field(static=True)

    def __init__(self, values: Any, minimum: Any = (0, 0, 0), default: Any = 0.0) -> None:
        """Check and keep the boxes.

        Args:
            values: |F| [box, h, k, l; electrons].
            minimum: Miller indices of a box's first element.
            default: |F| outside of them [electrons].

        Raises:
            ValueError: If there is no box, or they do not have three dimensions each, or hold what is not a number.
        """
        self.values = checks.leaf("values", values, (None, None, None, None))
        if 0 in self.values.shape:
            raise ValueError(f"Argument `values` must hold at least one index, but has shape {self.values.shape}.")
        alone = StructureFactors(None, minimum, default)
        self.default, self.minimum = alone.default, alone.minimum

    @classmethod
    def of(cls, factors: Sequence[StructureFactors]) -> "SourceStructureFactors":
        """Those of several tables of one size.

        Raises:
            ValueError: If there is none, or their boxes or defaults differ.
        """
        if not factors:
            raise ValueError("Argument `factors` must hold at least one table, but is empty.")
        first = factors[0]
        for i, each in enumerate(factors):
            if each.values.shape != first.values.shape or each.minimum != first.minimum:
                raise ValueError(f"Argument `factors` must have boxes of one size, but [{i}] differs from [0].")
            if float(each.default) != float(first.default):
                raise ValueError(f"Argument `factors` must have one default, but [{i}] differs from [0].")
        return cls(np.stack([np.asarray(each.values) for each in factors]), first.minimum, first.default)

    def amplitudes(self) -> Float[Array, "box h k l"]:
        """|F| of the boxes [electrons]."""
        return self.values
