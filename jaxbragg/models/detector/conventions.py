"""The conventions of the usual programs: which way the axes point, and where the beam centre is counted from.

"Unless told otherwise": every vector can be given instead, and that selects the custom convention.
"""

from dataclasses import dataclass, replace

Vector = tuple[float, float, float]
Vector2 = tuple[float, float]


@dataclass(frozen=True)
class Convention:
    """Axes of a convention, in the laboratory frame of the same convention.

    Attributes:
        name: Of the program.
        beam: Direction of the photons.
        fast, slow, normal: Detector axes.
        twotheta_axis: About which the detector swings.
        polarization: Electric field.
        spindle: Rotation axis of the crystal.
        pivot: What stays when the detector is rotated: "beam" (the beam spot) or "sample" (the nearest point).
    """

    name: str
    beam: Vector
    fast: Vector
    slow: Vector
    normal: Vector
    twotheta_axis: Vector
    polarization: Vector
    spindle: Vector
    pivot: str

    def default_beam_center(self, size: Vector2, close: Vector2, pixel: float) -> Vector2:
        """Xbeam, Ybeam [m] where none is given.

        Args:
            size: Of the detector along fast and slow [m].
            close: Nearest point to the sample, along fast and slow [m].
            pixel: Along fast and slow alike [m].
        """
        fast, slow = size
        if self.name in ("mosflm", "denzo"):
            return (slow + pixel) / 2, (fast + pixel) / 2
        if self.name == "adxv":
            return (fast + pixel) / 2, (slow - pixel) / 2
        return close

    def beam_spot(self, xbeam: float, ybeam: float, size: Vector2, pixel: float) -> Vector2:
        """Beam spot along fast and slow from the first pixel's outer corner [m], from Xbeam and Ybeam."""
        if self.name == "mosflm":
            return ybeam + pixel / 2, xbeam + pixel / 2
        if self.name == "denzo":
            return ybeam, xbeam
        if self.name == "adxv":
            return xbeam, size[1] - ybeam
        return xbeam, ybeam


_MOSFLM = Convention(
    name="mosflm",
    beam=(1, 0, 0),
    fast=(0, 0, 1),
    slow=(0, -1, 0),
    normal=(1, 0, 0),
    twotheta_axis=(0, 0, -1),
    polarization=(0, 0, 1),
    spindle=(0, 0, 1),
    pivot="beam",
)
_XDS = Convention(
    name="xds",
    beam=(0, 0, 1),
    fast=(1, 0, 0),
    slow=(0, 1, 0),
    normal=(0, 0, 1),
    twotheta_axis=(1, 0, 0),
    polarization=(1, 0, 0),
    spindle=(1, 0, 0),
    pivot="sample",
)

CONVENTIONS: dict[str, Convention] = {
    "mosflm": _MOSFLM,
    "denzo": replace(_MOSFLM, name="denzo"),
    "adxv": replace(_XDS, name="adxv", slow=(0, -1, 0), twotheta_axis=(-1, 0, 0), pivot="beam"),
    "xds": _XDS,
    "dials": replace(_XDS, name="dials", twotheta_axis=(0, 1, 0), polarization=(0, 1, 0), spindle=(0, 1, 0)),
    "custom": replace(_MOSFLM, name="custom", twotheta_axis=(0, 1, 0)),
}
"""By name; "custom" holds what stands where no vector is given."""
