"""The goniometer: the chain of axes on which a crystal is turned, of which a scan moves one."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.readable import Readable
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation
from jaxbragg_kernels.namespace import namespace_of
from jaxbragg_kernels.numerics import numerics


class Goniometer(Readable):
    """Axes that carry each other, from the one on the base to the one that carries the crystal.

        goniometer = jb.Goniometer({"omega": (0, 1, 0), "kappa": (0, 0.643, 0.766), "phi": (0, 1, 0)}, {"kappa": 30})
        scan = jb.Scan.continuous(0, 0.1, goniometer=goniometer)  # about omega

    Attributes:
        axes: Unit vector of each axis where all stand at 0.
        angles: At which each stands [deg]; the scan's angles are added to the scanned one's.
        tilts: By how much each axis is out of true [deg], about two directions across it: 0 unless given, to be
            refined, which keeps a unit vector one.
        names: Of the axes.
        scanned: Number of the axis that a scan turns.
    """

    axes: Float[Array, "axis 3"]
    angles: Float[Array, "axis"]
    tilts: Float[Array, "axis 2"]
    names: tuple[str, ...] = eqx.field(static=True)
    scanned: int = eqx.field(static=True)

    def __init__(
        self,
        axes: Mapping[str, Any],
        angles: Mapping[str, Any] | None = None,
        *,
        scanned: str | None = None,
        tilts: Any = None,
    ) -> None:
        """Check and keep the axes.

        Args:
            axes: Name and unit vector of each, from the base to the crystal.
            angles: At which the axes of these names stand [deg]; the others at 0.
            scanned: Name of the axis that a scan turns; None for the first.
            tilts: Two numbers for each axis [deg]; None for 0.

        Raises:
            ValueError: If there is no axis, a vector's length is not 1, or a name is not one of the axes'.
        """
        self.names, angles = tuple(axes), angles or {}
        if not self.names:
            raise ValueError("Argument `axes` must hold at least one axis, but is empty.")
        for argument, name in [("scanned", scanned), *(("angles", name) for name in angles)]:
            if name is not None and name not in self.names:
                raise ValueError(
                    f"Argument `{argument}` must name one of the axes {', '.join(self.names)}, but has {name!r}."
                )
        self.scanned = 0 if scanned is None else self.names.index(scanned)
        count = len(self.names)
        self.axes = checks.leaf("axes", list(axes.values()), (count, 3))
        self.angles = checks.leaf("angles", [angles.get(name, 0.0) for name in self.names], (count,))
        self.tilts = checks.leaf("tilts", [[0.0, 0.0]] * count if tilts is None else tilts, (count, 2))

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.unit_vector("axes", self.axes)
        known = checks.known(self.tilts)
        if known is not None:
            checks.require(abs(known) < 45, "tilts", "be less than 45°", known)

    def spindle(self) -> Float[Array, "3"]:
        """Unit vector of the scanned axis in the laboratory: carried by those before it, as they stand."""
        with numerics():
            return rotation.apply(self._turned(range(self.scanned)), self.directions()[self.scanned])

    def mounted(self) -> Float[Array, "3 3"]:
        """The rotation of the crystal where the scan is at 0: of all axes as they stand."""
        with numerics():
            return self._turned(range(len(self.names)))

    def _turned(self, numbers: range) -> Float[Array, "3 3"]:
        """The product of some axes' rotations, in their order."""
        xp = namespace_of(self.axes, self.angles, self.tilts)
        axes, whole = self.directions(), xp.eye(3)
        for i in numbers:
            whole = rotation.product(whole, rotation.axis_angle(axes[i], self.angles[i] * RADIANS))
        return whole

    def directions(self) -> Float[Array, "axis 3"]:
        """Unit vectors of the axes where all stand at 0, with their tilts."""
        with numerics():
            return self._tilted()

    def _tilted(self) -> Float[Array, "axis 3"]:
        xp = namespace_of(self.axes, self.tilts)
        # Towards two directions across each, by the tangent: from whichever of x, y, z is farthest from it.
        farthest = xp.eye(3)[xp.argmin(xp.abs(self.axes), axis=1)]
        first = xp.cross(self.axes, farthest)
        first = first / xp.sqrt((first * first).sum(axis=1, keepdims=True))
        shifts = xp.tan(self.tilts * RADIANS)
        tilted = self.axes + shifts[:, :1] * first + shifts[:, 1:] * xp.cross(self.axes, first)
        return tilted / xp.sqrt((tilted * tilted).sum(axis=1, keepdims=True))
