"""Structure factors: a dense box over h, k, l and a default outside it."""

import abc
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks


class AbstractStructureFactors(eqx.Module):
    """What an image asks of structure factors: a dense box of |F|, and what holds outside it.

    Attributes:
        default: |F| of every index outside the box [electrons].
        minimum: Miller indices of the box's first element.
    """

    default: eqx.AbstractVar[Float[Array, ""]]
    minimum: eqx.AbstractVar[tuple[int, int, int]]

    @abc.abstractmethod
    def amplitudes(self) -> Float[Array, "h k l"]:
        """|F| of the dense box [electrons]; differentiable."""

    @property
    def has_table(self) -> bool:
        """Whether there is a box at all."""
        return 0 not in jax.eval_shape(self.amplitudes).shape


class StructureFactors(AbstractStructureFactors):
    """|F| of every reflection. No symmetry is imposed.

    Attributes:
        values: Dense box [electrons]; empty where only the default is used.
        default: |F| of every index outside the box [electrons].
        minimum: Miller indices of the box's first element.
    """

    values: Float[Array, "h k l"]
    default: Float[Array, ""]
    minimum: tuple[int, int, int] = eqx.field(static=True)

    def __init__(self, values: Any = None, minimum: Any = (0, 0, 0), default: Any = 0.0) -> None:
        """Check and keep a dense box.

        Args:
            values: |F| [electrons], or None for no table.
            minimum: Miller indices of its first element.
            default: |F| outside it [electrons].

        Raises:
            ValueError: If the box does not have three dimensions, or holds what is not a number.
        """
        if values is None:
            values = np.zeros((0, 0, 0))
        self.values = checks.leaf("values", values, (None, None, None))
        self.default = checks.leaf("default", default)
        checks.concrete("minimum", minimum, "it is part of what is compiled")
        if np.shape(minimum) != (3,) or not all(float(m).is_integer() for m in minimum):
            raise ValueError(f"Argument `minimum` must be three whole numbers, but is {minimum!r}.")
        self.minimum = tuple(int(m) for m in minimum)  # type: ignore[assignment]

    def amplitudes(self) -> Float[Array, "h k l"]:
        """|F| of the dense box [electrons]."""
        return self.values

    @classmethod
    def from_reflections(cls, hkl: Any, amplitudes: Any, default: float = 0.0) -> "StructureFactors":
        """A dense box from a list of reflections; what the list leaves out in the box takes the default.

        Args:
            hkl: Miller indices [n, 3]; where one comes twice the last counts.
            amplitudes: |F| [n, electrons].
            default: |F| of every other index.

        Raises:
            ValueError: If the list is empty or the shapes do not fit.
        """
        checks.concrete("hkl", hkl, "the size of the box depends on them; put `values` into a box of your own")
        checks.concrete("amplitudes", amplitudes, "make the box once and change its `values`")
        checks.concrete("default", default, "make the box once and change its `values`")
        hkl = np.asarray(hkl)
        amplitudes = np.asarray(amplitudes, np.float64)
        checks.check_shape("hkl", hkl, (None, 3))
        checks.check_shape("amplitudes", amplitudes, (len(hkl),))
        if len(hkl) == 0:
            raise ValueError("Argument `hkl` must hold at least one reflection, but is empty.")
        checks.require(hkl == np.round(hkl), "hkl", "be whole numbers", hkl)
        hkl = hkl.astype(np.int64)
        low, high = hkl.min(axis=0), hkl.max(axis=0)
        size = high - low + 1
        if (size + 2).prod() > 2**31 - 1:  # with the layer that the look-up puts all round it
            raise ValueError(
                f"The reflections span a box of {size[0]} × {size[1]} × {size[2]} indices, more than can be looked up: "
                f"h {low[0]} … {high[0]}, k {low[1]} … {high[1]}, l {low[2]} … {high[2]}."
            )
        box = np.full(size, float(default))
        flat = np.ravel_multi_index((hkl - low).T, size)
        # Assignment with repeated indices keeps the last one only by luck; the last of each is chosen here.
        _, first_reversed = np.unique(flat[::-1], return_index=True)
        last = len(flat) - 1 - first_reversed
        box.ravel()[flat[last]] = amplitudes[last]
        return cls(box, low, default)
