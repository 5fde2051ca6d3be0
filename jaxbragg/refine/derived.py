"""Quantities that are no leaf of the experiment but that one would rather refine: distance, shifts, small rotations.

| path | what it is |
|---|---|
| `crystal.rotation[3]` | rotation about the laboratory's x, y, z, after the misset [deg]; 0 at the start |
| `crystal.vectors[3,3]` | rows a, b, c in the laboratory at φ = 0 [Å], instead of cell and misset |
| `detector.distance` | sample to beam spot [m]; the whole detector moves along the beam |
| `detector.beam_center[2]` | beam spot from the first panel's corner along fast, slow [m]; the detector slides |
| `detector.shift[3]`, `detector.panels[i].shift[3]` | move along the (first) panel's fast, slow, normal axis [m] |
| `detector.rotation[3]`, `detector.panels[i].rotation[3]` | rotation about these axes through the middle [deg] |

A leaf of the same name wins: a curved detector has a distance and a beam centre of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg.models import Crystal, Experiment, FlatPanel, MultiPanel, UnitCell
from jaxbragg.models.unit_cell import cell_vectors
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation


@dataclass(frozen=True)
class Derived:
    """One such quantity.

    Attributes:
        shape: Of its value.
        value: Its value in an experiment, from the node that has it.
        put: The node with another value.
    """

    shape: tuple[int, ...]
    value: Callable[[Any, Experiment], Float[Array, "..."]]
    put: Callable[[Any, Experiment, Float[Array, "..."]], Any]


# Crystals ---------------------------------------------------------------------------------------------------------


def _rotate_crystal(crystal: Crystal, experiment: Experiment, angles: Float[Array, "3"]) -> Crystal:
    del experiment
    misset = rotation.about_xyz(crystal.misset * RADIANS)
    before = misset if crystal.orientation is None else rotation.product(misset, crystal.orientation)
    rotated = rotation.product(rotation.about_xyz(angles * RADIANS), before)
    return _with_orientation(crystal, rotation.product(misset.T, rotated))  # the misset stays what it was


def _put_vectors(crystal: Crystal, experiment: Experiment, vectors: Float[Array, "3 3"]) -> Crystal:
    del experiment
    lengths = jnp.sqrt((vectors * vectors).sum(axis=1))
    unit = vectors / lengths[:, None]
    angles = []
    for i, j in ((1, 2), (2, 0), (0, 1)):
        cross = jnp.cross(unit[i], unit[j])
        angles.append(jnp.arctan2(jnp.sqrt((cross * cross).sum()), (unit[i] * unit[j]).sum()) / RADIANS)
    parameters = (*lengths, *angles)
    rotated = rotation.product(jnp.linalg.inv(cell_vectors(*parameters)), vectors).T
    misset = rotation.about_xyz(crystal.misset * RADIANS)
    crystal = eqx.tree_at(lambda c: c.cell, crystal, UnitCell(*parameters))
    return _with_orientation(crystal, rotation.product(misset.T, rotated))


def _with_orientation(crystal: Crystal, matrix: Float[Array, "3 3"]) -> Crystal:
    return eqx.tree_at(lambda c: c.orientation, crystal, matrix, is_leaf=lambda x: x is None)


# Detectors --------------------------------------------------------------------------------------------------------


def _panels(detector: FlatPanel | MultiPanel) -> tuple[FlatPanel, ...]:
    return detector.panels if isinstance(detector, MultiPanel) else (detector,)


def _each_panel(
    detector: FlatPanel | MultiPanel, change: Callable[[FlatPanel], tuple[Any, Any, Any, Any]]
) -> FlatPanel | MultiPanel:
    def moved(panel: FlatPanel) -> FlatPanel:
        return eqx.tree_at(lambda p: (p.origin, p.fast_axis, p.slow_axis, p.normal_axis), panel, change(panel))

    if isinstance(detector, MultiPanel):
        return eqx.tree_at(lambda d: d.panels, detector, tuple(moved(panel) for panel in detector.panels))
    return moved(detector)


def _move(detector: FlatPanel | MultiPanel, shift: Float[Array, "3"]) -> FlatPanel | MultiPanel:
    return _each_panel(detector, lambda p: (p.origin + shift, p.fast_axis, p.slow_axis, p.normal_axis))


def _distance(detector: FlatPanel | MultiPanel, experiment: Experiment) -> Float[Array, ""]:
    panel = _panels(detector)[0]
    return (panel.origin * panel.normal_axis).sum() / (experiment.beam.direction * panel.normal_axis).sum()


def _put_distance(detector: FlatPanel | MultiPanel, experiment: Experiment, distance: Float[Array, ""]) -> Any:
    return _move(detector, (distance - _distance(detector, experiment)) * experiment.beam.direction)


def _beam_center(detector: FlatPanel | MultiPanel, experiment: Experiment) -> Float[Array, "2"]:
    panel = _panels(detector)[0]
    spot = _distance(detector, experiment) * experiment.beam.direction - panel.origin
    return jnp.stack([(spot * panel.fast_axis).sum(), (spot * panel.slow_axis).sum()])


def _put_beam_center(detector: FlatPanel | MultiPanel, experiment: Experiment, center: Float[Array, "2"]) -> Any:
    panel = _panels(detector)[0]
    change = center - _beam_center(detector, experiment)
    return _move(detector, -change[0] * panel.fast_axis - change[1] * panel.slow_axis)


def _frame(detector: FlatPanel | MultiPanel) -> Float[Array, "3 3"]:
    """Columns fast, slow, normal of the first panel."""
    panel = _panels(detector)[0]
    return jnp.stack([panel.fast_axis, panel.slow_axis, panel.normal_axis], axis=1)


def _shift(detector: FlatPanel | MultiPanel, experiment: Experiment, shift: Float[Array, "3"]) -> Any:
    del experiment
    return _move(detector, rotation.apply(_frame(detector), shift))


def _rotate_detector(detector: FlatPanel | MultiPanel, experiment: Experiment, angles: Float[Array, "3"]) -> Any:
    del experiment
    frame = _frame(detector)
    # An orthonormal frame's inverse is its transpose; beamline files round the three axes apart, hence the inverse.
    matrix = rotation.product(rotation.product(frame, rotation.about_xyz(angles * RADIANS)), jnp.linalg.inv(frame))
    zero = jnp.zeros((), int)
    middles = [p.position(zero, jnp.asarray(p.pixels[0] / 2), jnp.asarray(p.pixels[1] / 2)) for p in _panels(detector)]
    middle = jnp.stack(middles).mean(axis=0)

    def moved(panel: FlatPanel) -> tuple[Any, Any, Any, Any]:
        fast, slow, normal = (rotation.apply(matrix, v) for v in (panel.fast_axis, panel.slow_axis, panel.normal_axis))
        return middle + rotation.apply(matrix, panel.origin - middle), fast, slow, normal

    return _each_panel(detector, moved)


def _zeros(node: Any, experiment: Experiment) -> Float[Array, "3"]:
    del node, experiment
    return jnp.zeros(3)


_FLAT = {
    "rotation": Derived((3,), _zeros, _rotate_detector),
    "shift": Derived((3,), _zeros, _shift),
    "distance": Derived((), _distance, _put_distance),
    "beam_center": Derived((2,), _beam_center, _put_beam_center),
}

# In the order in which they are set.
DERIVED: dict[tuple[type, str], Derived] = {
    (Crystal, "vectors"): Derived((3, 3), lambda crystal, _: crystal.vectors(), _put_vectors),
    (Crystal, "rotation"): Derived((3,), _zeros, _rotate_crystal),
    **{(kind, name): derived for name, derived in _FLAT.items() for kind in (FlatPanel, MultiPanel)},
}


def derived_of(node: Any, name: str) -> Derived | None:
    """The derived quantity of that name that a node has, or None."""
    return DERIVED.get((type(node), name))
