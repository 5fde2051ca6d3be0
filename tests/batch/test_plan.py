"""Shots: by seed and number alone, the same in any company, and what `simulate` makes of their experiments."""

from dataclasses import replace

import cases
import jax
import numpy as np
import pytest
from cases import relative

import jaxbragg as jb
from jaxbragg.batch import Choice, Listed, Normal, Plan, SasePulses, Uniform, UniformRotation
from jaxbragg.models.readable import with_fields
from jaxbragg.truth import ground_truth, reflections_of

VARY = {
    "crystal.orientation": UniformRotation(),
    "crystal.cell.a, crystal.cell.b": Normal(41.0, 0.3),
    "beam.fluence": Uniform(0.5e28, 1.5e28),
    "detector.distance": Normal(0.1, 1e-4),
}
TABLE = cases.structure_factors(default=0.0)


def sampled(**arguments):
    crystal = jb.Crystal((41, 41, 63, 90, 90, 90), cells=6, mosaic=jb.CapMosaic(0.5, 3))
    return Plan(cases.experiment(crystal=crystal, structure_factors=TABLE), **{"shots": 40, "vary": VARY, **arguments})


def drawn_by_spots(**arguments):
    crystal = jb.Crystal((41, 41, 63, 90, 90, 90), cells=6, mosaic=jb.GaussianMosaic(0.3), shape="gauss")
    return Plan(cases.experiment(crystal=crystal, structure_factors=TABLE), **{"shots": 40, "vary": VARY, **arguments})


KINDS = {"samples": sampled, "spots": drawn_by_spots}


@pytest.mark.parametrize("kind", KINDS)
def test_a_shot_is_the_same_in_any_company(kind) -> None:
    plan = KINDS[kind](at_once=7)
    whole = np.concatenate([np.asarray(shots.images) for shots in plan.iterate()])
    assert whole.shape == (40, 32, 32)
    assert len({image.tobytes() for image in whole}) == 40
    for size in (1, 5, 16):
        parts = list(plan.iterate(batch_size=size))
        assert [len(each.numbers) for each in parts][:-1] == [size] * (len(parts) - 1)
        np.testing.assert_array_equal(np.concatenate([np.asarray(each.images) for each in parts]), whole)
    some = KINDS[kind](at_once=7).draw([31, 3, 3])
    np.testing.assert_array_equal(np.asarray(some.images), whole[[31, 3, 3]])
    later = np.concatenate([np.asarray(shots.images) for shots in plan.iterate(first=11, last=20)])
    np.testing.assert_array_equal(later, whole[11:20])
    other = np.asarray(KINDS[kind](at_once=7, seed=1).draw([3]).images)
    assert relative(other[0], whole[3]) > 0.01


def experiment_of(plan, value):
    """The experiment of a shot, made of its values by hand."""
    crystal, length = plan.experiment.crystal, float(value["crystal.cell.a, crystal.cell.b"])
    crystal = jb.Crystal(
        (length, length, 63, 90, 90, 90),
        orientation=value["crystal.orientation"],
        cells=6,
        mosaic=crystal.mosaic,
        shape=crystal.shape,
    )
    return cases.experiment(
        crystal=crystal,
        structure_factors=TABLE,
        beam=plan.experiment.beam.replace(fluence=float(value["beam.fluence"])),
        detector=cases.panel(distance=float(value["detector.distance"])),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_shot_is_what_simulate_makes_of_its_values(kind) -> None:
    plan = KINDS[kind]()
    shots = plan.draw([0, 9])
    for image, i in zip(np.asarray(shots.images), range(2), strict=True):
        experiment = experiment_of(plan, {name: each[i] for name, each in shots.values.items()})
        assert relative(image, jb.simulate(experiment)) < 2e-5


def test_what_else_varies_does_not_change_what_is_drawn_for_a_path() -> None:
    few = sampled(vary={"crystal.orientation": UniformRotation()})
    np.testing.assert_array_equal(few.values(5)["crystal.orientation"], sampled().values(5)["crystal.orientation"])


def test_shots_before_one_that_cannot_be_come_first() -> None:
    """It is farther on than what is looked at beforehand, and is found while the launch before it is still at work."""
    lengths = [*np.linspace(40.0, 42.0, 39), -1.0]
    stream = sampled(vary={"crystal.cell.a": Listed(lengths)}, at_once=8).iterate()
    came = [next(stream).numbers for _ in range(4)]
    assert np.concatenate(came).tolist() == list(range(32))
    with pytest.raises(ValueError, match="Shot 39 cannot be"):
        next(stream)


def test_lists_that_are_too_short_for_a_shot_s_reflections_are_made_anew() -> None:
    plan = drawn_by_spots(shots=1, reflections=True)
    wanted = plan.draw([0]).reflections[0]
    options = plan._drawing.options
    short = replace(options, spots=options.spots._replace(pairs=options.spots.pairs // 8))
    found = reflections_of(experiment_of(plan, plan.values(0)), short)
    assert np.isfinite(found.photons).all()
    assert found.photons.sum() == pytest.approx(wanted.photons.sum(), rel=1e-5)


@pytest.mark.parametrize("factors", [jb.StructureFactors(default=0.0), jb.StructureFactors(np.zeros((3, 3, 3)))])
def test_a_crystal_that_scatters_nothing_has_no_reflections(factors) -> None:
    found = reflections_of(cases.experiment(structure_factors=factors), jb.Options(oversample=1))
    assert found.hkl.shape == (0, 3)
    assert found.photons.shape == found.lattice.shape == (0,)


def test_launches_are_shorter_where_a_shot_takes_many_steps() -> None:
    few, many = sampled(), sampled(options=jb.Options(oversample=100), lattices=Choice([1, 2]))
    per_shot = int(np.prod(few.base.detector.shape)) * 100**2 * 3 * 2  # of 3 domains, and room for 2 crystals
    assert few.group == 64
    assert 1 <= many.group == (1 << 29) // per_shot
    assert drawn_by_spots(options=jb.Options(oversample=100)).group == 64


@pytest.mark.parametrize("kind", ["samples", pytest.param("spots", marks=pytest.mark.slow)])
def test_reflections_are_those_of_the_shot_s_ground_truth(kind) -> None:
    plan = KINDS[kind](shots=3, reflections=True)
    shots = plan.draw([2, 0])
    assert len(shots.reflections) == 2
    assert shots.part(1, 2).reflections == shots.reflections[1:]
    found = shots.reflections[0]
    wanted = ground_truth(experiment_of(plan, plan.values(2)), plan.options)
    bright = wanted.photons > 1e-3 * wanted.photons[0]
    order = {tuple(hkl): i for i, hkl in enumerate(found.hkl)}
    at = [order[tuple(hkl)] for hkl in wanted.hkl[bright]]
    np.testing.assert_allclose(found.photons[at], wanted.photons[bright], rtol=1e-3)
    np.testing.assert_allclose(found.slow[at], wanted.slow[bright], atol=0.01)
    assert found.photons.sum() == pytest.approx(float(shots.images[0].sum()), rel=1e-3)


def test_names_have_random_numbers_of_their_own() -> None:
    same = Normal(40.0, 0.3)
    vary = {"crystal.orientation": UniformRotation(), "crystal.cell.a": same, "crystal.cell.b": same}
    value = sampled(vary=vary, lattices=Choice([2]), shots=2).values(1)
    lengths = [float(each) for name, each in value.items() if "cell" in name]
    assert len(lengths) == len(set(lengths)) == 4


def test_counts_are_poisson_and_each_shot_has_its_own() -> None:
    """Index of dispersion over shots that are alike."""
    water = jb.AmorphousBackground(3.0)
    experiment = cases.experiment(background=water, structure_factors=TABLE, beam=jb.Beam(1.1, fluence=1e33))
    plan = Plan(experiment, shots=400, counts=True, at_once=50)
    images = np.concatenate([shots.images for shots in plan.iterate()]).astype(float).reshape(400, -1)
    mean, variance = images.mean(axis=0), images.var(axis=0, ddof=1)
    lit = mean > 3
    assert lit.sum() > 500
    dispersion = variance[lit] / mean[lit]
    assert abs(dispersion.mean() - 1) < 4 * np.sqrt(2 / 399 / lit.sum())
    np.testing.assert_array_equal(plan.draw([7]).images[0].ravel(), images[7])


def test_a_response_reads_the_counts_out() -> None:
    response = jb.Response([jb.Counting(), jb.Gain(2.0), jb.Pedestal(10.0)])
    experiment = with_fields(cases.experiment(structure_factors=TABLE), response=response)
    plan = Plan(experiment, shots=2, counts=True)
    assert np.asarray(plan.draw([0]).images).min() >= 10
    mean = Plan(experiment, shots=2).draw([0]).images
    assert relative(np.asarray(mean)[0], jb.simulate(experiment)) < 1e-6


def test_lattices_have_orientations_and_cells_of_their_own() -> None:
    plan = sampled(lattices=Choice([1, 2, 3]), shots=12)
    counts = [int(plan.values(shot)["lattices"]) for shot in range(12)]
    assert set(counts) == {1, 2, 3}
    shot = counts.index(3)
    value = plan.values(shot)
    single = sampled(shots=12)
    wanted = 0.0
    for suffix in ("", " of lattice 2", " of lattice 3"):
        length = float(value[f"crystal.cell.a, crystal.cell.b{suffix}"])
        cell, turn = (length, length, 63, 90, 90, 90), value[f"crystal.orientation{suffix}"]
        crystal = jb.Crystal(cell, orientation=turn, cells=6, mosaic=single.experiment.crystal.mosaic)
        beam = plan.experiment.beam.replace(fluence=float(value["beam.fluence"]))
        panel = cases.panel(distance=float(value["detector.distance"]))
        one = cases.experiment(crystal=crystal, structure_factors=TABLE, beam=beam, detector=panel)
        wanted = wanted + np.asarray(jb.simulate(one), float)
    assert relative(np.asarray(plan.draw([shot]).images)[0], wanted) < 2e-5
    one = counts.index(1)
    alone = np.asarray(single.draw([one]).images)[0]
    np.testing.assert_allclose(np.asarray(plan.draw([one]).images)[0], alone, rtol=1e-5, atol=1e-5 * alone.max())


def test_pulses_have_energies_and_spectra_of_their_own_which_are_kept() -> None:
    plan = drawn_by_spots(sase=SasePulses(3e-3, 20.0, lines=16), shots=6)
    images = np.asarray(plan.draw(range(6)).images)
    assert len({image.tobytes() for image in images}) == 6
    value = plan.values(2)
    row = plan.row(value)
    np.testing.assert_array_equal(row[-17:-1], value["sase.weights"])
    assert abs(row[-1] / (float(value["beam.fluence"]) * float(value["sase.energy"])) - 1) < 1e-12
    lines = jb.sase_pulse(jax.random.key(0), 1.1, 3e-3, 20.0, 16).sources
    lines = lines.replace(weights=value["sase.weights"])
    length = float(value["crystal.cell.a, crystal.cell.b"])
    crystal = plan.experiment.crystal
    made = {"cells": 6, "mosaic": crystal.mosaic, "shape": "gauss", "orientation": value["crystal.orientation"]}
    experiment = cases.experiment(
        crystal=jb.Crystal((length, length, 63, 90, 90, 90), **made),
        structure_factors=TABLE,
        beam=plan.experiment.beam.replace(fluence=float(row[-1]), sources=lines),
        detector=cases.panel(distance=float(value["detector.distance"])),
    )
    assert relative(images[2], jb.simulate(experiment)) < 2e-5


def test_shots_whose_lists_are_too_short_are_drawn_by_themselves(monkeypatch) -> None:
    from jaxbragg.batch import shots

    wanted = np.asarray(drawn_by_spots(shots=8).draw(range(8)).images)
    monkeypatch.setattr(shots, "_SAMPLE", 1)
    monkeypatch.setattr(shots, "_MARGIN", 1.0)
    found = np.asarray(drawn_by_spots(shots=8).draw(range(8)).images)
    assert not np.isnan(found).any()
    assert relative(found, wanted) < 1e-6


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"shots": 0}, "at least 1"),
        ({"shots": True}, "whole number"),
        ({"seed": -1}, "at least 0"),
        ({"vary": {"crystal.cell.d": Normal(1, 1)}}, "nearest path"),
        ({"vary": {"crystal.misset": Normal([1.0, 2.0], 1)}}, "shape"),
        ({"vary": {"crystal.orientation": Normal(1, 1)}}, "shape"),
        ({"vary": {"crystal.cell.a": 3.0}}, "distributions"),
        ({"vary": {"image.scale": Normal(1, 0.1)}}, "image"),
        ({"vary": {"crystal.cell.a": Normal(41, 1), "crystal.cell.a, crystal.cell.b": Normal(41, 1)}}, "same number"),
        ({"vary": {}, "lattices": Choice([1, 2])}, "orientation"),
        ({"lattices": Choice([1, 2.5])}, "whole numbers"),
        ({"lattices": Choice([1, 2]), "vary": {**VARY, "crystal.fudge, beam.wavelength": Normal(1, 0)}}, "in part"),
        ({"lattices": Choice([1, 2]), "vary": {**VARY, "crystal.blocks": Uniform(1, 2)}}, "crystal.blocks"),
        ({"vary": {"crystal.misset": Uniform(0, 90)}}, "shape"),
        ({"vary": {"beam.wavelength": Normal(1, 0.01)}, "sase": SasePulses(3e-3, 20.0)}, "one wavelength"),
        ({"vary": {"beam.fluence, crystal.fudge": Normal(1, 0.01)}, "sase": SasePulses(3e-3, 20.0)}, "alone"),
    ],
)
def test_plans_that_cannot_be_are_refused(arguments, says) -> None:
    with pytest.raises(ValueError, match=says):
        sampled(**arguments)


@pytest.mark.parametrize("masked", [False, True])
def test_lists_too_short_are_seen_wherever_the_first_pixel_is(masked, monkeypatch) -> None:
    """Its own test: pixels outside the region are 0, whatever the rest is."""
    from jaxbragg.batch import shots
    from jaxbragg.batch.distributions import Listed

    monkeypatch.setattr(shots, "_SAMPLE", 1)
    vary = {"crystal.mosaic.spread": Listed([[0.2]] * 3 + [[2.0]] * 2)}
    options = jb.Options(method="spots", roi=(8, 31, 8, 31) if masked else None)
    plan = drawn_by_spots(vary=vary, shots=5, options=options)
    images = np.asarray(plan.draw(range(5)).images)
    assert not np.isnan(images).any()
    wide = plan.experiment.crystal.replace(mosaic=jb.GaussianMosaic(2.0))
    wanted = jb.simulate(with_fields(plan.experiment, crystal=wide), options)
    assert relative(images[4], wanted) < 2e-5


def test_a_sase_plan_refuses_a_beam_with_a_spectrum() -> None:
    experiment = cases.experiment(structure_factors=TABLE, beam=jb.Beam(1.1, sources=jb.GaussianSources(0.01)))
    with pytest.raises(ValueError, match="spectrum or divergence"):
        Plan(experiment, shots=2, sase=SasePulses(3e-3, 20.0))


def test_a_crystal_that_moves_farther_than_others_is_said() -> None:
    from jaxbragg.batch.distributions import Listed

    crystal = cases.crystal(shape="gauss", mosaic=jb.GaussianMosaic(0.3), position=(1e-5, 0.0, 0.0))
    scan = jb.Scan.continuous(0.0, 20.0, (0, 0, 1))
    experiment = cases.experiment(crystal=crystal, structure_factors=TABLE, scan=scan)
    vary = {"crystal.position": Listed([[1e-5, 0, 0]] * 32 + [[2e-3, 0, 0]])}
    with pytest.warns(jb.MotionWarning, match="shot 32"):
        Plan(experiment, shots=33, vary=vary, options=jb.Options(roi=(0, 7, 0, 7))).draw([32])


def test_a_shot_that_cannot_be_is_named() -> None:
    plan = sampled(vary={"crystal.cell.a": Uniform(-1.0, 1.0)})
    with pytest.raises(ValueError, match=r"Shot \d+ cannot be: .*crystal\.cell\.a.* positive"):
        plan.prepare()
    with pytest.raises(ValueError, match="has 99"):
        sampled().draw([99])


@pytest.mark.parametrize(("name", "value"), [("batch_size", 0), ("batch_size", -3), ("first", -1), ("last", 2.5)])
def test_batches_that_cannot_be(name, value) -> None:
    with pytest.raises(ValueError, match=name):
        next(sampled().iterate(**{name: value}))
