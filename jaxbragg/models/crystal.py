"""The crystal: cell, orientation, size, shape and mosaic spread."""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.absorption import ConvexAbsorption
from jaxbragg.models.damage import Damage
from jaxbragg.models.gaussian import CellSpread
from jaxbragg.models.mosaic import AbstractMosaic, no_mosaic
from jaxbragg.models.readable import Readable
from jaxbragg.models.sizes import AbstractSizes
from jaxbragg.models.unit_cell import UnitCell, cell_parameters, cell_vectors
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation
from jaxbragg_kernels.namespace import namespace_of
from jaxbragg_kernels.numerics import numerics
from jaxbragg_kernels.shapes import AbstractShape, shape_named


class Crystal(Readable):
    """A small crystal.

    Attributes:
        cell: Unit cell.
        orientation: U, which rotates the standard setting (a* along x, b* in the xy plane) into the laboratory's; None
            for the standard setting itself.
        misset: Rotations about x, then y, then z of the laboratory, after U [deg].
        cells: Unit cells along a, b, c; real numbers are allowed.
        shear: Nd, Ne, Nf, what N = [[Na, Nd, Nf], [Nd, Nb, Ne], [Nf, Ne, Nc]] has beside its diagonal; 0 unless given.
            Spots that depend on N Δh alone take it; square ones are a product along a, b, c and cannot.
        fudge: Multiplies the squared distance from a Bragg point: more than 1 narrows round, gauss and tophat spots.
        blocks: How many such crystals the beam meets, which scatter alike and without phase relation: the mosaic blocks
            of a macroscopic crystal. Multiplies the Bragg part of the image alone.
        mosaic: The rotations of the domains.
        cell_spread: How the domains' cells differ; None for alike ones.
        b_factor: Beside |F|, which are multiplied by exp(−¼ GᵀBG) [Å²]: one number B for all directions, or the six xx,
            yy, zz, xy, yz, xz of a symmetric matrix about the crystal's axes (x along a*, z along c); None for none.
        damage: What radiation adds to the B factor; None for none.
        sizes: How `cells` are distributed among the blocks; None for blocks of one size.
        position: Of the crystal at φ = 0, from where the spindle meets the beam [m], with which it turns; None for
            there. Its spots move on the detector, and it gets the light that `Beam.profile` has there.
        absorption: Of the beam and what is scattered, in the crystal itself; None for none.
        shape: Of the spots: "square", "round", "gauss", "tophat" (through which no derivative passes: it is 0), or an
            `AbstractShape`.
    """

    cell: UnitCell
    orientation: Float[Array, "3 3"] | None
    misset: Float[Array, "3"]
    cells: Float[Array, "3"]
    shear: Float[Array, "3"]
    fudge: Float[Array, ""]
    blocks: Float[Array, ""]
    mosaic: AbstractMosaic
    cell_spread: CellSpread | None
    b_factor: Float[Array, "number"] | None
    damage: Damage | None
    sizes: AbstractSizes | None
    position: Float[Array, "3"] | None
    absorption: ConvexAbsorption | None
    shape: str | AbstractShape = eqx.field(static=True)

    def __init__(
        self,
        cell: Any,
        *,
        orientation: Any = None,
        misset: Any = (0.0, 0.0, 0.0),
        cells: Any = (1.0, 1.0, 1.0),
        size: Any = None,
        fudge: Any = 1.0,
        blocks: Any = 1.0,
        mosaic: AbstractMosaic | None = None,
        cell_spread: CellSpread | None = None,
        b_factor: Any = None,
        damage: Damage | None = None,
        sizes: AbstractSizes | None = None,
        position: Any = None,
        absorption: ConvexAbsorption | None = None,
        shape: str | AbstractShape = "square",
    ) -> None:
        """Check and keep a crystal.

        Args:
            cell: A `UnitCell`, or six numbers [Å, deg].
            orientation: Rotation matrix, or None.
            misset: Three angles [deg].
            cells: Unit cells along a, b, c: one number, three, or the six Na, Nb, Nc, Nd, Ne, Nf of a symmetric matrix,
                for spots that are not square. Its eigenvalues must be positive: another matrix of the same |N Δh| has.
            size: Instead of `cells`: lengths along a, b, c [m], one number or three; cells = ceil(size / length).
            fudge: Positive number.
            blocks: Number of at least 0; need not be whole.
            mosaic: None for a perfect crystal.
            cell_spread: None for cells that are alike.
            b_factor: One number or six [Å²], or None.
            damage: None for none.
            sizes: None for one size.
            position: Three numbers [m], or None.
            absorption: None for none.
            shape: Of the spots.

        Raises:
            ValueError: If a value cannot be; the message names it.
        """
        if not isinstance(cell, UnitCell):
            if checks.outer_shape(cell) != (6,):
                raise ValueError(f"Argument `cell` must be a UnitCell or six numbers, but is {cell!r}.")
            cell = UnitCell(*cell)
        self.cell = cell
        self.orientation = None if orientation is None else checks.leaf("orientation", orientation, (3, 3))
        self.misset = checks.leaf("misset", misset, (3,))
        if size is not None:
            instead = "cells = ceil(size / length) has no derivative; give `cells`"
            checks.concrete("size", size, instead)
            checks.concrete("cell", cell, instead)
            if checks.outer_shape(size) == ():
                size = [size] * 3
            size = checks.leaf("size", size, (3,))
            checks.positive("size", size)
            cells = cells_of_size(np.asarray(size), np.array([float(cell.a), float(cell.b), float(cell.c)]))
        self.cells, self.shear = _cells_and_shear(cells)
        self.fudge = checks.leaf("fudge", fudge)
        self.blocks = checks.leaf("blocks", blocks)
        self.mosaic = no_mosaic() if mosaic is None else mosaic
        self.cell_spread = cell_spread
        self.b_factor = None if b_factor is None else _one_or_six("b_factor", b_factor)
        self.damage = damage
        self.sizes = sizes
        self.position = None if position is None else checks.leaf("position", position, (3,))
        self.absorption = absorption
        self.shape = shape

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        if self.orientation is not None:
            checks.rotation_matrix("orientation", self.orientation)
        checks.positive("cells", self.cells)
        n_cells, shear = checks.known(self.cells), checks.known(self.shear)
        if n_cells is not None and shear is not None and shear.any():
            lowest = np.linalg.eigvalsh(np.asarray(self.cells_matrix()))[0]
            checks.require(lowest > 0, "cells", "be a matrix of positive eigenvalues", np.append(n_cells, shear))
        checks.positive("fudge", self.fudge)
        checks.not_negative("blocks", self.blocks)
        if not isinstance(self.mosaic, AbstractMosaic):
            raise ValueError(f"Argument `mosaic` must be a mosaic model such as CapMosaic, but is {self.mosaic!r}.")
        if not isinstance(self.cell_spread, CellSpread | None):
            raise ValueError(f"Argument `cell_spread` must be a CellSpread or None, but is {self.cell_spread!r}.")
        for name, kind in (("damage", Damage), ("sizes", AbstractSizes), ("absorption", ConvexAbsorption)):
            value = getattr(self, name)
            if not isinstance(value, kind | None):
                said = kind.__name__ if kind is not AbstractSizes else "size distribution such as LogNormalSizes"
                raise ValueError(f"Argument `{name}` must be a {said} or None, but is {value!r}.")
        self.spot_shape()

    @classmethod
    def from_vectors(cls, vectors: Any, **arguments: Any) -> "Crystal":
        """A crystal from its real-space vectors.

        Args:
            vectors: Rows a, b, c in the laboratory [Å].
            **arguments: As for `Crystal`, except `cell` and `orientation`.

        Raises:
            ValueError: If the vectors lie in a plane, or a value cannot be.
        """
        checks.concrete("vectors", vectors, "give `cell` and `orientation`, or refine `crystal.vectors`")
        vectors = np.asarray(checks.leaf("vectors", vectors, (3, 3)), float)
        lengths = np.linalg.norm(vectors, axis=1)
        if abs(np.linalg.det(vectors)) <= 1e-6 * lengths.prod():
            raise ValueError(f"Argument `vectors` must be three vectors that span a cell, but is {vectors.tolist()}.")
        cell = cell_parameters(vectors)
        standard = cell_vectors(*np.asarray(cell))
        matrix = vectors.T @ np.linalg.inv(standard.T)
        left, _, right = np.linalg.svd(matrix)
        return cls(cell, orientation=left @ right, **arguments)

    def spot_shape(self, shape: str | AbstractShape | None = None, spot_width: str = "miller") -> AbstractShape:
        """The shape of the spots.

        Args:
            shape: None for the crystal's own.
            spot_width: As in `Options`.

        Raises:
            ValueError: If N has numbers beside its diagonal and that shape or width knows none.
        """
        found = shape_named(self.shape if shape is None else shape)
        shear = checks.known(self.shear)
        if shear is not None and shear.any():
            check_sheared(found, spot_width)
        return found

    def cells_matrix(self) -> Float[Array, "3 3"]:
        """N, symmetric."""
        with numerics():
            (a, b, c), (d, e, f) = self.cells, self.shear
            xp = namespace_of(self.cells, self.shear)
            return xp.stack([xp.stack(row) for row in ((a, d, f), (d, b, e), (f, e, c))])

    def volume(self) -> Float[Array, ""]:
        """Unit cells in the crystal, det N: Na Nb Nc unless N has numbers beside its diagonal."""
        with numerics():
            (a, b, c), (d, e, f) = self.cells, self.shear
            return a * b * c + 2.0 * d * e * f - a * e * e - b * f * f - c * d * d

    def vectors(self) -> Float[Array, "3 3"]:
        """Rows a, b, c [Å] in the laboratory at φ = 0, before mosaic rotations; differentiable."""
        with numerics():
            return rotation.product(self.cell.vectors(), self.frame().T)

    def damping(self, minimum: tuple[int, ...], shape: tuple[int, ...]) -> Float[Array, "h k l"]:
        """What the B factor multiplies |F| of a box of indices by; differentiable by it and by the cell.

        Args:
            minimum: Indices of the box's first element.
            shape: Of the box.

        References:
            International Tables for Crystallography B (2010), 1.2.10: B = 8π² U, and exp(−B sin²θ/λ²) where it is one
            number.
        """
        assert self.b_factor is not None
        with numerics():
            xp = namespace_of(self.b_factor, self.cell.a)
            stars = xp.linalg.inv(self.cell.vectors())  # columns a*, b*, c*
            number = self.b_factor
            six = number if number.shape == (6,) else number * xp.asarray([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
            places = ((0, 3, 5), (3, 1, 4), (5, 4, 2))
            matrix = xp.stack([xp.stack([six[i] for i in row]) for row in places])
            form = 0.25 * (stars.T @ matrix @ stars)
            h, k, l = (
                xp.arange(m, m + n, dtype=form.dtype).reshape(tuple(n if j == i else 1 for j in range(3)))
                for i, (m, n) in enumerate(zip(minimum, shape, strict=True))
            )
            square = form[0, 0] * h * h + form[1, 1] * k * k + form[2, 2] * l * l
            return xp.exp(-square - 2.0 * (form[0, 1] * h * k + form[0, 2] * h * l + form[1, 2] * k * l))

    def frame(self) -> Float[Array, "3 3"]:
        """Rotation of the standard setting, a* along x and b* in the xy plane, into the laboratory's at φ = 0."""
        with numerics():
            matrix = rotation.about_xyz(self.misset * RADIANS)
            return matrix if self.orientation is None else rotation.product(matrix, self.orientation)


def check_sheared(shape: AbstractShape, spot_width: str) -> None:
    """Raise a ValueError unless spots of that shape and width can have Nd, Ne, Nf."""
    # Traced alone: this is asked inside a jit of the caller's, too.
    if jax.eval_shape(partial(shape.size, None), jax.ShapeDtypeStruct((6,), np.float32)) is None:  # not by M
        raise ValueError(
            "Argument `cells` must be one number or three where spots are square, but has six: a parallelepiped has no "
            "symmetric matrix; make them round, gauss or tophat."
        )
    if spot_width != "miller":
        raise ValueError(
            "Argument `cells` must be one number or three where spots are as wide as the C program has them "
            f"(spot_width={spot_width!r}, --compat), but has six: there only the product of the three counts."
        )


def _cells_and_shear(cells: Any) -> tuple[jax.Array, jax.Array]:
    """One number, three or six into three and three."""
    shape = checks.outer_shape(cells)
    if shape not in ((), (3,), (6,)):
        raise ValueError(f"Argument `cells` must be one number, three or six, but has shape {shape}.")
    found = checks.leaf("cells", [cells] * 3 if shape == () else cells, shape or (3,))
    return (found[:3], found[3:]) if shape == (6,) else (found, checks.leaf("cells", np.zeros(3), (3,)))


def cells_of_size(size: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Whole unit cells along a, b, c that cover a size, at least one each.

    Args:
        size: [m].
        lengths: Of a, b, c [Å].
    """
    return np.maximum(np.ceil(np.asarray(size) * 1e10 / lengths), 1.0)


def _one_or_six(name: str, value: Any) -> Float[Array, "number"]:
    shape = checks.outer_shape(value)
    if shape not in ((), (1,), (6,)):
        raise ValueError(f"Argument `{name}` must be one number or six, but has shape {shape}.")
    return checks.leaf(name, [value] if shape == () else value, shape or (1,))
