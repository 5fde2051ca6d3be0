"""Conversions at the edges: what a command line or a file gives in the field's units, the inside has in SI and radians.

Cells and wavelengths stay in Å, and scattering vectors in 1/Å, throughout.
"""

from math import pi

HC_EV_ANGSTROM = 12398.42
"""Planck's constant times the speed of light [eV Å], as the C program has it."""

AVOGADRO = 6.02214179e23
"""[1/mol], as the C program has it."""

BOLTZMANN = 1.380649e-23
"""[J/K]."""

THOMSON_AREA = 7.94079248018965e-30
"""Classical electron radius squared [m²]."""

UNIT_FLUENCE = 125932015286227086360700780544.0
"""Photons/m² at which a single electron scatters one photon per steradian: r_e² Φ = 1."""

RADIANS = pi / 180.0
"""One degree [rad]."""

MILLIMETRE = 1e-3
MICROMETRE = 1e-6
MILLIRADIAN = 1e-3
PERCENT = 1e-2
METRE_IN_ANGSTROM = 1e10
LARGEST_COUNT = 2**31 - 2**7
"""Of float32 below the largest int32: brighter pixels are counted as this."""


def wavelength_from_energy(energy: float) -> float:
    """Wavelength [Å] of photons of this energy [eV]."""
    return HC_EV_ANGSTROM / energy
