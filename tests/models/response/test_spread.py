"""Point spreads: their integrals, widths and tails against closed forms, and where the light of an edge goes."""

import numpy as np
import pytest
from scipy.special import ndtr

import jaxbragg as jb

SPREADS = {
    "gauss": jb.GaussianSpread(1.7),
    "fibre": jb.FibreSpread(0.6),
    "moffat": jb.MoffatSpread(1.5, 2.2),
    "narrow moffat": jb.MoffatSpread(0.4, 3.0),
    "sharing": jb.ChargeSharing(0.25),
}
SIZE = 401
MIDDLE = SIZE // 2


def of_one_pixel(spread, size=SIZE, at=None):
    image = np.zeros((size, size), np.float64)
    image[at or (size // 2, size // 2)] = 1.0
    return np.array(jb.Response([spread]).expected(image).mean)


def corner(x, y, g):
    return np.arctan2(x * y, g * np.sqrt(g * g + x * x + y * y)) / (2 * np.pi)


@pytest.mark.parametrize("name", SPREADS)
def test_the_integral_is_one(name):
    """Of what comes outside the image, the closed forms say how much it is."""
    edge, spread = MIDDLE + 0.5, SPREADS[name]
    outside = 0.0
    if isinstance(spread, jb.FibreSpread):
        outside = 1.0 - 4 * corner(edge, edge, float(spread.g))
    if isinstance(spread, jb.MoffatSpread):  # between those outside of the circles in and around the square
        square = float(spread.fwhm) ** 2 / (4 * (2 ** (1 / float(spread.beta)) - 1))
        outside = (1 + edge**2 * (1 + np.sqrt(2)) ** 2 / 4 / square) ** (1 - float(spread.beta))
    assert of_one_pixel(spread).sum() == pytest.approx(1.0 - outside, abs=1e-4)


def test_the_gaussian_is_that_of_its_width():
    sigma = 1.7 / 2.3548200450309493
    edges = np.arange(-3, 5) - 0.5
    shares = np.diff(ndtr(edges / sigma))
    found = of_one_pixel(SPREADS["gauss"])[MIDDLE - 3 : MIDDLE + 4, MIDDLE - 3 : MIDDLE + 4]
    np.testing.assert_allclose(found, shares[:, None] * shares, rtol=1e-9)


def test_the_tail_of_the_fibre_at_a_hundred_pixels_is_that_of_its_formula():
    found, g = of_one_pixel(SPREADS["fibre"]), 0.6
    assert found[MIDDLE, MIDDLE + 100] == pytest.approx(g / (2 * np.pi * (g * g + 100**2) ** 1.5), rel=1e-3)
    assert found[MIDDLE - 60, MIDDLE + 80] == pytest.approx(g / (2 * np.pi * (g * g + 100**2) ** 1.5), rel=1e-3)


@pytest.mark.parametrize("name", ["moffat", "narrow moffat"])
def test_moffat_is_the_mean_of_its_formula_over_each_pixel(name):
    spread = SPREADS[name]
    beta = float(spread.beta)
    square = float(spread.fwhm) ** 2 / (4 * (2 ** (1 / beta) - 1))
    fine = (np.arange(400) + 0.5) / 400 - 0.5
    for slow, fast in ((0, 0), (0, 1), (1, 1), (2, 5), (30, 40)):
        r2 = (slow + fine[:, None]) ** 2 + (fast + fine) ** 2
        wanted = ((1 + r2 / square) ** -beta).mean() * (beta - 1) / (np.pi * square)
        assert of_one_pixel(spread)[MIDDLE + slow, MIDDLE + fast] == pytest.approx(wanted, rel=2e-4)
    half = 0.5 * float(spread.fwhm)
    assert (1 + half**2 / square) ** -beta == pytest.approx(0.5)


def test_charge_of_even_hits_is_shared_as_drawn_hits_are():
    random, sigma = np.random.default_rng(0), 0.25
    places = random.uniform(-0.5, 0.5, 1_000_000) + sigma * random.standard_normal(1_000_000)
    shares = [(np.round(places) == i).mean() for i in (-1, 0, 1)]
    found = of_one_pixel(SPREADS["sharing"])[MIDDLE, MIDDLE - 1 : MIDDLE + 2] / shares[1]
    np.testing.assert_allclose(found, shares, atol=2e-3)


@pytest.mark.parametrize("name", SPREADS)
def test_it_is_the_same_everywhere_and_panels_keep_to_themselves(name):
    middle = of_one_pixel(SPREADS[name], 41)
    corner_of = of_one_pixel(SPREADS[name], 41, (0, 3))
    np.testing.assert_allclose(corner_of[:21, 3:21], middle[20:41, 20:38], atol=1e-15)
    stack = np.zeros((2, 30, 41))
    stack[1, 12, 30] = 1.0
    found = np.asarray(jb.Response([SPREADS[name]]).expected(stack).mean)
    assert not found[0].any()
    assert found[1].argmax() == 12 * 41 + 30


def test_a_radius_cuts_the_tail():
    whole, cut = of_one_pixel(jb.FibreSpread(0.6), 61), of_one_pixel(jb.FibreSpread(0.6, 10), 61)
    np.testing.assert_allclose(cut[20:41, 20:41], whole[20:41, 20:41], atol=1e-15)
    cut[20:41, 20:41] = 0.0
    assert abs(cut).max() < 1e-15


def test_variances_of_counts_are_spread_by_the_square():
    response = jb.Response([jb.Counting(), jb.GaussianSpread(1.5)])
    image = np.full((60, 60), 50.0)
    drawn = np.stack([np.asarray(response.drawn(image, seed)) for seed in range(200)])[:, 10:-10, 10:-10]
    variance = np.asarray(response.expected(image).variance)[30, 30]
    assert drawn.var(axis=0).mean() == pytest.approx(variance, rel=0.02)
