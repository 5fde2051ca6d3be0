"""Gaussians that are too wide for one are sums of narrower ones: of the right shape, and images of the right error."""

from dataclasses import replace

import equinox as eqx
import jax
import numpy as np
import pytest
from cases import relative
from gaussian_cases import EXACT, gaussian

import jaxbragg as jb
from jaxbragg.pipeline.spots.cuts import _COUNTS, _nodes, _share, cut_lines, cuts_of

WIDE = {
    "bandwidth": gaussian(bandwidth=0.025),
    "divergence": gaussian(0.2, beam=jb.Beam(1.0, fluence=1e28, sources=jb.GaussianSources(0, 0.0025, 0.001))),
    "mosaic": gaussian((0.8, 0.1, 0.1)),
}
# What a finer cut changes: what is left of second order.
LEFT = {"bandwidth": 2e-3, "divergence": 3e-3, "mosaic": 3e-3}


@pytest.mark.parametrize("count", _COUNTS)
def test_the_narrow_ones_add_up_to_the_wide_one(count):
    at = np.linspace(-6, 6, 1201)
    places, weights = _nodes(count)
    assert weights.sum() == pytest.approx(1.0, rel=1e-12)
    width = _share(count)
    assert (weights * (places**2 + width**2)).sum() == pytest.approx(1.0, rel=1e-9)
    found = (weights * np.exp(-0.5 * ((at[:, None] - places) / width) ** 2)).sum(axis=1) / width
    np.testing.assert_allclose(found, np.exp(-0.5 * at**2), atol=5e-4)


def test_what_is_narrow_is_not_cut():
    assert cuts_of(gaussian(3.0, 0.02, 1.0), 0.2) == (1,) * 6
    assert cuts_of(gaussian((0.8, 0.1, 0.1)), 0.2) == (1, 1, 1, 7, 1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n != "divergence" else []) for n in WIDE])
def test_a_finer_cut_changes_little(name):
    made, options = WIDE[name], replace(EXACT, method="spots")
    one, other = cuts_of(made, 0.2), cuts_of(made, 0.1)
    assert 1 < np.prod(one) < np.prod(other)
    fine = np.asarray(jb.simulate(made, replace(options, tolerance=0.1)))
    found = np.asarray(jb.simulate(made, options))
    assert relative(found, fine) < LEFT[name]
    assert found.sum() == pytest.approx(fine.sum(), rel=1e-3)


@pytest.mark.slow
def test_under_jit_the_cuts_are_those_of_the_sizes():
    made = WIDE["divergence"]
    options = jb.spot_options(made, EXACT)
    assert np.prod(options.spots.cuts) > 1
    found = jax.jit(lambda e: jb.simulate(e, options))(made)
    assert relative(found, jb.simulate(made, replace(EXACT, method="spots"))) < 1e-3


@pytest.mark.slow
def test_wide_divergence_against_samples():
    made = WIDE["divergence"]
    samples = np.asarray(jb.simulate(made, replace(EXACT, method="samples", samples=262_144)))
    found = np.asarray(jb.simulate(made, EXACT))
    assert np.corrcoef(found.ravel(), samples.ravel())[0, 1] > 0.9995
    assert found.sum() == pytest.approx(samples.sum(), rel=3e-3)


def test_a_wide_divergence_is_the_sum_of_sharp_directions():
    """Without cuts it is up to 11 % of the brightest pixel off, and the sum 1.7 %."""
    at = np.linspace(-4.5, 4.5, 121)
    sharp = jb.RelativeSources(0.008 * at, 0 * at, 1.0 + 0 * at, np.exp(-0.5 * at**2))
    wide = gaussian(0.2, beam=jb.Beam(1.0, fluence=1e28, sources=jb.GaussianSources(0, 0.008, 0)))
    listed = gaussian(0.2, beam=jb.Beam(1.0, fluence=1e28, sources=sharp))
    found, wanted = (np.asarray(jb.simulate(e, replace(EXACT, method="spots"))) for e in (wide, listed))
    assert relative(found, wanted) < 7e-3
    assert found.sum() == pytest.approx(wanted.sum(), rel=1e-3)


@pytest.mark.slow
def test_a_wide_mosaic_about_one_axis_is_the_sum_of_its_domains():
    """Without cuts it is up to 14 % of the brightest pixel off, and the sum 7 %."""
    from scipy.spatial.transform import Rotation
    from scipy.special import ndtri

    wide = gaussian((3.0, 0.0, 0.0), scan=jb.Scan((0.0,)))
    frame = np.asarray(wide.crystal.frame())
    angles = np.radians(3.0) * ndtri((np.arange(2000) + 0.5) / 2000)
    turns = frame @ Rotation.from_rotvec(angles[:, None] * [1.0, 0, 0]).as_matrix() @ frame.T
    listed = eqx.tree_at(lambda e: e.crystal.mosaic, wide, jb.RotationList(turns))
    found = np.asarray(jb.simulate(wide, replace(EXACT, method="spots")))
    wanted = np.asarray(jb.simulate(listed, replace(EXACT, method="samples")))
    assert relative(found, wanted) < 1.3e-2
    assert found.sum() == pytest.approx(wanted.sum(), rel=5e-3)


def test_cut_lines_are_about_the_line_as_wide_as_it_was():
    """Means and variances of directions and wavelengths: of the nodes, and of what each still has.

    The horizontal angle turns about beam × field, and so moves the direction along the field.
    """
    made = gaussian(beam=jb.Beam(1.0, sources=jb.GaussianSources(0.03, 4e-3, 3e-3)))
    with jax.enable_x64(True):
        whole = made.beam.gaussians()
        cut = cut_lines(whole, made.beam.polarization_axis, (7, 9, 7, 1, 1, 1))
    weights, directions, wavelengths = (np.asarray(x, float) for x in (cut.weights, cut.directions, cut.wavelengths))
    assert weights.shape == (7 * 9 * 7,)
    assert weights.sum() == pytest.approx(1.0)
    spread = weights @ (wavelengths - 1.0) ** 2 + weights @ (np.asarray(cut.bandwidths) * wavelengths) ** 2
    assert weights @ wavelengths == pytest.approx(1.0)
    assert spread == pytest.approx(0.03**2, rel=1e-3)
    field = np.asarray(made.beam.polarization_axis, float)
    along = np.cross(np.asarray(whole.directions[0]), field)
    for axis, own, wanted in ((field, cut.horizontal, 4e-3), (along, cut.vertical, 3e-3)):
        angles = directions @ axis
        assert weights @ angles == pytest.approx(0.0, abs=1e-12)
        assert weights @ angles**2 + float(own) ** 2 == pytest.approx(wanted**2, rel=1e-3)
