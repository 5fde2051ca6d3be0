"""NeXus NXmx: images in HDF5 with all that a processing program asks of them.

The laboratory frame of the file has z along the beam; x is along the spindle, or what of it lies across the beam. It is
NeXus's (McStas's): DIALS's own frame is this one turned by 180° about y. Written in the layout that Dectris's detectors
made usual: `/entry/data/data`, one frame a chunk, `detectorSpecific` for XDS's plug-ins.

References:
    NXmx, NeXus application definition; Bernstein et al. (2020), IUCrJ 7, 784 (the gold standard for MX).
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.errors import FileError, reason_of
from jaxbragg.io.laboratory import nexus_axes
from jaxbragg.io.recording import SURFACE, Recording
from jaxbragg.models import FlatPanel
from jaxbragg.models.unit_cell import cell_parameters

TYPES = ("float32", "uint16", "uint32", "int32")
_HOME = "/entry/instrument/detector"


def write_nxmx(path: str | os.PathLike[str], recording: Recording) -> None:
    """Write images that follow each other; several panels are one below the other in each.

    Args:
        path: File to write; .h5 or .nxs.
        recording: Expected photons as float32, counts as uint16, uint32 or int32.

    Raises:
        FileError: The file cannot be written.
        ValueError: The detector is not of flat panels, or the images are not of its shape or of another type.
    """
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        fill(file, recording, partial(_packed, recording))
        data: Any = file["entry/data/data"]
        for i, image in enumerate(recording.checked(*TYPES)):
            data[i] = image.reshape(data.shape[1:])
    write_atomically(path, memory.getbuffer())


def fill(file: Any, recording: Recording, make_data: Callable[[Any], None]) -> None:
    """All of the file but the images.

    Args:
        file: Of h5py.
        recording: Of the images.
        make_data: Makes the dataset "data" in a group.

    Raises:
        ValueError: The detector is not of flat panels.
    """
    panels = recording.panels
    axes, entry = nexus_axes(recording.experiment), _group(file, "entry", "NXentry")
    file.attrs["default"] = "entry"
    entry.attrs["default"] = "data"
    _text(entry, "definition", "NXmx")
    _text(entry, "program_name", recording.software)
    _text(_group(entry, "source", "NXsource"), "name", "simulated")
    instrument = _group(entry, "instrument", "NXinstrument")
    _text(instrument, "name", "simulated")
    _beam(_group(instrument, "beam", "NXbeam"), recording.experiment.beam, axes)
    _detector(_group(instrument, "detector", "NXdetector"), recording, panels, axes)
    _sample(_group(entry, "sample", "NXsample"), recording, axes)
    data = _group(entry, "data", "NXdata")
    data.attrs["signal"] = "data"
    make_data(data)


def _packed(recording: Recording, group: Any) -> None:
    shape, frames = stacked_shape(recording), recording.frames
    for packed in packings():
        try:
            group.create_dataset("data", (frames.number, *shape), frames.dtype, chunks=(1, *shape), **packed)
            break
        except (ValueError, OSError):  # a filter of another build of HDF5, such as HDF5_PLUGIN_PATH may name
            continue


def part_of(path: str | os.PathLike[str]) -> str:
    """Where a series is kept until its last image is there."""
    return f"{os.fspath(path)}.part"


def images_in(path: str | os.PathLike[str], fingerprint: str) -> int:
    """How many images of a series are there already, in the part of a file; 0 where there is no part.

    Args:
        path: The whole file that is to come of it.
        fingerprint: Of the series.

    Raises:
        FileError: The part cannot be read, or is of another series.
    """
    part = part_of(path)
    if not os.path.lexists(part):
        return 0
    import h5py

    try:
        with h5py.File(part, "r") as file:
            found, count = file.attrs["jaxbragg_series"], int(file.attrs["jaxbragg_images"])  # type: ignore[arg-type]
    except Exception:  # h5py raises what its many readers raise
        raise FileError(part, "expected images that are there already, but it is broken: remove it") from None
    if found != fingerprint:
        raise FileError(part, "it is of another series, with other flags or files: remove it, or give it another name")
    return count


def write_nxmx_series(path: str | os.PathLike[str], recording: Recording, fingerprint: str, there: int) -> None:
    """Write a series image by image beside the file, which appears when the last one is there.

    What is cut off stays there, for `images_in`; in memory there is one image.

    Args:
        path: File to write.
        recording: Whose images are those that are not there.
        fingerprint: Of the series: the same for the same images.
        there: How many images are there already.

    Raises:
        FileError: The file cannot be written.
        ValueError: As for `write_nxmx`.
    """
    import h5py

    part = part_of(path)
    try:
        with h5py.File(part, "r+" if there else "w") as file:
            if not there:
                fill(file, recording, partial(_packed, recording))
                file.attrs["jaxbragg_series"] = fingerprint
                file.attrs["jaxbragg_images"] = 0
            data: Any = file["entry/data/data"]
            left = replace(recording, frames=recording.frames._replace(number=recording.frames.number - there))
            for i, image in enumerate(left.checked(*TYPES), start=there):
                data[i] = image.reshape(data.shape[1:])
                file.attrs["jaxbragg_images"] = i + 1
                file.flush()
            del file.attrs["jaxbragg_series"], file.attrs["jaxbragg_images"]
    except OSError as error:
        raise FileError(part, reason_of(error)) from error
    with open(part, "rb") as whole:
        write_atomically(path, iter(partial(whole.read, 1 << 24), b""))
    os.unlink(part)


def stacked_shape(recording: Recording) -> tuple[int, int]:
    """Rows and columns of an image whose panels are one below the other: what programs ask for is 2-D."""
    panels, slow, fast = recording.experiment.detector.shape
    return panels * slow, fast


def packings() -> list[dict[str, Any]]:
    """By bitshuffle and LZ4 where hdf5plugin is there, which XDS's plug-ins ask for, else gzip."""
    gzip = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    if importlib.util.find_spec("hdf5plugin") is None:
        return [gzip]
    plugin: Any = importlib.import_module("hdf5plugin")
    return [dict(plugin.Bitshuffle(cname="lz4")), gzip]


def _beam(group: Any, beam: Any, axes: Any) -> None:
    _, wavelengths, weights = (np.asarray(x, float) for x in beam.rays())
    different = np.unique(wavelengths)
    mean = float((wavelengths * weights).sum() / weights.sum()) if weights.sum() > 0 else float(beam.wavelength)
    wavelength = _number(group, "incident_wavelength", mean if len(different) > 1 else float(different[0]), "angstrom")
    if len(different) > 1:
        of_each = np.array([weights[wavelengths == each].sum() for each in different])
        wavelength.attrs["variant"] = "incident_wavelength_1Dspectrum"
        _number(group, "incident_wavelength_1Dspectrum", different, "angstrom")
        group.create_dataset("incident_wavelength_1Dspectrum_weights", data=of_each)
    factor, (x, y, _) = float(beam.polarization), axes @ np.asarray(beam.polarization_axis, float)
    twice = 2 * np.arctan2(y, x)
    stokes = np.array([1.0, factor * np.cos(twice), factor * np.sin(twice), 0.0])
    group.create_dataset("incident_polarization_stokes", data=stokes)


def _detector(group: Any, recording: Recording, panels: tuple[FlatPanel, ...], axes: Any) -> None:
    first, several = panels[0], len(panels) > 1
    shape = stacked_shape(recording)
    size = np.asarray(first.pixel_size, float)
    sensor = first.sensor
    thickness = SURFACE if sensor is None else float(sensor.layer_thickness) * sensor.layers
    missing = np.zeros(shape, np.uint32)
    if recording.missing is not None:
        missing[recording.missing.reshape(shape)] = 1  # bit 0: a gap
    _text(group, "depends_on", f"{_HOME}/transformations/det_offset")
    _text(group, "description", "simulated")
    _text(group, "sensor_material", recording.material or "Si")
    _number(group, "sensor_thickness", thickness, "m")
    _number(group, "x_pixel_size", size[0], "m")
    _number(group, "y_pixel_size", size[1], "m")
    # Where the beam, z, meets the first panel's plane.
    origin, fast, slow = (axes @ np.asarray(v, float) for v in (first.origin, first.fast_axis, first.slow_axis))
    normal = np.cross(fast, slow)
    distance = float(origin @ normal)
    spot = np.array([0, 0, distance / normal[2]]) - origin if abs(normal[2]) > 1e-9 else np.full(3, np.nan)
    _number(group, "beam_center_x", float(spot @ fast) / size[0], "pixel")
    _number(group, "beam_center_y", float(spot @ slow) / size[1], "pixel")
    _number(group, "distance", abs(distance), "m")
    group.create_dataset("pixel_mask", data=missing, compression="gzip", compression_opts=1, shuffle=True)
    dtype = np.dtype(recording.frames.dtype)
    if dtype.kind != "f":
        group.create_dataset("bit_depth_readout", data=8 * dtype.itemsize)
        group.create_dataset("underload_value", data=0)
        group.create_dataset("saturation_value", data=recording.largest_good)
    specific = _group(group, "detectorSpecific", "NXcollection")
    for name, value in (("nimages", recording.frames.number), ("ntrigger", 1)):
        specific.create_dataset(name, data=value)
    specific.create_dataset("x_pixels_in_detector", data=shape[-1])
    specific.create_dataset("y_pixels_in_detector", data=shape[-2])
    specific["pixel_mask"] = group["pixel_mask"]
    moves = _group(group, "transformations", "NXtransformations")
    offset = np.zeros(3) if several else origin
    length = float(np.linalg.norm(offset))
    towards = offset / length if length else np.array([0.0, 0.0, 1.0])
    _axis(moves, "det_offset", length * 1e3, towards, "translation", "mm", ".")
    row = recording.experiment.detector.shape[1]
    for i, panel in enumerate(panels):
        _module(group, f"module_{i}" if several else "module", panel, axes, i * row if several else None)


def _module(group: Any, name: str, panel: FlatPanel, axes: Any, row: int | None) -> None:
    """One panel; of several, each has its own offset, and its own rows of the images from `row` on."""
    module = _group(group, name, "NXdetector_module")
    module.create_dataset("data_origin", data=np.array([row or 0, 0], np.int64))
    module.create_dataset("data_size", data=np.array(panel.pixels, np.int64))
    origin, fast, slow = (axes @ np.asarray(v, float) for v in (panel.origin, panel.fast_axis, panel.slow_axis))
    offset = np.zeros(3) if row is None else origin
    length = float(np.linalg.norm(offset))
    towards = offset / length if length else np.array([0.0, 0.0, 1.0])
    on = f"{_HOME}/transformations/det_offset"
    _axis(module, "module_offset", length * 1e3, towards, "translation", "mm", on)
    size, at = np.asarray(panel.pixel_size, float), f"{_HOME}/{name}/module_offset"
    _axis(module, "fast_pixel_direction", size[0] * 1e3, fast, "translation", "mm", at)
    _axis(module, "slow_pixel_direction", size[1] * 1e3, slow, "translation", "mm", at)


def _sample(group: Any, recording: Recording, axes: Any) -> None:
    experiment, rotation, count = recording.experiment, recording.rotation, recording.frames.number
    _text(group, "name", "simulated")
    if recording.has_crystal:
        group.create_dataset(
            "unit_cell", data=np.array(cell_parameters(np.asarray(experiment.crystal.vectors())), float)
        )
    if rotation is None:
        _text(group, "depends_on", ".")
        return
    _text(group, "depends_on", "/entry/sample/transformations/omega")
    starts = rotation.start + rotation.width * np.arange(count)
    moves = _group(group, "transformations", "NXtransformations")
    _axis(moves, "omega", starts, axes @ np.asarray(experiment.scan.spindle(), float), "rotation", "deg", ".")
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
