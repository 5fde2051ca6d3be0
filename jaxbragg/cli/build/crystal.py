"""Flags → crystal."""

import numpy as np

from jaxbragg.cli.build.beam import beam_size
from jaxbragg.cli.build.consistency import check_matrix
from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.build.sample import sample_of
from jaxbragg.cli.build.seeds import seed_of_misset
from jaxbragg.cli.build.shapes import shape_of
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned
from jaxbragg.compat import misset_angles, random_misset
from jaxbragg.io import FileError, read_matrix
from jaxbragg.models import AbstractMosaic, CapMosaic, CellSpread, Crystal, GaussianMosaic, RotationList, UnitCell
from jaxbragg.models.crystal import cells_of_size
from jaxbragg.models.uniform import uniform_rotations
from jaxbragg.models.unit_cell import cell_parameters
from jaxbragg.units import MILLIMETRE, PERCENT

DEFAULT_MOSAIC_SEED = 12345678
DEFAULT_MOSAIC_DOMAINS = 10


def build_crystal(
    scanned: Scanned, wavelength: float, notes: Notes, *, compat: bool, placed: np.ndarray | None = None
) -> Crystal:
    """The crystal.

    Args:
        scanned: Flags.
        wavelength: By which a -mat file is scaled [Å].
        notes: For the log.
        compat: Whether -misset random is computed as in the C program.
        placed: Rows a, b, c of a --geometry [Å], where no -mat gives others.

    Raises:
        FileError: If the matrix file is missing or broken.
        UsageError: If there is no crystal, or its values are impossible.
    """
    shape = shape_of(scanned)
    if "fudge" in scanned and not shape.fudge:
        notes.warn(f"-fudge has no effect on {shape.name} spots")
    path = scanned.text("mat")
    vectors = placed if path is None else _vectors_of_matrix(path, wavelength)
    source = "-mat" if path is not None else "--geometry"
    if vectors is None and "cell" not in scanned:
        raise UsageError(
            "no crystal: give its orientation with -mat FILE, or its cell with -cell a b c al be ga; files of --model "
            "and --mtz have one, too"
        )
    if vectors is not None and "cell" in scanned:
        vectors = _with_lengths(vectors, six_of_cell(scanned), path or source, notes)
    elif path is not None and vectors is not None:
        check_matrix(path, vectors, wavelength, notes)
    if vectors is not None and np.linalg.det(vectors) < 0:
        notes.doubt(f"{path or source}: the vectors are left-handed; |F| of Friedel mates are exchanged")
    lengths = np.array(six_of_cell(scanned)[:3]) if vectors is None else np.linalg.norm(vectors, axis=1)
    arguments = {
        "misset": _misset(scanned, notes, compat=compat),
        "cells": _cells(scanned, lengths, notes),
        "fudge": scanned.number("fudge") or 1.0,
        "blocks": 1.0 if (blocks := scanned.number("spot_scale")) is None else blocks,
        "mosaic": _mosaic(scanned, notes),
        "cell_spread": _cell_spread(scanned),
        "b_factor": _b_factor(scanned),
        **sample_of(scanned, wavelength),
        "shape": shape.name,
    }
    if vectors is None:
        return Crystal(_cell(six_of_cell(scanned)), **arguments)
    return Crystal.from_vectors(vectors, **arguments)


def _with_lengths(vectors: np.ndarray, six: list[float], path: str, notes: Notes) -> np.ndarray:
    """The file gives the directions of a, b and c, -cell their lengths."""
    vectors = vectors * (np.array(six[:3]) / np.linalg.norm(vectors, axis=1))[:, None]
    notes.say(f"{path} gives the cell's directions, -cell its lengths")
    angles = cell_parameters(vectors)[3:]
    if np.abs(np.array(six[3:]) - angles).max() > 0.01:
        notes.doubt(f"-cell: the angles are those of {path}: " + " ".join(f"{angle:.4f}" for angle in angles))
    return vectors


def _cell(six: list[float]) -> UnitCell:
    try:
        return UnitCell(*six)
    except ValueError as error:
        raise UsageError(f"-cell {' '.join(f'{v:g}' for v in six)}: {error}") from None


def six_of_cell(scanned: Scanned) -> list[float]:
    """Six cell parameters: missing lengths are a, missing angles 90°."""
    given = list(scanned.numbers("cell") or ())
    return given + [given[0]] * max(0, 3 - len(given)) + [90.0] * (6 - max(3, len(given)))


def _vectors_of_matrix(path: str, wavelength: float) -> np.ndarray:
    """Rows a, b, c [Å] from a file whose columns are a*, b*, c* times the wavelength."""
    reciprocal = read_matrix(path) / wavelength
    try:
        return np.linalg.inv(reciprocal)
    except np.linalg.LinAlgError:
        raise FileError(path, "the matrix is singular: its three vectors lie in one plane") from None


def _misset(scanned: Scanned, notes: Notes, *, compat: bool) -> tuple[float, float, float]:
    value = scanned.values.get("misset")
    if value is None or isinstance(value, tuple):
        if "misset_seed" in scanned:
            notes.warn("-misset_seed without -misset random: the orientation is not changed")
        return tuple(value or (0.0, 0.0, 0.0))  # type: ignore[return-value]
    seed = seed_of_misset(scanned) or 0
    if "misset_seed" not in scanned:
        notes.say(f"-misset random without -misset_seed: seed {seed}")
    angles = random_misset(seed) if compat else misset_angles(_random_rotation(seed))
    notes.say("random misset: " + " ".join(f"{angle:.6f}" for angle in angles) + " deg")
    return angles


def _random_rotation(seed: int) -> np.ndarray:
    """Uniform over all rotations: a random unit quaternion."""
    w, x, y, z = _unit(np.random.default_rng(abs(seed)).normal(size=4))
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def mosaic_domains(scanned: Scanned) -> int:
    """How many mosaic domains are simulated: one without a spread, ten with one unless given."""
    if powder := scanned.whole("powder"):
        return powder
    if not scanned.number("mosaic"):
        return 1
    return scanned.whole("mosaic_domains") or DEFAULT_MOSAIC_DOMAINS


def _mosaic(scanned: Scanned, notes: Notes) -> AbstractMosaic | None:
    gauss = scanned.numbers("mosaic_gauss")
    if gauss is not None:
        for name in ("mosaic", "mosaic_domains", "mosaic_seed", "powder"):
            if name in scanned:
                raise UsageError(f"-{name} contradicts --mosaic-gauss, which has no domains")
        if len(gauss) not in (1, 3, 6):
            raise UsageError(f"--mosaic-gauss takes 1, 3 or 6 numbers in degrees, but got {len(gauss)}")
        try:
            return GaussianMosaic(gauss)
        except ValueError as error:
            raise UsageError(f"--mosaic-gauss: {error}") from None
    if powder := scanned.whole("powder"):
        if "compat" in scanned:
            raise UsageError("--powder: the C program turns crystals within a cap alone (--compat)")
        for name in ("mosaic", "mosaic_domains", "mosaic_seed"):
            if name in scanned:
                raise UsageError(f"-{name} contradicts --powder, whose crystals are turned evenly")
        return RotationList(uniform_rotations(powder))
    spread, domains = scanned.number("mosaic"), scanned.whole("mosaic_domains")
    if spread is not None and spread >= 90:
        notes.warn(f"-mosaic {spread:g}: the C program's cap, whose orientations are not uniform; --powder has them so")
    if not spread:
        if domains is not None and domains > 1:
            notes.warn("-mosaic_domains without a spread: all domains would be alike, one is simulated")
        return None
    if domains is None:
        notes.warn(f"-mosaic without -mosaic_domains: {DEFAULT_MOSAIC_DOMAINS} domains are simulated")
    seed = scanned.whole("mosaic_seed")
    return CapMosaic(spread, mosaic_domains(scanned), DEFAULT_MOSAIC_SEED if seed is None else seed)


def _cell_spread(scanned: Scanned) -> CellSpread | None:
    spread = scanned.numbers("cell_spread")
    if spread is None:
        return None
    if len(spread) not in (1, 3):
        raise UsageError(f"--cell-spread takes 1 or 3 numbers in percent, but got {len(spread)}")
    return CellSpread(np.asarray(spread) * PERCENT)


def _b_factor(scanned: Scanned) -> tuple[float, ...] | None:
    numbers = scanned.numbers("bfactor")
    if numbers is not None and len(numbers) not in (1, 6):
        raise UsageError(f"--bfactor takes 1 or 6 numbers in Å², but got {len(numbers)}")
    return numbers


def _cells(scanned: Scanned, lengths: np.ndarray, notes: Notes) -> np.ndarray:
    """Cells along a, b, c: counts, or what a size holds; the last flag of each axis counts."""
    axes = (("Na", "sample_thick"), ("Nb", "sample_width"), ("Nc", "sample_height"))
    cells = np.ones(3)
    for i, (count, size) in enumerate(axes):
        last = scanned.last("N", count, "samplesize", size)
        if last is None:
            continue
        if last in ("N", count):
            cells[i] = scanned.number(last) or 1.0
            continue
        metres = (scanned.number(last) or 0.0) * MILLIMETRE
        if i > 0 and metres > beam_size(scanned):
            notes.warn(
                f"-{last}: the sample, {metres / MILLIMETRE:g} mm, is clipped to the beam of "
                f"{beam_size(scanned) / MILLIMETRE:g} mm (-beamsize)"
            )
            metres = beam_size(scanned)
        # 1000 Å hold 25 cells of 40 Å, not 26 for the last digit of 1e-4 mm
        cells[i] = cells_of_size(np.array(metres * (1 - 1e-12)), lengths[i])
    return cells
