"""Where a flat panel stands, from distance, beam centre and rotations.

Works on plain numbers and on traced ones, so that a fit can reach through to the distance or a rotation.
"""

from typing import Any, NamedTuple

import numpy as np

from jaxbragg.models import checks
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation
from jaxbragg_kernels.namespace import namespace_of


class Placement(NamedTuple):
    """A panel in place.

    Attributes:
        origin: Outer corner of the first pixel [m].
        fast, slow, normal: Its unit vectors.
        distance: Sample to the beam spot [m].
        close_distance: Sample to the panel's plane [m].
        beam_spot: From the first pixel's outer corner, along fast and slow [m].
        close_point: The nearest point likewise [m].
    """

    origin: Any
    fast: Any
    slow: Any
    normal: Any
    distance: Any
    close_distance: Any
    beam_spot: tuple[Any, Any]
    close_point: tuple[Any, Any]


def place_panel(
    *,
    fast: Any,
    slow: Any,
    normal: Any,
    beam: Any,
    pivot: str,
    beam_spot: tuple[Any, Any],
    close_point: tuple[Any, Any],
    distance: Any = 0.1,
    close_distance: Any = None,
    origin: Any = None,
    rotations: Any = (0.0, 0.0, 0.0),
    twotheta: Any = 0.0,
    twotheta_axis: Any = (0.0, 1.0, 0.0),
) -> Placement:
    """Put a flat panel in its place.

    Args:
        fast, slow, normal: Unit vectors before any rotation.
        beam: Unit vector of the photons.
        pivot: "beam": the beam spot stays where it is on the panel; "sample": the panel swings about the sample.
        beam_spot: Along fast and slow [m]; used with pivot "beam".
        close_point: Point nearest to the sample, along fast and slow [m]; used with pivot "sample".
        distance: Sample to beam spot [m].
        close_distance: Sample to the panel's plane [m]; wins over `distance`.
        origin: Corner of the first pixel [m]; wins over beam spot, near point and distances.
        rotations: Of the detector about x, y and z [deg].
        twotheta: Swing [deg].
        twotheta_axis: Its axis, a unit vector.

    Raises:
        ValueError: If the pivot is neither, or the panel's plane would lie along the beam.

    References:
        The C program's detector set-up.
    """
    checks.choice("pivot", pivot, ("beam", "sample"))
    xp = namespace_of(*_flatten(fast, slow, normal, beam, beam_spot, close_point, distance, close_distance, origin),
                      *_flatten(rotations, twotheta, twotheta_axis))  # fmt: skip
    fast, slow, normal, beam, twotheta_axis = (xp.asarray(v) * 1.0 for v in (fast, slow, normal, beam, twotheta_axis))
    matrix = rotation.about_xyz(xp.asarray(rotations) * RADIANS)
    swing = rotation.axis_angle(twotheta_axis, xp.asarray(twotheta) * RADIANS)
    tilt = _dot(beam, rotation.apply(matrix, normal))
    if xp is np and abs(tilt) < 1e-9:
        raise ValueError("The detector would stand edge-on to the beam: its normal is at 90° to the beam.")
    if close_distance is None:
        close_distance = xp.abs(tilt * distance)
    distance = close_distance / tilt
    whole = rotation.product(swing, matrix)
    unturned = -close_point[0] * fast - close_point[1] * slow + close_distance * normal
    fast, slow, normal = (rotation.apply(whole, v) for v in (fast, slow, normal))
    if origin is not None:
        origin = xp.asarray(origin) * 1.0
    elif pivot == "sample":
        origin = rotation.apply(whole, unturned)
    else:
        origin = -beam_spot[0] * fast - beam_spot[1] * slow + distance * beam
    return placement_at(origin, fast, slow, normal, beam)


def placement_at(origin: Any, fast: Any, slow: Any, normal: Any, beam: Any) -> Placement:
    """A panel that stands where its first pixel's corner and its axes say; `normal` points away from the sample."""
    close_distance = _dot(origin, normal)
    distance = close_distance / _dot(beam, normal)
    spot = distance * beam - origin
    return Placement(
        origin=origin,
        fast=fast,
        slow=slow,
        normal=normal,
        distance=distance,
        close_distance=close_distance,
        beam_spot=(_dot(spot, fast), _dot(spot, slow)),
        close_point=(-_dot(origin, fast), -_dot(origin, slow)),
    )


def _dot(first: Any, second: Any) -> Any:
    return (first * second).sum()


def _flatten(*values: Any) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        flat.extend(_flatten(*value) if isinstance(value, (list, tuple)) else [value])
    return flat
