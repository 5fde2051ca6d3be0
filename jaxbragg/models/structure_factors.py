"""Structure factors: a dense box over h, k, l and a default outside it."""

import abc
from collections.abc import Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.readable import Readable


class AbstractStructureFactors(Readable):
    """What an image asks of structure factors: a dense box of |F|, and what holds outside it.

    Attributes:
        default: |F| of every index outside the box [electrons].
        minimum: Miller indices of the box's first element.
    """

    default: eqx.AbstractVar[Float[Array, ""]]
    minimum: eqx.AbstractVar[tuple[int, int, int]]

    @abc.abstractmethod
    def amplitudes(self) -> Float[Array, "... h k l"]:
        """|F| of the dense box [electrons], [h, k, l] for all sources or [box, h, k, l]; differentiable.

        Several boxes are dealt out to the beam's sources in turn: source i sees box i modulo their number.
        """

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
    def from_model(cls, model: Any, d_min: float, **given: Any) -> "StructureFactors":
        """|F| of all reflections of a structure, both Friedel mates and both sides of every axis, 000 left out.

            factors = jb.StructureFactors.from_model("1lyz.pdb", 1.8, solvent=(0.35, 46.0))

        Args:
            model: File name (PDB, mmCIF, mmJSON; .gz too), or a `gemmi.Structure`.
            d_min: Resolution [Å]; beyond it |F| is 0.
            **given: `wavelength` [Å] for anomalous scattering, `dispersion` {element: (f′, f″)} [electrons], `solvent`
                (k_sol [electrons/Å³], B_sol [Å²]), `b_factor` [Å²] added to the atoms' own, `with_000`: see
                `jaxbragg.models.reflections.Calculated`.

        Raises:
            ValueError: If there is no cell or no atom, or a value cannot be.
            RuntimeError: If gemmi cannot read the file.
        """
        import gemmi

        from jaxbragg.models.reflections import Calculated, calculate

        structure = model if isinstance(model, gemmi.Structure) else gemmi.read_structure(str(model))
        box = calculate(structure, Calculated(d_min, **given))
        return cls(box, -(np.array(box.shape) // 2))

    @classmethod
    def from_mtz(
        cls, mtz: Any, columns: Sequence[str] | None = None, default: float = 0.0, *, d_min: float = 0.0
    ) -> "StructureFactors":
        """|F| of a file of merged reflections, expanded by its space group to all of P1.

            factors = jb.StructureFactors.from_mtz("refined.mtz", ["F-model"])

        Args:
            mtz: File name, or a `gemmi.Mtz`. Its amplitudes are taken to be in electrons.
            columns: Their labels: one of |F| or of intensities, those of h and −h, F and its anomalous difference, or F
                and a phase. None for what `jaxbragg.models.reflections.choose_columns` finds.
            default: |F| of every other index; 0 for those that are systematically absent.
            d_min: Reflections beyond this resolution are left out [Å]; 0 for none.

        Raises:
            ValueError: If there is no such column, or no reflection.
            RuntimeError: If gemmi cannot read the file.
        """
        import gemmi

        from jaxbragg.models.reflections import choose_columns, reflections_of

        mtz = mtz if isinstance(mtz, gemmi.Mtz) else gemmi.read_mtz_file(str(mtz))
        hkl, amplitudes = reflections_of(mtz, columns or choose_columns(mtz))
        if d_min > 0:
            inside = mtz.cell.calculate_1_d2_array(np.ascontiguousarray(hkl)) <= 1 / d_min**2
            hkl, amplitudes = hkl[inside], amplitudes[inside]
        group = mtz.spacegroup.xhm() if mtz.spacegroup is not None else None
        return cls.from_arrays(hkl, amplitudes, default, spacegroup=group)

    @classmethod
    def from_arrays(
        cls, hkl: Any, amplitudes: Any, default: float = 0.0, *, spacegroup: str | None = None
    ) -> "StructureFactors":
        """A dense box from a list of reflections; what the list leaves out in the box takes the default.

        Args:
            hkl: Miller indices [n, 3]; where one comes twice the last counts.
            amplitudes: |F| [n, electrons].
            default: |F| of every other index.
            spacegroup: Its symbol or number: the list is expanded by its symmetry to all of P1; Friedel mates that are
                not in it are like those that are, and what is systematically absent is 0. None to take the list as it
                is.

        Raises:
            ValueError: If the list is empty, the shapes do not fit, or there is no such space group.
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
        absent = None
        if spacegroup is not None:
            from jaxbragg.models.reflections import absences, expanded, space_group

            group = space_group(spacegroup)
            hkl, amplitudes = expanded(hkl, amplitudes, group)
            absent = partial(absences, group)
        low, high = hkl.min(axis=0), hkl.max(axis=0)
        size = high - low + 1
        if (size + 2).prod() > 2**31 - 1:  # with the layer that the look-up puts all round it
            raise ValueError(
                f"The reflections span a box of {size[0]} × {size[1]} × {size[2]} indices, more than can be looked up: "
                f"h {low[0]} … {high[0]}, k {low[1]} … {high[1]}, l {low[2]} … {high[2]}."
            )
        box = np.full(size, float(default))
        if absent is not None and default != 0:
            box[absent(low, size)] = 0.0
        flat = np.ravel_multi_index((hkl - low).T, size)
        # Assignment with repeated indices keeps the last one only by luck; the last of each is chosen here.
        _, first_reversed = np.unique(flat[::-1], return_index=True)
        last = len(flat) - 1 - first_reversed
        box.ravel()[flat[last]] = amplitudes[last]
        return cls(box, low, default)
