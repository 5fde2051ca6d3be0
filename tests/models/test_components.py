"""Several crystals, sizes and places in one experiment, against sums of images of one each."""

from dataclasses import replace

import cases
import jax
import numpy as np
import pytest
from cases import relative

import jaxbragg as jb
from jaxbragg.models.readable import with_fields

OTHER = cases.crystal(misset=(11.0, -20.0, 30.0), blocks=0.3)
WATER = jb.AmorphousBackground.water(1e-5)
THIN, BRIGHT = jb.AmorphousBackground.water(3e-8), jb.Beam(1.1, fluence=1e28)
RESPONSE = jb.Response([jb.GaussianSpread(1.2)])


def image(experiment, options=None):
    return np.asarray(jb.simulate(experiment, options or jb.Options()), float)


def sharp(**more):
    return cases.crystal(shape="gauss", mosaic=jb.GaussianMosaic(0.3), **more)


@pytest.mark.parametrize("method", ["samples", "spots"])
def test_lattices_are_added_and_backgrounds_counted_once(method) -> None:
    options = jb.Options(method=method, samples=64)
    factors = cases.structure_factors(default=0.0)
    crystals = [sharp(), sharp(misset=(11.0, -20.0, 30.0), blocks=0.3)]
    alone = [cases.experiment(crystal=each, structure_factors=factors) for each in crystals]
    both = replace(alone[0], lattices=[crystals[1]], background=WATER)
    water = image(replace(alone[0], background=WATER), options) - image(alone[0], options)
    wanted = image(alone[0], options) + image(alone[1], options) + water
    assert relative(image(both, options), wanted) < 1e-6
    blurred = replace(both, response=RESPONSE)
    assert relative(image(blurred, options), RESPONSE.expected(wanted.astype(np.float32)).mean) < 1e-5
    chosen = jb.spot_options(both, options) if method == "spots" else options
    assert relative(jax.jit(lambda e: jb.simulate(e, chosen))(blurred), image(blurred, options)) < 1e-6
    batch = jb.simulate_batch([blurred, replace(blurred, lattices=[crystals[0]])], options)
    assert relative(batch[0], image(blurred, options)) < 1e-6
    together = jb.simulate_together([both, both], options)
    assert relative(together, 2 * wanted - water) < 1e-6


def test_the_same_lattice_twice_is_twice_the_image_under_jit_too() -> None:
    """Components with nothing of their own."""
    crystal = cases.crystal()
    twice = cases.experiment(crystal=crystal, lattices=[crystal])
    wanted = 2 * image(cases.experiment(crystal=crystal))
    assert relative(image(twice), wanted) < 1e-6
    assert relative(jax.jit(jb.simulate)(twice), wanted) < 1e-6
    shared = jax.jit(lambda beam: jb.simulate(with_fields(twice, beam=beam)))  # every leaf of the two is one array
    assert relative(shared(twice.beam), wanted) < 1e-6
    turned = jb.simulate_batch([twice, with_fields(twice, beam=jb.Beam(1.2))])  # of which the beam alone differs
    assert relative(turned[0], wanted) < 1e-6


def test_a_twin_by_merohedry_adds_what_the_law_says() -> None:
    """Of a tetragonal cell turned about a − b by 180° the index k h −l falls where h k l was: |F| are exchanged."""
    cell = (40.0, 40.0, 60.0, 90, 90, 90)
    values = np.random.default_rng(3).uniform(10.0, 100.0, (9, 9, 13))
    factors = jb.StructureFactors(values, (-4, -4, -6), 0.0)
    crystal = jb.Crystal(cell, cells=(7, 7, 6), misset=(10, -20, 30))
    plain = cases.experiment(crystal=crystal, structure_factors=factors)
    first, other = jb.twin(crystal, "k,h,-l", 0.25)
    # The lattice lies where it did, so the image of the other is that of the crystal with exchanged |F|.
    exchanged = jb.StructureFactors(values.transpose(1, 0, 2)[:, :, ::-1], (-4, -4, -6), 0.0)
    wanted = 0.75 * image(plain) + 0.25 * image(replace(plain, structure_factors=exchanged))
    assert relative(image(replace(plain, crystal=first, lattices=[other])), wanted) < 2e-5
    for law in ("k,h,l", "h,k", "h+1/2,k,l", "x", "-h,-k,-l"):
        with pytest.raises(ValueError, match="law"):
            jb.twin(crystal, law, 0.2)
    with pytest.raises(ValueError, match="between 0 and 1"):
        jb.twin(crystal, "k,h,-l", 1.5)


def test_a_law_that_is_not_its_own_inverse_says_where_the_others_indices_fall() -> None:
    crystal = jb.Crystal((40.0, 40.0, 60.0, 90, 90, 90), misset=(10, -20, 30))
    _, other = jb.twin(crystal, "k,-h,l", 0.5)
    index = np.array([1.0, 2.0, 3.0])
    stars, others = (np.linalg.inv(np.asarray(each.vectors(), float)) for each in (crystal, other))  # columns
    np.testing.assert_allclose(others @ index, stars @ np.array([2.0, -1.0, 3.0]), atol=1e-6)


def test_sizes_are_a_weighted_sum_whose_moments_are_those_of_the_distribution() -> None:
    sizes = jb.LogNormalSizes(0.2, 9)
    factors, shares = (np.asarray(x, float) for x in sizes.factors())
    for power in range(1, 7):  # of a log-normal distribution, in closed form
        assert abs((shares * factors**power).sum() / np.exp(0.5 * (0.2 * power) ** 2) - 1) < 1e-6
    base = cases.experiment()
    wanted = sum(
        share * image(replace(base, crystal=cases.crystal(cells=np.array((7, 6, 5)) * factor)))
        for factor, share in zip(factors, shares, strict=True)
    )
    assert relative(image(replace(base, crystal=cases.crystal(sizes=sizes))), wanted) < 1e-6
    alike = replace(base, crystal=cases.crystal(sizes=jb.LogNormalSizes(0.0)))
    assert relative(image(alike), image(base)) < 1e-6


def test_a_crystal_beside_the_spindle_is_one_seen_from_there_step_by_step() -> None:
    place, angles = np.array([4e-4, -7e-4, 3e-4]), (20.0, 50.0)
    crystal = cases.crystal(position=place)
    base = cases.experiment(crystal=crystal, scan=jb.Scan(angles, (0, 0, 1)))
    wanted = 0.0
    for angle in angles:
        turn = np.radians(angle)
        x, y = place[0] * np.cos(turn) - place[1] * np.sin(turn), place[0] * np.sin(turn) + place[1] * np.cos(turn)
        panel = cases.panel()
        moved = with_fields(panel, origin=np.asarray(panel.origin) - np.array([x, y, place[2]]))
        still = replace(base, crystal=cases.crystal(), detector=moved, scan=jb.Scan((angle,), (0, 0, 1)))
        wanted = wanted + 0.5 * image(still)
    assert relative(image(base), wanted) < 1e-6
    curved = jb.CurvedDetector((32, 32), 1e-3, 0.1, (0.016, 0.016))
    bent = replace(base, detector=curved, crystal=cases.crystal(position=(0.0, 0.0, 0.0)))
    assert relative(image(bent), image(replace(bent, crystal=cases.crystal()))) < 1e-6


def test_its_spots_move_with_the_rotation() -> None:
    """By spots: an even rotation of a crystal far beside the spindle, against its many stills."""
    crystal = sharp(position=(5e-4, 5e-4, 0.0))
    base = cases.experiment(crystal=crystal, scan=jb.Scan.continuous(0.0, 20.0, (0, 0, 1)))
    few, many = image(base), image(base, jb.Options(places=96))
    assert relative(few, many) < 5e-3
    assert relative(image(replace(base, crystal=sharp())), many) > 0.02
    chosen = jb.spot_options(base)
    assert relative(jax.jit(lambda e: jb.simulate(e, chosen))(base), few) < 1e-6
    far = replace(base, crystal=sharp(position=(0.05, 0.0, 0.0)))
    with pytest.warns(jb.MotionWarning, match="widths of a spot"):
        jb.components(far)


def test_a_gaussian_beam_is_weaker_beside_its_middle() -> None:
    """Half as strong at half the full width at half maximum; nothing beside a rectangle."""
    beam = jb.Beam(1.1, fluence=1e28, profile=jb.GaussianProfile((2e-4, 6e-4)))
    axis, across = np.array([0, 0, 1.0]), np.array([0, -1.0, 0])  # beam × axis, of a beam along x
    for place, share in ((1e-4 * axis, 0.5), (3e-4 * across, 0.5), (2e-4 * axis, 1 / 16)):
        assert abs(float(beam.share_at(place)) - share) < 1e-12
    flat = jb.Beam(1.1, profile=jb.TophatProfile(2e-4))
    assert float(flat.share_at(0.9e-4 * axis)) == 1.0
    assert float(flat.share_at(1.1e-4 * axis)) == 0.0
    there = cases.experiment(beam=beam, crystal=cases.crystal(position=1e-4 * axis))
    full = with_fields(there, beam=jb.Beam(1.1, fluence=1e28))
    assert relative(image(there), 0.5 * image(full)) < 1e-6
    x = np.linspace(-2e-3, 2e-3, 2001)
    fluence = float(jb.GaussianProfile((2e-4, 6e-4)).fluence(1e12))
    shares = [float(jb.GaussianProfile((2e-4, 6e-4)).share(np.float64(v), np.float64(0.0))) for v in x]
    across_all = np.trapezoid(shares, x) * 3  # three times as wide the other way
    assert abs(fluence * np.trapezoid(shares, x) * across_all / 1e12 - 1) < 1e-6


def test_damage_is_a_b_factor() -> None:
    factors = cases.structure_factors(default=0.0)
    for own, total in ((None, 6.0), (10.0, 16.0), ((9.0, 8.0, 7.0, 1.0, 0.0, 2.0), (15.0, 14.0, 13.0, 1.0, 0.0, 2.0))):
        damaged = cases.crystal(b_factor=own, damage=jb.Damage(4.0, 1.5))
        wanted = image(cases.experiment(crystal=cases.crystal(b_factor=total), structure_factors=factors))
        found = cases.experiment(crystal=damaged, structure_factors=factors)
        assert relative(image(found), wanted) < 1e-6
        several = jb.simulate_batch([found, replace(found, crystal=cases.crystal(b_factor=own, damage=jb.Damage(0.0)))])
        assert relative(several[0], wanted) < 1e-6
    with pytest.raises(ValueError, match="damage"):
        cases.experiment(crystal=cases.crystal(damage=jb.Damage(1.0)))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: jb.Damage(-1.0), "dose"),
        (lambda: jb.Damage(1.0, float("nan")), "rate"),
        (lambda: jb.LogNormalSizes(-0.1), "spread"),
        (lambda: jb.LogNormalSizes(0.1, 0), "count"),
        (lambda: jb.GaussianProfile((1e-4, 0.0)), "widths"),
        (lambda: jb.TophatProfile((1e-4, 1e-4, 1e-4)), "widths"),
        (lambda: cases.crystal(position=(1, 2)), "position"),
        (lambda: cases.crystal(sizes=3), "size distribution"),
        (lambda: cases.crystal(damage=3.0), "Damage"),
        (lambda: jb.Beam(profile=1e-4), "profile"),
        (lambda: cases.experiment(lattices=[1]), "lattices"),
        (lambda: cases.experiment(lattices=[cases.crystal(shape="round")]), "shape"),
    ],
)
def test_what_cannot_be_is_refused(make, says) -> None:
    with pytest.raises(ValueError, match=says):
        make()


def test_traces_and_truth_want_one_component(tmp_path) -> None:
    from jaxbragg.truth import ground_truth

    both = cases.experiment(lattices=[OTHER])
    for ask in (lambda: jb.trace_pixel(both, jb.Options(), 9, 9), lambda: ground_truth(both)):
        with pytest.raises(ValueError, match="components"):
            ask()
    parts = [jb.trace_pixel(each, jb.Options(), 9, 9) for each in jb.components(both)]
    assert len(parts) == 2
    with pytest.raises(ValueError, match="one crystal"):
        jb.as_the_c_program_draws(both, jb.Options())


def test_a_lattice_is_refined_with_the_rest() -> None:
    truth = {"lattices[0].blocks": 0.3, "lattices[0].misset[0]": 11.0, "image.scale": 1.0}

    def start(blocks, misset):
        crystal = cases.crystal(shape="gauss")
        other = cases.crystal(shape="gauss", blocks=blocks, misset=(misset, -20.0, 30.0))
        return cases.experiment(crystal=crystal, lattices=[other], beam=BRIGHT, background=THIN)

    measured = np.random.default_rng(5).poisson(image(start(0.3, 11.0)))
    result = jb.refine.fit(jb.refine.Problem(start(0.5, 10.9), list(truth), measured))
    for name, value in truth.items():
        assert abs(result.values[name] - value) < 4 * result.uncertainties[name] < 0.25, name
