"""Gain stages: what they read, that it goes on from one to the next, and what noise each has."""

import numpy as np
import pytest

import jaxbragg as jb

JUNGFRAU = jb.GainStages.jungfrau(12.0)


@pytest.mark.parametrize("photons", [0.0, 5.0, 24.9, 25.1, 400.0, 799.0, 801.0, 5000.0])
def test_what_is_drawn_has_the_mean_and_the_variance_expected_and_goes_on_at_the_thresholds(photons):
    image = np.full((100, 100), photons)
    response = jb.Response([JUNGFRAU])
    mean, variance = (float(np.asarray(x)[0, 0]) for x in response.expected(image))
    drawn = np.asarray(response.drawn(image, 0), float)
    stage = int(photons > 25) + int(photons > 800)
    gain = [41.0 * 12, 1.44 * 12, 0.1 * 12][stage]
    noise = [80 * 3.62e-3 * 41, 3.0, 3.0][stage]
    assert mean == photons
    assert variance == pytest.approx((noise**2 + 1 / 12) / gain**2, rel=1e-6)
    assert abs(drawn.mean() - photons) < 4 * (variance / drawn.size) ** 0.5
    assert drawn.var() == pytest.approx(variance, rel=0.06)


def test_readings_are_whole_numbers_of_14_bits_and_the_stage_is_above_them():
    image = np.array([[0.0, 20.0, 500.0, 3000.0, 1e6]])
    words = np.asarray(JUNGFRAU.words(image, 1)).astype(int)
    assert (words >> 14).tolist() == [[0, 0, 1, 3, 3]]
    reading = (words & 0x3FFF)[0]
    assert reading[-1] == 0  # falling numbers end at 0
    gains, pedestals = np.array([41 * 12, 41 * 12, -1.44 * 12, -1.2]), np.array([3000, 3000, 14500, 14500])
    np.testing.assert_allclose((reading[:4] - pedestals) / gains, image[0, :4], atol=10)


def test_the_last_stage_ends():
    most = 14500 / (0.1 * 12)
    assert float(np.asarray(jb.Response([JUNGFRAU]).expected(np.full((2, 2), 1e6)).mean)[0, 0]) == pytest.approx(most)
    assert np.asarray(jb.Response([JUNGFRAU]).drawn(np.full((2, 2), 1e6), 0)).max() <= most + 1e-6
