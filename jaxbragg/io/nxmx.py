"""NeXus NXmx: images in HDF5 with all that a processing program asks of them.

The laboratory frame of the file has z along the beam; x is along the spindle, or what of it lies across the beam. It is
NeXus's (McStas's): DIALS's own frame is this one turned by 180° about y. Written in the layout that Dectris's detectors
made usual: `/entry/data/data`, one frame a chunk, `detectorSpecific` for XDS's plug-ins.

References:
    NXmx, NeXus application definition; Bernstein et al. (2020), IUCrJ 7, 784 (the gold standard for MX).
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.atomic import write_atomically
from jaxbragg.models import Experiment, FlatPanel
from jaxbragg.models.unit_cell import cell_parameters

# Thickness of a sensor that has none [m]: no parallax, and not 0, which DIALS takes for an error.
_SURFACE = 1e-9
_TYPES = ("float32", "uint16", "uint32", "int32")


class Rotation(NamedTuple):
    """How the crystal turns from image to image [deg].

    Attributes:
        start: Of the first image.
        width: Of each image.
    """

    start: float
    width: float


class Frames(NamedTuple):
    """Images that are made one after the other: no more than one of them is ever held.

    Attributes:
        number: How many.
        dtype: float32, uint16, uint32 or int32.
        images: They, `(slow, fast)` each.
    """

    number: int
    dtype: str
    images: Iterable[NDArray[Any]]


def write_nxmx(
    path: str | os.PathLike[str],
    images: NDArray[Any] | Frames,
    experiment: Experiment,
    rotation: Rotation | None = None,
    *,
    sensor_material: str = "Si",
    software: str = "jaxbragg",
) -> None:
    """Write one image or several that follow each other.

    Args:
        path: File to write; .h5 or .nxs.
        images: `(slow, fast)`, `(frame, slow, fast)` or `Frames`; expected photons as
            float32, counts as uint16, uint32 or int32.
        experiment: Of the first image. Its mask becomes the pixel mask.
        rotation: None for stills, which have no goniometer.
        sensor_material: "Si", "CdTe" or "GaAs": the models know a sensor's attenuation, not what it is made of.
        software: What made them.

    Raises:
        FileError: The file cannot be written.
        ValueError: The detector is not one flat panel, or the images are not of its shape.
    """
    detector = experiment.detector
    if not isinstance(detector, FlatPanel):
        raise ValueError(f"NXmx is written for a FlatPanel, not for a {type(detector).__name__}.")
    if not isinstance(images, Frames):
        stack = images[None] if images.ndim == 2 else images
        images = Frames(len(stack), stack.dtype.name, stack)
        _check(stack.shape[1:], stack.dtype.name, detector)
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        _fill(_group(file, "entry", "NXentry"), images, experiment, detector, rotation, (sensor_material, software))
        file.attrs["default"] = "entry"
        data: Any = file["entry/data/data"]
        for i, image in enumerate(images.images):
            _check(image.shape, image.dtype.name, detector)
            data[i] = image
    write_atomically(path, memory.getbuffer())


def _check(shape: tuple[int, ...], dtype: str, detector: FlatPanel) -> None:
    if shape != detector.pixels or dtype not in _TYPES:
        raise ValueError(
            f"Argument `images` must be {', '.join(_TYPES)} of {detector.pixels[0]} × {detector.pixels[1]} pixels, but "
            f"is {dtype} {shape}."
        )


def laboratory_axes(beam: NDArray[np.float64], spindle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows x, y, z of the file's frame in the experiment's: z along the beam, x along the spindle as far as can be."""
    z = beam / np.linalg.norm(beam)
    across = spindle - (spindle @ z) * z
    if np.linalg.norm(across) < 1e-6:  # a spindle along the beam: any direction across it
        across = np.eye(3)[np.abs(z).argmin()]
        across = across - (across @ z) * z
    x = -across / np.linalg.norm(across)  # imgCIF's x is the spindle; NeXus's is turned by 180° about y
    return np.stack([x, np.cross(z, x), z])


def _fill(entry: Any, images: Frames, experiment: Experiment, detector: FlatPanel, rotation: Any, names: Any) -> None:
    beam = experiment.beam
    axes = laboratory_axes(np.asarray(beam.direction, float), np.asarray(experiment.scan.axis, float))
    entry.attrs["default"] = "data"
    _text(entry, "definition", "NXmx")
    _text(entry, "program_name", names[1])
    _text(_group(entry, "source", "NXsource"), "name", "simulated")
    instrument = _group(entry, "instrument", "NXinstrument")
    _text(instrument, "name", "simulated")
    _beam(_group(instrument, "beam", "NXbeam"), beam)
    _detector(_group(instrument, "detector", "NXdetector"), images, detector, axes, names[0])
    _sample(_group(entry, "sample", "NXsample"), experiment, rotation, axes, images.number)
    data = _group(entry, "data", "NXdata")
    data.attrs["signal"] = "data"
    shape, packed = detector.pixels, {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    data.create_dataset("data", (images.number, *shape), images.dtype, chunks=(1, *shape), **packed)


def _beam(group: Any, beam: Any) -> None:
    _, wavelengths, weights = (np.asarray(x, float) for x in beam.rays())
    different = np.unique(wavelengths)
    mean = float((wavelengths * weights).sum() / weights.sum()) if weights.sum() > 0 else float(beam.wavelength)
    wavelength = _number(group, "incident_wavelength", mean if len(different) > 1 else float(different[0]), "angstrom")
    if len(different) > 1:
        of_each = np.array([weights[wavelengths == each].sum() for each in different])
        wavelength.attrs["variant"] = "incident_wavelength_1Dspectrum"
        _number(group, "incident_wavelength_1Dspectrum", different, "angstrom")
        group.create_dataset("incident_wavelength_1Dspectrum_weights", data=of_each)


def _detector(group: Any, images: Any, detector: FlatPanel, axes: Any, material: str) -> None:
    slow, fast = detector.pixels
    origin, fast_axis, slow_axis = (
        axes @ np.asarray(vector, float) for vector in (detector.origin, detector.fast_axis, detector.slow_axis)
    )
    size = np.asarray(detector.pixel_size, float)
    normal = np.cross(fast_axis, slow_axis)
    distance = float(origin @ normal)
    # Where the beam, z, meets the panel.
    spot = np.array([0, 0, distance / normal[2]]) - origin if abs(normal[2]) > 1e-9 else np.full(3, np.nan)
    sensor = detector.sensor
    thickness = _SURFACE if sensor is None else float(sensor.layer_thickness) * sensor.layers
    missing = np.zeros((slow, fast), np.uint32)
    if detector.mask is not None:
        missing[~np.asarray(detector.mask)[0]] = 1  # bit 0: a gap
    _text(group, "depends_on", "/entry/instrument/detector/transformations/det_offset")
    _text(group, "description", "simulated")
    _text(group, "sensor_material", material)
    _number(group, "sensor_thickness", thickness, "m")
    _number(group, "x_pixel_size", size[0], "m")
    _number(group, "y_pixel_size", size[1], "m")
    _number(group, "beam_center_x", float(spot @ fast_axis) / size[0], "pixel")
    _number(group, "beam_center_y", float(spot @ slow_axis) / size[1], "pixel")
    _number(group, "distance", abs(distance), "m")
    group.create_dataset("pixel_mask", data=missing, compression="gzip", compression_opts=1, shuffle=True)
    dtype = np.dtype(images.dtype)
    if dtype.kind != "f":
        group.create_dataset("bit_depth_readout", data=8 * dtype.itemsize)
        group.create_dataset("underload_value", data=0)
        group.create_dataset("saturation_value", data=int(np.iinfo(dtype).max) - 1)
    specific = _group(group, "detectorSpecific", "NXcollection")
    for name, value in (("nimages", images.number), ("ntrigger", 1)):
        specific.create_dataset(name, data=value)
    specific.create_dataset("x_pixels_in_detector", data=fast)
    specific.create_dataset("y_pixels_in_detector", data=slow)
    specific["pixel_mask"] = group["pixel_mask"]
    offset = float(np.linalg.norm(origin))
    moves = _group(group, "transformations", "NXtransformations")
    _axis(moves, "det_offset", offset * 1e3, origin / offset, "translation", "mm", ".")
    module = _group(group, "module", "NXdetector_module")
    module.create_dataset("data_origin", data=np.array([0, 0], np.int64))
    module.create_dataset("data_size", data=np.array([slow, fast], np.int64))
    home = "/entry/instrument/detector/transformations/det_offset"
    at = "/entry/instrument/detector/module/module_offset"
    _axis(module, "module_offset", 0.0, np.array([0.0, 0.0, 1.0]), "translation", "mm", home)
    _axis(module, "fast_pixel_direction", size[0] * 1e3, fast_axis, "translation", "mm", at)
    _axis(module, "slow_pixel_direction", size[1] * 1e3, slow_axis, "translation", "mm", at)


def _sample(group: Any, experiment: Experiment, rotation: Rotation | None, axes: Any, count: int) -> None:
    _text(group, "name", "simulated")
    group.create_dataset("unit_cell", data=np.array(cell_parameters(np.asarray(experiment.crystal.vectors())), float))
    if rotation is None:
        _text(group, "depends_on", ".")
        return
    _text(group, "depends_on", "/entry/sample/transformations/omega")
    starts = rotation.start + rotation.width * np.arange(count)
    moves = _group(group, "transformations", "NXtransformations")
    _axis(moves, "omega", starts, axes @ np.asarray(experiment.scan.axis, float), "rotation", "deg", ".")
    _number(moves, "omega_end", starts + rotation.width, "deg")
    _number(moves, "omega_increment_set", np.full(count, rotation.width), "deg")


def _group(parent: Any, name: str, kind: str) -> Any:
    made = parent.create_group(name)
    made.attrs["NX_class"] = kind
    return made


def _text(group: Any, name: str, text: str) -> None:
    group.create_dataset(name, data=np.bytes_(text))


def _number(group: Any, name: str, value: Any, unit: str) -> Any:
    made = group.create_dataset(name, data=np.asarray(value, float))
    made.attrs["units"] = np.bytes_(unit)
    return made


def _axis(group: Any, name: str, value: Any, vector: Any, kind: str, unit: str, depends_on: str) -> None:
    made = _number(group, name, value, unit)
    made.attrs["vector"] = np.asarray(vector, float)
    made.attrs["transformation_type"] = np.bytes_(kind)
    made.attrs["offset"] = np.zeros(3)
    made.attrs["offset_units"] = np.bytes_("mm")
    made.attrs["depends_on"] = np.bytes_(depends_on)
