"""Ground truth: photons of each reflection against images of that one alone, middles, the strongest term of a pixel."""

import dataclasses

import equinox as eqx
import numpy as np
import pytest
from gaussian_cases import gaussian
from geometries import experiment_of

import jaxbragg as jb
from jaxbragg.models.unit_cell import reciprocal_vectors
from jaxbragg.truth import ground_truth
from jaxbragg.truth.pixels import _wavelengths_by_spots

RNG = np.random.default_rng(5)
FACTORS = RNG.uniform(20, 200, (13, 13, 13))
TWO = jb.RelativeSources([0, 0], [0, 0], [0.99, 1.02], [1, 2])
EXACT = jb.Options(precision="float64", oversample=1)


def experiment(**changes):
    made = jb.Experiment(
        beam=jb.Beam(1.4, polarization=0.4, fluence=1e27, sources=TWO),
        crystal=jb.Crystal((22, 25, 28, 90, 97, 90), misset=(12, 20, 33), cells=(6, 6, 6), shape="gauss"),
        detector=jb.FlatPanel((48, 60), 0.8e-3, (0.05, 0.019, -0.024), (0, 0, 1), (0, -1, 0)),
        structure_factors=jb.StructureFactors(FACTORS, (-6, -6, -6), 30.0),
        background=jb.AmorphousBackground.water(1e-5),
        scan=jb.Scan((0.0, 1.0)),
    )
    return eqx.tree_at(lambda e: [getattr(e, k) for k in changes], made, list(changes.values())) if changes else made


def without_background(made):
    return dataclasses.replace(made, background=None)


def alone(made, hkl):
    """The image of one reflection, all others 0."""
    factors = made.structure_factors
    at = tuple(np.array(hkl) - np.array(factors.minimum))
    only = np.zeros(factors.values.shape)
    only[at] = np.asarray(factors.values)[at]
    single = jb.StructureFactors(only, factors.minimum, 0.0)
    changed = eqx.tree_at(lambda e: e.structure_factors, without_background(made), single)
    return np.asarray(jb.simulate(changed, EXACT), float)


@pytest.fixture(scope="module")
def truth():
    return ground_truth(experiment(), EXACT)


def test_all_photons_of_the_crystal_are_given_to_reflections(truth):
    image = np.asarray(jb.simulate(without_background(experiment()), EXACT), float)
    assert truth.photons.sum() == pytest.approx(image.sum(), rel=1e-9)
    assert (np.diff(truth.photons) <= 0).all()
    assert len(truth.hkl) > 50


def test_photons_and_middles_are_those_of_each_reflection_alone(truth):
    made = experiment()
    for i in (0, 3, 17, 40):
        image = alone(made, truth.hkl[i])
        slow, fast = np.indices(image.shape) + 0.5
        assert truth.photons[i] == pytest.approx(image.sum(), rel=1e-9)
        assert truth.slow[i] == pytest.approx((image * slow).sum() / image.sum(), abs=1e-6)
        assert truth.fast[i] == pytest.approx((image * fast).sum() / image.sum(), abs=1e-6)
    stars = reciprocal_vectors(np.asarray(made.crystal.vectors(), float))
    there = truth.hkl.any(axis=1)
    np.testing.assert_allclose(truth.spacing[there], 1 / np.linalg.norm(truth.hkl[there] @ stars, axis=1))


def test_the_strongest_reflection_of_a_pixel(truth):
    made = experiment()
    image = np.asarray(jb.simulate(without_background(made), EXACT), float)
    for i in (0, 2, 5):
        mine = alone(made, truth.hkl[i])
        sure = mine > 0.9 * image  # whatever the others give
        assert sure.sum() >= 1
        assert (truth.strongest[sure] == truth.hkl[i]).all()


def test_the_mean_wavelength_lies_between_those_of_the_sources(truth):
    made = experiment()
    images = []
    for ratio, weight in ((0.99, 1 / 3), (1.02, 2 / 3)):
        one = eqx.tree_at(lambda e: e.beam.sources, made, jb.RelativeSources([0], [0], [ratio]))
        images.append(weight * np.asarray(jb.simulate(one, EXACT), float))
    wanted = (1.4 * 0.99 * images[0] + 1.4 * 1.02 * images[1]) / (images[0] + images[1])
    np.testing.assert_allclose(truth.wavelength, wanted, rtol=1e-5)


def test_indices_outside_of_the_table_have_the_default_and_are_counted(truth):
    default = [i for i, hkl in enumerate(truth.hkl) if np.abs(hkl).max() > 6]
    assert default
    made = experiment()
    plain = eqx.tree_at(lambda e: e.structure_factors, made, jb.StructureFactors(default=30.0))
    of_default = ground_truth(plain, EXACT)
    where = {tuple(hkl): photons for hkl, photons in zip(of_default.hkl, of_default.photons, strict=True)}
    for i in default[:10]:
        assert where[tuple(truth.hkl[i])] == pytest.approx(truth.photons[i], rel=1e-9)


def test_mixed_precision_is_near_enough(truth):
    mixed = ground_truth(experiment(), jb.Options(oversample=1))
    where = {tuple(hkl): i for i, hkl in enumerate(mixed.hkl)}
    for i in range(30):
        j = where[tuple(truth.hkl[i])]
        assert mixed.photons[j] == pytest.approx(truth.photons[i], rel=1e-4)
        assert mixed.slow[j] == pytest.approx(truth.slow[i], abs=0.01)


def test_panels_masks_and_regions():
    made = experiment_of("panels")
    boxes = jb.StructureFactors(RNG.uniform(20, 200, (9, 9, 9)), (-4, -4, -4), 0.0)
    made = eqx.tree_at(lambda e: e.structure_factors, made, boxes)
    found = ground_truth(made, EXACT)
    image = np.asarray(jb.simulate(made, EXACT), float)
    assert found.photons.sum() == pytest.approx(image.sum(), rel=1e-9)
    brightest = np.unravel_index(image.argmax(), image.shape)
    hkl = found.strongest[brightest]
    (row,) = np.flatnonzero((found.hkl == hkl).all(axis=1))
    assert found.panel[row] in range(4)
    assert (found.strongest[3, 10:12, 3:] == 0).all()  # the gap
    region = dataclasses.replace(EXACT, roi=(10, 30, 5, 20))
    assert (ground_truth(made, region).strongest[:, :5] == 0).all()


def test_more_than_can_be_counted_is_refused():
    made = experiment()
    large = eqx.tree_at(lambda e: e.crystal, made, jb.Crystal((900, 900, 900, 90, 90, 90)))
    with pytest.raises(ValueError, match=r"at most 100000000 indices .* Options\(d_min=…\), -dmin, cuts it"):
        ground_truth(large, EXACT)


# By spots ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("width", [None, pytest.param(1.0, marks=pytest.mark.slow)])
def test_of_an_image_by_spots_it_is_that_of_each_reflection_alone(width):
    made = gaussian(mosaic=0.8, bandwidth=0.005, width=width, background=jb.AmorphousBackground.water(1e-5))
    bare = without_background(made)
    found = ground_truth(made, EXACT)
    image = np.asarray(jb.simulate(bare, EXACT))
    assert found.photons.sum() == pytest.approx(image.sum(), rel=1e-7)
    assert found.strongest.dtype == np.int32
    for i in range(5):
        single = alone(made, found.hkl[i])
        slow, fast = np.indices(single.shape) + 0.5
        assert found.photons[i] == pytest.approx(single.sum(), rel=1e-5)
        assert found.slow[i] == pytest.approx((slow * single).sum() / single.sum(), abs=1e-4)
        assert found.fast[i] == pytest.approx((fast * single).sum() / single.sum(), abs=1e-4)
        at = np.unravel_index(single.argmax(), single.shape)
        if single[at] > 0.5 * image[at]:
            np.testing.assert_array_equal(found.strongest[at], found.hkl[i])


@pytest.mark.slow
def test_mean_wavelengths_by_spots_are_those_of_samples():
    made = gaussian(mosaic=0.8, bandwidth=0.005)
    found = ground_truth(made, EXACT)
    image = np.asarray(jb.simulate(made, EXACT))
    directions, wavelengths, weights = (np.asarray(x, float) for x in made.beam.rays())
    many = eqx.tree_at(lambda e: e.beam.sources, made, jb.AbsoluteSources(directions, wavelengths, weights))
    samples = dataclasses.replace(EXACT, method="samples", samples=2048)
    heavier = jb.AbsoluteSources(directions, wavelengths, weights * wavelengths)
    one = np.asarray(jb.simulate(many, samples))
    other = np.asarray(jb.simulate(eqx.tree_at(lambda e: e.beam.sources, many, heavier), samples))
    bright = image > 0.1 * image.max()
    mean = (other[bright] * (weights * wavelengths).sum()) / one[bright]
    assert bright.sum() > 10
    assert np.std(mean) > 1e-3
    # What is of second order, and of tails that 64 sources hardly reach.
    assert np.corrcoef(found.wavelength[bright], mean)[0, 1] > 0.99
    assert np.sqrt(np.mean((found.wavelength[bright] - mean) ** 2)) < 5e-4


def test_the_mean_wavelength_of_lines_is_that_of_their_images():
    """Two sharp lines of a spectrum: each pixel's is weighted by what either gives alone."""
    both = gaussian(0.8, beam=jb.Beam(1.0, fluence=1e28, sources=jb.SpectrumTable([0.99, 1.02], [1.0, 2.0], 0.0)))
    options = jb.spot_options(both, EXACT)
    found = _wavelengths_by_spots(both, options)
    alone = [jb.SpectrumTable([0.99, 1.02], weights, 0.0) for weights in ([1.0, 0.0], [0.0, 1.0])]
    one, other = (
        np.asarray(jb.simulate(eqx.tree_at(lambda e: e.beam.sources, both, each), options)) * share
        for each, share in zip(alone, (1 / 3, 2 / 3), strict=True)
    )
    bright = one + other > 1e-3 * (one + other).max()
    one, other = one[bright], other[bright]
    np.testing.assert_allclose(found[bright], (0.99 * one + 1.02 * other) / (one + other), atol=1e-5)
