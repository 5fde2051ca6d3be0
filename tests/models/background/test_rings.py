"""Powder rings: against crystallites drawn one by one, against tabulated ice, and their place, width and strength."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg_kernels.background import on_even_grid
from jaxbragg_kernels.numerics import numerics

CELL = (10.0, 11.0, 13.0, 80.0, 85.0, 95.0)


def detector(pixels=64, size=2e-3, distance=0.1):
    half = pixels * size / 2
    return jb.FlatPanel((pixels, pixels), size, (distance, half, -half), (0, 0, 1), (0, -1, 0))


def experiment(background=None, **parts):
    made = {
        "beam": jb.Beam(1.0, fluence=1e28), "crystal": jb.Crystal(CELL), "detector": detector(),
        "structure_factors": jb.StructureFactors(default=0.0), "background": background,
    }  # fmt: skip
    return jb.Experiment(**(made | parts))


def test_many_crystallites_in_all_directions_make_the_rings():
    """2¹⁵ gauss crystals of 10 cells, evenly turned: photons of each ring within 1 %, multiplicity and all.

    The integral of a gauss spot's |F_latt|² over a reciprocal cell is (π 0.63/2)^1.5 = 0.984443 times N.
    """
    cell, cells, count = (12.0, 12.0, 12.0, 90.0, 90.0, 90.0), 10, 1 << 15
    values = np.zeros((5, 5, 5))
    for h in range(-2, 3):
        for k in range(-2, 3):
            for l in range(-2, 3):
                if 0 < h * h + k * k + l * l <= 3:
                    values[h + 2, k + 2, l + 2] = 50.0
    factors = jb.StructureFactors(values, (-2, -2, -2))
    powder = jb.Crystal(cell, cells=cells, shape="gauss", mosaic=jb.RotationList(jb.uniform_rotations(count)))
    panel = detector(48, 1e-3)
    drawn = np.asarray(
        jb.simulate(experiment(crystal=powder, structure_factors=factors, detector=panel), jb.Options(oversample=2)),
        float,
    )
    # A gauss spot is exp(-2 Σ (N Δh)²/0.63): its standard deviation in h is √(0.63/4)/N.
    width = np.sqrt(0.63 / 4) / (cells * 12.0)
    rings = jb.PowderRings.of(factors, cell, 0.984443 * cells**3, width=width)
    wanted = np.asarray(jb.simulate(experiment(rings, detector=panel), jb.Options(oversample=2)), float)
    radius = np.hypot(*(np.indices((48, 48)) - 23.5)) * 1e-3 / 0.1
    for square in (1, 2, 3):
        at = np.tan(2 * np.arcsin(np.sqrt(square) / 12 / 2))
        ring = abs(radius - at) < 0.012
        assert drawn[ring].sum() == pytest.approx(wanted[ring].sum(), rel=0.01)
        assert wanted[ring].sum() > 0.1 * wanted.sum()


def test_the_strength_is_that_of_the_formula():
    """One reflection and its mate: 2 |F|² / (4π s² V) times a Gaussian of area 1."""
    values = np.zeros((3, 3, 3))
    values[2, 1, 1] = values[0, 1, 1] = 7.0
    rings = jb.PowderRings.of(jb.StructureFactors(values, (-1, -1, -1)), (20, 20, 30, 90, 90, 90), 5.0, width=1e-3)
    assert np.asarray(rings.radius).tolist() == pytest.approx([0.05])
    with numerics():
        step, table = rings._table()
    s = np.asarray(step) * np.arange(rings.points) + 1e-30
    formula = 5.0 * 2 * 49 / (20 * 20 * 30) / (4 * np.pi * s**2) * np.exp(-0.5 * ((s - 0.05) / 1e-3) ** 2)
    formula /= 1e-3 * np.sqrt(2 * np.pi)
    near = abs(s - 0.05) < 5e-3
    np.testing.assert_allclose(np.asarray(table)[near], formula[near], rtol=1e-10)


def test_ice_has_the_rings_and_their_relative_strengths_that_are_tabulated():
    """sin θ/λ and |F| of the first seven in ice.stol, which comes with nanoBragg (MIT, see NOTICE): √ of intensity."""
    tabulated = [(0.127984, 144.851), (0.136125, 114.68), (0.144957, 133.84), (0.186849, 111.068),
                 (0.221681, 181.998), (0.240987, 202.156), (0.260139, 143.507)]  # fmt: skip
    ice = jb.PowderRings.ice(1e-15, b_factor=0.0)
    radius, strength = np.asarray(ice.radius), np.asarray(ice.strength)
    places = [int(np.argmin(abs(radius / 2 - stol))) for stol, _ in tabulated]
    for place, (stol, _) in zip(places, tabulated, strict=True):
        assert radius[place] / 2 == pytest.approx(stol, rel=4e-3)
    found = np.sqrt(strength[places])
    known = np.array([factor for _, factor in tabulated])
    print(found / known)
    np.testing.assert_allclose(found / known, (found / known).mean(), rtol=0.1)
    assert 1 / radius[places[0]] == pytest.approx(3.90, abs=0.02)


def test_the_sum_of_forward_cell_is_that_of_its_electrons():
    """Four waters: F(000) would be 40 electrons; of 002 it is below."""
    from jaxbragg.models.background.substances import hexagonal_ice

    _, squares = hexagonal_ice((1, 1, 2), 0.0)
    assert squares[1, 1, 2] == pytest.approx(40.0**2, rel=5e-3)
    assert 0 < squares[1, 1, 4] < 40**2


def test_small_crystallites_have_broad_rings():
    wide = jb.PowderRings.ice(1e-15, 5e-9)
    assert float(wide.width) * 2.3548 == pytest.approx(0.94 / 50.0, rel=1e-4)
    assert float(jb.PowderRings.ice(1e-15, width=1e-3).width) == 1e-3


def test_an_image_is_nowhere_below_0():
    """Nor is it where a cubic between two numbers of the table would be."""
    rings = jb.PowderRings.ice(1e-14, 2e-8, d_min=2.0)
    image = np.asarray(jb.simulate(experiment(rings), jb.Options(precision="float64")))
    assert image.min() >= 0
    assert image.max() > 0


def test_between_the_points_of_a_table_are_cubics_and_beyond_it_is_0():
    """Exact for parabolas inside; of a Gaussian ring with 8 points to its width 1e-4 off; and of one slope."""
    grid = np.arange(41) / 8.0
    places = np.linspace(1.0, 4.0, 1001)
    with numerics():
        parabola = on_even_grid(jnp.asarray(places), jnp.asarray(0.125), jnp.asarray(grid**2))
        ring = on_even_grid(jnp.asarray(places), jnp.asarray(0.125), jnp.asarray(np.exp(-0.5 * (grid - 2.5) ** 2)))
        slopes = jax.vmap(jax.grad(lambda s: on_even_grid(s, jnp.asarray(0.125), jnp.asarray(grid**3))))(
            jnp.asarray([2.0 - 1e-9, 2.0 + 1e-9])
        )
    np.testing.assert_allclose(parabola, places**2, rtol=1e-12)
    assert abs(np.asarray(ring) - np.exp(-0.5 * (places - 2.5) ** 2)).max() < 1e-4
    assert float(slopes[0]) == pytest.approx(float(slopes[1]), rel=1e-6)
    table = np.array([1.0, 3.0, 2.0])
    with numerics():
        found = on_even_grid(np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.01]), np.asarray(0.5), jnp.asarray(table))
    np.testing.assert_allclose(np.asarray(found)[[0, 2, 4, 5]], [1.0, 3.0, 2.0, 0.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jb.PowderRings(1.0, [], [], 1e-3), "`radius` must hold at least one ring"),
        (lambda: jb.PowderRings(1.0, [0.2, 0.1], [1, 1], 1e-3), "`radius` must ascend"),
        (lambda: jb.PowderRings(1.0, [0.2], [1], 0.0), "`width` must be positive"),
        (lambda: jb.PowderRings(1.0, [0.2], [1], 1e-9), "`width` must be wider"),
        (lambda: jb.PowderRings(-1.0, [0.2], [1], 1e-3), "`cells` must not be negative"),
        (lambda: jb.PowderRings.ice(1e-15, -1.0), "`size` must be positive"),
        (lambda: jb.PowderRings.ice(-1e-15), "`volume` must not be negative"),
        (lambda: jb.PowderRings.of(jb.StructureFactors(np.ones((1, 1, 1))), CELL, 1.0, 1e-7), "other than 000"),
        (lambda: jb.PowderRings.of(jb.StructureFactors(np.ones((3, 3, 3))), CELL, 1.0), "exclude each other"),
    ],
)
def test_what_cannot_be_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
