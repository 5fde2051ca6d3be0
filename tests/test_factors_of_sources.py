"""Structure factors of each wavelength: the image is the sum of those of its sources, whatever way it is computed."""

import equinox as eqx
import jax
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.trace import trace_pixel

RNG = np.random.default_rng(3)
BOXES = RNG.uniform(10, 200, (3, 9, 9, 9))
RATIOS, WEIGHTS = np.array([0.97, 1.0, 1.04]), np.array([1.0, 3.0, 2.0])
SHAPES: dict = {
    "square": {"shape": "square", "cells": 5},
    "gauss, skipping": {"shape": "gauss", "cells": 20, "mosaic": jb.CapMosaic(2.0, 8)},
}


def experiment(boxes=BOXES, sources=None, **crystal):
    kind = jb.SourceStructureFactors if boxes.ndim == 4 else jb.StructureFactors
    return jb.Experiment(
        beam=jb.Beam(1.5, polarization=0.5, sources=sources or jb.RelativeSources([0] * 3, [0] * 3, RATIOS, WEIGHTS)),
        crystal=jb.Crystal((20, 22, 25, 90, 95, 90), misset=(5, 10, 15), **crystal),
        detector=jb.FlatPanel((32, 32), 1.2e-3, (0.05, 0.02, -0.02), (0, 0, 1), (0, -1, 0)),
        structure_factors=kind(boxes, (-4, -4, -4), 7.0),
    )


def one_by_one(options, **crystal):
    """Each source alone, with its own box, by its share."""
    total = 0.0
    for box, ratio, weight in zip(BOXES, RATIOS, WEIGHTS, strict=True):
        alone = experiment(box, jb.RelativeSources([0], [0], [ratio]), **crystal)
        total = total + np.asarray(jb.simulate(alone, options), float) * weight / WEIGHTS.sum()
    return total


@pytest.mark.parametrize(
    ("name", "interpolation"), [("square", "nearest"), ("square", "tricubic"), ("gauss, skipping", "nearest")]
)
def test_the_image_is_the_sum_over_sources(name, interpolation):
    options = jb.Options(interpolation=interpolation, oversample=1)
    image = np.asarray(jb.simulate(experiment(**SHAPES[name]), options), float)
    wanted = one_by_one(options, **SHAPES[name])
    np.testing.assert_allclose(image, wanted, atol=3e-6 * wanted.max())
    same = np.asarray(jb.simulate(experiment(BOXES[1], **SHAPES[name]), options), float)
    assert np.abs(image - same).max() > 0.01 * wanted.max()


def test_boxes_are_dealt_out_in_turn():
    """Two directions, each of three wavelengths: boxes 0, 1, 2, 0, 1, 2."""
    grid = jb.RelativeSources.grid([-0.002, 0.002], [0.0, 0.0], RATIOS)
    twice = np.concatenate([BOXES, BOXES])
    image, repeated = (np.asarray(jb.simulate(experiment(boxes, grid, **SHAPES["square"]))) for boxes in (BOXES, twice))
    np.testing.assert_allclose(image, repeated, atol=1e-6 * image.max())


@pytest.mark.parametrize("name", ["square", pytest.param("gauss, skipping", marks=pytest.mark.slow)])
def test_derivatives_by_every_box(name):
    options = jb.Options(precision="float64", oversample=1)
    made = experiment(**SHAPES[name])

    def total(values):
        return jb.simulate(eqx.tree_at(lambda e: e.structure_factors.values, made, values), options).sum()

    with jax.enable_x64(True):
        values = jax.numpy.asarray(BOXES)
        slopes = np.asarray(jax.jit(jax.grad(total))(values))
        base = float(total(values))
        for place in [(0, 4, 5, 4), (1, 5, 4, 4), (2, 3, 4, 5)]:
            step = 1e-3
            change = float(total(values.at[place].add(step))) - float(total(values.at[place].add(-step)))
            assert slopes[place] == pytest.approx(change / (2 * step), rel=1e-5, abs=1e-9 * base)
        direction = np.asarray(RNG.normal(size=BOXES.shape))
        along = float(jax.jvp(total, (values,), (jax.numpy.asarray(direction),))[1])
    assert along == pytest.approx((slopes * direction).sum(), rel=1e-9)
    assert (np.abs(slopes).reshape(3, -1).max(axis=1) > 0).all()


def test_the_trace_has_each_sources_f():
    made = experiment(**SHAPES["square"])
    trace = trace_pixel(made, jb.Options(precision="float64", oversample=1), 12, 21)
    for step in trace.steps:
        index = np.round([step.h_frac, step.k_frac, step.l_frac]).astype(int) + 4
        inside = ((index >= 0) & (index < 9)).all()
        wanted = BOXES[(step.source, *index)] if inside else 7.0
        assert step.F_cell == pytest.approx(wanted)
    assert len({step.source for step in trace.steps}) == 3


def lines_of_their_own():
    """Three sharp lines in closed form, in the order of neither their wavelengths nor their weights."""
    lines = jb.SpectrumTable(1.5 * RATIOS[[2, 0, 1]], WEIGHTS[[2, 0, 1]], 1e-5)
    return experiment(BOXES[[2, 0, 1]], lines, shape="gauss", cells=20, mosaic=jb.GaussianMosaic(0.5))


def test_by_spots_each_line_has_its_own():
    # What is left out of an image is a share of its own brightest spot: next to nothing here.
    options = jb.Options(precision="float64", method="spots", skip_below=1e-14)
    made = lines_of_their_own()
    image, total = np.asarray(jb.simulate(made, options)), 0.0
    for i, (box, weight) in enumerate(zip(BOXES[[2, 0, 1]], WEIGHTS[[2, 0, 1]], strict=True)):
        sources = jb.SpectrumTable(made.beam.sources.wavelengths, np.eye(3)[i], 1e-5)
        alone = experiment(box, sources, shape="gauss", cells=20, mosaic=jb.GaussianMosaic(0.5))
        total = total + np.asarray(jb.simulate(alone, options)) * weight / WEIGHTS.sum()
    np.testing.assert_allclose(image, total, atol=1e-9 * image.max())


def test_samples_of_lines_have_the_factors_of_their_line():
    made = lines_of_their_own()
    wanted = np.asarray(jb.simulate(made, jb.Options(method="spots")), float)
    found = np.asarray(jb.simulate(made, jb.Options(method="samples", samples=16384)), float)
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.9995
    assert found.sum() == pytest.approx(wanted.sum(), rel=3e-3)


def test_batches_share_boxes_or_have_their_own():
    one = experiment(**SHAPES["square"])
    other = experiment(BOXES[::-1].copy(), **SHAPES["square"])
    turned = eqx.tree_at(lambda e: e.crystal.misset, one, np.array([1.0, 2.0, 3.0]))
    for pair in ([one, other], [one, turned]):
        images = np.asarray(jb.simulate_batch(pair), float)
        for image, each in zip(images, pair, strict=True):
            np.testing.assert_allclose(image, jb.simulate(each), atol=1e-5 * image.max())


def test_boxes_that_do_not_go_round_are_refused():
    with pytest.raises(ValueError, match="dealt out evenly, but has 2 where the beam has 3"):
        jb.simulate(experiment(BOXES[:2], **SHAPES["square"]))
    broad = experiment(sources=jb.GaussianSources(0.01), shape="gauss")
    with pytest.raises(ValueError, match="dealt out evenly, but has 3 where the beam has 1"):
        jb.simulate(broad, jb.Options(method="samples"))
    with pytest.raises(ValueError, match="one for each of the 1 lines, not 3"):
        jb.simulate(broad, jb.Options(method="spots"))
    with pytest.raises(ValueError, match="`values`"):
        jb.SourceStructureFactors(np.ones((2, 2)))
    with pytest.raises(ValueError, match="at least one index"):
        jb.SourceStructureFactors(np.ones((0, 2, 2, 2)))


def test_tables_are_put_together():
    tables = [jb.StructureFactors(box, (-4, -4, -4), 7.0) for box in BOXES]
    found = jb.SourceStructureFactors.of(tables)
    np.testing.assert_array_equal(found.amplitudes(), BOXES)
    assert (found.minimum, float(found.default)) == ((-4, -4, -4), 7.0)
    for wrong, message in (
        ([], "at least one table"),
        ([tables[0], jb.StructureFactors(BOXES[0], (-3, -4, -4), 7.0)], r"boxes of one size, but \[1\]"),
        ([tables[0], jb.StructureFactors(BOXES[0], (-4, -4, -4), 8.0)], r"one default, but \[1\]"),
    ):
        with pytest.raises(ValueError, match=message):
            jb.SourceStructureFactors.of(wrong)
