"""Gases, water, Compton scatter: against numbers of electrons, radii, and what books have."""

import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.models.background.substances import WATER, form_factor, incoherent, of_gas

STOL = np.linspace(0.0, 2.0, 401)


@pytest.mark.parametrize(("name", "electrons"), [("N2", 14), ("O2", 16), ("Ar", 18), ("He", 2), ("CO2", 22)])
def test_a_molecule_scatters_forward_with_all_its_electrons_and_far_off_atom_by_atom(name, electrons):
    intensity = of_gas(name, STOL)
    assert intensity[0] == pytest.approx(electrons**2, rel=2e-3)
    atoms = {"N2": "NN", "O2": "OO", "CO2": "COO"}.get(name) or [name]
    apart = sum(form_factor(each, STOL) ** 2 for each in atoms)
    assert intensity[-1] == pytest.approx(apart[-1], rel=0.2)


def test_nitrogen_is_the_mean_over_its_orientations():
    """At a million random directions of the molecule."""
    random = np.random.default_rng(0)
    cosine = random.uniform(-1, 1, 1_000_000)
    for stol in (0.1, 0.35, 0.8):
        phase = 2 * np.pi * (2 * stol) * 1.0977 * cosine
        factor = form_factor("N", np.array([stol]))[0]
        wanted = (abs(factor * (1 + np.exp(1j * phase))) ** 2).mean()
        assert of_gas("N2", np.array([stol]))[0] == pytest.approx(wanted, rel=3e-3)


def test_the_molecules_of_a_metre_of_air_in_a_beam_are_those_of_the_gas_law():
    air = jb.AmorphousBackground.gas(1.0, 1e-4)
    assert float(air.molecules) == pytest.approx(1e-8 * 2.488e25, rel=1e-3)  # 101325 Pa / (k 295 K)
    assert float(air.factor[0]) == pytest.approx(np.sqrt(0.7808 * 14**2 + 0.2095 * 16**2 + 0.0093 * 18**2), rel=2e-3)
    helium = jb.AmorphousBackground.gas(1.0, (1e-4, 2e-4), {"He": 1.0}, pressure=50662.5, temperature=590.0)
    assert float(helium.molecules) == pytest.approx(2e-8 * 2.488e25 / 4, rel=1e-3)


def test_water_has_its_ring_and_as_many_molecules_as_it_weighs():
    sheet = jb.AmorphousBackground.slab(1e-4, 5e-5)
    assert float(sheet.molecules) == pytest.approx(1e-4 * 25e-10 * 1e6 / 18.015 * 6.02214e23, rel=1e-4)
    ring = WATER[0][np.argmax(WATER[1])]
    assert 1 / (2 * ring) == pytest.approx(3.1, abs=0.1)  # [Å]
    oil = jb.AmorphousBackground.slab(1e-4, 5e-5, density=0.85, molar_mass=14.03, table=([0.0, 0.5], [8.0, 3.0]))
    assert float(oil.molecules) == pytest.approx(float(sheet.molecules) * 0.85 * 18.015 / 14.03)


def test_compton_scatter_is_none_forward_and_all_electrons_far_off():
    water = incoherent({"H": 2.0, "O": 1.0}, STOL)
    assert abs(water[0]) < 0.01
    assert water[-1] == pytest.approx(10.0, abs=1.0)
    # Hydrogen's own form factor, 1/(1 + (2π s a)²)², is exact.
    alone = 1 / (1 + (2 * np.pi * STOL[:100] * 0.529177) ** 2) ** 2
    np.testing.assert_allclose(incoherent({"H": 1.0}, STOL[:100]), 1 - alone**2, atol=0.1)
    # Between that of electrons that all scatter alike, and of an inner shell that does not scatter so at all.
    oxygen, factor = incoherent({"O": 1.0}, STOL[40:160]), form_factor("O", STOL[40:160])
    assert (oxygen < 8 - factor**2 / 8).all()
    assert (oxygen > 6 - np.maximum(factor - 2, 0) ** 2 / 6).all()
    made = jb.AmorphousBackground.compton("H2O", 1e10)
    np.testing.assert_allclose(np.asarray(made.factor) ** 2, water, rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jb.AmorphousBackground.gas(1.0, 1e-4, {"Xe2": 1.0}), "`shares` must be of N2"),
        (lambda: jb.AmorphousBackground.gas(1.0, 1e-4, {"N2": 0.0}), "`shares` must not all be 0"),
        (lambda: jb.AmorphousBackground.gas(-1.0, 1e-4), "`length` must not be negative"),
        (lambda: jb.AmorphousBackground.gas(1.0, 0.0), "`beam_size` must be positive"),
        (lambda: jb.AmorphousBackground.gas(1.0, 1e-4, temperature=-3), "`temperature` must be positive"),
        (lambda: jb.AmorphousBackground.slab(1e-4, 1e-4, density=-1), "`density` must not be negative"),
        (lambda: jb.AmorphousBackground.compton("h2o", 1.0), "`formula` must be one such as"),
        (lambda: jb.AmorphousBackground.compton("Qq2", 1.0), "no form factor of an element 'Qq'"),
    ],
)
def test_what_cannot_be_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
