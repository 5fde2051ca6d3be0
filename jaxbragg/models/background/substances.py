"""What tables of backgrounds are made of: liquid water, molecules of gases, form factors of atoms, hexagonal ice.

References:
    Form factors: International Tables for Crystallography C (1992), table 6.1.1.4, by gemmi. Bond lengths: Huber &
    Herzberg (1979), Constants of Diatomic Molecules; CO₂: Graner et al. (1986), Can. J. Phys. 64, 1319. Water: the
    table shortwater.stol that comes with nanoBragg (see NOTICE).
"""

import re
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from jaxbragg.models import checks

_Real = NDArray[np.float64]

WATER = (
    np.array([0, 0.0365, 0.07, 0.12, 0.162, 0.18, 0.2, 0.216, 0.236, 0.28, 0.3, 0.345, 0.436, 0.5]),
    np.array([2.57, 2.58, 2.8, 5, 8, 7.32, 6.75, 6.75, 6.5, 4.5, 4.3, 4.36, 3.77, 3.17]),
)
"""sin θ/λ [1/Å] and structure factor of a molecule of liquid water [electrons]."""

GASES = {"N2": 0.7808, "O2": 0.2095, "Ar": 0.0093}
"""Shares of the molecules of dry air."""

# Atoms along a line [Å].
_MOLECULES: dict[str, tuple[tuple[str, float], ...]] = {
    "N2": (("N", 0.0), ("N", 1.0977)),
    "O2": (("O", 0.0), ("O", 1.2075)),
    "Ar": (("Ar", 0.0),),
    "He": (("He", 0.0),),
    "CO2": (("O", -1.1621), ("C", 0.0), ("O", 1.1621)),
}
_BOHR = 0.529177  # [Å]
_WORD = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)")


def form_factor(element: str, stol: _Real) -> _Real:
    """f₀ of a neutral atom [electrons].

    Args:
        element: Its symbol.
        stol: sin θ/λ [1/Å].

    Raises:
        ValueError: If there is no such element.
    """
    import gemmi

    found = gemmi.Element(element)
    if found.atomic_number == 0 or found.it92 is None:
        raise ValueError(f"no form factor of an element {element!r} is known")
    return np.vectorize(found.it92.calculate_sf, otypes=[float])(np.asarray(stol, float) ** 2)


def of_gas(name: str, stol: _Real) -> _Real:
    """Mean intensity of one molecule in all directions [electrons²], by Debye's formula.

    Args:
        name: Of `_MOLECULES`.
        stol: sin θ/λ [1/Å].

    Raises:
        ValueError: If it is not known.
    """
    if name not in _MOLECULES:
        raise ValueError(f"Argument `shares` must be of {', '.join(_MOLECULES)}, but has {name!r}.")
    atoms = _MOLECULES[name]
    factors = [form_factor(element, stol) for element, _ in atoms]
    total = sum(f * f for f in factors)
    for (i, (_, here)), (j, (_, there)) in combinations(enumerate(atoms), 2):
        total = total + 2.0 * factors[i] * factors[j] * np.sinc(4.0 * stol * abs(here - there))  # sin(πx)/(πx)
    return np.asarray(total)


def composition_of(formula: str) -> dict[str, float]:
    """Atoms of a formula such as "C6H12O6".

    Raises:
        ValueError: If it is none.
    """
    words = _WORD.findall(formula)
    if not words or "".join(a + b for a, b in words) != formula:
        raise ValueError(f"Argument `formula` must be one such as 'H2O', but is {formula!r}.")
    atoms: dict[str, float] = {}
    for element, count in words:
        atoms[element] = atoms.get(element, 0.0) + (float(count) if count else 1.0)
    return atoms


def incoherent(atoms: dict[str, float], stol: _Real) -> _Real:
    """Compton scatter of atoms, Σ (1 − fⱼ²) over their electrons [electrons²], each by itself.

    The two of the inner shell have hydrogen's form factor at the charge Z − 0.3, the others share the rest of the
    atom's alike. That is exact for hydrogen; leaving out exchange makes the others some percent too strong.

    Args:
        atoms: How many of each element.
        stol: sin θ/λ [1/Å].
    """
    import gemmi

    total = np.zeros_like(np.asarray(stol, float))
    for element, count in atoms.items():
        factor, charge = form_factor(element, stol), gemmi.Element(element).atomic_number
        if charge <= 2:
            total += count * charge * np.maximum(1.0 - (factor / charge) ** 2, 0.0)
            continue
        radius = _BOHR / (charge - 0.3)
        inner = 1.0 / (1.0 + (2.0 * np.pi * stol * radius) ** 2) ** 2
        outer = (factor - 2.0 * inner) / (charge - 2)
        total += count * np.maximum(2.0 * (1.0 - inner**2) + (charge - 2) * (1.0 - outer**2), 0.0)
    return total


def hexagonal_ice(limits: tuple[int, int, int], b_factor: float) -> tuple[tuple[float, ...], _Real]:
    """The cell of ice I_h at 100 K and |F|² of its indices [electrons²], -limits to limits.

    Args:
        limits: Largest h, k, l.
        b_factor: Of all atoms [Å²].

    References:
        Röttger et al. (1994), Acta Cryst. B50, 644 (cell); Kuhs & Lehmann (1983), J. Phys. Chem. 87, 4312 (P6₃/mmc; O
        at ⅓ ⅔ z, half a hydrogen at each of its places).
    """
    import gemmi

    cell = (4.4969, 4.4969, 7.3211, 90.0, 90.0, 120.0)
    sites = (
        ("O", (1 / 3, 2 / 3, 0.0623), 1.0),
        ("H", (1 / 3, 2 / 3, 0.1989), 0.5),
        ("H", (0.4551, 0.9102, 0.0170), 0.5),
    )
    grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in limits), indexing="ij"), axis=-1).reshape(-1, 3)
    stol = np.sqrt(gemmi.UnitCell(*cell).calculate_1_d2_array(np.ascontiguousarray(grid.astype(np.int32)))) / 2
    operations = list(gemmi.find_spacegroup_by_name("P 63/m m c").operations())
    total = np.zeros(len(grid), complex)
    for element, place, occupancy in sites:
        places = {tuple(np.round(np.mod(operation.apply_to_xyz(place), 1.0), 5) % 1.0) for operation in operations}
        waves = np.exp(2j * np.pi * (grid @ np.array(sorted(places)).T)).sum(axis=1)
        total += occupancy * form_factor(element, stol) * waves
    checks.not_negative("b_factor", b_factor)
    amplitudes = np.abs(total) * np.exp(-b_factor * stol**2)
    return cell, (amplitudes**2).reshape(tuple(2 * n + 1 for n in limits))
