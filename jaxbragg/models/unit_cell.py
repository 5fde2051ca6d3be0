"""The unit cell: six numbers, and the vectors that they stand for in the standard setting."""

from typing import Any

import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.readable import Readable
from jaxbragg.units import RADIANS
from jaxbragg_kernels.namespace import namespace_of
from jaxbragg_kernels.numerics import numerics


class UnitCell(Readable):
    """Lengths and angles of the unit cell.

    Attributes:
        a, b, c: Lengths [Å].
        alpha, beta, gamma: Angles [deg].
    """

    a: Float[Array, ""]
    b: Float[Array, ""]
    c: Float[Array, ""]
    alpha: Float[Array, ""]
    beta: Float[Array, ""]
    gamma: Float[Array, ""]

    def __init__(self, a: Any, b: Any, c: Any, alpha: Any = 90.0, beta: Any = 90.0, gamma: Any = 90.0) -> None:
        """Check and keep the six numbers.

        Raises:
            ValueError: If a length is not positive, an angle is not between 0° and 180°, or no cell has these angles.
        """
        self.a, self.b, self.c = (checks.leaf(name, v) for name, v in (("a", a), ("b", b), ("c", c)))
        self.alpha = checks.leaf("alpha", alpha)
        self.beta = checks.leaf("beta", beta)
        self.gamma = checks.leaf("gamma", gamma)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        for name in ("a", "b", "c"):
            checks.positive(name, getattr(self, name))
        angles = {name: checks.known(getattr(self, name)) for name in ("alpha", "beta", "gamma")}
        for name, angle in angles.items():
            if angle is not None:
                checks.require((angle > 0) & (angle < 180), name, "be between 0° and 180°", angle)
        known = [angle for angle in angles.values() if angle is not None]
        if len(known) == 3 and volume_ratio_squared(*(np.cos(angle * RADIANS) for angle in known)) <= 1e-12:
            shown = ", ".join(f"{name} {angle:g}°" for name, angle in angles.items())
            raise ValueError(
                f"No unit cell has the angles {shown}: each must be less than the sum of the other two, "
                "and all three together less than 360°."
            )

    def vectors(self) -> Float[Array, "3 3"]:
        """Rows a, b, c [Å] with a* along x and b* in the xy plane; differentiable."""
        with numerics():
            return cell_vectors(self.a, self.b, self.c, self.alpha, self.beta, self.gamma)


def volume_ratio_squared(cos_alpha: Any, cos_beta: Any, cos_gamma: Any) -> Any:
    """(V / abc)²; negative where no cell has these angles."""
    return 1.0 - cos_alpha**2 - cos_beta**2 - cos_gamma**2 + 2.0 * cos_alpha * cos_beta * cos_gamma


def cell_vectors(a: Any, b: Any, c: Any, alpha: Any, beta: Any, gamma: Any) -> Any:
    """Rows a, b, c [Å] of a cell [Å, deg] with a* along x and b* in the xy plane.

    That setting puts c along z and b in the yz plane.
    """
    xp = namespace_of(a, b, c, alpha, beta, gamma)
    cos_alpha, cos_beta, cos_gamma = (xp.cos(angle * RADIANS) for angle in (alpha, beta, gamma))
    sin_alpha = xp.sin(alpha * RADIANS)
    zero = 0.0 * a
    a_x = a * xp.sqrt(volume_ratio_squared(cos_alpha, cos_beta, cos_gamma)) / sin_alpha
    a_y = a * (cos_gamma - cos_alpha * cos_beta) / sin_alpha
    return xp.stack(
        [
            xp.stack([a_x, a_y, a * cos_beta]),
            xp.stack([zero, b * sin_alpha, b * cos_alpha]),
            xp.stack([zero, zero, c]),
        ]
    )


def cell_parameters(vectors: np.ndarray) -> tuple[float, float, float, float, float, float]:
    """Lengths [Å] and angles [deg] of the cell with these rows a, b, c [Å]."""
    lengths = np.linalg.norm(vectors, axis=1)
    unit = vectors / lengths[:, None]
    # atan2 keeps the digits of angles near 90° and elsewhere alike.
    angles = [
        np.degrees(np.arctan2(np.linalg.norm(np.cross(unit[i], unit[j])), unit[i] @ unit[j]))
        for i, j in ((1, 2), (2, 0), (0, 1))
    ]
    return tuple(float(v) for v in (*lengths, *angles))  # type: ignore[return-value]


def reciprocal_vectors(vectors: np.ndarray) -> np.ndarray:
    """Rows a*, b*, c* [1/Å] of the cell with these rows a, b, c [Å], and the other way round."""
    return np.linalg.inv(vectors).T


def cell_volume(vectors: np.ndarray) -> float:
    """Volume [Å³] of the cell with these rows a, b, c [Å]."""
    return abs(float(np.linalg.det(vectors)))
