"""DIALS's experiments (.expt): panels in their hierarchy, beam, goniometer, scan and crystal, in imgCIF's frame.

References:
    dxtbx, `model/experiment_list.py` and the `to_dict` of its models: what the JSON holds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.geometry.fields import (
    Path,
    about,
    detector_of,
    direction,
    electric_field,
    number,
    numbers,
    panel,
    sensor_of,
    whole,
)
from jaxbragg.io.geometry.json_tree import Node, parse_json
from jaxbragg.io.geometry.record import Geometry, Rotation
from jaxbragg.models import FlatPanel, Goniometer
from jaxbragg.units import MILLIMETRE

_DEEPEST = 50  # groups within groups


def read_expt(path: Path, wavelength: float | None = None) -> Geometry:
    """The first experiment of a file.

    Args:
        path: .expt, or DIALS's older .json.
        wavelength: [Å] in place of the file's.

    Raises:
        FileError: The file cannot be read, or a field is missing or is not what it must be.
    """
    root = Node(path, "", parse_json(path))
    experiments = root.list("experiment")
    if not experiments:
        raise FileError(path, "experiment: expected at least one, but found none")
    chosen, notes = experiments[0], []
    if len(experiments) > 1:
        notes.append(f"the first of its {len(experiments)} experiments is taken")
    detector, beam = root.chosen("detector", chosen), root.chosen("beam", chosen)
    if detector is None:
        raise FileError(path, "detector: the experiment has none")
    towards = np.array([0.0, 0.0, -1.0]) if beam is None else -beam.direction("direction")
    scan = root.chosen("scan", chosen)
    found = wavelength if wavelength is not None else _wavelength(beam, scan, notes)
    panels, material = _panels(detector, found, notes)
    axis, _, after = _goniometer(root.chosen("goniometer", chosen))
    rotation, images = _rotation(scan)
    crystal, vectors = root.chosen("crystal", chosen), _vectors(root, chosen)
    if crystal is not None and crystal.has("A_at_scan_points"):
        notes.append("the crystal's mean orientation is taken, not that of each image")
    fraction, normal = None, None
    if beam is not None and beam.has("polarization_fraction"):
        fraction = beam.number("polarization_fraction")
        normal = beam.direction("polarization_normal") if beam.has("polarization_normal") else None
    return Geometry(
        path=str(path),
        kind="DIALS's .expt",
        detector=detector_of(path, panels),
        wavelength=found,
        direction=towards,
        polarization=None if fraction is None or normal is None else 2.0 * fraction - 1.0,
        polarization_axis=electric_field(towards, normal),
        axis=after @ axis,
        rotation=rotation,
        images=images,
        vectors=vectors,
        material=material,
        notes=tuple(notes),
        goniometer=_chain(root.chosen("goniometer", chosen)),
    )


def read_expt_vectors(path: Path) -> NDArray[np.float64]:
    """Rows a, b, c of the crystal of every experiment that has one [Å], mounted at φ = 0, in imgCIF's frame.

    Args:
        path: .expt, or DIALS's older .json.

    Raises:
        FileError: The file cannot be read or has no crystal, or one lies in a plane.
    """
    root = Node(path, "", parse_json(path))
    every = [(each, _vectors(root, each)) for each in root.list("experiment")]
    found = [vectors for _, vectors in every if vectors is not None]
    if not found:
        raise FileError(path, "expected crystals, but found none")
    for each, vectors in every:
        if vectors is not None and abs(np.linalg.det(vectors)) < 1e-6:
            raise FileError(path, f"{each.where}: the three vectors of its crystal span no cell")
    return np.array(found)


def _vectors(root: Node, experiment: Node) -> NDArray[np.float64] | None:
    """Rows a, b, c of an experiment's crystal, mounted at φ = 0; None where it has none."""
    crystal = root.chosen("crystal", experiment)
    if crystal is None:
        return None
    _, before, after = _goniometer(root.chosen("goniometer", experiment))
    rows = np.stack([crystal.numbers(f"real_space_{name}", 3) for name in "abc"])
    return rows @ (after @ before).T


class _Frame(NamedTuple):
    """Where a group or a panel is: columns fast, slow, normal, and the origin [mm]."""

    axes: NDArray[np.float64]
    origin: NDArray[np.float64]

    def inside(self, parent: _Frame) -> _Frame:
        return _Frame(parent.axes @ self.axes, parent.axes @ self.origin + parent.origin)


_WHOLE = _Frame(np.eye(3), np.zeros(3))


def _frame(node: Node) -> _Frame:
    fast, slow = node.direction("fast_axis"), node.direction("slow_axis")
    return _Frame(np.column_stack([fast, slow, np.cross(fast, slow)]), node.numbers("origin", 3))


def _panels(detector: Node, wavelength: float | None, notes: list[str]) -> tuple[list[FlatPanel], str]:
    nodes = detector.list("panels")
    parents = {i: _WHOLE for i in range(len(nodes))}
    if detector.has("hierarchy"):
        _place_groups(detector.node("hierarchy"), _WHOLE, parents, 0)
    made = [_panel(node, parents[i], wavelength, notes) for i, node in enumerate(nodes)]
    return made, str(nodes[0].value.get("material") or "") if nodes else ""


def _place_groups(group: Node, parent: _Frame, parents: dict[int, _Frame], depth: int) -> None:
    """Notes for each panel the frame that its own is given in."""
    if depth > _DEEPEST:
        raise FileError(group.path, f"{group.where}: expected at most {_DEEPEST} groups within each other")
    own = _frame(group).inside(parent) if group.has("origin") else parent
    for child in group.list("children"):
        if child.has("panel"):
            index = whole(group.path, f"{child.where}.panel", child.get("panel"))
            if index not in parents:
                raise FileError(group.path, f"{child.where}.panel: {index}, but there are {len(parents)} panels")
            parents[index] = own
        else:
            _place_groups(child, own, parents, depth + 1)


def _panel(node: Node, parent: _Frame, wavelength: float | None, notes: list[str]) -> FlatPanel:
    placed = _frame(node).inside(parent)
    fast, slow = (whole(node.path, f"{node.where}.image_size", v) for v in node.numbers("image_size", 2))
    pixel = node.numbers("pixel_size", 2) * MILLIMETRE
    absorption = node.number("mu", 0.0) / MILLIMETRE
    sensor, said = sensor_of(
        node.path,
        node.number("thickness", 0.0) * MILLIMETRE,
        str(node.value.get("material") or ""),
        1.0 / absorption if absorption > 0 else None,
        wavelength,
    )
    if said and said not in notes:
        notes.append(said)
    mask = None
    if isinstance(rectangles := node.value.get("mask"), list) and rectangles and 0 < fast * slow <= 1 << 30:
        mask = np.ones((slow, fast), bool)
        for i, rectangle in enumerate(rectangles):
            left, top, right, bottom = numbers(node.path, f"{node.where}.mask[{i}]", rectangle, 4).clip(0).astype(int)
            mask[top:bottom, left:right] = False
    place = (placed.origin * MILLIMETRE, placed.axes[:, 0], placed.axes[:, 1])
    return panel(node.path, node.where, (slow, fast), pixel, place, sensor=sensor, mask=mask)


def _wavelength(beam: Node | None, scan: Node | None, notes: list[str]) -> float | None:
    if beam is not None and beam.has("wavelength"):
        return number(beam.path, f"{beam.where}.wavelength", beam.get("wavelength"), positive=True)
    if beam is not None and beam.has("wavelength_range"):
        low, high = beam.numbers("wavelength_range", 2)
        notes.append(f"the middle of its wavelengths {low:g} … {high:g} Å is taken; -dispersion gives a bandwidth")
        return number(beam.path, f"{beam.where}.wavelength_range", (low + high) / 2, positive=True)
    if scan is not None and scan.has("properties") and scan.node("properties").has("wavelength"):
        each = scan.node("properties").list("wavelength")
        if each:
            return number(each[0].path, each[0].where, each[0].value, positive=True)
    return None


def _goniometer(node: Node | None) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The spindle, what turns the crystal before it, and what turns both after it."""
    if node is None:
        return np.array([1.0, 0.0, 0.0]), np.eye(3), np.eye(3)
    if not node.has("axes"):
        before, after = (
            node.numbers(name, 9).reshape(3, 3) if node.has(name) else np.eye(3)
            for name in ("fixed_rotation", "setting_rotation")
        )
        return node.direction("rotation_axis"), _rotation_matrix(node, before), _rotation_matrix(node, after)
    axes = [direction(node.path, each.where, each.value) for each in node.list("axes")]
    angles = node.numbers("angles", len(axes))
    scanned = whole(node.path, f"{node.where}.scan_axis", node.get("scan_axis"))
    if scanned >= len(axes):
        raise FileError(node.path, f"{node.where}.scan_axis: {scanned}, but there are {len(axes)} axes")
    before, after = np.eye(3), np.eye(3)
    for i, (axis, angle) in enumerate(zip(axes, angles, strict=True)):  # from the crystal outwards
        if i < scanned:
            before = about(axis, angle) @ before
        elif i > scanned:
            after = about(axis, angle) @ after
    return axes[scanned], before, after


def _chain(node: Node | None) -> Goniometer | None:
    """The goniometer of several axes, which `_goniometer` has checked."""
    if node is None or not node.has("axes"):
        return None
    axes = [direction(node.path, each.where, each.value) for each in node.list("axes")]
    names = [str(each.value) for each in node.list("names")] if node.has("names") else []
    if len(set(names)) != len(axes):
        names = [f"axis{i}" for i in range(len(axes))]
    angles, scanned = node.numbers("angles", len(axes)), int(node.get("scan_axis"))
    order = range(len(axes) - 1, -1, -1)  # from the base to the crystal
    at = {names[i]: float(angles[i]) for i in order if i != scanned}
    return Goniometer({names[i]: axes[i] for i in order}, at, scanned=names[scanned])


def _rotation_matrix(node: Node, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    if np.abs(matrix @ matrix.T - np.eye(3)).max() > 1e-4 or np.linalg.det(matrix) < 0:
        raise FileError(node.path, f"{node.where}: expected a rotation, but found {matrix.ravel().tolist()}")
    return matrix


def _rotation(scan: Node | None) -> tuple[Rotation | None, int]:
    if scan is None:
        return None, 1
    first, last = scan.numbers("image_range", 2)
    images = max(int(last - first) + 1, 1)
    if scan.has("oscillation"):
        start, width = scan.numbers("oscillation", 2)
    elif scan.has("properties") and scan.node("properties").has("oscillation"):
        angles = [number(each.path, each.where, each.value) for each in scan.node("properties").list("oscillation")]
        start = angles[0] if angles else 0.0
        width = angles[1] - angles[0] if len(angles) > 1 else scan.number("oscillation_width", 0.0)
    else:
        return None, images
    return (Rotation(float(start), float(width)) if width else None), images
