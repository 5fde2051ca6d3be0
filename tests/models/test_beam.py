"""The beam."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import THOMSON_AREA, in_float64
from hypothesis import assume, given
from hypothesis import strategies as st

from jaxbragg.models.beam import Beam
from jaxbragg.models.sources import AbsoluteSources, RelativeSources

NAN, INF = float("nan"), float("inf")


@given(st.lists(st.just(0.0) | st.floats(1e-6, 1e6), min_size=3, max_size=3))
def test_the_weights_of_the_rays_sum_to_one_and_keep_their_ratios(weights):
    assume(sum(weights) > 0)
    zeros = np.zeros(len(weights))
    rays = Beam(sources=RelativeSources(zeros, zeros, zeros + 1, weights)).rays()
    np.testing.assert_allclose(np.sum(np.asarray(rays[2])), 1, rtol=1e-14)
    np.testing.assert_allclose(rays[2], np.array(weights) / sum(weights), rtol=1e-13)


def test_a_parallel_monochromatic_beam_is_one_ray():
    directions, wavelengths, weights = Beam(1.3, direction=(0, 0, 1), polarization_axis=(1, 0, 0)).rays()
    np.testing.assert_array_equal(directions, [[0, 0, 1]])
    np.testing.assert_array_equal(wavelengths, [1.3])
    np.testing.assert_array_equal(weights, [1.0])


def test_relative_sources_take_wavelength_and_direction_of_the_beam_and_absolute_ones_do_not():
    frame = {"direction": (0, 0, 1), "polarization_axis": (0, 1, 0)}
    # Beam × polarization is −x: horizontal turns z towards y.
    directions, wavelengths, _ = Beam(2.0, **frame, sources=RelativeSources((0.1,), (0.0,), (1.1,))).rays()
    np.testing.assert_allclose(directions, [[0, np.sin(0.1), np.cos(0.1)]], atol=1e-15)
    np.testing.assert_allclose(wavelengths, [2.2], rtol=1e-15)
    directions, wavelengths, weights = Beam(2.0, **frame, sources=AbsoluteSources([[1, 0, 0]], [0.9], [4.0])).rays()
    np.testing.assert_array_equal(directions, [[1, 0, 0]])
    np.testing.assert_array_equal(wavelengths, [0.9])
    np.testing.assert_array_equal(weights, [1.0])


def test_the_default_fluence_scatters_one_photon_per_electron_and_steradian():
    np.testing.assert_allclose(float(Beam().fluence) * THOMSON_AREA, 1, rtol=1e-13)


def test_a_flux_gives_the_fluence():
    # 10¹² photons/s for 2 s through 10 µm squared: 2·10¹²/10⁻¹⁰.
    np.testing.assert_allclose(Beam(flux=1e12, exposure=2.0, size=1e-5).fluence, 2e22, rtol=1e-14)
    np.testing.assert_allclose(Beam(flux=1e12).fluence, 1e20, rtol=1e-14)
    np.testing.assert_array_equal(Beam(fluence=3e24).fluence, 3e24)


def test_a_flux_in_an_array_gives_a_fluence_in_float64_too():
    with jax.enable_x64(True):
        flux = jnp.asarray(1.1e12)
    fluence = Beam(flux=flux, exposure=1.3, size=1e-5).fluence
    assert fluence.dtype == np.float64
    np.testing.assert_allclose(fluence, 1.43e22, rtol=1e-14)


@in_float64
def test_derivatives_reach_the_rays_and_the_fluence():
    def ray(wavelength, direction):
        directions, wavelengths, _ = Beam(wavelength, direction=direction).rays()
        return directions[0], wavelengths[0]

    directions, wavelengths = jax.jit(jax.jacfwd(ray, (0, 1)))(jnp.asarray(1.2), jnp.asarray([1.0, 0, 0]))
    for found, wanted in zip((*directions, *wavelengths), (np.zeros(3), np.eye(3), 1.0, np.zeros(3)), strict=True):
        np.testing.assert_array_equal(found, wanted)
    by_flux = jax.grad(lambda flux: Beam(flux=flux, size=1e-5).fluence)(jnp.asarray(1e12))
    np.testing.assert_allclose(by_flux, 1e10, rtol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"wavelength": 0.0}, "wavelength"),
        ({"wavelength": -1.0}, "wavelength"),
        ({"wavelength": NAN}, "wavelength"),
        ({"wavelength": (1.0, 1.1)}, "wavelength"),
        ({"wavelength": "red"}, "wavelength"),
        ({"wavelength": 1 + 2j}, "wavelength"),
        ({"direction": (1, 1, 0)}, "direction"),
        ({"direction": (0, 0, 0)}, "direction"),
        ({"direction": (1, 0)}, "direction"),
        ({"direction": (NAN, 0, 0)}, "direction"),
        ({"polarization_axis": (0, 0, 2)}, "polarization_axis"),
        ({"polarization_axis": (0, 1)}, "polarization_axis"),
        ({"polarization_axis": (1, 0, 0)}, "polarization_axis"),
        ({"polarization_axis": (-1, 0, 0)}, "polarization_axis"),
        ({"direction": (0, 0, 1)}, "polarization_axis"),
        ({"polarization": 1.1}, "polarization"),
        ({"polarization": -1.1}, "polarization"),
        ({"polarization": NAN}, "polarization"),
        ({"fluence": -1.0}, "fluence"),
        ({"fluence": INF}, "fluence"),
        ({"fluence": (1.0,)}, "fluence"),
        ({"flux": -1.0}, "flux"),
        ({"flux": NAN}, "flux"),
        ({"flux": "bright"}, "flux"),
        ({"flux": (1.0, 2.0)}, "flux"),
        ({"flux": 1.0, "exposure": 0.0}, "exposure"),
        ({"flux": 1.0, "exposure": NAN}, "exposure"),
        ({"flux": 1.0, "size": 0.0}, "size"),
        ({"flux": 1.0, "size": -1e-6}, "size"),
        ({"flux": 1.0, "size": INF}, "size"),
        ({"sources": 3}, "sources"),
    ],
)
def test_impossible_values_are_named(arguments, name):
    with pytest.raises(ValueError, match=f"Argument `{name}` must"):
        Beam(**arguments)


def test_fluence_and_flux_exclude_each_other():
    with pytest.raises(ValueError, match="Arguments `fluence` and `flux` exclude each other"):
        Beam(fluence=1.0, flux=1.0)


def test_polarized_light_along_its_own_field_is_refused_and_unpolarized_light_is_not():
    sources = AbsoluteSources([[1.0, 0, 0], [0, 0, 1.0]], [1.0, 1.0])
    with pytest.raises(ValueError, match="Argument `polarization_axis` must not be along a source of polarized light"):
        Beam(1.0, polarization=0.9, sources=sources)
    Beam(1.0, polarization=0.0, sources=sources)


@pytest.mark.parametrize("value", ["1.0", b"1", 1 + 2j, np.ma.masked_array(1.0), np.datetime64("2026-11-25")])
def test_what_is_no_real_number_is_refused(value):
    with pytest.raises(ValueError, match="Argument `wavelength` must"):
        Beam(value)


@pytest.mark.parametrize("stokes", [(0.8, 0.0, 0.6), (0.3, -0.5, 0.2), (0.0, 0.4, 0.9), (-0.7, 0.1, 0.0), (0, 0, 1)])
def test_elliptical_polarization_is_the_sum_of_its_parts(stokes) -> None:
    """Scattering of E fields with the given coherency, added up over two directions across each scattered ray."""
    from jaxbragg.models.beam import polarization_of_stokes

    rng = np.random.default_rng(1)
    beam = rng.normal(size=3)
    beam /= np.linalg.norm(beam)
    axis = np.cross(beam, rng.normal(size=3))
    axis /= np.linalg.norm(axis)
    across = np.cross(beam, axis)
    first, second, third = stokes
    coherency = 0.5 * np.array([[1 + first, second + 1j * third], [second - 1j * third, 1 - first]])
    factor, turned = polarization_of_stokes(stokes, beam, axis)
    assert abs(np.linalg.norm(turned) - 1) < 1e-12
    assert abs(turned @ beam) < 1e-12
    for _ in range(5):
        ray = rng.normal(size=3)
        ray /= np.linalg.norm(ray)
        basis = np.stack([axis, across])
        project = np.eye(3) - np.outer(ray, ray)
        wanted = np.trace(basis @ project @ basis.T @ coherency).real
        cosine = ray @ beam
        flat = ray - cosine * beam
        psi = np.arctan2(flat @ np.cross(beam, turned), flat @ turned)
        kahn = 0.5 * (1 + cosine**2 - factor * np.cos(2 * psi) * (1 - cosine**2))
        assert abs(kahn - wanted) < 1e-12
