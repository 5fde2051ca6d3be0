"""|F| from atoms and from reflections, against direct sums, cctbx, and gemmi's own expansion."""

import importlib.util
import subprocess
import sys

import gemmi
import numpy as np
import pytest
from structures import direct_sum, made_up_structure, packed_structure

import jaxbragg as jb
from jaxbragg.models.reflections import Calculated, calculated, choose_columns, reflections_of, space_group

D_MIN = 2.5


def some_indices(count=200, largest=12, seed=3):
    found = np.random.default_rng(seed).integers(-largest, largest + 1, (count, 3)).astype(np.int32)
    return found[(found != 0).any(axis=1)]


def looked_up(factors, hkl):
    return np.asarray(factors.values)[tuple((hkl - np.array(factors.minimum)).T)]


def r_factor(one, other):
    return np.abs(one - other).sum() / np.abs(other).sum()


@pytest.mark.parametrize(
    ("group", "cell"),
    [
        ("P 1", (30, 35, 40, 80, 95, 105)),
        ("P 1 21 1", (30, 35, 40, 90, 105, 90)),
        ("P 43 21 2", (40, 40, 55, 90, 90, 90)),
        ("R 3 :H", (50, 50, 40, 90, 90, 120)),
    ],
)
def test_computed_amplitudes_are_the_direct_sum(group, cell):
    structure = made_up_structure(group=group, cell=cell)
    hkl = some_indices()
    hkl = hkl[structure.cell.calculate_1_d2_array(hkl) < 1 / D_MIN**2]
    factors = jb.StructureFactors.from_model(structure, D_MIN)
    assert len(hkl) > 30
    assert r_factor(looked_up(factors, hkl), np.abs(direct_sum(structure, hkl))) < 1e-4


def test_friedel_mates_differ_as_the_direct_sum_has_them():
    structure = made_up_structure()
    given = {"Se": (-7.0, 4.5)}
    hkl = some_indices(largest=8)
    factors = jb.StructureFactors.from_model(structure, D_MIN, dispersion=given)
    plus, minus = looked_up(factors, hkl), looked_up(factors, -hkl)
    expected_plus, expected_minus = (np.abs(direct_sum(structure, x, given)) for x in (hkl, -hkl))
    differences = expected_plus - expected_minus
    assert np.abs(differences).mean() > 0.02 * expected_plus.mean()
    assert r_factor(plus, expected_plus) < 1e-4
    assert np.abs((plus - minus) - differences).max() < 0.01 * np.abs(differences).max()


def test_dispersion_comes_from_the_wavelength_unless_given():
    structure = made_up_structure()
    hkl = some_indices(50, largest=6)
    numbers = {name: gemmi.cromer_liberman(gemmi.Element(name).atomic_number, gemmi.hc / 1.1) for name in "CNO"}
    numbers["Se"] = (-5.0, 2.0)
    factors = jb.StructureFactors.from_model(structure, D_MIN, wavelength=1.1, dispersion={"Se": (-5.0, 2.0)})
    assert r_factor(looked_up(factors, hkl), np.abs(direct_sum(structure, hkl, numbers))) < 1e-4


def test_without_anomalous_scattering_mates_are_alike():
    values = np.asarray(jb.StructureFactors.from_model(made_up_structure(), D_MIN).values)
    np.testing.assert_allclose(values, values[::-1, ::-1, ::-1], rtol=1e-5, atol=1e-3)


# In a process of its own: cctbx and jaxlib end each other.
CCTBX = """
import sys
import numpy as np
import mmtbx.masks
from iotbx import pdb

path, d_min, out = sys.argv[1], float(sys.argv[2]), sys.argv[3]
found = pdb.input(path).xray_structure_simple()
found.scattering_type_registry(table="it1992")
calculated = found.structure_factors(d_min=d_min, algorithm="direct").f_calc()
mask = mmtbx.masks.bulk_solvent(found, ignore_zero_occupancy_atoms=False, grid_step=d_min / 10, solvent_radius=1.1,
                                shrink_truncation_radius=0.9)
masked = mask.structure_factors(miller_set=calculated)
arrays = (calculated.indices(), calculated.data(), masked.data(), calculated.d_star_sq().data())
np.savez(out, **dict(zip(("hkl", "f", "mask", "s2"), map(np.array, arrays))))
"""


def test_against_cctbx_with_and_without_solvent(tmp_path, monkeypatch):
    # Masks are of points: both finer than usual, which is where they meet.
    monkeypatch.setattr(calculated, "_MASK_SPACING", 0.3)
    if importlib.util.find_spec("mmtbx") is None:
        pytest.skip("cctbx-base is not installed")
    structure = packed_structure()
    path, out = tmp_path / "toy.pdb", tmp_path / "f.npz"
    structure.write_pdb(str(path))
    subprocess.run([sys.executable, "-c", CCTBX, str(path), str(D_MIN), str(out)], check=True, timeout=120)
    theirs = np.load(out)
    hkl, plain = theirs["hkl"].astype(np.int32), np.abs(theirs["f"])
    assert len(hkl) > 1000
    ours = jb.StructureFactors.from_model(str(path), D_MIN)
    assert r_factor(looked_up(ours, hkl), plain) < 1e-4
    k, b = 0.35, 46.0
    total = np.abs(theirs["f"] + k * np.exp(-b * theirs["s2"] / 4) * theirs["mask"])
    ours = jb.StructureFactors.from_model(str(path), D_MIN, solvent=(k, b))
    assert np.corrcoef(looked_up(ours, hkl), total)[0, 1] > 0.999
    # Where solvent matters most, at low resolution.
    low = theirs["s2"] < 1 / 8**2
    assert r_factor(total[low], plain[low]) > 0.1
    assert r_factor(looked_up(ours, hkl)[low], total[low]) < 0.03


def test_b_factor_000_and_the_ends_of_the_box():
    structure = made_up_structure()
    plain = jb.StructureFactors.from_model(structure, D_MIN)
    damped = jb.StructureFactors.from_model(structure, D_MIN, b_factor=20.0)
    hkl = some_indices(40, largest=8)
    s2 = structure.cell.calculate_1_d2_array(hkl)
    np.testing.assert_allclose(looked_up(damped, hkl), looked_up(plain, hkl) * np.exp(-20 * s2 / 4), rtol=1e-5)
    middle = np.zeros((1, 3), int)
    assert looked_up(plain, middle) == 0
    electrons = 8 * sum(site.atom.occ * site.atom.element.atomic_number for site in structure[0].all())
    with_000 = looked_up(jb.StructureFactors.from_model(structure, D_MIN, with_000=True), middle)
    np.testing.assert_allclose(with_000, electrons, rtol=2e-3)  # Gaussians sum to Z to so much
    values = np.asarray(plain.values)
    indices = np.argwhere(values > 1e-3) + np.array(plain.minimum)
    assert structure.cell.calculate_1_d2_array(indices.astype(np.int32)).max() <= 1 / D_MIN**2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"d_min": 0.0}, "`d_min` must be positive"),
        ({"d_min": 2.0, "wavelength": -1.0}, "`wavelength` must be positive"),
        ({"d_min": 2.0, "dispersion": {"Qq": (1.0, 2.0)}}, "'Qq' is none"),
        ({"d_min": 2.0, "solvent": (float("nan"), 46.0)}, "must be finite"),
    ],
)
def test_bad_values_are_named(given, message):
    with pytest.raises(ValueError, match=message):
        Calculated(**given)


def test_a_structure_without_cell_or_atoms_is_refused():
    structure = made_up_structure(1)
    structure.cell = gemmi.UnitCell()
    with pytest.raises(ValueError, match="no unit cell"):
        jb.StructureFactors.from_model(structure, 2.0)
    empty = gemmi.Structure()
    empty.cell = gemmi.UnitCell(40, 40, 40, 90, 90, 90)
    with pytest.raises(ValueError, match="no atoms"):
        jb.StructureFactors.from_model(empty, 2.0)


# Reflections --------------------------------------------------------------------------------------------------------


def asymmetric_unit(group, cell, d_min=3.0, seed=1):
    hkl = gemmi.make_miller_array(gemmi.UnitCell(*cell), gemmi.SpaceGroup(group), d_min)
    rng = np.random.default_rng(seed)
    return np.array(hkl), rng.uniform(10, 500, len(hkl)).astype(np.float32), rng.uniform(-20, 20, len(hkl))


def mtz_of(group, cell, hkl, **columns):
    mtz = gemmi.Mtz(with_base=True)
    mtz.cell, mtz.spacegroup = gemmi.UnitCell(*cell), gemmi.SpaceGroup(group)
    mtz.add_dataset("made up")
    for name in columns:
        label, kind = name.rsplit("_", 1)
        mtz.add_column(label, kind)
    mtz.set_data(np.column_stack([hkl, *columns.values()]).astype(np.float32))
    return mtz


CASES = [
    ("P 1 21 1", (30, 35, 40, 90, 105, 90)),
    ("P 43 21 2", (40, 40, 55, 90, 90, 90)),
    ("I 2 3", (50,) * 3 + (90,) * 3),
]


@pytest.mark.parametrize(("group", "cell"), CASES)
def test_expansion_is_gemmis(group, cell, tmp_path):
    hkl, amplitudes, _ = asymmetric_unit(group, cell)
    mtz = mtz_of(group, cell, hkl, F_F=amplitudes)
    path = tmp_path / "f.mtz"
    mtz.write_to_file(str(path))
    factors = jb.StructureFactors.from_mtz(str(path))
    mtz.expand_to_p1()
    theirs, values = np.array(mtz.make_miller_array()), np.array(mtz.column_with_label("F"))
    for sign in (1, -1):
        np.testing.assert_allclose(looked_up(factors, sign * theirs), values, rtol=1e-6)
    # Nothing else is there: as many as gemmi has, and their mates.
    both = {tuple(h) for h in np.concatenate([theirs, -theirs]).tolist()}
    assert (np.asarray(factors.values) != 0).sum() == len(both)


@pytest.mark.parametrize(("group", "cell"), CASES)
def test_mates_measured_apart_stay_so(group, cell):
    hkl, amplitudes, difference = asymmetric_unit(group, cell)
    columns = {"F_F": amplitudes, "DANO_D": difference}
    by_difference = jb.StructureFactors.from_mtz(mtz_of(group, cell, hkl, **columns))
    plus, minus = amplitudes + difference / 2, amplitudes - difference / 2
    pair = {"F(+)_G": plus, "F(-)_G": minus}
    by_pair = jb.StructureFactors.from_mtz(mtz_of(group, cell, hkl, **pair))
    squares = {"I(+)_K": plus**2, "I(-)_K": minus**2}
    by_intensity = jb.StructureFactors.from_mtz(mtz_of(group, cell, hkl, **squares))
    operations = gemmi.SpaceGroup(group).operations()
    acentric = ~operations.centric_flag_array(hkl)
    assert acentric.sum() > 20
    for factors in (by_difference, by_pair, by_intensity):
        for op in operations.sym_ops:
            turned = hkl[acentric] @ (np.array(op.rot) // op.DEN)
            np.testing.assert_allclose(looked_up(factors, turned), plus[acentric], rtol=1e-5)
            np.testing.assert_allclose(looked_up(factors, -turned), minus[acentric], rtol=1e-5)


def test_one_mate_alone_stands_for_both():
    hkl = np.array([[1, 2, 3], [2, 3, 4], [5, 1, 1]])
    group, cell = CASES[0]
    factors = jb.StructureFactors.from_mtz(
        mtz_of(group, cell, hkl, **{"F(+)_G": [10.0, np.nan, 30.0], "F(-)_G": [11.0, 21.0, np.nan]})
    )
    np.testing.assert_allclose(looked_up(factors, hkl), [10, 21, 30])
    np.testing.assert_allclose(looked_up(factors, -hkl), [11, 21, 30])


def test_absences_are_zero_where_others_take_the_default():
    hkl = np.array([[0, 0, 4], [0, 0, 8], [1, 2, 3]])
    factors = jb.StructureFactors.from_arrays(hkl, [5.0, 6.0, 7.0], 3.0, spacegroup="P 43 21 2")
    at = np.array([[0, 0, 1], [0, 0, 2], [0, 0, 3], [1, 0, 0], [0, 0, 4], [1, 1, 1], [2, -1, 3], [-1, -2, -3]])
    np.testing.assert_array_equal(looked_up(factors, at), [0, 0, 0, 0, 5, 3, 7, 7])


def test_the_columns_that_are_chosen():
    group, cell = CASES[0]
    hkl, one = [[1, 2, 3]], [1.0]

    def chosen(**columns):
        return choose_columns(mtz_of(group, cell, hkl, **columns))

    assert chosen(FREE_I=one, FP_F=one, SIGFP_Q=one) == ("FP",)
    assert chosen(FC_F=one, FP_F=one, DP_D=one) == ("FP", "DP")
    assert chosen(**{"F(+)_G": one, "SIGF(+)_L": one, "F(-)_G": one}) == ("F(+)", "F(-)")
    assert chosen(IMEAN_J=one, SIGIMEAN_Q=one) == ("IMEAN",)
    with pytest.raises(ValueError, match="no column of amplitudes or intensities, only PHI"):
        chosen(PHI_P=one)


def test_columns_by_name():
    mtz = mtz_of(*CASES[0], [[1, 2, 3], [1, 2, 4]], FC_F=[4.0, np.nan], PHIC_P=[30.0, 20.0], I_J=[-4.0, 9.0])
    hkl, amplitudes = reflections_of(mtz, ["FC", "PHIC"])
    assert hkl.tolist() == [[1, 2, 3]]
    assert amplitudes.tolist() == [4.0]
    assert reflections_of(mtz, ["I"])[1].tolist() == [0.0, 3.0]
    with pytest.raises(ValueError, match=r"no column 'FX', only FC \(F\), PHIC \(P\), I \(J\)"):
        reflections_of(mtz, ["FX"])
    with pytest.raises(ValueError, match="are not an amplitude and what belongs to it"):
        reflections_of(mtz, ["PHIC", "FC"])


def test_space_groups_by_symbol_and_number():
    assert space_group("P212121").number == 19
    assert space_group(" 96 ").hm == "P 43 21 2"
    with pytest.raises(ValueError, match="such as 'P 43 21 2' or 96, but is 'P 9'"):
        space_group("P 9")
