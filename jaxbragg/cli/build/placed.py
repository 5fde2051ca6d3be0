"""`--geometry FILE` → the flags that it stands for, and beam, detector and crystal in their places."""

from dataclasses import replace
from typing import Any

import equinox as eqx
import numpy as np

from jaxbragg.cli.build.beam import wavelength_of
from jaxbragg.cli.build.detector import DetectorSetup, sensor_of_flags
from jaxbragg.cli.build.frame import Frame
from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.flags import Value
from jaxbragg.cli.scanner import Scanned
from jaxbragg.io import FileError
from jaxbragg.io.geometry import Geometry
from jaxbragg.models import FlatPanel, MultiPanel
from jaxbragg.models.detector.conventions import CONVENTIONS
from jaxbragg.models.detector.placement import Placement, placement_at

# What the file says of the detector, and where the beam meets it.
_CONTRADICTING = (
    "detector", "img", "detpixels", "detpixels_f", "detpixels_s", "detsize", "detsize_f", "detsize_s", "pixel",
    "curved_det", "distance", "close_distance", "Xbeam", "Ybeam", "Xclose", "Yclose", "ORGX", "ORGY", "twotheta",
    "twotheta_axis", "detector_rotx", "detector_roty", "detector_rotz", "pivot", "pix0_vector", "pix0_vector_mm",
    "fdet_vector", "sdet_vector", "odet_vector", "beam_vector", *(name for name in CONVENTIONS if name != "custom"),
)  # fmt: skip


def read_placed(scanned: Scanned, notes: Notes) -> tuple[Scanned, Geometry | None]:
    """The file's geometry, and the flags with the numbers that it says, which flags go before.

    Args:
        scanned: Flags.
        notes: For the log.

    Raises:
        FileError: If the file is missing or broken.
        UsageError: If flags contradict it, or nothing says the wavelength.
    """
    path = scanned.text("geometry")
    if path is None:
        return scanned, None
    for name in _CONTRADICTING:
        if name in scanned:
            dashes = "--" if name == "detector" else "-"
            raise UsageError(f"{dashes}{name} contradicts --geometry {path}, which says where the detector is")
    from jaxbragg.io.geometry import load  # with gemmi, which others need not wait for

    given = wavelength_of(scanned, Notes()) if "lambda" in scanned or "energy" in scanned else None
    found = load(path, given)
    added: dict[str, Value] = {}
    if given is None:
        if found.wavelength is None:
            raise UsageError(f"--geometry {path}: it does not say the wavelength; give -lambda or -energy")
        added["lambda"] = found.wavelength
    if found.polarization is not None and "polar" not in scanned and "nopolar" not in scanned:
        added["polar"] = found.polarization
    if found.rotation is not None:
        for name, value in (("phi", found.rotation.start), ("osc", found.rotation.width)):
            if name not in scanned:
                added[name] = value
    said = ", ".join(f"-{name} {value:.8g}" for name, value in added.items())
    panels, slow, fast = found.detector.shape
    several = f"{panels} panels of up to " if panels > 1 else ""
    notes.say(f"--geometry {path}: {found.kind}, {several}{fast} × {slow} pixels" + (f", {said}" if said else ""))
    for line in found.notes:
        notes.warn(f"--geometry {path}: {line}")
    return replace(scanned, values={**added, **scanned.values}, order=[*added, *scanned.order]), found


def frame_of(geometry: Geometry, scanned: Scanned, notes: Notes) -> Frame:
    """The file's vectors; of the spindle and of the polarization those of flags, where they are given."""
    panel = _main_panel(geometry)

    def vector(flag: str, own: np.ndarray) -> np.ndarray:
        given = scanned.numbers(flag)
        return own if given is None else np.array(given, float) / np.linalg.norm(given)

    field = vector("polar_vector", geometry.polarization_axis)
    if abs(field @ geometry.direction) > 1 - 1e-9:
        raise UsageError("-polar_vector must not be along the beam: the polarization would have no direction")
    notes.say("vectors and -misset are in the frame of the file")
    return Frame(
        convention=CONVENTIONS["custom"],
        beam=geometry.direction,
        fast=np.asarray(panel.fast_axis, float),
        slow=np.asarray(panel.slow_axis, float),
        normal=np.asarray(panel.normal_axis, float),
        twotheta_axis=np.array([0.0, 1.0, 0.0]),
        polarization=field,
        spindle=vector("spindle_axis", geometry.axis),
    )


def detector_of_file(geometry: Geometry, scanned: Scanned, mask: Any, notes: Notes) -> DetectorSetup:
    """The file's detector, with the sensor of flags where they say one.

    Args:
        geometry: Of the file.
        scanned: Flags.
        mask: Pixels to be simulated, or None.
        notes: For the log.

    Raises:
        FileError: If the mask is of another size.
        UsageError: If the beam does not cross a panel's plane.
    """
    detector = geometry.detector
    given = any(f"detector_{name}" in scanned for name in ("thick", "abs", "thicksteps"))
    if given:
        sensor, layers = sensor_of_flags(scanned, notes)
        panels = detector.panels if isinstance(detector, MultiPanel) else (detector,)
        panels = [eqx.tree_at(lambda p: p.sensor, p, sensor, is_leaf=lambda x: x is None) for p in panels]
        detector = MultiPanel(panels) if isinstance(detector, MultiPanel) else panels[0]
    else:
        layers = False
    detector = _masked(detector, mask, scanned)
    panel = _main_panel(geometry)
    placement = _placement(panel, geometry.direction)
    size = np.asarray(panel.pixel_size, float)
    return DetectorSetup(
        detector=detector,
        placement=placement,
        pixel=float(size[0]),
        size=(panel.pixels[1] * float(size[0]), panel.pixels[0] * float(size[1])),
        beam_center=placement.beam_spot,
        unswung_distance=abs(float(placement.distance)),
        pivot="the file's place",
        layers_given=layers,
    )


def _masked(detector: Any, mask: Any, scanned: Scanned) -> Any:
    """A detector without the pixels that a mask leaves out."""
    if mask is None:
        return detector
    if mask.shape != detector.image_shape:
        found, wanted = (" × ".join(map(str, shape[::-1])) for shape in (mask.shape, detector.image_shape))
        raise FileError(scanned.text("mask") or "", f"the mask has {found} pixels, but the detector {wanted}")
    layers = mask.reshape(detector.shape)
    panels = detector.panels if isinstance(detector, MultiPanel) else (detector,)
    made = [_masked_panel(panel, layer) for panel, layer in zip(panels, layers, strict=True)]
    return MultiPanel(made) if isinstance(detector, MultiPanel) else made[0]


def _masked_panel(panel: FlatPanel, layer: np.ndarray) -> FlatPanel:
    own = layer[: panel.pixels[0], : panel.pixels[1]]
    both = own if panel.mask is None else own & np.asarray(panel.mask)[0]
    return eqx.tree_at(lambda p: p.mask, panel, both[None], is_leaf=lambda x: x is None)


def _main_panel(geometry: Geometry) -> FlatPanel:
    """The panel that the beam hits, or whose middle is nearest to it."""
    detector = geometry.detector
    panels = detector.panels if isinstance(detector, MultiPanel) else (detector,)

    def off(panel: FlatPanel) -> float:
        slow, fast = panel.pixels
        origin, size = np.asarray(panel.origin, float), np.asarray(panel.pixel_size, float)  # of numpy: at once
        middle = origin + fast / 2 * size[0] * np.asarray(panel.fast_axis, float)
        middle = middle + slow / 2 * size[1] * np.asarray(panel.slow_axis, float)
        return -float(middle @ geometry.direction / np.linalg.norm(middle))

    return min(panels, key=off)


def _placement(panel: FlatPanel, beam: np.ndarray) -> Placement:
    origin, fast, slow, normal = (
        np.asarray(v, float) for v in (panel.origin, panel.fast_axis, panel.slow_axis, panel.normal_axis)
    )
    normal = normal * np.sign(origin @ normal)
    if abs(normal @ beam) < 1e-9:
        raise UsageError("the detector stands edge-on to the beam")
    return placement_at(origin, fast, slow, normal, beam)
