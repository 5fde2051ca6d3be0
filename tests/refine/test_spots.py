"""Fits by spots: the model is the image by spots, its derivatives are right, and lists are as long as they must be."""

from dataclasses import replace

import equinox as eqx
import numpy as np
import pytest
from cases import relative
from gaussian_cases import EXACT, gaussian

import jaxbragg as jb
from benchmarks import spot_fits as script
from jaxbragg import refine
from jaxbragg.refine.coarse_to_fine import blurred

SPREAD = refine.Parameter("crystal.mosaic.spread", name="mosaic")
SIZE = refine.Parameter(tuple(f"crystal.cells[{i}]" for i in range(3)), name="N")
FREE = [SPREAD, SIZE, "beam.sources.bandwidth", "crystal.cell.a", "crystal.misset", "image.scale"]
WATER = jb.AmorphousBackground.water(1e-3)


def counts_of(made, flux=1.0, seed=0):
    """The experiment with so many photons in the brightest pixel; its image with noise, over one photon a pixel."""
    image = np.asarray(jb.simulate(made, EXACT))
    factor = flux / image.max()
    made = eqx.tree_at(lambda e: e.beam.fluence, made, np.asarray(made.beam.fluence) * factor)
    return made, np.random.default_rng(seed).poisson(factor * image + 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"width": 0.5}], ids=["a still", "a rotation"])
def test_the_model_is_the_image_and_both_modes_agree_with_differences(more):
    start, counts = counts_of(gaussian(bandwidth=0.002, cells=12, background=WATER, **more), 300.0)
    problem = refine.Problem(start, [*FREE, refine.Parameter("image.constant", start=1.0)], counts, EXACT)
    wanted = np.asarray(jb.simulate(start, EXACT)) + 1.0
    assert relative(problem.model_image(problem.start), wanted) < 1e-9
    x = 0.1 * np.random.default_rng(1).standard_normal(len(problem.start))
    step = 1e-4 * np.eye(len(x))
    numeric = np.array([(problem.objective(x + s) - problem.objective(x - s)) / 2e-4 for s in step])
    np.testing.assert_allclose(problem.gradient(x), numeric, rtol=1e-4, atol=1e-5 * abs(numeric).max())
    equations = problem.normal_equations(x)
    np.testing.assert_allclose(2 * equations.gradient, numeric, rtol=1e-4, atol=1e-5 * abs(numeric).max())
    assert equations.objective == pytest.approx(problem.objective(x), rel=1e-12)


@pytest.mark.slow
def test_lists_that_are_too_short_grow():
    start, counts = counts_of(gaussian(), 300.0)
    sizes = jb.spot_options(start, EXACT).spots
    short = replace(EXACT, method="spots", spots=sizes._replace(pairs=sizes.pairs // 3))
    problem = refine.Problem(start, [SPREAD], counts, short)
    assert problem.recipes[0].settings.options.spots.pairs == sizes.pairs
    assert relative(problem.model_image(problem.start), jb.simulate(start, EXACT)) < 1e-9


@pytest.mark.slow
def test_lists_grow_on_the_way_but_a_wild_step_is_not_followed():
    """0.05° is a unit of x: mosaic 0.6°, then 50°."""
    start, counts = counts_of(gaussian(), 300.0)
    problem = refine.Problem(start, [SPREAD], counts, EXACT)
    sizes, there = problem.recipes[0].settings.options.spots, np.array([6.0])
    wide = eqx.tree_at(lambda e: e.crystal.mosaic.spread, start, np.full(1, 0.6))
    other = refine.Problem(wide, [SPREAD], counts, EXACT)
    assert problem.objective(there) == pytest.approx(other.objective(other.start), rel=1e-9)
    assert problem.recipes[0].settings.options.spots.pairs > sizes.pairs
    before = problem.recipes
    assert not np.isfinite(problem.objective(np.array([1000.0])))
    assert problem.recipes is before


def test_where_spots_cannot_be_drawn_the_fit_samples_and_says_so():
    start, counts = counts_of(gaussian(), 300.0)
    sampled = refine.Problem(start, [SPREAD], counts, replace(EXACT, skip_below=0.0))
    with pytest.warns(jb.SampledWarning, match="samples stand for what is Gaussian"):
        value = sampled.objective(sampled.start)
    plain = refine.Problem(start, [SPREAD], counts, replace(EXACT, skip_below=0.0, method="samples"))
    assert value == pytest.approx(plain.objective(plain.start), rel=1e-9)
    with pytest.raises(ValueError, match="something must be skipped"):
        refine.Problem(start, [SPREAD], counts, replace(EXACT, skip_below=0.0, method="spots"))


def one_reflection(width, **parts):
    """3 4 5 where it meets the sphere, at 25.74°, alone and on fine pixels; a rotation by 1.9° has all of it."""
    values = np.zeros((17, 17, 21))
    values[8 + 3, 8 + 4, 10 + 5] = 100.0
    origin = np.array([0.1, 0.01377, 0.00732]) + 2e-5 * np.array([0, 12, -16])
    scan = jb.Scan((25.74,)) if width is None else jb.Scan.continuous(25.74 - width / 2, width)
    return gaussian(
        mosaic=0.05, bandwidth=1e-3, cells=30, structure_factors=jb.StructureFactors(values, (-8, -8, -10)), scan=scan,
        detector=jb.FlatPanel((24, 32), 2e-5, origin, (0, 0, 1), (0, -1, 0)), **parts,
    )  # fmt: skip


def spread_cells():
    """The crystal of `one_reflection`, whose cells differ by 0.1 % and are turned by next to nothing."""
    return jb.Crystal(
        (40.0, 40, 55, 90, 90, 90), misset=(11.0, 22.0, 33.0), cells=30, shape="gauss",
        mosaic=jb.GaussianMosaic(0.01), cell_spread=jb.CellSpread(0.001),
    )  # fmt: skip


WIDE_BY = {
    "a still": (None, {}),
    "a rotation": (1.9, {}),
    "cells": (1.9, {"crystal": spread_cells()}),
    "a table of a spectrum": (1.9, {"beam": jb.Beam(1.0, fluence=1e28, sources=jb.SpectrumTable([1.0], [1.0], 2e-3))}),
}


@pytest.mark.slow
@pytest.mark.parametrize(("width", "parts"), WIDE_BY.values(), ids=WIDE_BY)
def test_blurred_spots_are_wider_at_the_same_sum(width, parts):
    made = one_reflection(width, **parts)
    problem = refine.Problem(made, ["crystal.misset"], np.ones((24, 32)), EXACT)
    plain, wide = (p.model_image(p.start) for p in (problem, blurred(problem, 2.0)))
    assert wide.sum() == pytest.approx(plain.sum(), rel=0.02)

    def variance(image):
        slow, fast = np.indices(image.shape)
        middle = [(axis * image).sum() / image.sum() for axis in (slow, fast)]
        return sum(((axis - m) ** 2 * image).sum() / image.sum() for axis, m in zip((slow, fast), middle, strict=True))

    assert variance(wide) / variance(plain) == pytest.approx(4.0, rel=0.05)


# Fits ------------------------------------------------------------------------------------------------------------


def pulls_of(counts, solver="lm"):
    problem = refine.Problem(script.still(**script.START), script.FREE, counts)
    result = refine.fit(problem, solver)
    assert result.converged
    truth = script.TRUTH.items()
    return np.array([(result.values[name] - value) / result.uncertainties[name] for name, value in truth])


@pytest.mark.slow
def test_mosaic_bandwidth_size_cell_and_orientation_are_found_within_their_uncertainties():
    """20 realisations of the noise: means of pulls scatter by 0.22, their standard deviations by 0.16."""
    image = np.asarray(jb.simulate(script.still()), float)
    assert 500 < image.max() < 5000
    pulls = np.array([pulls_of(np.random.default_rng(seed).poisson(image + 1.0)) for seed in range(20)])
    assert (abs(pulls[0]) < 2.0).all()
    assert (abs(pulls.mean(axis=0)) < 0.7).all()
    assert (abs(pulls.std(axis=0, ddof=1) - 1.0) < 0.5).all()


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["scipy", "optax", "optimistix"])
def test_other_solvers_find_the_same(solver):
    pytest.importorskip(solver)
    counts = np.random.default_rng(0).poisson(np.asarray(jb.simulate(script.still()), float) + 1.0)
    np.testing.assert_allclose(pulls_of(counts, solver), pulls_of(counts), atol=0.1)
