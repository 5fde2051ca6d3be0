"""What is chosen so that mixed precision is within 1e-5, what is said where it is not, and where nothing is known."""

import warnings
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import experiment, in_float64, panel

import jaxbragg as jb
from jaxbragg.pipeline.precision import largest_angle
from jaxbragg.pipeline.settings import make_settings

CELL = (40, 45, 55, 90, 90, 90)


def of_size(cells, shape="square", **parts):
    return experiment(crystal=jb.Crystal(CELL, misset=(10, 20, 30), cells=cells, shape=shape), **parts)


def chosen(cells, shape="square", **options):
    found = jb.precise_options(of_size(cells, shape), jb.Options(**options))
    return found.tile, found.exact_phases


def test_the_cheapest_choice_is_taken_that_is_near_enough():
    assert chosen(10) == (4, False)
    assert chosen(1e6) == (1, True)
    assert chosen(1e6, "gauss") == (1, False)  # without fringes
    # Phases of a sphere's fringes are not linear in h, k, l: they are made for each pixel.
    assert chosen(60, "round") == (1, True)
    assert chosen(1e6, tile=4)[0] == 4
    assert chosen(1e6, exact_phases=False) == (1, False)
    assert chosen(10, tile=1, exact_phases=True) == (1, True)


def test_choices_do_not_change_what_they_are_for():
    case = of_size((30, 20, 10))
    exact = np.asarray(jb.simulate(case, jb.Options(precision="float64")))
    for tile, phases in ((4, False), (4, True), (1, False), (1, True)):
        image = jb.simulate(case, jb.Options(tile=tile, exact_phases=phases))
        np.testing.assert_allclose(image, exact, rtol=0, atol=5e-6 * exact.max())


def test_derivatives_are_those_of_every_choice():
    case = of_size((30, 20, 10))

    def total(misset, options):
        crystal = jb.Crystal(CELL, misset=misset, cells=(30, 20, 10))
        return (jb.simulate(replace(case, crystal=crystal), options) ** 2).sum()

    with jax.enable_x64(True):
        at = jnp.asarray([10.0, 20.0, 30.0])
        wanted = jax.grad(total)(at, jb.Options(precision="float64"))
        for options in (jb.Options(exact_phases=True), jb.Options(tile=1), jb.Options()):
            np.testing.assert_allclose(
                jax.grad(total)(at, options), wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max()
            )


def test_a_spot_too_sharp_for_float64_is_warned_of_with_the_number():
    sharp = of_size(1e14)
    with pytest.warns(jb.PrecisionWarning, match="may be off by 1 of its brightest pixel, more than 1e-05"):
        jb.simulate(sharp)
    assert jb.precision_bound(sharp) == 1.0


def test_nothing_is_said_where_it_is_near_enough_or_float32_was_asked_for():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jb.simulate(of_size(10))
        jb.simulate(of_size(1000), jb.Options(precision="float32"))
    assert jb.precision_bound(of_size(10)) <= 1e-5
    assert jb.precision_bound(of_size(1000), jb.Options(precision="float32")) > 1e-4
    assert jb.precision_bound(of_size(1000), jb.Options(precision="float64")) < 1e-9


def test_one_sharp_image_of_a_batch_is_enough():
    blunt, sharp = of_size(10), of_size(1e12)
    with pytest.warns(jb.PrecisionWarning):
        jb.simulate_batch([blunt, sharp])
    images = jb.simulate_batch([blunt, of_size(500)])
    for image, case in zip(images, (blunt, of_size(500)), strict=True):
        exact = np.asarray(jb.simulate(case, jb.Options(precision="float64")))
        np.testing.assert_allclose(image, exact, rtol=0, atol=1e-5 * exact.max())


def test_traced_values_are_not_known():
    def bound(case):
        assert make_settings(case, jb.Options()).plan.tile == 4
        with pytest.raises(ValueError, match="Argument `experiment` must have known values, but some are traced"):
            jb.precision_bound(case)
        return 0.0

    jax.jit(bound)(of_size(1e6))


def test_what_changes_in_place_is_asked_for_again():
    """Arrays of numpy may be changed."""
    cells = np.full(3, 10.0)
    case = eqx.tree_at(lambda e: e.crystal.cells, of_size(10), cells)
    before = jb.precision_bound(case)
    cells[:] = 1e14
    assert jb.precision_bound(case) > before


@in_float64
def test_the_angle_of_a_pixel_is_the_largest_on_the_panel():
    """The foot of the sample's perpendicular on the panel, at its edge, and beside it, by hand."""
    size = 1e-3
    before = jb.FlatPanel((100, 100), size, (0.1, -0.05, -0.05), (0, 1, 0), (0, 0, 1))
    beside = jb.FlatPanel((100, 100), size, (0.1, 0.05, -0.05), (0, 1, 0), (0, 0, 1))
    assert largest_angle(before) == pytest.approx(size * np.sqrt(2) / 0.1)
    assert largest_angle(beside) == pytest.approx(size * np.sqrt(2) / np.hypot(0.1, 0.05))
    assert largest_angle(jb.MultiPanel([beside, before])) == pytest.approx(size * np.sqrt(2) / 0.1)
    curved = jb.CurvedDetector((16, 16), size, 0.1, (0.008, 0.008))
    assert largest_angle(curved) == pytest.approx(size * np.sqrt(2) / 0.1, rel=1e-3)
    assert largest_angle(panel()) > 0
