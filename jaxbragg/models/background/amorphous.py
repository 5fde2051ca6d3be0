"""Molecules that scatter independently of each other: liquids and glasses by a table, gases by Debye's formula."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.background.abstract import AbstractRadialBackground
from jaxbragg.models.background.substances import GASES, WATER, composition_of, incoherent, of_gas
from jaxbragg.units import AVOGADRO, BOLTZMANN
from jaxbragg_kernels.background import structure_factor

WATER_FACTOR = 2.57
"""Structure factor of a water molecule in liquid water, forward [electrons]; of the C program."""

_STOL = np.linspace(0.0, 2.0, 401)  # [1/Å] of tables that are computed


class AmorphousBackground(AbstractRadialBackground):
    """Molecules in the beam that scatter independently of each other.

    Attributes:
        molecules: How many.
        stol: sin θ/λ of the points of the structure factor, ascending [1/Å]; a single point stands for all angles.
        factor: Structure factor of one molecule there [electrons]; the root of its intensity where it is a mean.
    """

    molecules: Float[Array, ""]
    stol: Float[Array, "points"]
    factor: Float[Array, "points"]

    def __init__(self, molecules: Any, stol: Any = (0.0,), factor: Any = (WATER_FACTOR,)) -> None:
        """Check and keep the numbers.

        Raises:
            ValueError: If a number is negative, the lists differ in length, or the angles do not ascend.
        """
        self.molecules = checks.leaf("molecules", molecules)
        self.stol = checks.leaf("stol", stol, (None,))
        self.factor = checks.leaf("factor", factor, (self.stol.shape[0],))

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.not_negative("molecules", self.molecules)
        if self.stol.shape[0] == 0:
            raise ValueError("Argument `stol` must hold at least one point, but is empty.")
        known = checks.known(self.stol)
        if known is not None:
            checks.require(np.diff(known) > 0, "stol", "ascend", known)

    @property
    def is_constant(self) -> bool:
        """See `AbstractRadialBackground.is_constant`."""
        return self.stol.shape[0] == 1

    def intensity(self, stol: Float[Array, "..."]) -> Float[Array, "..."]:
        """See `AbstractRadialBackground.intensity`: molecules scatter independently of each other."""
        factor = structure_factor(stol, self.stol, self.factor)
        return self.molecules.astype(factor.dtype) * (factor * factor)

    @classmethod
    def water(cls, thickness: float, stol: Any = (0.0,), factor: Any = (WATER_FACTOR,)) -> "AmorphousBackground":
        """A cube of water.

        Args:
            thickness: Edge of the cube [m].
            stol: See `AmorphousBackground`.
            factor: See `AmorphousBackground`.

        References:
            The C program: molecules = thickness³ · 10⁶ g/m³ · N_A / 18 g/mol.
        """
        checks.not_negative("thickness", thickness)
        return cls(thickness**3 * 1e6 * AVOGADRO / 18.0, stol, factor)

    @classmethod
    def slab(
        cls, thickness: Any, beam_size: Any, density: Any = 1.0, molar_mass: Any = 18.015, table: Any = WATER
    ) -> "AmorphousBackground":
        """A sheet across the beam; liquid water unless said otherwise, with its ring at 3.1 Å.

        Args:
            thickness: Along the beam [m].
            beam_size: Edge of the beam, which is taken to be square, or two along its sides [m].
            density: [g/cm³].
            molar_mass: [g/mol], of one scatterer of the table.
            table: Two rows, sin θ/λ [1/Å] and structure factor of a molecule [electrons].

        Raises:
            ValueError: If a number is negative, or the table cannot be.
        """
        checks.not_negative("density", density)
        checks.positive("molar_mass", molar_mass)
        molecules = _volume(thickness, beam_size) * density * 1e6 * AVOGADRO / molar_mass
        stol, factor = table
        return cls(molecules, stol, factor)

    @classmethod
    def gas(
        cls, path: Any, beam_size: Any, shares: Mapping[str, float] | None = None, *, pressure: Any = 101325.0,
        temperature: Any = 295.0,
    ) -> "AmorphousBackground":  # fmt: skip
        """Gas along the beam, air unless said otherwise: as if all of it were where the sample is.

        Args:
            path: Length of the beam in the gas that the detector sees [m].
            beam_size: Edge of the beam, or two [m].
            shares: Of molecules, "N2", "O2", "Ar", "He", "CO2"; they need not add up to 1. None for dry air.
            pressure: [Pa].
            temperature: [K].

        Raises:
            ValueError: If a number cannot be, or a gas is not known.

        References:
            Debye (1915), Ann. Phys. 351, 809: Σ f² + 2 Σ f f′ sin(2π s r)/(2π s r) over the pairs of atoms, s = 1/d.
        """
        checks.not_negative("pressure", pressure)
        checks.positive("temperature", temperature)
        chosen = _shares(GASES if shares is None else shares)
        molecules = _volume(path, beam_size) * pressure / (BOLTZMANN * temperature)
        intensity = sum(share * of_gas(name, _STOL) for name, share in chosen.items())
        return cls(molecules, _STOL, np.sqrt(intensity))

    @classmethod
    def compton(cls, formula: str, molecules: Any) -> "AmorphousBackground":
        """Incoherent scatter of molecules, whose photons are counted like the others.

        Args:
            formula: Of one, such as "H2O" or "N2".
            molecules: How many; `molecules` of another background.

        Raises:
            ValueError: If the formula is none.

        References:
            James (1962), The Optical Principles of the Diffraction of X-rays, p. 462: Σ (1 − f²) over the electrons.
            Recoil, which makes it weaker by some percent at 12 keV and wide angles, is left out.
        """
        return cls(molecules, _STOL, np.sqrt(incoherent(composition_of(formula), _STOL)))


def _volume(length: Any, beam_size: Any) -> Any:
    """Of the beam's square prism [m³]."""
    checks.not_negative("length", length)
    checks.positive("beam_size", beam_size)
    edges = np.asarray(beam_size, float)
    return length * (edges**2 if edges.ndim == 0 else edges.prod())


def _shares(shares: Mapping[str, float]) -> dict[str, float]:
    for name, share in shares.items():
        checks.not_negative(f"shares[{name!r}]", float(share))
    total = float(sum(shares.values()))
    if total <= 0:
        raise ValueError(f"Argument `shares` must not all be 0, but is {dict(shares)!r}.")
    return {name: share / total for name, share in shares.items()}
