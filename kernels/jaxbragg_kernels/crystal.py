"""What the sums over orientations need to know of a crystal."""

from typing import NamedTuple

from jaxtyping import Array, Float

from jaxbragg_kernels import hkl


class Crystal(NamedTuple):
    """A crystal as arrays.

    Attributes:
        orientations: Rows a, b, c for each orientation [Å], in the type of the indices: [orientation 3 3], or
            [orientation 3 3 tile] where each tile has its own.
        n_cells: Unit cells along a, b, c, in the type of the image; real numbers are taken about each Bragg point.
        metric: M of the shapes that depend on r² = Δhᵀ M Δh alone (`shapes.radial.radius_squared`).
        table: |F| in the type of the image.
        default: |F| outside the table.
        phase_size: `AbstractShape.size` in the type of the indices, where phases of fringes are to be followed by
            themselves (`jaxbragg_kernels.reciprocal`); else None. Nothing is differentiated by it.
    """

    orientations: Float[Array, "orientation 3 3 ..."]
    n_cells: Float[Array, "3"]
    metric: Float[Array, "6"]
    table: hkl.Table
    default: Float[Array, ""]
    phase_size: Array | None = None
