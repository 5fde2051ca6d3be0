"""2θ, solid angle and polarization of tilted panels, against pyFAI's closed forms."""

import numpy as np
import pytest

import jaxbragg as jb

pyfai = pytest.importorskip("pyFAI.integrator.azimuthal")

PIXELS, SIZE = (90, 110), (0.9e-3, 1.1e-3)  # slow and fast
TILTS = {"across": (0.0, 0.0, 0.0), "tilted": (0.2, -0.3, 0.4), "far": (0.7, 0.5, -1.0)}


def both(rotations):
    """pyFAI's geometry, and ours of the same panel in its frame: x horizontal, y vertical, z along the beam."""
    theirs = pyfai.AzimuthalIntegrator(
        dist=0.1, poni1=0.031, poni2=0.052, rot1=rotations[0], rot2=rotations[1], rot3=rotations[2],
        pixel1=SIZE[0], pixel2=SIZE[1], wavelength=1e-10,
    )  # fmt: skip

    def place(slow, fast):
        z, y, x = theirs.calc_pos_zyx(d1=np.array([slow - 0.5]), d2=np.array([fast - 0.5]))
        return np.array([float(np.ravel(v)[0]) for v in (x, y, z)])

    origin = place(0.0, 0.0)
    fast, slow = place(0.0, 1.0) - origin, place(1.0, 0.0) - origin
    ours = jb.FlatPanel(PIXELS, SIZE[::-1], origin, fast / np.linalg.norm(fast), slow / np.linalg.norm(slow))
    np.testing.assert_allclose([np.linalg.norm(fast), np.linalg.norm(slow)], SIZE[::-1], rtol=1e-12)
    return theirs, ours


def one_electron(panel, factor, **options):
    """The image of a single cell of one electron where r_e² Φ = 1: polarization times solid angle, of middles."""
    beam = jb.Beam(1.0, direction=(0, 0, 1), polarization_axis=(1, 0, 0), polarization=factor)
    experiment = jb.Experiment(
        beam=beam, crystal=jb.Crystal((10, 10, 10, 90, 90, 90)), detector=panel,
        structure_factors=jb.StructureFactors(default=1.0),
    )  # fmt: skip
    return np.asarray(jb.simulate(experiment, jb.Options(precision="float64", oversample=1, **options)))


@pytest.mark.parametrize("name", TILTS)
def test_scattering_angles_are_pyfais(name):
    theirs, ours = both(TILTS[name])
    slow, fast = np.meshgrid(*(np.arange(n) + 0.5 for n in PIXELS), indexing="ij")
    along = fast[..., None] * SIZE[1] * np.asarray(ours.fast_axis) + slow[..., None] * SIZE[0] * np.asarray(
        ours.slow_axis
    )
    place = np.asarray(ours.origin) + along
    angles = np.arctan2(np.hypot(place[..., 0], place[..., 1]), place[..., 2])
    np.testing.assert_allclose(theirs.twoThetaArray(PIXELS), angles, atol=1e-6)


@pytest.mark.parametrize("name", TILTS)
def test_solid_angles_are_pyfais(name):
    theirs, ours = both(TILTS[name])
    wanted = theirs.solidAngleArray(PIXELS) * SIZE[0] * SIZE[1] / 0.1**2  # theirs is relative to the nearest point
    np.testing.assert_allclose(one_electron(ours, 0.0, polarization=False), wanted, rtol=1e-6)


@pytest.mark.parametrize("factor", [0.0, 0.9, -0.5])
@pytest.mark.parametrize("name", TILTS)
def test_polarization_is_pyfais(name, factor):
    theirs, ours = both(TILTS[name])
    ratio = one_electron(ours, factor) / one_electron(ours, factor, polarization=False)
    np.testing.assert_allclose(ratio, theirs.polarization(PIXELS, factor), rtol=1e-6)
