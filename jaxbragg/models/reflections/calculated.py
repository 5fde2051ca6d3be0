"""|F| of a structure: gemmi's Fourier transform of the atoms' density, all indices of P1, in electrons.

F = Σ_atoms q (f₀ + f′ + i f″) exp(−B s²/4) exp(2πi h·x) + k_sol exp(−B_sol s²/4) F_mask, with s = 1/d.

References:
    International Tables for Crystallography C (1992), tables 6.1.1.4 (f₀); Cromer & Liberman (1970), J. Chem. Phys. 53,
    1891 (f′, f″); Jiang & Brünger (1994), J. Mol. Biol. 243, 100 (the mask of bulk solvent and its two parameters).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import gemmi
import numpy as np

_RATE = 2.0  # points of the density's grid to d_min: |F| to 1e-5, where 1.5 leaves five times as much
_MASK_SPACING = 0.6  # [Å] of the solvent's mask, or finer with the density's


@dataclass(frozen=True)
class Calculated:
    """What a structure's |F| depend on, beside its atoms.

    Attributes:
        d_min: Resolution to which they are computed [Å]; 0 is beyond it.
        wavelength: At which atoms scatter anomalously [Å]; None for f₀ alone.
        dispersion: f′ and f″ [electrons] by element, in place of the table's; each implies anomalous scattering.
        solvent: k_sol [electrons/Å³] and B_sol [Å²] of bulk solvent, such as (0.35, 46); None for a vacuum.
        b_factor: Added to that of each atom [Å²].
        with_000: Whether the box holds F(000), the scatter straight into the beam; otherwise it is 0.
    """

    d_min: float
    wavelength: float | None = None
    dispersion: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    solvent: tuple[float, float] | None = None
    b_factor: float = 0.0
    with_000: bool = False

    def __post_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        if not 0 < self.d_min < np.inf:
            raise ValueError(f"Argument `d_min` must be positive [Å], but is {self.d_min}.")
        if self.wavelength is not None and not 0 < self.wavelength < np.inf:
            raise ValueError(f"Argument `wavelength` must be positive [Å] or None, but is {self.wavelength}.")
        for name in self.dispersion:
            if gemmi.Element(name).atomic_number == 0:
                raise ValueError(f"Argument `dispersion` must be of elements, but {name!r} is none.")
        numbers = (self.b_factor, *(self.solvent or ()), *(v for pair in self.dispersion.values() for v in pair))
        if not np.isfinite(numbers).all():
            raise ValueError("Arguments `solvent`, `b_factor` and `dispersion` must be finite.")

    @property
    def is_anomalous(self) -> bool:
        """Whether Friedel mates differ."""
        return self.wavelength is not None or bool(self.dispersion)


def box_of(cell: gemmi.UnitCell, d_min: float) -> np.ndarray:
    """The largest h, k and l within a resolution."""
    return np.array(cell.get_hkl_limits(d_min))


def calculate(structure: gemmi.Structure, given: Calculated) -> np.ndarray:
    """|F| of all indices within the resolution, [2H+1, 2K+1, 2L+1] with 000 in the middle [electrons].

    Args:
        structure: Of one model, with its cell and space group.
        given: What else they depend on.

    Raises:
        ValueError: If there is no cell, no atom, or a result is not finite.
    """
    if not structure.cell.is_crystal():
        raise ValueError("the structure has no unit cell")
    if len(structure) == 0 or structure[0].count_atom_sites() == 0:
        raise ValueError("the structure has no atoms")
    structure.setup_cell_images()
    limits = box_of(structure.cell, given.d_min)
    grid = np.indices(tuple(2 * limits + 1), dtype=np.int32).reshape(3, -1).T - limits.astype(np.int32)
    inverse_d_squared = structure.cell.calculate_1_d2_array(np.ascontiguousarray(grid))
    inside = np.flatnonzero(inverse_d_squared <= 1 / given.d_min**2)
    hkl, stol2 = np.ascontiguousarray(grid[inside]), inverse_d_squared[inside] / 4
    real, imaginary = _dispersion(structure, given)
    density = _density(structure, given.d_min, real)
    # gemmi's addends are real: the transforms for f′ and for f′ + f″ differ by that for f″ alone, which is linear.
    found = _transform(density, hkl)
    if given.solvent is not None:
        k, b = given.solvent
        found = found + k * np.exp(-b * stol2) * _mask_transform(structure, density, hkl)
    if imaginary:
        both = _transform(_density(structure, given.d_min, _sum(real, imaginary)), hkl)
        found = found + 1j * (both - _transform(density, hkl))
    amplitudes = np.abs(found) * np.exp(-given.b_factor * stol2)
    if not np.isfinite(amplitudes).all():
        raise ValueError("its structure factors are not finite: a coordinate, occupancy or B factor is not")
    if not given.with_000:
        amplitudes[(hkl == 0).all(axis=1)] = 0.0
    box = np.zeros(len(grid))
    box[inside] = amplitudes
    return box.reshape(tuple(2 * limits + 1))


def _dispersion(structure: gemmi.Structure, given: Calculated) -> tuple[dict[str, float], dict[str, float]]:
    """f′ and f″ of each element that is there."""
    if not given.is_anomalous:
        return {}, {}
    chosen = {gemmi.Element(name).name: pair for name, pair in given.dispersion.items()}
    real, imaginary = {}, {}
    for name in sorted({site.atom.element.name for site in structure[0].all()}):
        element = gemmi.Element(name)
        if name in chosen:
            real[name], imaginary[name] = chosen[name]
        elif given.wavelength is not None and 3 <= element.atomic_number <= 92:
            real[name], imaginary[name] = gemmi.cromer_liberman(element.atomic_number, gemmi.hc / given.wavelength)
    return real, imaginary


def _sum(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {name: value + other[name] for name, value in one.items()}


def _density(structure: gemmi.Structure, d_min: float, addends: dict[str, float]) -> gemmi.DensityCalculatorX:
    """The density of all atoms in the cell."""
    density = gemmi.DensityCalculatorX()
    density.d_min, density.rate = d_min, _RATE
    for name, value in addends.items():
        density.addends.set(gemmi.Element(name), value)
    density.set_refmac_compatible_blur(structure[0])
    density.set_grid_cell_and_spacegroup(structure)
    density.put_model_density_on_grid(structure[0])
    return density


def _transform(density: gemmi.DensityCalculatorX, hkl: np.ndarray) -> np.ndarray:
    transformed = gemmi.transform_map_to_f_phi(density.grid, half_l=True)
    return transformed.get_value_by_hkl(hkl, unblur=density.blur)


def _mask_transform(structure: gemmi.Structure, density: gemmi.DensityCalculatorX, hkl: np.ndarray) -> np.ndarray:
    """Of 1 Å⁻³ wherever there is solvent."""
    grid = gemmi.FloatGrid()
    grid.copy_metadata_from(density.grid)
    if min(density.grid.spacing) > _MASK_SPACING:
        grid.set_size_from_spacing(_MASK_SPACING, gemmi.GridSizeRounding.Up)
    else:
        grid.set_size(*density.grid.shape)
    gemmi.SolventMasker(gemmi.AtomicRadiiSet.Cctbx).put_mask_on_float_grid(grid, structure[0])
    return gemmi.transform_map_to_f_phi(grid, half_l=True).get_value_by_hkl(hkl)
