"""The plain experiments whose crystals together make an experiment's image.

What an image is drawn from has one crystal of one size, on one spindle, at the sample's place. An experiment of several
crystals or sizes, of a crystal beside that place, on a goniometer, or damaged, is a sum of such.
"""

import math
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxbragg.models import checks
from jaxbragg.models.crystal import Crystal
from jaxbragg.models.detector import FlatPanel, MultiPanel
from jaxbragg.models.detector.moved import MovedDetector
from jaxbragg.models.experiment import Experiment
from jaxbragg.models.readable import with_fields
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation
from jaxbragg_kernels.namespace import namespace_of
from jaxbragg_kernels.numerics import numerics

_SHIFT = 0.05  # of a spot's width, by which a crystal may move within one component
_TURN = 5.0  # degrees, by which a crystal that absorbs may turn
_PLACES_UNKNOWN, _MOST_PLACES = 8, 64


class MotionWarning(UserWarning):
    """A crystal moves farther during an image than can be followed; the message says by how much its spots are off."""


def is_plain(experiment: Experiment) -> bool:
    """Whether it has one crystal of one size at the sample's place, so that it is drawn as it is, `settled`."""
    crystal = experiment.crystal
    beside = crystal.sizes, crystal.position, crystal.absorption
    return not experiment.lattices and all(each is None for each in beside)


def settled(experiment: Experiment) -> Experiment:
    """A plain experiment without goniometer and damage: its spindle, orientation and B factor are what these make.

    Args:
        experiment: Of one crystal.
    """
    crystal, scan = experiment.crystal, experiment.scan
    with numerics():
        if scan.goniometer is not None:
            frame = rotation.product(scan.goniometer.mounted(), crystal.frame())
            crystal = with_fields(crystal, orientation=frame, misset=np.zeros(3))
            scan = with_fields(scan, axis=scan.spindle(), goniometer=None)
        if crystal.damage is not None:
            more, own = crystal.damage.b_factor(), crystal.b_factor
            if own is None:
                total = more.reshape(1)
            else:
                total = own + (more if own.shape == (1,) else more * np.array([1.0, 1, 1, 0, 0, 0]))
            crystal = with_fields(crystal, b_factor=total, damage=None)
    if crystal is experiment.crystal and scan is experiment.scan:
        return experiment
    return with_fields(experiment, crystal=crystal, scan=scan)


def components(experiment: Experiment, places: int | None = None) -> tuple[Experiment, ...]:
    """The plain experiments whose crystals together scatter as the experiment's do; differentiable.

    A plain experiment comes back alone, with all that it has. Of another, the components have neither background nor
    response, which an image has once, and their detectors are seen from where each crystal is.

    Args:
        experiment: Of one image. Its leaves may be traced.
        places: See `Options`.
    """
    if is_plain(experiment):
        return (settled(experiment),)
    alone = with_fields(experiment, background=None, response=None, lattices=())
    found = []
    for crystal in experiment.crystals:
        for one in _of_one_size(crystal):
            found += [_at_the_sample(each) for each in _held_in_parts(with_fields(alone, crystal=one), places)]
    return tuple(settled(each) for each in found)


def only_component(experiment: Experiment) -> Experiment:
    """The experiment as a plain one.

    Raises:
        ValueError: If it has several components.
    """
    if is_plain(experiment):
        return settled(experiment)
    raise ValueError(
        "Argument `experiment` must be of one crystal, of one size and at the sample's place, and not absorb in it: "
        "jb.components(experiment) has it in parts that are."
    )


def background_of(experiment: Experiment) -> Experiment:
    """What is left for the backgrounds of an experiment that is not plain: one crystal of it, nothing beside.

    Args:
        experiment: Its crystal is not to be drawn from this.
    """
    crystal = with_fields(experiment.crystal, sizes=None, position=None, absorption=None)
    return settled(with_fields(experiment, crystal=crystal, lattices=()))


def _of_one_size(crystal: Crystal) -> list[Crystal]:
    if crystal.sizes is None:
        return [crystal]
    factors, shares = crystal.sizes.factors()
    with numerics():
        return [
            with_fields(
                crystal,
                cells=crystal.cells * factors[i],
                shear=crystal.shear * factors[i],
                blocks=crystal.blocks * shares[i],
                sizes=None,
            )
            for i in range(shares.shape[0])
        ]


def _held_in_parts(experiment: Experiment, places: int | None) -> list[Experiment]:
    """One experiment for each place and turn of the crystal, where these count; all share its blocks."""
    crystal, scan = experiment.crystal, experiment.scan
    if crystal.position is None and crystal.absorption is None:
        return [experiment]
    with numerics():
        if scan.width is None:
            count = scan.angles.shape[0]
            scans = [with_fields(scan, angles=scan.angles[i : i + 1]) for i in range(count)]
        else:
            count = places or _places_of(experiment)
            scans = [
                with_fields(scan, angles=scan.angles + scan.width * (i / count), width=scan.width / count)
                for i in range(count)
            ]
        # What a still or a part scatters is a mean over its angles, as that of the whole is.
        crystal = with_fields(crystal, blocks=crystal.blocks / count)
        return [with_fields(experiment, crystal=crystal, scan=each) for each in scans]


def places_of(experiment: Experiment) -> int:
    """How many places a crystal beside the spindle is held at during an even rotation: what `Options.places` asks for.

    Args:
        experiment: Of one image; where its values are not known, 8.
    """
    if experiment.scan.width is None:
        return 1
    every = [one for crystal in experiment.crystals for one in _of_one_size(crystal) if _is_beside(one)]
    return max((_places_of(with_fields(experiment, crystal=one, lattices=())) for one in every), default=1)


def _is_beside(crystal: Crystal) -> bool:
    return crystal.position is not None or crystal.absorption is not None


def _places_of(experiment: Experiment) -> int:
    crystal, scan, detector = experiment.crystal, experiment.scan, experiment.detector
    turns = 1
    if crystal.absorption is not None:
        known = checks.known(scan.width)
        turns = _PLACES_UNKNOWN if known is None else math.ceil(float(known) / _TURN)
    if crystal.position is None:
        return max(1, turns)
    values = scan.width, scan.spindle(), crystal.position, crystal.cells, crystal.cell, experiment.beam.wavelength
    if any(checks.known(x) is None for x in jax.tree.leaves((values, detector))):
        return _PLACES_UNKNOWN
    width, axis, place = (np.asarray(x, float) for x in values[:3])
    cell = np.array([float(crystal.cell.a), float(crystal.cell.b), float(crystal.cell.c)])
    panels, slow, fast = detector.shape
    with numerics():
        at = (jnp.asarray(x) for x in (panels // 2, slow / 2, fast / 2))
        middle = np.asarray(detector.position(*at), float)
    # As narrow as the largest size makes it; mosaic spread and the rest only make it wider.
    spot = np.linalg.norm(middle) * float(experiment.beam.wavelength) / float((np.asarray(crystal.cells) * cell).max())
    moves = float(np.linalg.norm(np.cross(axis, place)) * width * RADIANS / spot)
    count = max(1, turns, math.ceil(moves / _SHIFT))
    if count > _MOST_PLACES:
        warnings.warn(
            f"the crystal moves by {moves:.3g} widths of a spot, and is followed in {_MOST_PLACES} steps: spots may be "
            f"off by {0.5 * moves / _MOST_PLACES:.2g} of their width; shorter images, or Options(places=…), follow it",
            MotionWarning,
            stacklevel=2,
        )
    return min(count, _MOST_PLACES)


def _at_the_sample(experiment: Experiment) -> Experiment:
    """The crystal at the sample's place: as if the detector were moved instead, in the beam that meets it."""
    crystal, scan, beam = experiment.crystal, experiment.scan, experiment.beam
    if crystal.position is None and crystal.absorption is None:
        return experiment
    detector, absorbers, blocks = experiment.detector, experiment.absorbers, crystal.blocks
    with numerics():
        xp = namespace_of(scan.angles, scan.spindle())
        middle = xp.mean(scan.angles) + (0.0 if scan.width is None else 0.5 * scan.width)
        turn = rotation.axis_angle(scan.spindle(), middle * RADIANS)
        if crystal.position is not None:
            place = rotation.apply(turn, crystal.position)
            detector = seen_from(detector, place)
            blocks = blocks * beam.share_at(place)
        if crystal.absorption is not None:
            absorbers = (*absorbers, crystal.absorption.turned(turn))
    crystal = with_fields(crystal, blocks=blocks, position=None, absorption=None)
    return with_fields(experiment, crystal=crystal, detector=detector, absorbers=absorbers)


def seen_from(detector: Any, place: Any) -> Any:
    """The detector as it is seen from another place than the sample's [m]."""
    with numerics():
        if isinstance(detector, MultiPanel):
            return with_fields(detector, panels=tuple(seen_from(panel, place) for panel in detector.panels))
        if type(detector) is FlatPanel:
            return with_fields(detector, origin=detector.origin - place)
        return MovedDetector(detector, place)
