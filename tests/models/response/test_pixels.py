"""Pixels that differ: fixed patterns, flicker, broken ones."""

import jax
import numpy as np
import pytest

import jaxbragg as jb


def test_a_fixed_pattern_is_the_same_in_every_image_and_has_its_spread():
    response = jb.Response([jb.CalibrationError(0.03, 7)])
    one, other = (np.asarray(response.drawn(np.full((200, 250), 100.0), seed)) for seed in (0, 1))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(one, response.expected(np.full((200, 250), 100.0)).mean, rtol=1e-12)
    assert one.std() / 100 == pytest.approx(0.03, rel=4 / (2 * one.size) ** 0.5)
    assert one.mean() == pytest.approx(100.0, abs=4 * 3.0 / one.size**0.5)
    assert (np.asarray(jb.Response([jb.CalibrationError(0.03, 8)]).drawn(np.full((200, 250), 100.0), 0)) != one).all()
    panels = np.asarray(response.drawn(np.full((2, 50, 60), 100.0), 0))
    assert (panels[0] != panels[1]).all()
    inside = jax.jit(lambda image: response.expected(image).mean)(np.full((200, 250), 100.0, np.float32))
    np.testing.assert_allclose(inside, one, rtol=1e-6)


def test_flicker_together_is_one_factor():
    image = np.arange(1.0, 13.0).reshape(3, 4)
    found = [np.asarray(jb.Response([jb.Flicker(0.1, together=True)]).drawn(image, seed)) for seed in range(200)]
    factors = np.array([each[0, 0] for each in found])
    for factor, each in zip(factors, found, strict=True):
        np.testing.assert_allclose(each, factor * image, rtol=1e-12)
    assert factors.std() == pytest.approx(0.1, rel=0.2)


def test_broken_pixels_read_what_they_read():
    step = jb.BadPixels.random((300, 300), 0.01, 0.002, 5e3, seed=1)
    assert np.asarray(step.dead).mean() == pytest.approx(0.01, abs=4 * (0.01 / 90_000) ** 0.5)
    assert np.asarray(step.hot).mean() == pytest.approx(0.002, abs=4 * (0.002 / 90_000) ** 0.5)
    response = jb.Response([jb.Counting(), step])
    drawn = np.asarray(response.drawn(np.full((300, 300), 50.0), 0))
    assert not drawn[np.asarray(step.dead)].any()
    assert (drawn[np.asarray(step.hot)] == 5e3).all()
    mean, variance = response.expected(np.full((300, 300), 50.0))
    bad = np.asarray(step.dead | step.hot)
    assert not np.asarray(variance)[bad].any()
    assert (np.asarray(variance)[~bad] == 50.0).all()
    assert (np.asarray(mean)[~bad] == 50.0).all()
