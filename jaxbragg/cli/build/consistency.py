"""Whether inputs go together: a matrix and its file's cell, a table and its Friedel mates, a table and the detector."""

from typing import Any

import jax
import numpy as np

from jaxbragg.cli.build.notes import Notes
from jaxbragg.io.matrix import read_matrix_cell
from jaxbragg.models import AbstractDetector, AbstractStructureFactors, Beam, Crystal, Experiment
from jaxbragg.models.unit_cell import cell_parameters, reciprocal_vectors
from jaxbragg.options import Options
from jaxbragg_kernels.numerics import numerics

_LENGTH = 1e-3  # share of a length; a file of MOSFLM holds 1e-6, its cell may have been refined since
_ANGLE = 0.1  # [deg]
_GRID = 17  # points along each side of the region at which its resolution is taken
_SOURCES = 256  # so many of the sources at most: the others lie between them


def check_matrix(path: str, vectors: np.ndarray, wavelength: float, notes: Notes) -> None:
    """Doubt a matrix whose file gives another cell: it belongs to another wavelength, most of the time.

    Args:
        path: MOSFLM's matrix file.
        vectors: Rows a, b, c that the matrix gives at the wavelength [Å].
        wavelength: [Å].
        notes: For the log.
    """
    own = read_matrix_cell(path)
    if own is None:
        return
    found = np.array(cell_parameters(vectors))
    ratios = own[:3] / found[:3]
    angles_agree = np.abs(own[3:] - found[3:]).max() <= _ANGLE
    if angles_agree and np.abs(ratios - 1).max() <= _LENGTH:
        return
    said = f"{path}: its own cell is {_six(own)}, but its matrix at {wavelength:g} Å gives {_six(found)}"
    if angles_agree and np.ptp(ratios) <= _LENGTH * ratios.mean():
        said += f": it was made for a wavelength of {wavelength * ratios.mean():.5g} Å"
    notes.doubt(said)


def check_table(experiment: Experiment, options: Options, name: str, notes: Notes) -> None:
    """Doubt a table of structure factors that lacks one half, or ends where the detector goes on.

    Args:
        experiment: With the table and the detector.
        options: For the region and the resolution cut.
        name: The table's file.
        notes: For the log.
    """
    experiment = jax.tree.map(np.asarray, experiment)  # of numpy, models answer at once
    factors = experiment.structure_factors
    if not factors.has_table:
        return
    present = np.asarray(factors.amplitudes() != factors.default)
    present = np.asarray(present.reshape(-1, *present.shape[-3:]).any(axis=0))  # of any source
    if not present.any():
        return
    used = f"-default_F {float(factors.default):g} is used for"
    alone, total = _without_mates(factors, present)
    if alone > total / 2:
        dark = ", and half of the image is dark" if alone == total and factors.default == 0 else ""
        notes.doubt(f"{name}: {alone} of {total} reflections lack their Friedel mates -h -k -l: {used} those{dark}")
    stars = reciprocal_vectors(np.asarray(experiment.scan.mounted(experiment.crystal.vectors())))
    table = _farthest(factors, present, stars)
    reached = _reached(experiment.detector, experiment.beam, options.roi, options.d_min)
    beyond = (reached > table + np.linalg.norm(stars, axis=1).max()).mean()  # to within one index
    if beyond > 0:
        share = "less than 1" if beyond < 0.01 else f"about {100 * beyond:.0f}"
        notes.doubt(
            f"{name}: the table ends at {1 / table:.4g} Å, but the detector reaches to {1 / reached.max():.4g} Å: "
            f"{used} what is beyond, in {share} % of the pixels"
        )


def _six(cell: np.ndarray) -> str:
    return " ".join(f"{value:.5g}" for value in cell)


def _without_mates(factors: AbstractStructureFactors, present: np.ndarray) -> tuple[int, int]:
    """How many reflections have no mate in the table, and how many there are; 0 0 0 is its own and left out."""
    low = np.array(factors.minimum)
    inside = np.minimum(low + np.array(present.shape) - 1, -low)  # the largest index that is there with both signs
    total, paired = int(present.sum()), 0
    if (inside >= 0).all():
        both = present[tuple(slice(-edge - first, edge - first + 1) for edge, first in zip(inside, low, strict=True))]
        paired = int((both & both[::-1, ::-1, ::-1]).sum())
        if both[tuple(inside)]:
            total, paired = total - 1, paired - 1
    return total - paired, total


def _farthest(factors: AbstractStructureFactors, present: np.ndarray, stars: np.ndarray) -> float:
    """1/d of the reflection with the highest resolution [1/Å]: at one end of its row along l."""
    rows = np.argwhere(present.any(axis=2))
    lines = present[rows[:, 0], rows[:, 1]]
    ends = (lines.argmax(axis=1), lines.shape[1] - 1 - lines[:, ::-1].argmax(axis=1))
    indices = np.concatenate([np.column_stack([rows, end]) for end in ends]) + np.array(factors.minimum)
    return float(np.linalg.norm(indices @ stars, axis=1).max())


def resolution_of(
    crystal: Crystal, detector: AbstractDetector, beam: Beam, roi: tuple[float, ...] | None, d_min: float
) -> float:
    """The resolution [Å] to which structure factors are looked up: of the detector's corner, and one index beyond.

    Args:
        crystal: For its cell.
        detector: The detector.
        beam: The beam.
        roi: Region of interest, or None.
        d_min: Resolution cut [Å]; 0 for none.
    """
    crystal, detector, beam = jax.tree.map(np.asarray, (crystal, detector, beam))
    stars = reciprocal_vectors(np.asarray(crystal.vectors()))
    return 1 / float(_reached(detector, beam, roi, d_min).max() + np.linalg.norm(stars, axis=1).max())


def _reached(detector: AbstractDetector, beam: Beam, roi: tuple[float, ...] | None, d_min: float) -> np.ndarray:
    """1/d at points all over the region [1/Å], of the source that reaches farthest; not beyond the resolution cut."""
    panels, slow, fast = detector.shape
    left, right, top, bottom = roi or (0, fast - 1, 0, slow - 1)
    points = np.meshgrid(
        np.arange(panels), np.linspace(top, bottom + 1, _GRID), np.linspace(left, right + 1, _GRID), indexing="ij"
    )
    at = [axis.ravel() for axis in points]
    if detector.is_flat:
        places: Any = [detector.position(*point) for point in zip(*at, strict=True)]
    else:  # operation by operation, JAX takes two seconds
        with numerics():
            places = jax.jit(jax.vmap(detector.position))(*at)
    towards = np.array(places, float)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    directions, wavelengths, _ = (np.asarray(x) for x in beam.rays())
    count = len(wavelengths)
    some = np.append(np.linspace(0, count - 1, min(count, _SOURCES)).astype(int), wavelengths.argmin())
    reached = np.zeros(len(towards))
    for direction, wavelength in zip(directions[some], wavelengths[some], strict=True):
        reached = np.maximum(reached, np.linalg.norm(towards - direction, axis=1) / wavelength)
    return np.minimum(reached, 1 / d_min) if d_min > 0 else reached
