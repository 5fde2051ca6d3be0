"""Batches and sums by spots are the images made one by one."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64, relative
from gaussian_cases import EXACT, gaussian, panel

import jaxbragg as jb
from jaxbragg.several import images

TURNS = [[11.0, 22, 33], [50, 60, -70], [-5, 80, 7]]
MASKS = np.random.default_rng(3).random((2, 24, 32)) < 0.7


def one_by_one(experiments, options):
    return np.stack([np.asarray(jb.simulate(each, options)) for each in experiments])


VARIED = {
    "missets": [gaussian(misset=turn) for turn in TURNS],
    "spreads, cells and sizes": [
        gaussian(mosaic=0.2 * n, bandwidth=1e-3 * n, cell=(40.0 + n, 40, 55, 90, 90, 90), cells=10 + n) for n in (1, 3)
    ],
    "detectors and backgrounds": [
        gaussian(detector=panel(d, mask=mask), background=jb.AmorphousBackground.water(n * 1e-3))
        for n, d, mask in zip((1, 2), (0.1, 0.12), MASKS, strict=True)
    ],
    "rotations": [gaussian(0.1, width=width, misset=turn) for width, turn in zip((0.5, 1.5), TURNS, strict=False)],
    "nothing": [gaussian(), gaussian()],
}  # fmt: skip
_LONG = ("detectors and backgrounds", "spreads, cells and sizes", "rotations", "nothing")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n in _LONG else []) for n in VARIED])
def test_a_sequence_gives_the_images_drawn_one_by_one(name):
    wanted = one_by_one(VARIED[name], EXACT)
    found = jb.simulate_batch(VARIED[name], EXACT)
    assert found.dtype == np.float64
    assert relative(found, wanted) < 1e-9
    if name != "nothing":
        assert relative(wanted[0], wanted[1]) > 1e-2


def test_an_axis_in_front_gives_them_too_and_lists_found_before_serve_all():
    with jax.enable_x64(True):
        whole = eqx.tree_at(lambda e: e.crystal.misset, gaussian(), jnp.asarray(TURNS))
    wanted = one_by_one(VARIED["missets"], EXACT)
    assert relative(jb.simulate_batch(whole, EXACT), wanted) < 1e-9
    options = jb.spot_options(whole, EXACT, margin=1.02)
    assert options == jb.spot_options(VARIED["missets"], EXACT, margin=1.02)
    assert options == jb.spot_options(whole, EXACT, axes=["crystal.misset"], margin=1.02)
    each = [jb.spot_options(one, EXACT, margin=1.02).spots for one in VARIED["missets"]]
    assert options.spots.pairs >= max(one.pairs for one in each)
    assert jb.simulate_batch(whole, options).shape == (3, 24, 32)
    compiled = images._draw_batch._cache_size()
    jb.simulate_batch(VARIED["missets"], options)
    jb.simulate_batch(VARIED["missets"], EXACT)
    assert images._draw_batch._cache_size() == compiled


@pytest.mark.slow
@in_float64
def test_under_jit_lists_are_found_before_and_gradients_are_those_of_the_images():
    whole, turns = gaussian(), jnp.asarray(TURNS)
    weights = np.random.default_rng(1).random((3, 24, 32))
    options = jb.spot_options(VARIED["missets"], EXACT)

    def put(turn, spread):
        return eqx.tree_at(lambda e: (e.crystal.misset, e.crystal.mosaic.spread), whole, (turn, spread))

    def total(turns, spread, options=options):
        return (weights * jb.simulate_batch(put(turns, spread), options)).sum()

    @jax.jit
    def alone(turn, spread, weight):
        return (weight * jb.simulate(put(turn, spread), options)).sum()

    spread = jnp.asarray([0.3, 0.3, 0.3])
    by_turns, by_spread = jax.jit(jax.grad(total, (0, 1)))(turns, spread)
    wanted = [jax.grad(alone, (0, 1))(turn, spread, weight) for turn, weight in zip(turns, weights, strict=True)]
    assert relative(by_turns, np.stack([each[0] for each in wanted])) < 1e-8
    assert relative(by_spread, sum(np.asarray(each[1]) for each in wanted)) < 1e-8
    with pytest.raises(ValueError, match=r"jb.spot_options\(experiments, options\) finds it"):
        jax.jit(lambda turns: total(turns, spread, EXACT))(turns)


@pytest.mark.slow
def test_where_one_has_no_closed_form_all_are_sampled():
    wide = [gaussian(mosaic=0.3), gaussian(mosaic=12.0)]
    with pytest.warns(jb.SampledWarning, match="samples stand for what is Gaussian"):
        found = jb.simulate_batch(wide, EXACT)
    assert relative(found, one_by_one(wide, replace(EXACT, method="samples"))) < 1e-9
    with pytest.raises(ValueError, match="narrower Gaussians may stand for it"):
        jb.simulate_batch(wide, replace(EXACT, method="spots"))
    with pytest.raises(ValueError, match="something must be skipped"):
        jb.spot_options(wide[:1], replace(EXACT, skip_below=0.0))


# Sums of crystals -----------------------------------------------------------------------------------------------------


def test_many_crystals_in_one_image_are_the_sum_of_theirs_and_one_background():
    water = jb.AmorphousBackground.water(1e-3)
    several = [
        gaussian(mosaic=0.2 * n, misset=turn, background=water, detector=panel(mask=MASKS[0]))
        for n, turn in enumerate(TURNS, 1)
    ]
    bare = [replace(each, background=None) for each in several]
    alone = one_by_one(bare, EXACT).sum(axis=0)
    dark = replace(several[0], structure_factors=jb.StructureFactors(default=0.0))
    wanted = alone + np.asarray(jb.simulate(dark, replace(EXACT, method="samples", samples=1)))
    assert relative(jb.simulate_together(several, EXACT), wanted) < 1e-9
    assert relative(wanted, alone) > 1e-4


@pytest.mark.slow
def test_mixed_precision_is_near_float64():
    several = VARIED["missets"]
    found = jb.simulate_together(several, jb.Options())
    assert found.dtype == np.float32
    assert relative(found, one_by_one(several, EXACT).sum(axis=0)) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("gradient", [False, True])
@in_float64
def test_memory_is_flat_in_the_number_of_crystals(gradient):
    options = jb.spot_options(VARIED["missets"], EXACT)

    def temporary_bytes(count):
        whole = eqx.tree_at(lambda e: e.crystal.misset, gaussian(), jnp.ones((count, 3)))

        def total(fluence):
            return jb.simulate_together(eqx.tree_at(lambda e: e.beam.fluence, whole, fluence), options).sum()

        function = jax.jit(jax.grad(total) if gradient else total)
        return function.lower(whole.beam.fluence).compile().memory_analysis().temp_size_in_bytes

    assert temporary_bytes(500) < 1.2 * temporary_bytes(10)
