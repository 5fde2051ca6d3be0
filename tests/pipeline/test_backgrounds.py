"""Backgrounds of an image by spots: one table for all that are radial, against each by itself, pixel by pixel."""

from typing import Any

import cases
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.models import RadialTable
from jaxbragg.pipeline.backgrounds import background_arrays
from jaxbragg.pipeline.settings import make_settings
from jaxbragg_kernels.numerics import numerics

WATER = jb.AmorphousBackground.slab(3e-5, 5e-5)
AIR = jb.AmorphousBackground.gas(0.02, 5e-5)
ICE = jb.PowderRings.ice(2.5e-15)
CONSTANT = jb.AmorphousBackground.water(1e-5)
DIFFUSE = jb.LiquidLikeMotions.of(cases.crystal(), cases.structure_factors())


def experiment(*backgrounds: jb.AbstractBackground, **parts: Any) -> jb.Experiment:
    return cases.experiment(
        detector=cases.tilted_panel((120, 110), 4e-4), structure_factors=jb.StructureFactors(default=0.0),
        crystal=cases.crystal(shape="gauss"), background=list(backgrounds), **parts,
    )  # fmt: skip


def image(each: jb.Experiment, method: str, precision: str = "mixed") -> Any:
    return jb.simulate(each, jb.Options(oversample=1, method=method, precision=precision))


@pytest.mark.parametrize(
    ("backgrounds", "off", "precision"),
    [
        ((WATER,), 5e-5, "mixed"),  # whose table has kinks, which cubics round
        ((AIR,), 2e-6, "mixed"),
        ((ICE,), 2e-5, "mixed"),
        ((WATER, AIR, ICE, CONSTANT), 5e-5, "mixed"),
        ((WATER, AIR, ICE, CONSTANT), 5e-5, "float64"),
        ((CONSTANT,), 1e-6, "mixed"),
        ((DIFFUSE, AIR), 2e-6, "mixed"),  # one that is not radial
    ],
)
def test_the_sum_that_is_looked_up_is_that_of_each_by_itself(backgrounds, off, precision) -> None:
    each = experiment(*backgrounds)
    assert cases.relative(image(each, "spots", precision), image(each, "samples", precision)) < off


def test_every_line_of_a_spectrum_finds_its_place_in_the_table() -> None:
    lines = jb.models.AbsoluteSources([(1.0, 0, 0)] * 3, [0.8, 1.1, 1.4], [0.2, 0.5, 0.3])
    each = experiment(WATER, AIR, beam=jb.Beam(1.1, sources=lines, fluence=1e25))
    assert cases.relative(image(each, "spots"), image(each, "samples")) < 5e-5


def test_slopes_of_the_look_up_are_those_of_each_by_itself() -> None:
    """Of the sum of squares: by the rings' widths, the molecules, and the detector's place."""
    options = {m: jb.Options(oversample=1, method=m, precision="float64") for m in ("spots", "samples")}
    options["spots"] = jb.spot_options(experiment(WATER, ICE), options["spots"])

    def loss(change: Any, method: str) -> Any:
        water = WATER.replace(molecules=WATER.molecules * (1 + change[0]))
        ice = jb.PowderRings(ICE.cells, ICE.radius, ICE.strength, ICE.width * (1 + change[1]), ICE.points)
        each = experiment(water, ice)
        panel: Any = each.detector
        each = each.replace(detector=panel.replace(origin=panel.origin + 1e-3 * change[2:]))
        return (jb.simulate(each, options[method]) ** 2).sum()

    with numerics():
        by_table, by_each = (jax.grad(loss)(jnp.zeros(5), method) for method in ("spots", "samples"))
    np.testing.assert_allclose(by_table, by_each, rtol=2e-3)


def test_what_is_radial_is_one_table_and_there_is_no_crystal() -> None:
    each = experiment(WATER, DIFFUSE, ICE)
    with numerics():
        arrays = background_arrays(each, make_settings(each, jb.Options(oversample=1)))
    assert [type(each) for each in arrays.backgrounds] == [RadialTable, jb.LiquidLikeMotions, jb.PowderRings]
    assert arrays.crystal.orientations.shape == (0, 3, 3)


def test_between_the_points_of_a_table_parabolas_are_exact() -> None:
    step = 0.01
    table = RadialTable(step, (3.0 + (step * np.arange(51) - 0.2) ** 2))
    places = np.array([0.0153, 0.2, 0.3777, 0.48])
    with numerics():
        np.testing.assert_allclose(table.intensity(jnp.asarray(places)), 3.0 + (places - 0.2) ** 2, rtol=1e-12)
        assert table.intensity(jnp.asarray(0.51)) == 0


@pytest.mark.parametrize(
    ("step", "values", "said"),
    [
        (0.0, [1, 2], "`step` must be positive"),
        (float("nan"), [1, 2], "`step`"),
        (0.1, [1.0], "`values` must hold at least two"),
        (0.1, [1.0, -2.0], "`values` must not be negative"),
        (0.1, [[1.0, 2.0]], "`values`"),
    ],
)
def test_a_table_that_cannot_be_is_refused(step, values, said) -> None:
    with pytest.raises(ValueError, match=said):
        RadialTable(step, values)
