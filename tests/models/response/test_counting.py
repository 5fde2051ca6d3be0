"""Counts with a dead time, against closed forms and against photons that are drawn one by one."""

import numpy as np
import pytest

import jaxbragg as jb

TIMES = [(20.0, 1e-2), (200.0, 1e-3), (2000.0, 2e-4)]  # photons, and the dead time as a share of the exposure


def one_by_one(photons, dead, paralyzable, draws, random):
    """Counts of photons that come at random times."""
    counts = np.empty(draws)
    for i in range(draws):
        times = np.sort(random.uniform(0.0, 1.0, random.poisson(photons)))
        if paralyzable:
            counts[i] = (np.diff(times, prepend=-np.inf) > dead).sum()
            continue
        last, seen = -np.inf, 0
        for time in times:
            if time - last > dead:
                last, seen = time, seen + 1
        counts[i] = seen
    return counts


@pytest.mark.parametrize("paralyzable", [False, True])
@pytest.mark.parametrize(("photons", "dead"), TIMES)
def test_mean_and_variance_are_those_of_photons_one_by_one(photons, dead, paralyzable):
    draws = 4000
    seen = one_by_one(photons, dead, paralyzable, draws, np.random.default_rng(0))
    counting = jb.Response([jb.Counting(dead, 1.0, paralyzable=paralyzable)])
    image = np.full((40, draws // 40), photons, np.float32)
    mean, variance = (float(np.asarray(x).ravel()[0]) for x in counting.expected(image))
    x = photons * dead
    assert mean == pytest.approx(photons * np.exp(-x) if paralyzable else photons / (1 + x), rel=1e-6)
    # The closed forms are of a time much longer than the dead one: they are a share of it off.
    for counts in (seen, np.asarray(counting.drawn(image, 3), float)):
        assert abs(counts.mean() - mean) < 4 * (variance / draws) ** 0.5 + dead * photons * x
        assert abs(counts.var() / variance - 1.0) < 4 * (2 / draws) ** 0.5 + 2 * dead * photons * dead + dead * 2


def test_without_a_dead_time_counts_are_poisson_numbers():
    image = np.full((200, 200), 0.3, np.float32)
    counts = np.asarray(jb.Response([jb.Counting()]).drawn(image, 0))
    for number, share in enumerate([0.740818, 0.222245, 0.033337]):  # e^-0.3 0.3^n / n!
        assert (counts == number).mean() == pytest.approx(share, abs=4 * (share / 40_000) ** 0.5)


def test_a_lone_photon_is_counted_however_long_the_dead_time():
    image = np.full((100, 100), 0.01, np.float32)
    counts = np.asarray(jb.Response([jb.Counting(0.5, 1.0)]).drawn(image, 1))
    came = np.asarray(jb.Response([jb.Counting()]).drawn(image, 1))
    np.testing.assert_array_equal(counts > 0, came > 0)
