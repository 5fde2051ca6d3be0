"""A background taken from an image is the one that made it, whatever spots are in it."""

from dataclasses import replace

import numpy as np
import pytest
from gaussian_cases import EXACT, gaussian

import jaxbragg as jb

TABLE = ([0.0, 0.1, 0.2, 0.3, 0.5], [3.0, 4.0, 8.0, 5.0, 3.0])


def made(fluence, size=80):
    half = size * 6e-4 / 2
    detector = jb.FlatPanel((size, size), 6e-4, (0.06, half + 0.01, -half), (0, 0, 1), (0, -1, 0))
    beam = jb.Beam(1.0, fluence=fluence, polarization=0.7)
    return gaussian(detector=detector, beam=beam, background=jb.AmorphousBackground(1e10, *TABLE))


@pytest.mark.parametrize(("fluence", "error"), [(1e24, 0.05), (3e22, 0.15)])
def test_it_is_that_which_made_the_image(fluence, error):
    experiment = made(fluence)
    image = np.asarray(jb.simulate(experiment, EXACT))
    counts = np.random.default_rng(0).poisson(image)
    found = jb.radial_background(counts, replace(experiment, background=None), 15, EXACT)
    wanted = 1e10 * np.interp(found.stol, *TABLE) ** 2
    np.testing.assert_allclose(np.asarray(found.factor) ** 2, wanted, rtol=error)
    bare = replace(experiment, structure_factors=jb.StructureFactors(default=0.0))
    again = np.asarray(jb.simulate(replace(bare, background=found), EXACT))
    np.testing.assert_allclose(again.sum(), np.asarray(jb.simulate(bare, EXACT)).sum(), rtol=error / 3)


def test_what_cannot_be_is_named():
    experiment = made(1e24, 20)
    with pytest.raises(ValueError, match="of the detector's shape"):
        jb.radial_background(np.ones((3, 3)), experiment)
    with pytest.raises(ValueError, match="must leave pixels"):
        jb.radial_background(np.ones((20, 20)), experiment, mask=np.zeros((20, 20), bool))
    with pytest.raises(ValueError, match="`bins` must be fewer"):
        jb.radial_background(np.ones((20, 20)), experiment, 400)
