"""Two images held against each other: every number against a definition or an independent library."""

import numpy as np
import pytest
from scipy import ndimage
from trace_files import image

from jaxbragg.compare import RingGeometry, compare_images


@pytest.fixture
def pair():
    return image("pilatus_vectors", "c").astype(float), image("pilatus_vectors", "fixed").astype(float)


def spots(places, shape=(40, 50), height=10.0):
    drawn = np.zeros(shape)
    for number, (slow, fast) in enumerate(places):
        drawn[slow - 1 : slow + 2, fast - 1 : fast + 2] += 1.0
        drawn[slow, fast] += height + number
    return drawn


def test_an_image_agrees_with_itself(pair):
    found = compare_images(pair[0], pair[0])
    assert (found.correlation, found.sum_ratio, found.rms, found.max_difference) == (1.0, 1.0, 0.0, 0.0)
    assert found.num_pixels == pair[0].size
    assert found.peaks.distances.tolist() == [0.0] * 100
    assert found.profile.ratio == pytest.approx(1.0)


def test_numbers_against_numpy(pair):
    a, b = pair
    found = compare_images(a, b)
    assert found.correlation == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=1e-12)
    assert (found.sum_a, found.sum_b) == pytest.approx((a.sum(), b.sum()))
    assert found.sum_ratio == pytest.approx(b.sum() / a.sum())
    assert found.rms == pytest.approx(np.sqrt(np.mean((a - b) ** 2)))
    assert found.max_place == np.unravel_index(np.abs(a - b).argmax(), a.shape)
    assert found.max_difference == (b - a)[found.max_place]


def test_a_scale_is_seen_by_the_sums_alone(pair):
    found = compare_images(pair[0], 3.0 * pair[0])
    assert found.correlation == pytest.approx(1.0, abs=1e-12)
    assert found.sum_ratio == pytest.approx(3.0)
    assert found.profile.ratio == pytest.approx(3.0)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_very_large_and_small_photons(pair, scale):
    found = compare_images(scale * pair[0], scale * pair[1])
    assert found.correlation == pytest.approx(compare_images(*pair).correlation, abs=1e-9)


def test_region_counts_both_ends_and_places_are_the_images(pair):
    a, b = pair
    found = compare_images(a, b, roi=(50, 65, 60, 74))
    part_a, part_b = a[60:75, 50:66], b[60:75, 50:66]
    assert found.num_pixels == 15 * 16
    assert found.sum_a == pytest.approx(part_a.sum())
    place = np.unravel_index(np.abs(part_a - part_b).argmax(), part_a.shape)
    assert found.max_place == (place[0] + 60, place[1] + 50)
    assert a[tuple(found.peaks.a[0])] == part_a.max()
    assert found.profile.center == (37.0, 34.5)


def test_pixels_that_are_not_finite_are_left_out(pair):
    a, b = pair[0].copy(), pair[1].copy()
    a[3, 4], b[5, 6], b[7, 8] = np.nan, np.inf, np.nan
    a[31, 36] = np.nan  # the brightest
    found = compare_images(a, b)
    known = np.isfinite(a) & np.isfinite(b)
    assert (found.num_pixels, found.num_nan) == (a.size - 4, 4)
    assert found.sum_a == pytest.approx(a[known].sum())
    assert found.correlation == pytest.approx(np.corrcoef(a[known], b[known])[0, 1], abs=1e-12)
    assert [31, 36] not in found.peaks.b.tolist()
    assert found.profile.pixels.sum() == a.size - 4


def test_peaks_are_the_local_maxima_of_scipy(pair):
    a = pair[0]
    found = compare_images(a, a, num_peaks=10**6).peaks.a
    brightest = ndimage.maximum_filter(a, size=3, mode="constant", cval=-np.inf) == a
    assert {tuple(place) for place in found.tolist()} == {tuple(p) for p in np.argwhere(brightest & (a > 0)).tolist()}
    values = a[found[:, 0], found[:, 1]]
    assert (np.diff(values) <= 0).all()


def test_a_plateau_is_one_peak():
    flat = np.zeros((9, 9))
    flat[3:5, 3:6] = 2.0
    assert compare_images(flat, flat).peaks.a.tolist() == [[3, 3]]


def test_a_shift_is_measured():
    a, b = spots([(10, 10), (20, 30), (30, 15)]), spots([(10, 12), (20, 32), (30, 17)])
    found = compare_images(a, b).peaks
    assert found.distances.tolist() == [2.0, 2.0, 2.0]
    assert (found.b[found.pairs[:, 1]] - found.a[found.pairs[:, 0]]).tolist() == [[0, 2]] * 3


def test_spots_far_apart_are_not_the_same():
    found = compare_images(spots([(10, 10)]), spots([(30, 40)])).peaks
    assert (len(found.a), len(found.b), len(found.pairs)) == (1, 1, 0)


def test_dark_images():
    dark = np.zeros((5, 6))
    found = compare_images(dark, dark)
    assert (found.correlation, found.sum_ratio, len(found.peaks.pairs)) == (1.0, 1.0, 0)
    found = compare_images(dark, dark + 1.0)
    assert np.isnan(found.correlation)
    assert found.sum_ratio == np.inf


def test_ratio_over_the_radius():
    slow, fast = np.mgrid[:101, :101]
    radius = np.hypot(slow - 50, fast - 50)
    found = compare_images(np.ones((101, 101)), 1.0 + radius).profile
    width = found.radius[1] - found.radius[0]
    assert found.ratio == pytest.approx(1.0 + found.radius, abs=width / 2)
    assert found.pixels.sum() == 101 * 101
    assert found.resolution is None


def test_resolution_of_the_rings_is_braggs_law(pair):
    geometry = RingGeometry(distance_mm=131.275, pixel_mm=0.688, wavelength=1.3)
    found = compare_images(*pair, center=(30.8, 35.5), geometry=geometry).profile
    assert found.center == (30.8, 35.5)
    theta = np.arctan(found.radius * 0.688 / 131.275) / 2
    assert found.resolution is not None
    assert 2.0 * found.resolution * np.sin(theta) == pytest.approx(1.3)
    assert geometry.resolution(np.zeros(1))[0] == np.inf


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"b": np.ones((4, 5))}, "must be images of one shape, but are (5, 4) and (4, 5)"),
        ({"a": np.ones(20), "b": np.ones(20)}, "must be images of one shape"),
        ({"roi": (0, 4, 0, 1)}, "must lie within 4 × 5 (fast × slow) pixels"),
        ({"roi": (2, 1, 0, 1)}, "must lie within"),
        ({"roi": (-1, 1, 0, 1)}, "must lie within"),
        ({"b": np.full((5, 4), np.nan)}, "must share a finite pixel"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        compare_images(**({"a": np.ones((5, 4)), "b": np.ones((5, 4))} | arguments))
    assert message in str(caught.value)
