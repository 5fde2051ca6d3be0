"""The sources, against rotations done by hand and by scipy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from jaxbragg.models.sources import AbsoluteSources, RelativeSources

BEAM, POLARIZATION = np.array([1.0, 0, 0]), np.array([0.0, 0, 1])
small = st.floats(-0.5, 0.5)


def directions(sources, beam=BEAM, polarization=POLARIZATION):
    with jax.enable_x64(True):
        return np.asarray(sources.rays(jnp.asarray(beam), jnp.asarray(polarization), jnp.asarray(1.0))[0])


def test_by_default_there_is_one_source_along_the_beam():
    with jax.enable_x64(True):
        rays = RelativeSources().rays(jnp.asarray(BEAM), jnp.asarray(POLARIZATION), jnp.asarray(1.7))
    for found, wanted in zip(rays, ([BEAM], [1.7], [1.0]), strict=True):
        np.testing.assert_array_equal(found, wanted)


@given(small, small)
def test_vertical_turns_about_the_polarization_axis_and_horizontal_about_beam_cross_polarization(horizontal, vertical):
    # Beam x, polarization z, beam × polarization −y: vertical turns x towards y, horizontal turns x towards z.
    found = directions(RelativeSources((horizontal, 0.0), (0.0, vertical), (1.0, 1.0)))
    wanted = [[np.cos(horizontal), 0, np.sin(horizontal)], [np.cos(vertical), np.sin(vertical), 0]]
    np.testing.assert_allclose(found, wanted, atol=1e-15)


@given(small, small)
def test_vertical_comes_first(horizontal, vertical):
    # About z: (cos v, sin v, 0); then about −y: x → (cos h, 0, sin h), and y stays.
    found = directions(RelativeSources((horizontal,), (vertical,), (1.0,)))
    ch, sh, cv, sv = np.cos(horizontal), np.sin(horizontal), np.cos(vertical), np.sin(vertical)
    np.testing.assert_allclose(found, [[ch * cv, sv, sh * cv]], atol=1e-15)


@given(st.lists(st.tuples(small, small), min_size=1, max_size=5), st.integers(0, 2**31))
def test_relative_sources_follow_the_beam(pairs, seed):
    horizontal, vertical = zip(*pairs, strict=True)
    sources = RelativeSources(horizontal, vertical, np.ones(len(pairs)))
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    found = directions(sources, turn @ BEAM, turn @ POLARIZATION)
    np.testing.assert_allclose(found, directions(sources) @ turn.T, atol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-14)


def test_a_polarization_axis_that_is_not_across_the_beam_is_turned_about_as_it_is():
    axis = np.array([0.6, 0.0, 0.8])
    found = directions(RelativeSources((0.0, 0.2), (0.3, 0.0), (1.0, 1.0)), BEAM, axis)
    wanted = [Rotation.from_rotvec(0.3 * axis).apply(BEAM), [np.cos(0.2), 0, np.sin(0.2)]]
    np.testing.assert_allclose(found, wanted, atol=1e-15)


@given(
    st.lists(st.tuples(small, small), min_size=1, max_size=4),
    st.lists(st.floats(0.9, 1.1), min_size=1, max_size=4),
)
def test_a_grid_holds_every_wavelength_at_every_pair_of_angles(pairs, ratios):
    grid = RelativeSources.grid(*zip(*pairs, strict=True), ratios)
    found = np.stack([np.asarray(x) for x in (grid.horizontal, grid.vertical, grid.wavelength_ratios)], axis=1)
    wanted = [(h, v, ratio) for h, v in pairs for ratio in ratios]
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(grid.weights, np.ones(len(wanted)))


@in_float64
def test_wavelengths_are_multiples_of_that_of_the_beam_and_weights_are_kept():
    sources = RelativeSources((0.0, 0.0), (0.0, 0.0), (0.9, 1.2), weights=(3.0, 1.0))
    _, wavelengths, weights = sources.rays(jnp.asarray(BEAM), jnp.asarray(POLARIZATION), jnp.asarray(2.0))
    np.testing.assert_allclose(wavelengths, [1.8, 2.4], rtol=1e-15)
    np.testing.assert_array_equal(weights, [3.0, 1.0])


@in_float64
def test_absolute_sources_stand_where_they_are():
    given = [[0.6, 0.8, 0.0], [0.0, 0.0, -1.0]], [0.7, 1.3], [2.0, 5.0]
    found = AbsoluteSources(*given).rays(jnp.asarray(BEAM), jnp.asarray(POLARIZATION), jnp.asarray(2.0))
    for one, other in zip(found, given, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(AbsoluteSources(*given[:2]).weights, [1.0, 1.0])


@in_float64
def test_derivatives_by_angle_and_beam():
    def first(horizontal, beam):
        return RelativeSources((horizontal,)).rays(beam, jnp.asarray(POLARIZATION), jnp.asarray(1.0))[0][0]

    by_angle, by_beam = jax.jacfwd(first, (0, 1))(jnp.asarray(0.0), jnp.asarray(BEAM))
    np.testing.assert_allclose(by_angle, POLARIZATION, atol=1e-15)
    np.testing.assert_allclose(by_beam, np.eye(3), atol=1e-15)


NAN = float("nan")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: RelativeSources(0.0), "horizontal"),
        (lambda: RelativeSources((NAN,)), "horizontal"),
        (lambda: RelativeSources((0.0, 0.1)), "vertical"),
        (lambda: RelativeSources((0.0,), (float("inf"),)), "vertical"),
        (lambda: RelativeSources((0.0,), (0.0,), (1.0, 1.1)), "wavelength_ratios"),
        (lambda: RelativeSources((0.0,), (0.0,), (0.0,)), "wavelength_ratios"),
        (lambda: RelativeSources((0.0,), (0.0,), (-1.0,)), "wavelength_ratios"),
        (lambda: RelativeSources(weights=(1.0, 1.0)), "weights"),
        (lambda: RelativeSources(weights=(-1.0,)), "weights"),
        (lambda: RelativeSources(weights=(NAN,)), "weights"),
        (lambda: RelativeSources(weights=(0.0,)), "weights"),
        (lambda: RelativeSources.grid((0.0,), (0.0, 0.1), (1.0, 1.1)), "vertical"),
        (lambda: AbsoluteSources([1, 0, 0], [1.0]), "directions"),
        (lambda: AbsoluteSources([[1, 0]], [1.0]), "directions"),
        (lambda: AbsoluteSources([[1, 1, 0]], [1.0]), "directions"),
        (lambda: AbsoluteSources([[NAN, 0, 0]], [1.0]), "directions"),
        (lambda: AbsoluteSources([[1, 0, 0]], [1.0, 1.1]), "wavelengths"),
        (lambda: AbsoluteSources([[1, 0, 0]], [0.0]), "wavelengths"),
        (lambda: AbsoluteSources([[1, 0, 0]], [1.0], [-1.0]), "weights"),
    ],
)
def test_impossible_values_are_named(make, name):
    with pytest.raises(ValueError, match=f"Argument `{name}` must"):
        make()


@pytest.mark.parametrize(
    "make",
    [lambda: RelativeSources((), (), ()), lambda: AbsoluteSources(np.zeros((0, 3)), ()), lambda: RelativeSources(())],
)
def test_no_source_at_all_is_refused(make):
    with pytest.raises(ValueError, match=r"at least one source|Argument `vertical` must"):
        make()
