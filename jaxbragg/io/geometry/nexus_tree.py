"""NeXus's groups and fields in an HDF5 file: by class, with units, and the chains of transformations they stand on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.errors import FileError
from jaxbragg.io.geometry.fields import Path, about, direction, number, numbers
from jaxbragg.io.text import quoted

_LONGEST_CHAIN = 100
_MOST_NUMBERS = 1 << 22
LENGTHS = {"m": 1.0, "mm": 1e-3, "cm": 1e-2, "um": 1e-6, "micrometer": 1e-6, "metre": 1.0, "meter": 1.0, "nm": 1e-9,
            "angstrom": 1e-10, "a": 1e-10, "millimeter": 1e-3, "millimetre": 1e-3, "meters": 1.0}  # fmt: skip
ANGLES = {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "rad": 180 / np.pi, "radian": 180 / np.pi}


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Whatever the library raises at a damaged file, as one that names it."""
    try:
        yield
    except FileError:
        raise
    except MemoryError:
        raise FileError(path, "it does not fit into memory") from None
    except Exception as error:
        raise FileError(path, f"HDF5 cannot read it: {' '.join(str(error).split())}") from error


def _class_of(item: Any) -> str:
    found = item.attrs.get("NX_class", "")
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)


def entry_of(path: Path, file: Any) -> str:
    """The name of the entry that is read."""
    import h5py

    names = [name for name in file if isinstance(_target(file, name), h5py.Group)]
    entries = [name for name in names if _class_of(file[name]) == "NXentry"] or [n for n in names if n == "entry"]
    if not entries:
        raise FileError(path, "expected an NXentry, but found none: this is no NeXus file")
    return entries[0]


def _target(group: Any, name: str) -> Any:
    """What a name in a group stands for; None where a link leads nowhere, or into another file."""
    import h5py

    if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
        return None
    return group.get(name)


class Group(NamedTuple):
    """A group of the file."""

    path: Path
    file: Any
    name: str

    def find(self, kind: str) -> list[Group]:
        """The groups of a class inside."""
        import h5py

        own = self.file[self.name]
        found = [name for name in own if isinstance(_target(own, name), h5py.Group) and _class_of(own[name]) == kind]
        return [Group(self.path, self.file, f"{self.name}/{name}") for name in found]

    def maybe(self, kind: str) -> Group | None:
        """The first group of a class, if there is one."""
        found = self.find(kind)
        return found[0] if found else None

    def one(self, kind: str, notes: list[str] | None = None) -> Group:
        """The first group of a class, which must be there; that others are left out is noted."""
        found = self.find(kind)
        if not found:
            raise FileError(self.path, f"/{self.name}: expected an {kind}, but found none")
        if notes is not None and len(found) > 1:
            notes.append(f"of its {len(found)} groups of {kind}, {found[0].name} is taken")
        return found[0]

    def field(self, name: str) -> Field | None:
        """A dataset inside, by its name or its path in the file."""
        import h5py

        place = name if name.startswith("/") else f"/{self.name}/{name}"
        try:
            found = self.file.get(place)
        except (KeyError, OSError, RuntimeError):
            return None
        return Field(self.path, place, found) if isinstance(found, h5py.Dataset) else None

    def numbers(self, name: str) -> NDArray[np.float64] | None:
        """The numbers of a field, if it is there."""
        found = self.field(name)
        return None if found is None else found.numbers()

    def length(self, name: str, usual: str = "m") -> float | None:
        """A length [m], if it is there; in the usual unit where the file gives none."""
        found = self.field(name)
        return None if found is None else found.first() * found.scale(LENGTHS, usual)

    def text(self, name: str) -> str:
        """A text; "" where there is none."""
        found = self.field(name)
        return "" if found is None else found.text()


class Field(NamedTuple):
    """A dataset of the file."""

    path: Path
    name: str
    data: Any

    def numbers(self) -> NDArray[np.float64]:
        """What it holds, of at least one dimension."""
        if self.data.size is None or self.data.size > _MOST_NUMBERS or self.data.dtype.kind not in "biuf":
            raise FileError(self.path, f"{self.name}: expected numbers, but found {self.data.dtype} {self.data.shape}")
        return np.atleast_1d(np.asarray(self.data[()], float))

    def first(self) -> float:
        """The first of its numbers."""
        found = self.numbers().ravel()
        return number(self.path, self.name, found[0] if found.size else "nothing")

    def scale(self, units: dict[str, float], usual: str) -> float:
        """What one of its unit is."""
        unit = self.attribute("units") or usual
        known = units.get(unit.strip().lower())
        if known is None:
            raise FileError(self.path, f"{self.name}: expected a unit such as {usual}, but found {quoted(unit)}")
        return known

    def text(self) -> str:
        """Its text."""
        if self.data.size != 1:
            return ""
        found = np.asarray(self.data[()]).ravel()[0]
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)

    def attribute(self, name: str) -> str:
        """A text beside it; "" where there is none."""
        found = self.data.attrs.get(name, "")
        found = found[0] if isinstance(found, np.ndarray) and found.size == 1 else found
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)

    def vector(self, name: str, count: int = 3) -> NDArray[np.float64] | None:
        """So many numbers beside it, if they are there."""
        found = self.data.attrs.get(name)
        return None if found is None else numbers(self.path, f"{self.name}@{name}", np.asarray(found).tolist(), count)

    def direction(self) -> NDArray[np.float64]:
        """Its vector, of length 1."""
        given = self.data.attrs.get("vector", ())
        return direction(self.path, f"{self.name}@vector", np.asarray(given).tolist())

    def chain(self, file: Any) -> Iterator[Field]:
        """What it stands on, from it outwards; itself left out."""
        import h5py

        at, seen = self, 0
        while (on := at.attribute("depends_on")) not in ("", "."):
            place = on if on.startswith("/") else f"{at.name.rpartition('/')[0]}/{on}"
            found = file.get(place)
            if not isinstance(found, h5py.Dataset):
                raise FileError(self.path, f"{at.name}: stands on {quoted(on)}, which is not there")
            at, seen = Field(self.path, place, found), seen + 1
            if seen > _LONGEST_CHAIN:
                raise FileError(self.path, f"{self.name}: expected at most {_LONGEST_CHAIN} transformations below it")
            yield at


class Move(NamedTuple):
    """A rotation, then a shift [m]."""

    turn: NDArray[np.float64]
    shift: NDArray[np.float64]


def move(axis: Field) -> Move:
    """One transformation: a turn about its vector or a shift along it, and its offset."""
    kind = axis.attribute("transformation_type")
    vector = axis.direction()
    offset = axis.vector("offset")
    shift = np.zeros(3)
    if offset is not None and offset.any():
        unit = axis.attribute("offset_units") or (axis.attribute("units") if kind == "translation" else "m")
        if unit.lower() not in LENGTHS:
            raise FileError(axis.path, f"{axis.name}@offset_units: expected a length, but found {quoted(unit)}")
        shift = offset * LENGTHS[unit.lower()]
    if kind == "rotation":
        return Move(about(vector, axis.first() * axis.scale(ANGLES, "deg")), shift)
    if kind == "translation":
        return Move(np.eye(3), shift + vector * axis.first() * axis.scale(LENGTHS, "m"))
    raise FileError(axis.path, f"{axis.name}: expected a rotation or a translation, but found {quoted(kind)}")


def placed(start: Field, file: Any) -> Move:
    """The whole of what a field stands on."""
    turn, shift = np.eye(3), np.zeros(3)
    for axis in start.chain(file):
        step = move(axis)
        turn, shift = step.turn @ turn, step.turn @ shift + step.shift
    return Move(turn, shift)
