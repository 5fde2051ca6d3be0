"""SHELX's HKLF 4: columns, merging, and cctbx's reader of the same file."""

import importlib.util
import subprocess
import sys

import gemmi
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.io import FileError
from jaxbragg.io.hklf4 import looks_like_hklf4
from jaxbragg.io.structures import read_reflections

CELL = (30, 35, 40, 90, 105, 90)
END = "   0   0   0    0.00    0.00"
P21 = gemmi.find_spacegroup_by_name("P 21")


def written(tmp_path, *lines):
    path = tmp_path / "x.hkl"
    path.write_text("\n".join(lines) + "\n")
    return path


def column(mtz, label):
    hkl = mtz.make_miller_array().tolist()
    return dict(zip(map(tuple, hkl), np.array(mtz.column_with_label(label)).tolist(), strict=True))


def test_equal_ones_are_merged_with_mates_apart(tmp_path):
    """P 21: h k l and -h k -l are equal. Weights are 1/σ²: (100/1 + 200/4) / (1 + 1/4) = 120."""
    lines = ["   1   2   3  100.00    1.00   1", "  -1   2  -3  200.00    2.00   1", "  -1  -2  -3  400.00    1.00"]
    lines += ["   2   1   1  -25.00    5.00", "   0   3   0   50.00    1.00", END, "_anything that follows"]
    found = read_reflections(written(tmp_path, *lines), CELL, P21)
    assert column(found, "I(+)")[1, 2, 3] == pytest.approx(120, rel=1e-6)
    assert column(found, "I(-)")[1, 2, 3] == 400
    assert (0, 3, 0) not in column(found, "I(+)")  # absent, whatever was measured
    np.testing.assert_allclose(found.cell.parameters, CELL)
    factors = jb.StructureFactors.from_mtz(found)

    def amplitude(*index):
        return np.asarray(factors.amplitudes())[tuple(np.array(index) - factors.minimum)]

    for index in ((1, 2, 3), (-1, 2, -3)):
        assert amplitude(*index) == pytest.approx(120**0.5, rel=1e-6)
    assert amplitude(-1, -2, -3) == pytest.approx(20)
    assert amplitude(2, 1, 1) == 0  # below zero, as in XDS_ASCII
    assert amplitude(0, 1, 0) == 0


@pytest.mark.parametrize("group", ["P 1", "P -1", "P 43 21 2"])
def test_every_kind_of_group(group, tmp_path):
    cell = (40, 40, 55, 90, 90, 90) if group.startswith("P 4") else CELL
    lines = ["   3   2   1   81.00    1.00", "  -3  -2  -1   81.00    1.00", END]
    found = read_reflections(written(tmp_path, *lines), cell, gemmi.find_spacegroup_by_name(group))
    factors = jb.StructureFactors.from_mtz(found)
    for index in ([3, 2, 1], [-3, -2, -1]):
        assert np.asarray(factors.amplitudes())[tuple(np.array(index) - factors.minimum)] == pytest.approx(9)


# In a process of its own: cctbx and jaxlib end each other.
CCTBX = """
import sys
import numpy as np
from cctbx import crystal
from iotbx.shelx import hklf

read = hklf.reader(file_name=sys.argv[1])
symmetry = crystal.symmetry((30, 35, 40, 90, 105, 90), "P 21")
(array,) = read.as_miller_arrays(symmetry, anomalous=True)[:1]
merged = array.merge_equivalents().array().map_to_asu()
np.savez(sys.argv[2], raw=read.data(), hkl=np.array(merged.indices()), data=np.array(merged.data()))
"""


def test_against_cctbx(tmp_path):
    """Numbers of every width that the columns hold, without blanks between them, and merged ones."""
    if importlib.util.find_spec("iotbx") is None:
        pytest.skip("cctbx-base is not installed")
    rng = np.random.default_rng(3)
    hkl = rng.integers(-9, 10, (400, 3))
    hkl = hkl[(hkl != 0).all(axis=1)]
    forms = [("{:8.2f}", 99999.0), ("{:8.1f}", 999999.0), ("{:8.6g}", 1e4), ("{:7.0f}.", 1e5)]
    lines = []
    for (h, k, l), (form, largest) in zip(hkl, forms * 100, strict=False):
        value = form.format(rng.uniform(-0.09, 0.99) * largest)
        lines.append(f"{h:4d}{k:4d}{l:4d}{value}{rng.uniform(1, 3):8.2f}   1")
    lines += ["-100-101 -98-9999.9999999.99", END]
    path, out = written(tmp_path, *lines), tmp_path / "x.npz"
    subprocess.run([sys.executable, "-c", CCTBX, str(path), str(out)], check=True, timeout=120)
    theirs = np.load(out)
    found = read_reflections(path, CELL, P21)
    plus, minus = column(found, "I(+)"), column(found, "I(-)")
    group, asu = P21.operations(), gemmi.ReciprocalAsu(P21)
    assert len(theirs["hkl"]) > 300
    for index, value in zip(theirs["hkl"].tolist(), theirs["data"], strict=True):
        placed, symmetry = asu.to_asu(index, group)
        assert (plus if symmetry % 2 else minus)[tuple(placed)] == pytest.approx(value, rel=1e-5, abs=1e-3)


def test_what_looks_like_it():
    assert looks_like_hklf4("   1   2   3  100.00    1.00\n")
    assert looks_like_hklf4("   1   2   3  100.00    1.00   1\r\n")
    for line in (
        "1 2 3 100.0 1.0",
        "   1    2    3 100.5",
        "data_x",
        "!FORMAT=XDS_ASCII    MERGE=FALSE",
        "",
        "  1   2",
    ):
        assert not looks_like_hklf4(line)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["   1   2   3  100.00    1.00", "   1   2 x 3  100.00    1.00"], "line 2: expected h k l"),
        (["   1   2   3  100.00    1.00", "   1   2   3  100.00"], "line 2: expected h k l"),
        (["   1   2   3  100.00    1.00", "   1   2   3   10000    1.00"], "line 2: .*with a point"),
        (["   1   2   3  100.00   -1.00"], "line 1: expected an uncertainty of at least 0, but found -1"),
        (["   1   2   3  100.00    1.00   2"], "line 1: expected batch 1, but found 2: .*HKLF 5"),
        ([END], "found none before 0 0 0"),
        (["   0   3   0  100.00    1.00", END], "every reflection is systematically absent in P 1 21 1"),
    ],
)
def test_what_cannot_be_is_named(lines, message, tmp_path):
    with pytest.raises(FileError, match=message):
        read_reflections(written(tmp_path, *lines), CELL, P21)


def test_cell_and_symmetry_must_be_given(tmp_path):
    path = written(tmp_path, "   1   2   3  100.00    1.00", END)
    for given in ((None, P21), (CELL, None)):
        with pytest.raises(FileError, match="neither cell nor symmetry: give -cell, --spacegroup"):
            read_reflections(path, *given)
