"""SASE pulses: mean spectrum, width of spikes, distribution of energies, against the theory of chaotic light."""

import jax
import numpy as np
import pytest
from scipy import stats

import jaxbragg as jb

COUNT = 2000
HBAR = 0.6582119569
FWHM = 2.3548200450309493


def pulses(duration, bandwidth=2e-3, lines=128, count=COUNT, wavelength=1.2):
    def one(key):
        pulse = jb.sase_pulse(key, wavelength, bandwidth, duration, lines)
        return pulse.sources.weights, pulse.energy

    weights, energies = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), count))
    return np.asarray(weights, float), np.asarray(energies, float)


@pytest.mark.parametrize("duration", [0.05, 0.3, 2.0])
def test_energies_are_1_on_average_and_of_a_gamma_distribution_with_as_many_modes_as_the_theory_has(duration):
    _, energies = pulses(duration)
    wide = 2e-3 * 12398.42 / 1.2 / FWHM / HBAR  # [1/fs]
    modes = np.sqrt(1 + 4 * wide**2 * (duration / FWHM) ** 2)
    assert energies.mean() == pytest.approx(1.0, abs=4 / np.sqrt(modes * COUNT))
    assert energies.var() * modes == pytest.approx(1.0, abs=4 * np.sqrt(2 / COUNT) * (1 + 3 / modes))
    assert stats.kstest(energies, stats.gamma(modes, scale=1 / modes).cdf).pvalue > 1e-3


def test_the_mean_spectrum_is_the_gaussian_asked_for():
    """Widened by that of a spike."""
    weights, _ = pulses(2.0)
    mean = weights.mean(axis=0)
    table = jb.sase_pulse(jax.random.key(0), 1.2, 2e-3, 2.0).sources
    energies = 12398.42 / np.asarray(table.wavelengths)
    middle = (mean * energies).sum() / mean.sum()
    width = np.sqrt((mean * (energies - middle) ** 2).sum() / mean.sum())
    spike = HBAR / (2 * 2.0 / FWHM)
    assert middle == pytest.approx(12398.42 / 1.2, rel=1e-4)
    assert width == pytest.approx(np.hypot(2e-3 * 12398.42 / 1.2 / FWHM, spike), rel=0.02)


def test_spikes_are_as_wide_as_the_pulse_is_short():
    """The correlation of intensities is exp(−(ΔE/2)²/…): by Siegert that of fields, whose spectrum is the pulse's."""
    duration, lines = 4.0, 1024
    weights, _ = pulses(duration, lines=lines, count=400)
    table = jb.sase_pulse(jax.random.key(0), 1.2, 2e-3, duration, lines).sources
    step = abs(np.diff(12398.42 / np.asarray(table.wavelengths)))[0]
    middle = slice(lines // 2 - 100, lines // 2 + 100)
    inner = weights[:, middle]
    normal = (inner - inner.mean(axis=0)) / inner.mean(axis=0)
    for lag in (2, 4, 8):
        away = lag * step
        found = (normal[:, lag:] * normal[:, :-lag]).mean() / (normal * normal).mean()
        field = np.exp(-0.5 * (away * duration / FWHM / HBAR) ** 2)  # of a Gaussian power of that width
        assert found == pytest.approx(field**2, abs=0.08)
    assert (normal * normal).mean() == pytest.approx(1.0, abs=0.12)  # of an exponential distribution


def test_a_pulse_is_a_spectrum_that_an_image_takes():
    from gaussian_cases import EXACT, gaussian

    pulse = jb.sase_pulse(jax.random.key(3), 1.0, 2e-3, 0.3, 16)
    beam = jb.Beam(1.0, fluence=1e28 * float(pulse.energy), sources=pulse.sources)
    image = np.asarray(jb.simulate(gaussian(beam=beam), EXACT))
    mono = np.asarray(jb.simulate(gaussian(beam=jb.Beam(1.0, fluence=1e28 * float(pulse.energy))), EXACT))
    assert image.sum() == pytest.approx(mono.sum(), rel=0.2)
    assert np.isfinite(image).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wavelength": -1.0}, "`wavelength` must be positive"),
        ({"bandwidth": 0.0}, "`bandwidth` must be positive"),
        ({"duration": np.nan}, "`duration` must be finite"),
        ({"lines": 1}, "`lines` must be a whole number of at least 2"),
        ({"duration": 1e7}, "`duration` must be shorter"),
    ],
)
def test_what_cannot_be_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        jb.sase_pulse(jax.random.key(0), **({"wavelength": 1.0} | changes))
