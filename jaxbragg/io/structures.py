"""Structures and reflections as the field's programs write them, read by gemmi; packed files (.gz) are unpacked.

Structures: PDB, mmCIF, mmJSON. Reflections: MTZ, SF-mmCIF, SHELX fcf, XDS_ASCII.HKL, and SHELX's HKLF 4.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import gemmi
import numpy as np

from jaxbragg.io.errors import FileError
from jaxbragg.io.hklf4 import looks_like_hklf4, read_hklf4
from jaxbragg.io.text import LARGEST_TEXT, read_bytes

_XDS = b"!FORMAT=XDS_ASCII"
_FCF = ("F_squared_calc", "F_calc", "F_squared_meas", "F_meas")


def read_structure(path: str | os.PathLike[str]) -> gemmi.Structure:
    """Reads atoms, cell and space group.

    Args:
        path: PDB, mmCIF or mmJSON; .gz too.

    Raises:
        FileError: The file cannot be read, or holds no atoms or no cell.
    """
    content = _unpacked(path)
    if content.startswith(b"MTZ "):
        raise FileError(path, "expected a structure, but found an MTZ file: --mtz reads it")
    with _named(path, "expected a structure (PDB, mmCIF or mmJSON), but gemmi cannot read it"):
        text = content.decode("utf-8", errors="strict")
        found = gemmi.read_structure_string(text)
    if len(found) == 0 or found[0].count_atom_sites() == 0:
        raise FileError(path, "expected a structure, but found no atoms")
    if not found.cell.is_crystal() or not found.cell.volume > 0:
        raise FileError(path, "expected a structure in a crystal, but found no unit cell (CRYST1 or _cell)")
    if found.find_spacegroup() is None:
        raise FileError(path, f"expected a space group, but found {found.spacegroup_hm!r}")
    return found


def read_reflections(
    path: str | os.PathLike[str], cell: Sequence[float] | None = None, group: gemmi.SpaceGroup | None = None
) -> gemmi.Mtz:
    """Reads merged reflections, with cell and space group.

    Args:
        path: MTZ, SF-mmCIF, SHELX fcf, or XDS_ASCII.HKL or SHELX's HKLF 4, which are merged.
        cell: a, b, c [Å], α, β, γ [deg] of HKLF 4, which has none; the other formats say theirs.
        group: The space group, likewise.

    Raises:
        FileError: The file cannot be read, is none of these, or says neither cell nor space group, and nor do you.
    """
    start = read_bytes(path, 1 << 12)
    if start.startswith(b"MTZ "):
        with _named(path, "the MTZ file is broken"):
            found = gemmi.read_mtz_file(os.fspath(path))
    elif start.startswith(_XDS):
        found = _merged_xds(path)
    elif looks_like_hklf4(start.decode("latin-1")):
        if cell is None or group is None:
            raise FileError(path, "it is SHELX's HKLF 4, which has neither cell nor symmetry: give -cell, --spacegroup")
        with _named(path, "SHELX's HKLF 4 is broken"):
            found = read_hklf4(path, cell, group)
    else:
        found = _of_cif(path)
    if found.nreflections == 0:
        raise FileError(path, "expected reflections, but found none")
    if not found.cell.is_crystal():
        raise FileError(path, "expected reflections of a crystal, but found no unit cell")
    if found.spacegroup is None:
        raise FileError(path, "expected a space group, but found none that gemmi knows")
    if found.batches:
        raise FileError(path, "expected merged reflections, but found unmerged ones (with batches)")
    return found


def _merged_xds(path: str | os.PathLike[str]) -> gemmi.Mtz:
    with _named(path, "the XDS_ASCII file is broken"):
        intensities = gemmi.Intensities()
        intensities.import_xds(gemmi.read_xds_ascii(os.fspath(path)))
        intensities.merge_in_place(gemmi.DataType.Anomalous)
        return intensities.prepare_merged_mtz(with_nobs=False)


def _of_cif(path: str | os.PathLike[str]) -> gemmi.Mtz:
    what = "expected MTZ, SF-mmCIF, SHELX fcf or HKLF 4, or XDS_ASCII"
    with _named(path, what):
        text = _unpacked(path).decode("utf-8", errors="strict")
        for block in gemmi.as_refln_blocks(gemmi.cif.read_string(text)):  # which takes the document apart
            if block:
                return gemmi.CifToMtz().convert_block_to_mtz(block)
        for each in gemmi.cif.read_string(text):
            block = gemmi.hkl_cif_as_refln_block(each)
            if block and (label := next((name for name in _FCF if name in block.column_labels()), None)):
                return _of_fcf(block, label)
    raise FileError(path, f"{what}, but found a CIF without reflections")


def _of_fcf(block: gemmi.ReflnBlock, label: str) -> gemmi.Mtz:
    """SHELX's list of reflections, of which what it computed is taken where that is there."""
    hkl = np.array(block.make_miller_array(), np.float32)
    values = np.array(block.make_float_array(label), np.float32)
    mtz = gemmi.Mtz(with_base=True)
    mtz.cell, mtz.spacegroup = block.cell, block.spacegroup
    mtz.add_dataset("fcf")
    mtz.add_column(label, "J" if "squared" in label else "F")
    mtz.set_data(np.column_stack([hkl, values]))
    return mtz


def _unpacked(path: str | os.PathLike[str]) -> bytes:
    content = read_bytes(path)
    if not content.startswith(b"\x1f\x8b"):
        return content
    unpacker = zlib.decompressobj(31)
    try:
        inside = unpacker.decompress(content, LARGEST_TEXT)
    except zlib.error as error:
        raise FileError(path, f"cannot be unpacked: {error}") from error
    if unpacker.unconsumed_tail:
        raise FileError(path, f"it unpacks to more than {LARGEST_TEXT >> 30} GiB")
    if not unpacker.eof:
        raise FileError(path, "cannot be unpacked: the file ends too soon")
    return inside


@contextmanager
def _named(path: str | os.PathLike[str], what: str) -> Iterator[None]:
    """Whatever gemmi raises, as one line about the file."""
    try:
        yield
    except FileError:
        raise
    except UnicodeDecodeError:
        raise FileError(path, f"{what}: it is not text") from None
    except Exception as error:  # gemmi raises what its many readers raise
        said = " ".join(str(error).split())
        raise FileError(path, f"{what}: {said}") from None
