"""Many crystals in one image: the sum of the images of each."""

from dataclasses import replace
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import crystal, experiment, in_float64, panel, relative, structure_factors, tilted_panel

import jaxbragg as jb
from jaxbragg.several import images, together

QUICK = jb.Options(unroll=1)
DOUBLE = jb.Options(unroll=1, precision="float64")
WATER = jb.AmorphousBackground(3e7, (0.0, 0.1), (2.5, 4.0))
MASK = np.arange(192).reshape(12, 16) % 5 > 0
TURNS = [[10.0, -20, 30], [50, 60, -70], [-5, 80, 7]]


def small(**parts):
    return experiment(**{"detector": panel((12, 16), 2.5e-3), **parts})


def summed(several, options):
    """The background of the first alone."""
    bare = [replace(each, background=None) for each in several[1:]]
    return sum(np.asarray(jb.simulate(each, options), np.float64) for each in [several[0], *bare])


SEVERAL = {
    "turned": [small(crystal=crystal(misset=turn)) for turn in TURNS],
    "different crystals": [
        small(
            crystal=jb.Crystal((40.0 + n, 52, 63, 82, 97, 105), cells=(7 + n, 6, 5), misset=TURNS[n]),
            structure_factors=structure_factors(n),
            beam=jb.Beam(1.1, fluence=(1 + n) * 1e28),
        )
        for n in range(2)
    ],
    "in water": [small(crystal=crystal(misset=turn), background=WATER) for turn in TURNS],
    "the first in water": [
        small(crystal=crystal(misset=turn), background=WATER if n == 0 else None) for n, turn in enumerate(TURNS)
    ],
    "several waters": [
        small(crystal=crystal(misset=turn), background=jb.AmorphousBackground(1e7 * n))
        for n, turn in enumerate(TURNS, 1)
    ],
    "masked panels": [
        small(
            crystal=crystal(misset=turn),
            detector=jb.MultiPanel([panel((12, 16), 2e-3, mask=MASK), tilted_panel((12, 16))]),
            background=WATER,
        )
        for turn in TURNS
    ],
    "skipped orientations": [
        experiment(
            crystal=crystal(misset=turn, cells=(20, 20, 20), shape="gauss", mosaic=jb.CapMosaic(0.5, 12)),
            detector=panel((184, 180), 5e-4),
        )
        for turn in TURNS
    ],
    "one": [small(background=WATER)],
}


@pytest.mark.parametrize("name", SEVERAL)
def test_the_image_is_the_sum_of_the_images(name):
    found = jb.simulate_together(SEVERAL[name], QUICK)
    assert found.dtype == np.float32
    assert relative(found, summed(SEVERAL[name], QUICK)) < 1e-6


@pytest.mark.parametrize("options", [{"memory_limit": 1}, {"memory_limit": 150_000}])
def test_a_memory_limit_and_small_blocks_change_nothing(options):
    five = [small(crystal=crystal(misset=(7.0 * n, 2, 3)), background=WATER) for n in range(5)]
    assert relative(jb.simulate_together(five, replace(QUICK, **options)), summed(five, QUICK)) < 1e-6


@in_float64
def test_one_experiment_with_axes_in_front():
    whole = eqx.tree_at(lambda e: e.crystal.misset, small(background=WATER), jnp.asarray(TURNS))
    found = jb.simulate_together(whole, DOUBLE, axes=["crystal.misset"])
    assert relative(found, summed(SEVERAL["in water"], DOUBLE)) < 1e-12
    molecules = jnp.asarray([1e7, 2e7, 3e7])
    whole = eqx.tree_at(lambda e: e.background, whole, jb.AmorphousBackground(1.0))
    whole = eqx.tree_at(lambda e: e.background.molecules, whole, molecules)
    assert relative(jb.simulate_together(whole, DOUBLE), summed(SEVERAL["several waters"], DOUBLE)) < 1e-12


@in_float64
def test_gradients_under_jit_are_those_of_the_sum():
    whole, turns, water = small(background=WATER), jnp.asarray(TURNS), jnp.asarray(3e7)
    weights = np.random.default_rng(1).random((12, 16))

    def put(turn, molecules):
        return eqx.tree_at(lambda e: (e.crystal.misset, e.background.molecules), whole, (turn, molecules))

    def at_once(turns, molecules):
        return (weights * jb.simulate_together(put(turns, molecules), DOUBLE)).sum()

    @jax.jit
    @partial(jax.grad, argnums=(0, 1))
    def alone(turn, molecules):
        return (weights * jb.simulate(put(turn, molecules), DOUBLE)).sum()

    by_turns, by_molecules = jax.jit(jax.grad(at_once, (0, 1)))(turns, water)
    first, *others = (alone(turn, molecules) for turn, molecules in zip(turns, [water, 0.0, 0.0], strict=True))
    assert relative(by_turns, np.stack([each[0] for each in (first, *others)])) < 1e-9
    assert relative(by_molecules, first[1]) < 1e-9


@pytest.mark.parametrize("gradient", [False, True])
def test_memory_is_flat_in_the_number_of_crystals(gradient):
    def temporary_bytes(count):
        whole = eqx.tree_at(lambda e: e.crystal.misset, experiment(detector=panel((64, 64))), jnp.ones((count, 3)))
        batch = images.batch_of(whole, None)
        settings = images.batch_settings(batch, replace(QUICK, memory_limit=3_000_000))

        def image(leaves):
            return together._simulate_together((batch.batched, batch.count, settings), leaves)

        def total(fluence):
            return image(eqx.tree_at(lambda e: e.beam.fluence, whole, fluence)).sum()

        lowered = jax.jit(jax.grad(total)).lower(whole.beam.fluence) if gradient else jax.jit(image).lower(whole)
        return lowered.compile().memory_analysis().temp_size_in_bytes

    with jax.enable_x64(True):
        few, many = temporary_bytes(20), temporary_bytes(1000)
    assert many < 1.2 * few


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="must hold at least one experiment, but is empty"):
        jb.simulate_together([])
    with pytest.raises(TypeError, match=r"must hold Experiments, but \[1\] is int"):
        jb.simulate_together([small(), 3])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="differ in `crystal`"):
        jb.simulate_together([small(), small(crystal=crystal(shape="round"))])
    with pytest.raises(ValueError, match="must have an axis of images"):
        jb.simulate_together(small())
