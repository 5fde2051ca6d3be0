"""Air and beam stops: closed forms, in every way of computing an image, with derivatives."""

from dataclasses import replace

import numpy as np
import pytest
from gaussian_cases import EXACT, gaussian, panel

import jaxbragg as jb

STOP = jb.BeamStop(0.01, 0.05, 5e-4)


def distances():
    slow, fast = np.indices((24, 32)) + 0.5
    return np.sqrt(0.1**2 + (0.024 - slow * 2e-3) ** 2 + (-0.032 + fast * 2e-3) ** 2)


@pytest.mark.parametrize("method", ["samples", "spots"])
def test_air_takes_what_its_path_says(method):
    options = replace(EXACT, method=method)
    made = gaussian(background=jb.AmorphousBackground.water(1e-4))
    plain = np.asarray(jb.simulate(made, options))
    found = np.asarray(jb.simulate(replace(made, absorbers=[jb.AirPath(0.3, 0.02)]), options))
    np.testing.assert_allclose(found, plain * np.exp(-0.3 * (distances() - 0.02)), rtol=1e-9)


def test_air_at_one_angstrom_is_what_tables_have():
    """Hubbell & Seltzer (NIST, 1995), dry air: energy absorption 4.742 cm²/g at 10 keV; 1.197 kg/m³ at 295 K.

    Cromer and Liberman's f″ is 3 % below.
    """
    assert float(jb.AirPath.of(1.23984).attenuation) == pytest.approx(4.742 * 0.1 * 1.197, rel=0.05)
    half = jb.AirPath.of(1.0, pressure=101325 / 2)
    assert float(half.attenuation) == pytest.approx(float(jb.AirPath.of(1.0).attenuation) / 2)


def test_behind_the_stop_there_is_nothing_and_half_at_its_edge():
    made = gaussian(background=jb.AmorphousBackground.water(1e-4), detector=panel())
    share = np.asarray(jb.simulate(replace(made, absorbers=(STOP,)), EXACT)) / np.asarray(jb.simulate(made, EXACT))
    slow, fast = np.indices((24, 32)) + 0.5
    far = 0.5 * np.hypot(0.024 - slow * 2e-3, -0.032 + fast * 2e-3)  # at the stop, half-way
    from scipy.special import ndtr

    np.testing.assert_allclose(share, ndtr((far - 0.01) / 5e-4), rtol=1e-7, atol=1e-12)
    assert share.min() < 1e-6


def test_they_multiply_and_come_with_every_step_of_a_trace():
    air = jb.AirPath(0.3)
    made = replace(gaussian(), absorbers=(STOP, air))
    options = replace(EXACT, method="samples", samples=8)
    image = np.asarray(jb.simulate(made, options))
    trace = jb.trace_pixel(made, options, 3, 5)
    assert trace.factors["I_pixel_final"] == pytest.approx(image[3, 5], rel=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jb.AirPath(-1.0), "`attenuation` must not be negative"),
        (lambda: jb.AirPath.of(-1.0), "`wavelength` must be positive"),
        (lambda: jb.BeamStop(0.0, 0.05), "`radius` must be positive"),
        (lambda: jb.as_the_c_program_draws(gaussian(absorbers=[STOP]), EXACT), "must have no absorbers"),
        (lambda: gaussian(absorbers=3), "`absorbers` must be a list of absorbers"),
    ],
)
def test_what_cannot_be_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
