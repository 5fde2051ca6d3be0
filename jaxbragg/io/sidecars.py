"""Geometry beside images: DIALS's .expt and CrystFEL's .geom, of the same recording."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.laboratory import imgcif_axes, nexus_axes
from jaxbragg.io.recording import Recording
from jaxbragg.models import Crystal, FlatPanel, Goniometer, Scan
from jaxbragg.units import MILLIMETRE, wavelength_from_energy


def write_expt(path: str | os.PathLike[str], recording: Recording, images: str = "") -> None:
    """Write DIALS's experiments: beam, detector, crystal, and goniometer and scan where the crystal turns.

    Args:
        path: File to write; .expt.
        recording: Of the images.
        images: The file that holds them, as seen from the folder of `path`; or a template of several, image_####.cbf.

    Raises:
        FileError: The file cannot be written.
        ValueError: The detector is not of flat panels.
    """
    experiment, count = recording.experiment, recording.frames.number
    axes, beam = imgcif_axes(experiment), experiment.beam
    crystals = experiment.crystals if recording.has_crystal else ()
    models: dict[str, Any] = {"beam": 0, "detector": 0, "imageset": 0}
    if recording.rotation is not None:
        models |= {"goniometer": 0, "scan": 0}
    factor = float(beam.polarization)
    field = axes @ np.asarray(beam.polarization_axis, float)
    normal = np.cross(np.array([0.0, 0.0, -1.0]), field)
    content: dict[str, Any] = {
        "__id__": "ExperimentList",
        # Each lattice is an experiment of its own there, on the same images.
        "experiment": [
            {"__id__": "Experiment", "identifier": "", **models, **({"crystal": i} if crystals else {})}
            for i in range(max(1, len(crystals)))
        ],
        "imageset": [_imageset(images, count, recording.rotation is not None)],
        "beam": [
            {
                "__id__": "monochromatic",
                "direction": [0.0, 0.0, 1.0],
                "wavelength": float(beam.wavelength),
                "divergence": 0.0,
                "sigma_divergence": 0.0,
                "polarization_normal": (normal / np.linalg.norm(normal)).tolist(),
                "polarization_fraction": (1 + factor) / 2,
                "flux": 0.0,
                "transmission": 1.0,
                "probe": "x-ray",
                "sample_to_source_distance": 0.0,
            }
        ],
        "detector": [{"panels": [_panel(p, axes, recording, i) for i, p in enumerate(recording.panels)]}],
        "goniometer": [],
        "scan": [],
        "crystal": [_crystal(recording, each, axes) for each in crystals],
        "profile": [],
        "scaling_model": [],
    }
    if recording.rotation is not None:
        start, width = recording.rotation
        content["goniometer"] = [_goniometer(experiment.scan, axes)]
        content["scan"] = [
            {
                "image_range": [1, count],
                "batch_offset": 0,
                "oscillation": [start, width],
                "exposure_time": [1.0] * count,
                "epochs": [float(i) for i in range(count)],
                "valid_image_ranges": {},
            }
        ]
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def _goniometer(scan: Scan, axes: NDArray[np.float64]) -> dict[str, Any]:
    chain = _chain(scan)
    if chain is None:
        axis, identity = axes @ np.asarray(scan.spindle(), float), np.eye(3).ravel().tolist()
        return {"rotation_axis": axis.tolist(), "fixed_rotation": identity, "setting_rotation": identity}
    count = len(chain.names)
    return {  # from the crystal to the base
        "axes": (np.asarray(chain.directions(), float) @ axes.T)[::-1].tolist(),
        "angles": np.asarray(chain.angles, float)[::-1].tolist(),
        "names": list(chain.names[::-1]),
        "scan_axis": count - 1 - chain.scanned,
    }


def _chain(scan: Scan) -> Goniometer | None:
    """The goniometer, where a file of DIALS can say it: there the scanned axis has no angle of its own."""
    chain = scan.goniometer
    return None if chain is None or float(chain.angles[chain.scanned]) != 0.0 else chain


def _imageset(images: str, count: int, turning: bool) -> dict[str, Any]:
    common = {"mask": "", "gain": "", "pedestal": "", "dx": "", "dy": "", "params": {}}
    numbers = [*range(count)] if "#" not in images else []
    if turning:
        return {"__id__": "ImageSequence", "template": images, "single_file_indices": numbers, **common}
    width = images.count("#")
    names = [images.replace("#" * width, f"{i + 1:0{width}d}") for i in range(count)] if width else [images] * count
    return {"__id__": "ImageSet", "images": names, "single_file_indices": numbers, **common}


def _crystal(recording: Recording, crystal: Crystal, axes: NDArray[np.float64]) -> dict[str, Any]:
    """In P1: the symmetry of the structure factors is not known here, and none is asked for."""
    scan, rows = recording.experiment.scan, crystal.vectors()
    on_chain = recording.rotation is not None and _chain(scan) is not None  # stills have no goniometer there
    rows = np.asarray(rows if on_chain else scan.mounted(rows)) @ axes.T
    real = {f"real_space_{name}": row.tolist() for name, row in zip("abc", rows, strict=True)}
    return {"__id__": "crystal", **real, "space_group_hall_symbol": " P 1"}


def _panel(panel: FlatPanel, axes: NDArray[np.float64], recording: Recording, index: int) -> dict[str, Any]:
    sensor, counts = panel.sensor, np.dtype(recording.frames.dtype)
    origin, fast, slow = (axes @ np.asarray(v, float) for v in (panel.origin, panel.fast_axis, panel.slow_axis))
    thickness = 0.0 if sensor is None else float(sensor.layer_thickness) * sensor.layers
    return {
        "name": "Panel" if len(recording.panels) == 1 else f"Panel {index}",
        "type": "SENSOR_PAD",
        "fast_axis": fast.tolist(),
        "slow_axis": slow.tolist(),
        "origin": (origin / MILLIMETRE).tolist(),
        "raw_image_offset": [0, 0],
        "image_size": [panel.pixels[1], panel.pixels[0]],
        "pixel_size": (np.asarray(panel.pixel_size, float) / MILLIMETRE).tolist(),
        "trusted_range": [0.0, 1e9 if counts.kind == "f" else float(recording.largest_good)],
        "thickness": thickness / MILLIMETRE,
        "material": recording.material if sensor is not None else "",
        "mu": 0.0 if sensor is None else float(sensor.attenuation) * MILLIMETRE,
        "identifier": "",
        "mask": _rectangles(panel),
        "gain": 1.0,
        "pedestal": recording.offset,
        # Sensors of the images are layers along the normal: rays that come obliquely are seen farther out.
        "px_mm_strategy": {"type": "SimplePxMmStrategy" if sensor is None else "ParallaxCorrectedPxMmStrategy"},
    }


def _rectangles(panel: FlatPanel) -> list[list[int]]:
    """The gaps that go right across a panel: first and end along fast, first and end along slow, of each."""
    if panel.mask is None:
        return []
    missing, (slow, fast) = ~np.asarray(panel.mask)[0], panel.pixels
    rows = [[0, top, fast, bottom] for top, bottom in _runs(missing.all(axis=1))]
    return rows + [[left, 0, right, slow] for left, right in _runs(missing.all(axis=0))]


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and end of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return [(int(first), int(end)) for first, end in zip(edges[::2], edges[1::2], strict=True)]


def write_geom(path: str | os.PathLike[str], recording: Recording) -> None:
    """Write CrystFEL's geometry, for the images in NXmx.

    Args:
        path: File to write; .geom.
        recording: Of the images.

    Raises:
        FileError: The file cannot be written.
        ValueError: The detector is not of flat panels, or a panel's pixels are not square.
    """
    axes, panels = nexus_axes(recording.experiment), recording.panels
    energy = wavelength_from_energy(float(recording.experiment.beam.wavelength))  # the same formula both ways
    lines = [
        f"; written by {recording.software}",
        f"photon_energy = {energy:.15g}",
        "adu_per_photon = 1",
        "data = /entry/data/data",
        "mask = /entry/instrument/detector/pixel_mask",
        "mask_good = 0x00000000",
        "mask_bad = 0xffffffff",
    ]
    if np.dtype(recording.frames.dtype).kind != "f":
        lines.append(f"flag_morethan = {recording.largest_good}")
    for i, panel in enumerate(panels):
        origin, fast, slow = (axes @ np.asarray(v, float) for v in (panel.origin, panel.fast_axis, panel.slow_axis))
        size, name = np.asarray(panel.pixel_size, float), f"p{i}"
        if abs(size[0] - size[1]) > 1e-9 * size[0]:
            raise ValueError(f"A .geom has square pixels, but panel {i}'s are of {size[0]:g} × {size[1]:g} m.")
        row = i * recording.experiment.detector.shape[1]
        values = {
            "dim0": "%",
            "dim1": "ss",
            "dim2": "fs",
            "min_fs": 0,
            "max_fs": panel.pixels[1] - 1,
            "min_ss": row,
            "max_ss": row + panel.pixels[0] - 1,
            "res": f"{1 / size[0]:.15g}",
            "clen": f"{origin[2]:.15g}",
            "corner_x": f"{origin[0] / size[0]:.15g}",
            "corner_y": f"{origin[1] / size[0]:.15g}",
            "fs": _terms(fast),
            "ss": _terms(slow),
        }
        lines += ["", *(f"{name}/{key} = {value}" for key, value in values.items())]
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def _terms(vector: NDArray[np.float64]) -> str:
    return " ".join(f"{value:+.15f}{axis}" for value, axis in zip(vector, "xyz", strict=True))
