"""What is known of each factor of a trace: what it is, when it is computed, and what a difference points to."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Stage(enum.IntEnum):
    """When a factor is computed; the steps of φ, mosaic domains and sources come between the first two stages."""

    GEOMETRY = 0  # before the innermost loop
    STEP = 1  # inside it: the one line shows one step, in most programs the first
    INTENSITY = 2  # after it
    OTHER = 3  # keys that are not in the table


class Factor(NamedTuple):
    """A known key of a trace."""

    key: str
    description: str
    unit: str
    zero: float  # [unit] differences up to this are none, and below it zero is zero
    stage: Stage
    points_to: str  # where to look when this is the first that differs


_G, _S, _I = Stage.GEOMETRY, Stage.STEP, Stage.INTENSITY
_PANEL = "the detector's place: beam centre, distance, convention or pivot"
_TILT = "the detector's orientation: vectors, rotations, two-theta or convention"
_PIXEL = "which pixel, sub-pixel or sensor layer it is, or the size of the pixels"
_OMEGA = "the solid angle: pixel size, distance or obliquity"
_BEAM = "the direction of the beam, or of this source"
_CELL = "the cell, the orientation of the crystal, or its rotation in this step"
_LATTICE = "the shape of the crystal or its numbers of cells: the indices are the same"
_LOOKUP = "the table of structure factors: file, default, or interpolation"
_FLUENCE = "the flux, exposure and beam size, or the fluence given"

# In the order of computation.
FACTORS: tuple[Factor, ...] = (
    Factor("pix0_vector_meters", "sample to the corner of the first pixel", "m", 1e-12, _G, _PANEL),
    Factor("fdet_vec", "fast axis of the detector", "", 1e-12, _G, _TILT),
    Factor("sdet_vec", "slow axis of the detector", "", 1e-12, _G, _TILT),
    Factor("pixel_pos_meters", "sample to this pixel", "m", 1e-12, _G, _PIXEL),
    Factor("R_distance_meters", "distance from the sample to this pixel", "m", 1e-12, _G, _PIXEL),
    Factor("omega_pixel_sr", "solid angle of the pixel", "sr", 1e-18, _G, _OMEGA),
    Factor("close_distance_meters", "distance from the sample to the detector's plane", "m", 1e-12, _G, _PANEL),
    Factor("obliquity_factor", "cosine of the angle at which the ray meets the detector", "", 1e-12, _G, _OMEGA),
    Factor("diffracted_vec", "direction from the sample to the pixel", "", 1e-12, _G, _PIXEL),
    Factor("incident_vec", "direction of the beam", "", 1e-12, _G, _BEAM),
    Factor("lambda_meters", "wavelength", "m", 1e-20, _G, "the wavelength, or the order of the sources"),
    Factor("scattering_vec_A_inv", "scattering vector", "1/Å", 1e-12, _G, "the wavelength, or its unit"),
    Factor("rot_a_angstroms", "cell vector a, rotated", "Å", 1e-9, _S, _CELL),
    Factor("rot_b_angstroms", "cell vector b, rotated", "Å", 1e-9, _S, _CELL),
    Factor("rot_c_angstroms", "cell vector c, rotated", "Å", 1e-9, _S, _CELL),
    Factor("hkl_frac", "Miller indices, fractional", "", 1e-9, _S, _CELL),
    Factor("hkl_rounded", "nearest Miller indices", "", 1e-9, _S, "how indices are rounded"),
    Factor("F_latt", "lattice factor", "", 1e-9, _S, _LATTICE),
    Factor("F_cell", "structure factor", "electrons", 1e-9, _S, _LOOKUP),
    Factor(
        "I_before_scaling",
        "sum of |F_cell|² |F_latt|² over the steps",
        "electrons²",
        1e-12,
        _I,
        "the sum itself: which steps are in it, their weights, or a factor that one program applies inside it",
    ),
    Factor("r_e_sqr", "classical electron radius, squared", "m²", 1e-40, _I, "the constant of nature"),
    Factor("fluence_photons_per_m2", "photons on the crystal", "1/m²", 1e-3, _I, _FLUENCE),
    Factor("steps", "number of terms in the sum", "", 1e-9, _I, "oversampling, or numbers of steps and sources"),
    Factor("capture_fraction", "share of photons absorbed in the sensor", "", 1e-15, _I, "the sensor: depth, layers"),
    Factor("polar", "polarization factor", "", 1e-12, _I, "the polarization: Kahn factor or its vector"),
    Factor("omega_pixel", "solid angle of the pixel, as applied", "sr", 1e-18, _I, _OMEGA),
    Factor("cos_2theta", "cosine of the scattering angle", "", 1e-12, _I, _BEAM),
    Factor("I_pixel_final", "photons in the pixel", "photons", 1e-30, _I, "how the factors are multiplied"),
)

# The numbers of one step, `k_frac=…`, in the order of computation.
STEP_FACTORS: tuple[Factor, ...] = (
    Factor("phi_deg", "spindle angle", "°", 1e-9, _S, "the scan: start, range or number of φ steps"),
    Factor("h_frac", "Miller index h, fractional", "", 1e-9, _S, _CELL),
    Factor("k_frac", "Miller index k, fractional", "", 1e-9, _S, _CELL),
    Factor("l_frac", "Miller index l, fractional", "", 1e-9, _S, _CELL),
    Factor("F_cell", "structure factor", "electrons", 1e-9, _S, _LOOKUP),
    Factor("F_latt_a", "lattice factor along a", "", 1e-9, _S, _LATTICE),
    Factor("F_latt_b", "lattice factor along b", "", 1e-9, _S, _LATTICE),
    Factor("F_latt_c", "lattice factor along c", "", 1e-9, _S, _LATTICE),
    Factor("F_latt", "lattice factor", "", 1e-9, _S, _LATTICE),
)

INDEX_KEYS = ("h_frac", "k_frac", "l_frac")


def known(key: str, *, in_step: bool = False) -> Factor:
    """The factor of that key; one without a description where the key is not in the table."""
    for factor in STEP_FACTORS if in_step else FACTORS:
        if factor.key == key:
            return factor
    return Factor(key, "", "", 0.0, Stage.OTHER, "a factor that jaxbragg does not know")


def in_order(keys: set[str], *, in_step: bool = False) -> list[str]:
    """Known keys in the order of computation, then the others by name."""
    table = [factor.key for factor in (STEP_FACTORS if in_step else FACTORS)]
    return [key for key in table if key in keys] + sorted(keys.difference(table))
