"""What the readers of geometry share: numbers that are there and are numbers, panels that can be, angles about axes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.text import quoted
from jaxbragg.models import FlatPanel, MultiPanel, Sensor
from jaxbragg.models.detector.attenuation import attenuation_depth
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation

Path = str | os.PathLike[str]
_MOST_PIXELS = 1 << 30
_MOST_PANELS = 1 << 14


def numbers(path: Path, where: str, value: Any, count: int, line: int | None = None) -> NDArray[np.float64]:
    """So many finite numbers.

    Args:
        path: The file, for messages.
        where: The field, likewise.
        value: What was found there: a list of numbers or of words.
        count: How many it must be.
        line: Of the file.

    Raises:
        FileError: It is something else.
    """
    try:
        if isinstance(value, str | bytes | bool):
            raise ValueError
        found = np.array(value, float)
    except (ValueError, TypeError, OverflowError):
        found = np.array(np.nan)
    if found.shape != (count,) or not np.isfinite(found).all():
        said = quoted([str(value)] if not isinstance(value, list) else [*map(str, value)])
        raise FileError(path, f"{where}: expected {count} number{'s' * (count > 1)}, but found {said}", line)
    return found


def number(path: Path, where: str, value: Any, line: int | None = None, *, positive: bool = False) -> float:
    """One finite number, above 0 if so asked.

    Raises:
        FileError: It is something else.
    """
    wanted = "a number above 0" if positive else "a number"
    try:
        if isinstance(value, bool):
            raise TypeError
        found = float(value)
    except (ValueError, TypeError, OverflowError):
        found = np.nan
    if not np.isfinite(found) or (positive and not found > 0):
        raise FileError(path, f"{where}: expected {wanted}, but found {quoted(str(value))}", line)
    return found


def whole(path: Path, where: str, value: Any, line: int | None = None) -> int:
    """A whole number of at least 0.

    Raises:
        FileError: It is something else.
    """
    found = number(path, where, value, line)
    if found < 0 or found % 1:
        raise FileError(path, f"{where}: expected a whole number of at least 0, but found {quoted(str(value))}", line)
    return int(found)


def direction(path: Path, where: str, value: Any, line: int | None = None) -> NDArray[np.float64]:
    """A unit vector along three numbers.

    Raises:
        FileError: They are no direction.
    """
    found = numbers(path, where, value, 3, line)
    with np.errstate(over="ignore"):
        length = np.linalg.norm(found)
    if not 0 < length < np.inf:
        raise FileError(path, f"{where}: expected a direction, but found {quoted([f'{v:g}' for v in found])}", line)
    return found / length


def panel(
    path: Path,
    where: str,
    size: tuple[int, int],
    pixel_size: Any,
    place: tuple[Any, Any, Any],
    *,
    sensor: Sensor | None = None,
    mask: Any = None,
) -> FlatPanel:
    """A panel, if there can be one like this.

    Args:
        path: The file, for messages.
        where: The panel, likewise.
        size: Pixels along slow and fast.
        pixel_size: Along fast and slow [m].
        place: Origin [m], fast and slow axes.
        sensor: Its layers.
        mask: [slow, fast], or None.

    Raises:
        FileError: There cannot.
    """
    if min(size) < 1 or size[0] * size[1] > _MOST_PIXELS:
        raise FileError(path, f"{where}: expected 1 to {_MOST_PIXELS} pixels, but found {size[1]} × {size[0]}")
    origin, fast, slow = place
    try:
        return FlatPanel(size, pixel_size, origin, fast, slow, sensor=sensor, mask=mask)
    except ValueError as error:
        raise FileError(path, f"{where}: {error}") from None


def detector_of(path: Path, panels: list[FlatPanel]) -> FlatPanel | MultiPanel:
    """One panel, or all of them.

    Raises:
        FileError: There is none, or they do not go together.
    """
    if not 0 < len(panels) <= _MOST_PANELS:
        raise FileError(path, f"expected 1 to {_MOST_PANELS} panels, but found {len(panels)}")
    largest = max(p.pixels[0] for p in panels) * max(p.pixels[1] for p in panels)
    if largest * len(panels) > _MOST_PIXELS:
        raise FileError(path, f"expected at most {_MOST_PIXELS} pixels, but found {len(panels)} panels of {largest}")
    if len(panels) == 1:
        return panels[0]
    try:
        return MultiPanel(panels)
    except ValueError as error:
        raise FileError(path, str(error)) from None


def sensor_of(
    path: Path, thickness: float, material: str, depth: float | None, wavelength: float | None
) -> tuple[Sensor | None, str]:
    """A sensor, and what was taken for granted; None where the file says too little of it.

    Args:
        path: The file, for messages.
        thickness: [m]; 0 where there is none.
        material: "" where it is not known.
        depth: At which 1/e of the photons are left [m]; None to compute it.
        wavelength: [Å], where it is known.

    Raises:
        FileError: There can be no such sensor.
    """
    if not thickness > 1e-8:  # NXmx has no word for a sensor without thickness
        return None, ""
    if depth is None:
        try:
            depth = attenuation_depth(material, float(wavelength or 0.0))
        except ValueError:
            what = f"of {material or 'an unknown material'} at {'no' if not wavelength else f'{wavelength:g} Å'}"
            return None, f"a sensor of {thickness * 1e6:g} µm {what} wavelength: every photon is counted"
    try:
        return Sensor(thickness, depth, 2), ""
    except ValueError as error:
        raise FileError(path, f"sensor: {error}") from None


def about(axis: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """The rotation by an angle [deg] about a unit vector."""
    given: Any = np.asarray(axis, float)
    turned: Any = rotation.axis_angle(given, np.asarray(angle * RADIANS))  # type: ignore[arg-type]
    return np.asarray(turned, float)


def electric_field(beam: NDArray[np.float64], normal: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """A unit vector across the beam: in the polarization plane of this normal, or else horizontal (of the normal y)."""
    for tried in (normal, np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])):
        if tried is not None and (length := np.linalg.norm(field := np.cross(tried, beam))) > 1e-6:
            return field / length
    raise AssertionError("one of x and y is across any beam")
