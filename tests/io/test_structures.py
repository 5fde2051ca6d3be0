"""Structures and reflections of other programs: each format, packed and broken ones."""

import gzip

import gemmi
import numpy as np
import pytest
from structures import made_up_structure

from jaxbragg.io import FileError
from jaxbragg.io.structures import read_reflections, read_structure

FCF = """data_x
_cell_length_a 10
_cell_length_b 11
_cell_length_c 12
_cell_angle_alpha 90
_cell_angle_beta 95
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 21'
loop_
_refln_index_h
_refln_index_k
_refln_index_l
_refln_F_squared_calc
_refln_F_squared_meas
1 0 0 100.0 90.0
2 0 0 400.0 390.0
"""
SF = """data_r1abcsf
_cell.length_a 40
_cell.length_b 40
_cell.length_c 55
_cell.angle_alpha 90
_cell.angle_beta 90
_cell.angle_gamma 90
_symmetry.space_group_name_H-M 'P 43 21 2'
loop_
_refln.index_h
_refln.index_k
_refln.index_l
_refln.F_meas_au
_refln.F_meas_sigma_au
1 2 3 45.5 1.0
4 1 2 12.5 0.5
"""


@pytest.fixture
def folder(tmp_path):
    structure = made_up_structure(20)
    structure.write_pdb(str(tmp_path / "a.pdb"))
    structure.make_mmcif_document().write_file(str(tmp_path / "a.cif"))
    (tmp_path / "a.json").write_text(structure.make_mmcif_document().as_json(mmjson=True))
    for name in ("a.pdb", "a.cif"):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    mtz = gemmi.Mtz(with_base=True)
    mtz.cell, mtz.spacegroup = structure.cell, structure.find_spacegroup()
    mtz.add_dataset("x")
    mtz.add_column("FC", "F")
    mtz.set_data(np.array([[1, 2, 3, 45.5], [4, 1, 2, 12.5]], np.float32))
    mtz.write_to_file(str(tmp_path / "a.mtz"))
    (tmp_path / "a.fcf").write_text(FCF)
    (tmp_path / "sf.cif").write_text(SF)
    return tmp_path


@pytest.mark.parametrize("name", ["a.pdb", "a.cif", "a.json", "a.pdb.gz", "a.cif.gz"])
def test_structures(folder, name):
    found = read_structure(folder / name)
    assert found[0].count_atom_sites() == 20
    assert found.find_spacegroup().number == 96
    assert found.cell.parameters == (40, 40, 55, 90, 90, 90)


@pytest.mark.parametrize(
    ("name", "column", "values"),
    [("a.mtz", "FC", [45.5, 12.5]), ("sf.cif", "FP", [45.5, 12.5]), ("a.fcf", "F_squared_calc", [100.0, 400.0])],
)
def test_reflections(folder, name, column, values):
    found = read_reflections(folder / name)
    assert sorted(np.array(found.column_with_label(column)).tolist()) == sorted(values)
    assert found.spacegroup.number in (96, 4)


def test_xds_is_merged_with_mates_apart(tmp_path):
    lines = ["!FORMAT=XDS_ASCII    MERGE=FALSE    FRIEDEL'S_LAW=FALSE", "!SPACE_GROUP_NUMBER=   4"]
    lines += ["!UNIT_CELL_CONSTANTS=    30.000    35.000    40.000  90.000 105.000  90.000", "!X-RAY_WAVELENGTH=  0.97"]
    lines += ["!NUMBER_OF_ITEMS_IN_EACH_DATA_RECORD=13"]
    names = ("H", "K", "L", "IOBS", "SIGMA(IOBS)", "XD", "YD", "ZD", "RLP", "PEAK", "CORR", "MAXC", "PSI")
    lines += [f"!ITEM_{name}={i}" for i, name in enumerate(names, start=1)] + ["!END_OF_HEADER"]
    rest = "1 1 1 0.5 100 90 20 0.0"
    lines += [f"1 2 3 90.0 1.0 {rest}", f"1 2 3 110.0 1.0 {rest}", f"-1 -2 -3 400.0 1.0 {rest}", "!END_OF_DATA"]
    path = tmp_path / "XDS_ASCII.HKL"
    path.write_text("\n".join(lines) + "\n")
    found = read_reflections(path)
    assert np.array(found.column_with_label("I(+)")).tolist() == [100.0]
    assert np.array(found.column_with_label("I(-)")).tolist() == [400.0]


@pytest.mark.parametrize("name", ["a.pdb", "a.cif", "a.json", "a.pdb.gz", "a.mtz", "sf.cif", "a.fcf"])
def test_files_cut_anywhere_are_read_or_named(folder, name):
    whole = (folder / name).read_bytes()
    read = read_structure if name in ("a.pdb", "a.cif", "a.json", "a.pdb.gz") else read_reflections
    path = folder / f"cut.{name}"
    said = []
    for part in range(20):
        path.write_bytes(whole[: len(whole) * part // 20])
        try:
            read(path)
        except FileError as error:  # and nothing else
            said.append(str(error))
    assert said
    assert all(line.startswith(f"{path}: ") and "\n" not in line for line in said)


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (read_structure, b"MTZ \0\0\0\0", "--mtz reads it"),
        (read_structure, b"\xff\xfe\0\0binary", "it is not text"),
        (read_structure, b"HEADER nothing\nEND\n", "found no atoms"),
        (read_structure, b"\x1f\x8b\x08\0nothing that unpacks", "cannot be unpacked"),
        (read_structure, gzip.compress(b"ATOM" * 1000, mtime=0)[:-20], "ends too soon"),
        (read_reflections, b"data_x\n_cell.length_a 4\n", "a CIF without reflections"),
        (read_reflections, b"no file of anything\n", "expected MTZ, SF-mmCIF, SHELX fcf or HKLF 4, or XDS_ASCII"),
        (read_reflections, b"!FORMAT=XDS_ASCII\nrubbish\n", "XDS_ASCII file is broken"),
        (read_reflections, b"MTZ \x15\0\0\0" + b"\0" * 60, "MTZ file is broken"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_none_of_these_is_named(tmp_path, read, content, message):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(FileError, match=message):
        read(path)


def test_a_structure_outside_a_crystal_is_refused(tmp_path):
    structure = made_up_structure(3)
    structure.cell = gemmi.UnitCell()
    path = tmp_path / "nmr.pdb"
    structure.write_pdb(str(path))
    with pytest.raises(FileError, match="no unit cell"):
        read_structure(path)


def test_a_packed_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("jaxbragg.io.structures.LARGEST_TEXT", 1 << 16)
    path = tmp_path / "bomb.pdb.gz"
    path.write_bytes(gzip.compress(b"\0" * (1 << 20)))
    with pytest.raises(FileError, match="unpacks to more than"):
        read_structure(path)
