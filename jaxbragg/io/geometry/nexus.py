"""NeXus NXmx: modules at the end of their chains of transformations, beam, goniometer, pixel mask, sensor.

Dectris's older master files, which have a distance and a beam centre alone, are read by those.

References:
    NeXus, NXtransformations: a vector, a value, an offset, and what it stands on.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.geometry.fields import (
    Path,
    detector_of,
    electric_field,
    number,
    panel,
    sensor_of,
    whole,
)
from jaxbragg.io.geometry.nexus_tree import ANGLES, LENGTHS, Field, Group, entry_of, faults, move, placed
from jaxbragg.io.geometry.record import Geometry, Rotation
from jaxbragg.io.text import check_regular, quoted
from jaxbragg.models import FlatPanel
from jaxbragg.units import METRE_IN_ANGSTROM


def read_nexus(path: Path, wavelength: float | None = None) -> Geometry:
    """The geometry of an HDF5 file of NeXus's form.

    Args:
        path: .h5, .nxs; of an entry whose definition is NXmx, or the only one.
        wavelength: [Å] in place of the file's.

    Raises:
        FileError: The file cannot be read, or a field is missing or is not what it must be.
    """
    import h5py

    check_regular(path)
    with faults(path), h5py.File(path, "r") as file:
        entry = Group(path, file, entry_of(path, file))
        instrument = entry.one("NXinstrument")
        notes: list[str] = []
        beam = instrument.maybe("NXbeam") or entry.maybe("NXbeam")
        spectrum = None if beam is None else _spectrum(beam)
        found = wavelength if wavelength is not None else _wavelength(beam, spectrum)
        detector = instrument.one("NXdetector", notes)
        panels, material = _panels(detector, found, notes)
        axis, rotation, after, images = _sample(entry.maybe("NXsample"), entry)
        towards = np.array([0.0, 0.0, 1.0])
        polarization, field = _polarization(beam, towards)
        return Geometry(
            path=str(path),
            kind="NeXus",
            detector=detector_of(path, panels),
            wavelength=found,
            direction=towards,
            polarization=polarization,
            polarization_axis=field,
            axis=after @ axis,
            spectrum=spectrum if wavelength is None else None,
            rotation=rotation,
            images=images,
            material=material,
            notes=tuple(notes),
        )


def _panels(detector: Group, wavelength: float | None, notes: list[str]) -> tuple[list[FlatPanel], str]:
    material = detector.text("sensor_material")
    sensor, said = sensor_of(
        detector.path, detector.length("sensor_thickness") or 0.0, _plain(material), None, wavelength
    )
    if said:
        notes.append(said)
    mask = _mask(detector)
    modules = detector.find("NXdetector_module")
    if not modules:
        return [_simple_panel(detector, sensor, mask, notes)], _plain(material)
    panels = []
    for module in modules:
        where = f"/{module.name}"
        size = module.numbers("data_size")
        fast, slow = module.field("fast_pixel_direction"), module.field("slow_pixel_direction")
        if size is None or fast is None or slow is None:
            raise FileError(module.path, f"{where}: expected data_size, fast_ and slow_pixel_direction")
        if size.size < 2:
            raise FileError(module.path, f"{where}/data_size: expected two numbers, but found {size.tolist()}")
        pixels = (whole(module.path, f"{where}/data_size", size[-2]), whole(module.path, where, size[-1]))
        base = placed(fast, module.file)
        lengths = np.array([each.first() * each.scale(LENGTHS, "m") for each in (fast, slow)])
        axes = [base.turn @ each.direction() * np.sign(size) for each, size in zip((fast, slow), lengths, strict=True)]
        own = None if mask is None else _part(mask, module, pixels)
        panels.append(
            panel(module.path, where, pixels, np.abs(lengths), (base.shift, axes[0], axes[1]), sensor=sensor, mask=own)
        )
    return panels, _plain(material)


def _plain(material: str) -> str:
    return {"silicon": "Si", "si": "Si", "cdte": "CdTe", "gaas": "GaAs"}.get(material.strip().lower(), material.strip())


def _mask(detector: Group) -> NDArray[np.bool_] | None:
    """True for the pixels that are there, in the shape of the file."""
    found = detector.field("pixel_mask") or detector.field("detectorSpecific/pixel_mask")
    if found is None or found.data.dtype.kind not in "biu":
        return None
    if math.prod(found.data.shape) > 1 << 30:
        raise FileError(detector.path, f"{found.name}: expected at most {1 << 30} pixels")
    return np.asarray(found.data[()]) == 0


def _part(mask: NDArray[np.bool_], module: Group, pixels: tuple[int, int]) -> Any:
    """The mask of one module: its rows and columns of the image, in its own layer where there are three dimensions."""
    origin = module.numbers("data_origin")
    first = np.zeros(mask.ndim) if origin is None or origin.size < mask.ndim else origin.ravel()[-mask.ndim :]
    *layer, top, left = (max(int(at), 0) for at in first)
    own = mask
    for index in layer:
        own = own[min(index, len(own) - 1)]
    own = own[top : top + pixels[0], left : left + pixels[1]]
    if own.shape != pixels:
        raise FileError(module.path, f"pixel_mask: expected {pixels[0]} × {pixels[1]} pixels for /{module.name}, but "
                                     f"the mask is of {' × '.join(map(str, mask.shape))}")  # fmt: skip
    return None if own.all() else own


def _simple_panel(detector: Group, sensor: Any, mask: Any, notes: list[str]) -> FlatPanel:
    """Across the beam, by distance and beam centre."""
    distance = detector.length("distance") or detector.length("detector_distance")
    pixel = [detector.length(f"{axis}_pixel_size") for axis in "xy"]
    center = [detector.numbers(f"beam_center_{axis}") for axis in "xy"]
    size = [detector.numbers(f"detectorSpecific/{axis}_pixels_in_detector") for axis in "xy"]
    if mask is not None and mask.ndim == 2 and None in size:
        size = [np.array([mask.shape[1]]), np.array([mask.shape[0]])]
    if distance is None or any(each is None for each in (*pixel, *center, *size)):
        raise FileError(detector.path, f"/{detector.name}: expected an NXdetector_module, or distance, beam_center_x "
                                       "and _y, x_ and y_pixel_size and the number of pixels")  # fmt: skip
    notes.append(
        "it has no NXdetector_module: the panel is taken to stand across the beam, by distance and beam centre"
    )
    spot = [float(at[0]) * width for at, width in zip(center, pixel, strict=True)]  # type: ignore[index]
    fast, slow = (whole(detector.path, "pixels", each[0]) for each in size)  # type: ignore[index]
    axes = (np.array([-1.0, 0.0, 0.0]), np.array([0.0, -1.0, 0.0]))
    origin = -spot[0] * axes[0] - spot[1] * axes[1] + np.array([0.0, 0.0, distance])
    own = mask if mask is not None and mask.shape == (slow, fast) and not mask.all() else None
    return panel(detector.path, f"/{detector.name}", (slow, fast), pixel, (origin, *axes), sensor=sensor, mask=own)


def _wavelength(beam: Group | None, spectrum: Any) -> float | None:
    field = None if beam is None else beam.field("incident_wavelength") or beam.field("wavelength")
    if field is None:
        return None
    scale = field.scale(LENGTHS, "angstrom") * METRE_IN_ANGSTROM
    return number(field.path, field.name, field.first() * scale, positive=True)


def _spectrum(beam: Group) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Wavelengths [Å] and weights of one image's spectrum."""
    field = beam.field("incident_wavelength")
    if field is None or not (name := field.attribute("variant")):
        return None
    each, weights = beam.field(name), beam.field(f"{name}_weights")
    if each is None or weights is None:
        return None
    wavelengths = each.numbers() * each.scale(LENGTHS, "angstrom") * METRE_IN_ANGSTROM
    heights = weights.numbers()
    heights = heights[0] if heights.ndim == 2 else heights
    if wavelengths.shape != heights.shape or not (wavelengths > 0).all() or not (heights >= 0).all():
        raise FileError(beam.path, f"{each.name}: expected wavelengths above 0, each with a weight of at least 0")
    if not heights.sum() > 0 or not np.isfinite(heights).all():
        raise FileError(beam.path, f"{weights.name}: expected weights whose sum is above 0")
    return wavelengths, heights


def _polarization(beam: Group | None, towards: NDArray[np.float64]) -> tuple[float | None, NDArray[np.float64]]:
    """Kahn's factor and the electric field, of the Stokes parameters; the field is along x where there are none."""
    usual = electric_field(towards)
    stokes = None if beam is None else beam.numbers("incident_polarization_stokes")
    if stokes is None or stokes.size % 4:
        return None, usual
    total, first, second, _ = stokes.ravel()[:4]
    if not total > 0 or not np.hypot(first, second) <= total * (1 + 1e-6):
        return None, usual
    half = np.arctan2(second, first) / 2
    return min(float(np.hypot(first, second) / total), 1.0), np.array([np.cos(half), np.sin(half), 0.0])


def _sample(sample: Group | None, entry: Group) -> tuple[Any, Rotation | None, Any, int]:
    """Spindle, rotation, what turns it, and how many images; what turns the crystal before it is the crystal's own."""
    stack = entry.field("data/data")
    images = int(stack.data.shape[0]) if stack is not None and len(stack.data.shape) > 2 else 1
    still = (np.array([-1.0, 0.0, 0.0]), None, np.eye(3), images)
    first = None if sample is None else sample.text("depends_on")
    if sample is None or not first or first == ".":
        return still
    start = sample.field(first)
    if start is None:
        raise FileError(sample.path, f"/{sample.name}/depends_on: {quoted(first)} is not there")
    axes = [axis for axis in (start, *start.chain(sample.file)) if axis.attribute("transformation_type") == "rotation"]
    if not axes:
        return still
    moving = next((i for i, axis in enumerate(axes) if np.ptp(axis.numbers()) > 0), None)
    if moving is None:
        moving = next((i for i, axis in enumerate(axes) if _width(sample, axis)), 0)
    after = np.eye(3)
    for outer in axes[moving + 1 :]:
        after = move(outer).turn @ after
    axis = axes[moving]
    scale = axis.scale(ANGLES, "deg")
    width = _width(sample, axis) * scale
    rotation = Rotation(axis.first() * scale, width) if width else None
    return axis.direction(), rotation, after, max(images, axis.numbers().size)


def _width(sample: Group, axis: Field) -> float:
    """How far an image turns about an axis, in its unit."""
    values = axis.numbers().ravel()
    if values.size > 1:
        return float(values[1] - values[0])
    for ending, of in (("_end", 1.0), ("_increment_set", 0.0)):
        found = sample.field(axis.name + ending)
        if found is not None:
            return found.first() - of * values[0]
    return 0.0
