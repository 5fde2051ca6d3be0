"""Twins: the lattices of a crystal that a twin law makes of one."""

import gemmi
import numpy as np
from numpy.typing import NDArray

from jaxbragg.models import checks
from jaxbragg.models.crystal import Crystal
from jaxbragg.models.readable import with_fields
from jaxbragg_kernels.numerics import numerics


def twin(crystal: Crystal, law: str, share: float) -> tuple[Crystal, Crystal]:
    """The two lattices of a twinned crystal.

        crystal, other = jb.twin(crystal, "k,h,-l", 0.3)
        experiment = jb.Experiment(beam, crystal, detector, factors, lattices=[other])

    Args:
        crystal: As it would be untwinned, with known values.
        law: Which index of the crystal each of the other lattice's h, k, l falls on.
        share: Of the other lattice, 0 … 1.

    Raises:
        ValueError: If the law is no rotation of the lattice's indices, or the share is not 0 … 1.
    """
    checks.require(0 <= float(share) <= 1, "share", "be between 0 and 1", share)
    other = twinned(crystal, twin_matrix(law), float(share))
    with numerics():
        return with_fields(crystal, blocks=crystal.blocks * (1.0 - float(share))), other


def twinned(crystal: Crystal, law: NDArray[np.float64], share: float) -> Crystal:
    """The other lattice of a twin, `share` times as large.

    Args:
        crystal: With known values.
        law: See `twin_matrix`.
        share: Of at least 0.
    """
    # An index is q·a: where the law makes h′ of h, the other lattice's vectors are those that the law would turn back.
    made = Crystal.from_vectors(np.linalg.inv(law) @ np.asarray(crystal.vectors(), float))
    with numerics():
        return with_fields(
            crystal,
            cell=made.cell,
            orientation=made.orientation,
            misset=made.misset,
            blocks=crystal.blocks * float(share),
        )


def twin_matrix(law: str) -> NDArray[np.float64]:
    """Rows of whole numbers, by which the index of the other lattice is multiplied to have the crystal's at the place.

    Args:
        law: Such as "k,h,-l".

    Raises:
        ValueError: If it is no such text, or does not keep the cell's volume and hand.
    """
    try:
        operator = gemmi.Op(law.replace(" ", "").lower().translate(str.maketrans("hkl", "xyz")))
    except (RuntimeError, ValueError):
        raise ValueError(f"Argument `law` must be a twin law such as k,h,-l, but is {law!r}.") from None
    matrix = np.array(operator.rot, float) / operator.DEN
    if any(operator.tran) or abs(np.linalg.det(matrix) - 1) > 1e-6:
        raise ValueError(
            f"Argument `law` must turn the lattice, with the determinant 1, but {law!r} has "
            f"{np.linalg.det(matrix):.3g}{' and a translation' if any(operator.tran) else ''}."
        )
    return matrix
