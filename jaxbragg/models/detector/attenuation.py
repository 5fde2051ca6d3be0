"""How deep photons go into a sensor or a gas: from its atoms' f″, which is their photoelectric absorption.

µ = 2 r_e λ Σ n f″, with n atoms of each element in a volume. Photons that are only scattered leave no charge where they
are counted, and are left out.

References:
    James (1948), The Optical Principles of the Diffraction of X-rays, ch. 4 (the optical theorem); Cromer & Liberman
    (1970), J. Chem. Phys. 53, 1891 (f″, by gemmi).
"""

from collections.abc import Mapping

import gemmi

from jaxbragg.units import AVOGADRO

_RADIUS = 2.8179403262e-15  # of the electron, classical [m]
# Density [g/cm³] and the atoms of one formula unit.
_MATERIALS = {"Si": (2.329, ("Si",)), "CdTe": (5.85, ("Cd", "Te")), "GaAs": (5.318, ("Ga", "As"))}


def attenuation_depth(material: str, wavelength: float) -> float:
    """Depth at which 1/e of the photons are left [m].

    Args:
        material: "Si", "CdTe" or "GaAs".
        wavelength: [Å].

    Raises:
        ValueError: If there is no such material, or the wavelength is not positive.
    """
    if material not in _MATERIALS:
        raise ValueError(f"Argument `material` must be one of {', '.join(_MATERIALS)}, but is {material!r}.")
    if not wavelength > 0:
        raise ValueError(f"Argument `wavelength` must be positive [Å], but is {wavelength}.")
    density, names = _MATERIALS[material]
    whole = sum(gemmi.Element(name).weight for name in names)
    shares = {name: gemmi.Element(name).weight / whole for name in names}
    return 1.0 / attenuation_of(shares, density * 1e3, wavelength)


def attenuation_of(shares: Mapping[str, float], density: float, wavelength: float) -> float:
    """Attenuation coefficient of a mixture [1/m].

    Args:
        shares: Of each element in the mass; lithium and heavier ones.
        density: [kg/m³].
        wavelength: [Å].
    """
    total = 0.0
    for name, share in shares.items():
        element = gemmi.Element(name)
        per_volume = share * density * 1e3 * AVOGADRO / element.weight  # atoms [1/m³]
        total += per_volume * gemmi.cromer_liberman(element.atomic_number, gemmi.hc / wavelength)[1]
    return 2 * _RADIUS * wavelength * 1e-10 * total
