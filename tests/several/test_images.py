"""Many images in one launch are those drawn one by one."""

from dataclasses import replace
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import crystal, experiment, in_float64, panel, relative, structure_factors, tilted_panel

import jaxbragg as jb
from jaxbragg.models import StructureFactors
from jaxbragg.several import images

# One orientation to a pass: compiles sooner.
QUICK = jb.Options(unroll=1)
DOUBLE = jb.Options(unroll=1, precision="float64")
SMALL = panel((12, 16), 2.5e-3)


def small(**parts):
    return experiment(**{"detector": SMALL, **parts})


def one_by_one(experiments, options):
    return np.stack([np.asarray(jb.simulate(each, options)) for each in experiments])


def spectrum(ratios, weights):
    return jb.Beam(1.1, sources=jb.RelativeSources([0.0] * 2, [0.0] * 2, ratios, weights))


def listed(directions, wavelengths):
    return jb.Beam(1.1, sources=jb.AbsoluteSources(directions, wavelengths))


TURNS = [[10.0, -20, 30], [50, 60, -70], [-5, 80, 7]]
MASKS = np.random.default_rng(3).random((2, 12, 16)) < 0.7
# What differs from image to image: everything that an experiment is made of.
VARIED = {
    "missets": [small(crystal=crystal(misset=turn)) for turn in TURNS],
    "orientations": [small(crystal=crystal(orientation=jb.kernels.rotation.about_xyz(np.radians(t)))) for t in TURNS],
    "cells": [small(crystal=jb.Crystal((a, 52, 63, 82, 97, 100 + a / 10), cells=(7, 6, 5))) for a in (40.0, 43.0)],
    "sizes": [small(crystal=crystal(cells=cells)) for cells in ((7, 6, 5), (3, 4, 9))],
    "widths": [small(crystal=crystal(shape="gauss", fudge=fudge)) for fudge in (0.6, 1.7)],
    "mosaic spreads": [small(crystal=crystal(mosaic=jb.CapMosaic(spread, 3))) for spread in (0.3, 2.0)],
    "mosaic domains": [small(crystal=crystal(mosaic=jb.CapMosaic(1.0, 3, seed=seed))) for seed in (1, 2)],
    "beams": [
        small(beam=jb.Beam(1.1, polarization=0.4, fluence=1e28)),
        small(beam=jb.Beam(1.2, polarization=-0.3, fluence=3e28, direction=(0.8, 0.6, 0))),
    ],
    "spectra": [small(beam=spectrum([1.0, 1.02], [1, 3])), small(beam=spectrum([0.97, 1.0], [2, 1]))],
    "source lists": [
        small(beam=listed([[1, 0, 0], [0.96, 0.28, 0]], [1.0, 1.1])),
        small(beam=listed([[1, 0, 0], [0.96, 0, 0.28]], [1.1, 1.3])),
    ],
    "structure factors": [small(structure_factors=structure_factors(seed, 20.0 + seed)) for seed in (0, 1)],
    "scans": [small(scan=jb.Scan([0, angle], axis)) for angle, axis in ((1.0, (0, 0, 1)), (2.0, (0, 1, 0)))],
    "backgrounds": [small(background=jb.AmorphousBackground(3e7 * n, (0.0, 0.1 * n), (2.5, 4.0 / n))) for n in (1, 2)],
    "detectors": [
        small(detector=panel((12, 16), 2.5e-3, distance, sensor=jb.Sensor(thickness, 4e-4), mask=mask))
        for distance, thickness, mask in zip((0.1, 0.12), (3e-4, 5e-4), MASKS, strict=True)
    ],
    "panels": [small(detector=jb.MultiPanel([panel((12, 16), 2e-3, d), tilted_panel((12, 16))])) for d in (0.1, 0.15)],
    "curved detectors": [small(detector=jb.CurvedDetector((12, 16), 2.5e-3, 0.1, (c, 15e-3))) for c in (20e-3, 25e-3)],
    "nothing": [small(), small()],
}


@pytest.mark.parametrize("name", VARIED)
def test_a_sequence_gives_the_images_drawn_one_by_one(name):
    wanted = one_by_one(VARIED[name], QUICK)
    found = jb.simulate_batch(VARIED[name], QUICK)
    assert found.dtype == np.float32
    assert relative(found, wanted) < 1e-6
    if name != "nothing":
        assert relative(wanted[0], wanted[1]) > 1e-2


@in_float64
def stacked(several):
    """All leaves with an axis in front."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *several)


@pytest.mark.parametrize("name", ["missets", "spectra", "structure factors", "detectors", "panels"])
def test_one_experiment_with_axes_in_front_gives_them_too(name):
    found = jb.simulate_batch(stacked(VARIED[name]), QUICK)
    assert relative(found, one_by_one(VARIED[name], QUICK)) < 1e-6


@in_float64
def test_a_single_leaf_with_an_axis_in_front():
    whole = eqx.tree_at(lambda e: e.crystal.misset, small(), jnp.asarray(TURNS))
    wanted = one_by_one(VARIED["missets"], DOUBLE)
    assert relative(jb.simulate_batch(whole, DOUBLE), wanted) < 1e-12
    assert relative(jb.simulate_batch(whole, DOUBLE, axes=["crystal.misset"]), wanted) < 1e-12


@pytest.mark.parametrize("options", [{"memory_limit": 1}, {"memory_limit": 150_000}, {"block_pixels": 32}])
def test_a_memory_limit_and_small_blocks_change_nothing(options):
    five = [small(crystal=crystal(misset=(7.0 * n, 2, 3))) for n in range(5)]
    found = jb.simulate_batch(five, replace(QUICK, **options))
    assert relative(found, one_by_one(five, QUICK)) < 1e-6


def temporary_bytes(count, options):
    with jax.enable_x64(True):
        whole = eqx.tree_at(lambda e: e.crystal.misset, experiment(detector=panel((64, 64))), jnp.ones((count, 3)))
        batch = images.batch_of(whole, None)
        settings = images.batch_settings(batch, options)
        lowered = images._simulate_batch.lower((batch.batched, batch.count, settings), batch.experiment)
        return lowered.compile().memory_analysis().temp_size_in_bytes


def test_the_memory_limit_is_kept_whatever_the_number_of_images():
    limit, image = 3_000_000, 64 * 64 * 4
    for count in (8, 200):
        # The images are put together beside the result.
        assert temporary_bytes(count, replace(QUICK, memory_limit=limit)) < limit + 2 * count * image


@pytest.mark.parametrize("pixels", [(24, 40), (184, 180)])
def test_images_in_which_orientations_are_skipped_one_by_one(pixels):
    mosaic = jb.CapMosaic(0.5, 12)
    several = [
        experiment(
            crystal=crystal(misset=turn, cells=(20, 20, 20), shape="gauss", mosaic=mosaic),
            detector=panel(pixels, 5e-4),
        )
        for turn in TURNS
    ]
    whole = one_by_one(several, replace(QUICK, skip_below=0.0))
    assert relative(jb.simulate_batch(several, QUICK), whole) < 1e-6


def test_a_region_of_interest():
    options = replace(QUICK, roi=(3, 12, 2, 9))
    assert relative(jb.simulate_batch(VARIED["missets"], options), one_by_one(VARIED["missets"], options)) < 1e-6


# Transformations -----------------------------------------------------------------------------------------------------


def image_of(length, misset, whole):
    return eqx.tree_at(lambda e: (e.crystal.cell.a, e.crystal.misset), whole, (length, misset))


@pytest.mark.parametrize("limit", [None, 1])
@in_float64
def test_gradients_under_jit_are_those_of_the_images_one_by_one(limit):
    whole, lengths, turns = small(), jnp.array([40.0, 41.0, 43.0]), jnp.asarray(TURNS)
    weights = np.random.default_rng(1).random((3, 12, 16))

    def together(lengths, turns):
        options = replace(DOUBLE, memory_limit=limit)
        return (weights * jb.simulate_batch(image_of(lengths, turns, whole), options)).sum()

    @jax.jit
    @partial(jax.grad, argnums=(0, 1))
    def alone(length, turn, weights):
        return (weights * jb.simulate(image_of(length, turn, whole), DOUBLE)).sum()

    found = jax.jit(jax.grad(together, (0, 1)))(lengths, turns)
    wanted = [alone(*each) for each in zip(lengths, turns, weights, strict=True)]
    for one, other in zip(found, zip(*wanted, strict=True), strict=True):
        assert relative(one, np.stack(other)) < 1e-9


@in_float64
def test_forward_mode_and_experiments_made_under_it():
    def image(length):
        several = [image_of(length + n, jnp.asarray(TURNS[n]), small()) for n in range(2)]
        return jb.simulate_batch(several, DOUBLE)

    slope = jax.jacfwd(image)(41.0)
    assert slope.shape == (2, 12, 16)
    step = 1e-4
    wanted = (np.asarray(image(41.0 + step)) - np.asarray(image(41.0 - step))) / (2 * step)
    assert relative(slope, wanted) < 1e-5


@in_float64
def test_the_slope_by_a_table_that_all_share():
    def total(values):
        factors = StructureFactors(values, (-4, -5, -6), 25.0)
        whole = small(structure_factors=factors)
        whole = eqx.tree_at(lambda e: e.crystal.misset, whole, jnp.asarray(TURNS))
        return jb.simulate_batch(whole, DOUBLE).sum()

    def one_by_one(values):
        factors = StructureFactors(values, (-4, -5, -6), 25.0)
        return sum(
            jb.simulate(small(structure_factors=factors, crystal=crystal(misset=turn)), DOUBLE).sum() for turn in TURNS
        )

    values = small().structure_factors.values
    assert relative(jax.grad(total)(values), jax.grad(one_by_one)(values)) < 1e-9


def test_new_values_compile_nothing():
    jb.simulate_batch(VARIED["missets"], QUICK)
    compiled = images._simulate_batch._cache_size()
    jb.simulate_batch([small(crystal=crystal(misset=(n, n, n))) for n in range(3)], QUICK)
    assert images._simulate_batch._cache_size() == compiled


def test_the_callers_precision_stays_as_it_was():
    assert jb.simulate_batch(VARIED["missets"], DOUBLE).dtype == np.float64
    assert not jax.config.jax_enable_x64


# Bad input -----------------------------------------------------------------------------------------------------------


def test_other_arguments_are_refused():
    with pytest.raises(TypeError, match="Argument `options` must be Options, but is dict"):
        jb.simulate_batch(VARIED["missets"], {})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must lie on the detector of 16 × 12 pixels"):
        jb.simulate_batch(VARIED["missets"], jb.Options(roi=(0, 16, 0, 0)))
    with pytest.raises(ValueError, match="Argument `experiments` must hold at least one experiment, but is empty"):
        jb.simulate_batch([])
    with pytest.raises(ValueError, match="`simulate` takes a single experiment"):
        jb.simulate_batch(small())
