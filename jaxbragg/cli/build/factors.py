"""Flags → structure factors: a table, a dump of one, reflections of a file, or those of a structure."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jaxbragg.cli.build.consistency import resolution_of
from jaxbragg.cli.build.crystal import six_of_cell
from jaxbragg.cli.build.memory import BYTES_PER_INDEX, check_list
from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.flag_table import TABLES
from jaxbragg.cli.scanner import Scanned
from jaxbragg.io import FileError, read_dump, read_hkl
from jaxbragg.io.hklf4 import TITLE, looks_like_hklf4
from jaxbragg.io.text import read_bytes
from jaxbragg.models import AbstractStructureFactors, Crystal, SourceStructureFactors, StructureFactors

_MODEL_ALONE = ("solvent", "anomalous", "fprime", "forward")
_ONE_WAVELENGTH = 0.001  # share of it, below which f′ and f″ are those of one
_CELLS_DIFFER = 0.01  # share of a length above which a structure's cell is not the crystal's


def has_table(scanned: Scanned) -> bool:
    """Whether a flag other than -dump gives a table."""
    return any(name in scanned for name in TABLES)


@dataclass(frozen=True)
class Source:
    """A file that knows the cell of its structure factors.

    Attributes:
        flag: That named it.
        path: The file.
        content: gemmi's Structure or Mtz.
    """

    flag: str
    path: str
    content: Any

    @property
    def cell(self) -> tuple[float, ...]:
        """a, b, c [Å], α, β, γ [deg]."""
        return tuple(self.content.cell.parameters)


def read_source(scanned: Scanned, notes: Notes) -> Source | None:
    """The structure or the reflections that a flag names; None where none does.

    Raises:
        FileError: If the file is missing or broken.
        UsageError: If flags contradict each other.
    """
    given = [name for name in TABLES if name in scanned]
    if len(given) > 1:
        said = " and ".join(_word(name) for name in given)
        raise UsageError(f"{said} each give structure factors: choose one")
    kind = given[0] if given else None
    for name in _MODEL_ALONE:
        if name in scanned and kind != "model":
            raise UsageError(f"--{name.replace('_', '-')} needs --model: it is about computed structure factors")
    if "columns" in scanned and kind != "mtz":
        raise UsageError("--columns needs --mtz FILE")
    if "spacegroup" in scanned and kind is None:
        raise UsageError("--spacegroup needs -hkl, --mtz or --model")
    if "bfactor" in scanned and kind is None and "dump" not in scanned:
        raise UsageError("--bfactor needs -hkl, --mtz or --model: it is about the indices of a table")
    if kind not in ("model", "mtz"):
        return None
    from jaxbragg.io.structures import read_reflections, read_structure  # with gemmi, which others need not wait for

    path = scanned.text(kind) or ""
    asked = _asked_group(scanned)
    if kind == "model":
        source = Source(f"--{kind}", path, read_structure(path))
    else:
        cell = six_of_cell(scanned) if "cell" in scanned else None
        source = Source(f"--{kind}", path, read_reflections(path, cell, asked))
        if source.content.title == TITLE:
            notes.say(f"{source.flag} {path}: taken for intensities (HKLF 4); HKLF 3, which holds |F|, looks the same")
    if asked is not None and kind == "model":
        source.content.spacegroup_hm = asked.xhm()
    elif asked is not None:
        source.content.spacegroup = asked
    group = source.content.find_spacegroup() if kind == "model" else source.content.spacegroup
    notes.say(f"{source.flag} {path}: cell {' '.join(f'{v:.6g}' for v in source.cell)}, space group {group.hm}")
    return source


def with_cell(scanned: Scanned, source: Source | None) -> Scanned:
    """The flags, with the file's cell where neither -cell nor -mat gives one."""
    if source is None or "cell" in scanned or "mat" in scanned:
        return scanned
    return replace(scanned, values={**scanned.values, "cell": source.cell}, order=["cell", *scanned.order])


def build_structure_factors(
    scanned: Scanned, source: Source | None, crystal: Crystal, detector: Any, beam: Any, notes: Notes
) -> AbstractStructureFactors:
    """The table of -hkl, --model or --mtz, or of -dump where there is none; -default_F elsewhere.

    Args:
        scanned: Flags.
        source: Of `read_source`.
        crystal: For its cell.
        detector: Whose corner says how far a structure's reflections are wanted.
        beam: Likewise.
        notes: For the log.

    Raises:
        FileError: If a file is missing or broken.
        UsageError: If there are no structure factors at all.
    """
    default = scanned.number("default_F") or 0.0
    if source is not None:
        _compare_cells(source, crystal, notes)
        if source.flag == "--model":
            d_min = resolution_of(crystal, detector, beam, scanned.numbers("roi"), scanned.number("dmin") or 0.0)
            return _of_model(scanned, source, d_min, beam, notes)
        return _of_reflections(scanned, source, default, notes)
    if (path := scanned.text("hkl")) is not None:
        return _of_list(scanned, path, default, notes)
    if (path := scanned.text("dump")) is not None:
        values, minimum = read_dump(path)
        return StructureFactors(values, minimum, default)
    if default == 0:
        raise UsageError(
            "no structure factors: give them with -hkl FILE, or one for all with -default_F F; or with --mtz FILE, or "
            "those of a structure with --model FILE"
        )
    return StructureFactors(default=default)


def _of_list(scanned: Scanned, path: str, default: float, notes: Notes) -> StructureFactors:
    start = read_bytes(path, 1 << 10)
    if looks_like_hklf4(start.decode("latin-1")):
        notes.doubt(f"-hkl {path}: it has the columns of SHELX's HKLF 4, intensities, and is taken for |F|; see --mtz")
    if start.startswith(b"MTZ "):
        raise FileError(path, "expected h k l F as text, but found an MTZ file: --mtz reads it")
    indices, amplitudes = read_hkl(path)
    reach = np.ptp(indices, axis=0) + 1 if "spacegroup" not in scanned else 2 * np.abs(indices).max(axis=0) + 1
    check_list(scanned, f"indices in the box that {path} spans", math.prod(map(int, reach)), BYTES_PER_INDEX)
    with _file_named(path):
        return StructureFactors.from_arrays(indices, amplitudes, default, spacegroup=scanned.text("spacegroup"))


def _of_reflections(scanned: Scanned, source: Source, default: float, notes: Notes) -> StructureFactors:
    from jaxbragg.models.reflections import choose_columns

    mtz = source.content
    with _file_named(source.path):
        asked = scanned.text("columns")
        columns = tuple(asked.split(",")) if asked is not None else choose_columns(mtz)
        notes.say(f"--mtz {source.path}: |F| of column {', '.join(columns)}, taken to be in electrons")
        reach = np.abs(np.array(mtz.make_miller_array())).max(axis=0)
        count = math.prod(map(int, 2 * reach + 1))
        check_list(scanned, f"indices in the box that {source.path} spans", count, BYTES_PER_INDEX)
        return StructureFactors.from_mtz(mtz, columns, default, d_min=scanned.number("dmin") or 0.0)


def _of_model(scanned: Scanned, source: Source, d_min: float, beam: Any, notes: Notes) -> AbstractStructureFactors:
    if scanned.number("default_F"):
        notes.warn("-default_F: a structure has its own |F|; the flag holds beyond the reflections that are computed")
    limits = np.array(source.content.cell.get_hkl_limits(d_min), float)
    what = f"indices of {source.path} to {d_min:.4g} Å (-dmin)"
    check_list(scanned, what, math.prod(int(2 * n + 1) for n in limits), 3 * BYTES_PER_INDEX)
    dispersion = _dispersion(scanned.text("fprime"))
    anomalous = "anomalous" in scanned or bool(dispersion)
    wavelengths = _wavelengths(beam) if anomalous else []
    if anomalous:
        said = f"{wavelengths[0]:.6g} Å" if len(wavelengths) == 1 else f"{len(wavelengths)} wavelengths"
        broad = float(np.max(np.asarray(beam.gaussians().bandwidths))) > _ONE_WAVELENGTH
        said += ", the mean of --bandwidth" if broad else ""
        notes.say(f"--anomalous: f' and f'' at {said}, by Cromer and Liberman" + _said(dispersion))
        check_list(scanned, f"{what} × wavelengths", math.prod(int(2 * n + 1) for n in limits) * len(wavelengths),
                   2 * BYTES_PER_INDEX)  # fmt: skip
    solvent = scanned.numbers("solvent")

    def at(wavelength: float | None) -> StructureFactors:
        return StructureFactors.from_model(
            source.content,
            d_min,
            wavelength=wavelength,
            dispersion=dispersion,
            solvent=None if solvent is None else (solvent[0], solvent[1]),
            with_000="forward" in scanned,
        )

    with _file_named(source.path):
        if len(wavelengths) > 1:
            return SourceStructureFactors.of([at(each) for each in wavelengths])
        return at(wavelengths[0] if anomalous else None)


def _wavelengths(beam: Any) -> list[float]:
    """At which |F| are computed: that of the beam, or those of its lines where they differ enough, one box for each.

    The boxes of several directions come round again: a grid of sources has its wavelengths fastest.
    """
    each = np.asarray(beam.gaussians().wavelengths, float)
    if np.ptp(each) <= _ONE_WAVELENGTH * float(beam.wavelength):
        return [float(beam.wavelength)]
    turns = (n for n in range(1, len(each) + 1) if len(each) % n == 0)
    count = next(n for n in turns if (each == np.resize(each[:n], len(each))).all())
    return each[:count].tolist()


def _dispersion(text: str | None) -> dict[str, tuple[float, float]]:
    """`Se=-7,4` or `Se=-7,4/Zn=-2,3` → f′ and f″ by element."""
    found: dict[str, tuple[float, float]] = {}
    for part in () if text is None else text.split("/"):
        element, equals, numbers = part.partition("=")
        try:
            one, other = (float(word) for word in numbers.split(","))
        except ValueError:
            one = other = math.nan
        if not equals or not math.isfinite(one + other):
            raise UsageError(f"--fprime takes ELEMENT=f',f'' such as Se=-7,4 (several with / between), not {part!r}")
        found[element] = (one, other)
    return found


def _said(dispersion: dict[str, tuple[float, float]]) -> str:
    return "".join(f"; {name} {one:g} and {other:g}" for name, (one, other) in dispersion.items())


def _compare_cells(source: Source, crystal: Crystal, notes: Notes) -> None:
    """Doubt a crystal whose cell is not the file's."""
    cell = crystal.cell
    own = np.array([float(x) for x in (cell.a, cell.b, cell.c, cell.alpha, cell.beta, cell.gamma)])
    file = np.array(source.cell)
    if np.abs(own[:3] / file[:3] - 1).max() > _CELLS_DIFFER or np.abs(own[3:] - file[3:]).max() > 1.0:
        notes.doubt(
            f"{source.flag} {source.path}: its cell is {' '.join(f'{v:.5g}' for v in file)}, but the crystal's is "
            f"{' '.join(f'{v:.5g}' for v in own)}: |F| are those of the file's"
        )


def _asked_group(scanned: Scanned) -> Any:
    """The gemmi.SpaceGroup that --spacegroup names, or None."""
    name = scanned.text("spacegroup")
    if name is None:
        return None
    from jaxbragg.models.reflections import space_group

    try:
        return space_group(name)
    except ValueError:
        raise UsageError(f"--spacegroup {name}: no space group has that symbol or number") from None


@contextmanager
def _file_named(path: str) -> Iterator[None]:
    """What the models say of a file's content, as a message about the file."""
    try:
        yield
    except ValueError as error:
        raise FileError(path, str(error)) from None


def _word(name: str) -> str:
    return f"-{name}" if name == "hkl" else f"--{name}"
