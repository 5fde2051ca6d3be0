"""The pipeline: against a direct implementation in numpy, under transformations, and for what must change nothing."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import crystal, experiment, in_float64, panel, relative, structure_factors, textbook_image, tilted_panel
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jaxtyping import Array, Bool, Float
from scipy.spatial.transform import Rotation

import jaxbragg as jb
from jaxbragg.pipeline.arrays import unpack
from jaxbragg.pipeline.plan import make_plan
from jaxbragg.pipeline.settings import make_settings
from jaxbragg.simulate import _unpack_and_simulate

# One orientation to a pass: a derivative compiles several times faster.
DOUBLE = jb.Options(precision="float64", unroll=1)


def with_leaf(where, value, of=None):
    """The experiment with one leaf replaced."""
    return eqx.tree_at(where, experiment() if of is None else of, value)


# Against the formula written plainly ---------------------------------------------------------------------------------

DIVERGENT = jb.RelativeSources(
    horizontal=[0.0, 2e-3, -1e-3], vertical=[0.0, -1e-3, 3e-3], wavelength_ratios=[1.0, 1.01, 0.985], weights=[3, 1, 2]
)
SMALL = (9, 11)
CASES = {
    "still": ({}, {}),
    "tilted, pixels not square": ({"detector": tilted_panel()}, {}),
    "oversampled in layers": (
        {"detector": tilted_panel(SMALL, sensor=jb.Sensor(4.5e-4, 2.3e-4, 3))},
        {"oversample": 2},
    ),
    "sources with weights": ({"beam": jb.Beam(1.1, polarization=-0.6, sources=DIVERGENT)}, {}),
    "sources from a file": (
        {
            "beam": jb.Beam(
                polarization=0.9,
                sources=jb.AbsoluteSources([[1, 0, 0], [0.8, 0.6, 0], [0.96, 0, 0.28]], [1.1, 0.9, 1.3], [1, 2, 0.5]),
            )
        },
        {},
    ),
    "spindle and mosaic": (
        {
            "scan": jb.Scan.from_range(3.0, 2.0, 3, axis=(0.6, 0.0, 0.8)),
            "crystal": crystal(mosaic=jb.CapMosaic(1.5, 4)),
            "detector": panel((16, 16), 1e-3),
        },
        {},
    ),
    "round, oriented": (
        {"crystal": crystal(shape="round", orientation=Rotation.random(rng=5).as_matrix(), fudge=0.7)},
        {},
    ),
    "gauss, finer cut": ({"crystal": crystal(shape="gauss", fudge=1.4)}, {"d_min": 2.5}),
    "tophat": ({}, {"shape": "tophat"}),
    "tricubic": (
        {"crystal": crystal(cells=(2, 1, 2)), "detector": panel((12, 12), 2e-3)},
        {"interpolation": "tricubic"},
    ),
    "water": (
        {
            "background": jb.AmorphousBackground(3e7, (0.0, 0.1, 0.3), (2.5, 4.0, 1.0)),
            "beam": jb.Beam(1.1, sources=DIVERGENT, fluence=3e28),
            "detector": panel(SMALL, 3e-3, sensor=jb.Sensor(3e-4, 3e-4, 2)),
        },
        {"oversample": 2},
    ),
    "no polarization, point pixels": ({}, {"polarization": False, "point_pixel": True}),
}


@pytest.mark.parametrize("case", ["spindle and mosaic", "gauss, finer cut", "water"])
def test_an_experiment_of_numpy_arrays_has_the_same_image(case):
    parts, chosen = CASES[case]
    made, options = experiment(**parts), jb.Options(precision="float64", **chosen)
    known = jax.device_get(made)
    assert relative(jb.simulate(known, options), jb.simulate(made, options)) < 1e-12
    # And nothing of it was left for JAX to compile.
    arrays = unpack(known, make_settings(known, options))
    assert all(isinstance(leaf, (np.ndarray, np.generic)) for leaf in jax.tree.leaves(arrays))


@pytest.mark.parametrize("case", CASES)
def test_the_image_is_that_of_the_formula_written_plainly(case):
    parts, chosen = CASES[case]
    made = experiment(**parts)
    wanted = textbook_image(made, jb.Options(**chosen))
    assert wanted.max() > 0
    found = jb.simulate(made, jb.Options(precision="float64", **chosen))
    assert found.dtype == np.float64
    assert found.shape == made.detector.pixels
    assert relative(found, wanted) < 1e-10
    mixed = jb.simulate(made, jb.Options(**chosen))
    assert mixed.dtype == np.float32
    assert relative(mixed, wanted) < 1e-6


def test_several_panels_are_the_panels_drawn_singly():
    panels = [panel(), tilted_panel(pixel_size=(1e-3, 0.8e-3)), tilted_panel(pixel_size=7e-4)]
    several = jb.simulate(experiment(detector=jb.MultiPanel(panels)), DOUBLE)
    assert several.shape == (3, 32, 32)
    for image, one in zip(several, panels, strict=True):
        assert relative(image, textbook_image(experiment(detector=one), DOUBLE)) < 1e-10


def test_a_curved_detector_is_far_pixels_drawn_one_by_one():
    # Pixel (2, 13) of a curved detector as a flat panel of a single pixel, across its own direction.
    curved = jb.CurvedDetector((16, 16), 4e-3, 0.1, (0.02, 0.03))
    image = jb.simulate(experiment(detector=curved), DOUBLE)
    slow, fast = 2, 13
    along_fast, along_slow = (fast + 0.5) * 4e-3 - 0.02, (slow + 0.5) * 4e-3 - 0.03
    # The beam along x; fast is +z, slow is −y: turn towards fast, then towards slow.
    a, b = along_fast / 0.1, along_slow / 0.1
    d = np.array([np.cos(a) * np.cos(b), -np.cos(a) * np.sin(b), np.sin(a)])
    f = np.cross(d, [0.0, 1.0, 0.0])
    f /= np.linalg.norm(f)
    s = np.cross(d, f)
    one = jb.FlatPanel((1, 1), 4e-3, 0.1 * d - 2e-3 * f - 2e-3 * s, f, s, normal_axis=d)
    wanted = textbook_image(experiment(detector=one), DOUBLE)[0, 0]
    np.testing.assert_allclose(image[slow, fast], wanted, rtol=1e-9)


# A geometry of the caller's own --------------------------------------------------------------------------------------


class Plane(jb.AbstractDetector):
    """A detector in the plane x = distance, its rows along z and its columns along −y."""

    distance: Float[Array, ""]
    count: int = eqx.field(static=True)
    sensor: None = None
    mask: Bool[Array, "panel slow fast"] | None = None

    @property
    def shape(self):
        return (1, self.count, self.count)

    def position(self, panel, slow, fast):
        middle = self.count / 2
        return jnp.stack([self.distance, (middle - slow) * 1e-3, (fast - middle) * 1e-3])

    def normal(self, panel, slow, fast):
        return jnp.asarray([1.0, 0.0, 0.0])

    def plane_distance(self, panel, slow, fast):
        return self.distance

    def pixel_area(self, panel):
        return jnp.asarray(1e-6)


def test_a_detector_of_the_callers_own():
    own = jb.simulate(experiment(detector=Plane(np.float64(0.1), 32)), DOUBLE)
    assert relative(own, jb.simulate(experiment(), DOUBLE)) < 1e-10


class Bowl(jb.FlatPanel):
    """A panel of jaxbragg's own, bent: it must not be taken for flat."""

    def position(self, panel, slow, fast):
        off = ((slow - self.pixels[0] / 2) ** 2 + (fast - self.pixels[1] / 2) ** 2) * 1e-5
        return super().position(panel, slow, fast) + off * self.normal_axis


class Copied(jb.FlatPanel):
    """The same panel, of which nobody says that it is flat."""

    is_flat = False


@pytest.mark.parametrize("sensor", [None, jb.Sensor(4.5e-4, 2.3e-4, 2)])
def test_a_panel_is_drawn_alike_whether_it_is_known_to_be_flat_or_not(sensor):
    flat = tilted_panel(SMALL, sensor=sensor)
    copied = Copied(SMALL, flat.pixel_size, flat.origin, flat.fast_axis, flat.slow_axis, sensor=sensor)
    assert flat.is_flat
    assert not copied.is_flat
    wanted = jb.simulate(experiment(detector=flat), DOUBLE)
    assert relative(jb.simulate(experiment(detector=copied), DOUBLE), wanted) < 1e-10


def test_panels_with_positions_of_their_own_are_refused_where_these_would_be_ignored():
    flat = panel(SMALL)
    bowl = Bowl(SMALL, flat.pixel_size, flat.origin, flat.fast_axis, flat.slow_axis)
    with pytest.raises(ValueError, match="panel 1, a Bowl, has positions of its own"):
        jb.MultiPanel([flat, bowl])


def test_a_panel_with_positions_of_its_own_is_not_taken_for_flat():
    class SaidToBeFlat(Bowl):
        is_flat = True

    class Plain(Plane):
        """The same geometry from scratch."""

        def position(self, panel, slow, fast):
            off = ((slow - self.count / 2) ** 2 + (fast - self.count / 2) ** 2) * 1e-5
            return super().position(panel, slow, fast) + jnp.stack([off, 0 * off, 0 * off])

    flat = panel()
    arguments = ((32, 32), flat.pixel_size, flat.origin, flat.fast_axis, flat.slow_axis)
    assert not Bowl.is_flat
    wanted = jb.simulate(experiment(detector=Plain(np.float64(0.1), 32)), DOUBLE)
    assert relative(jb.simulate(experiment(detector=Bowl(*arguments)), DOUBLE), wanted) < 1e-10
    assert relative(jb.simulate(experiment(detector=SaidToBeFlat(*arguments)), DOUBLE), wanted) > 1e-3


# What must change nothing --------------------------------------------------------------------------------------------


@settings(max_examples=6, phases=[Phase.generate])
@given(st.tuples(st.integers(1, 40), st.integers(1, 40)), st.sampled_from([64, 192, 1000, 4096]), st.integers(1, 5))
def test_shape_blocks_and_unroll_change_nothing(pixels, block_pixels, unroll):
    # A corner of a larger image: the same pixels, cut in another way.
    whole = jb.simulate(experiment(detector=panel((40, 40))))
    large = panel((40, 40))
    part = jb.FlatPanel(pixels, 1e-3, large.origin, large.fast_axis, large.slow_axis)
    found = jb.simulate(experiment(detector=part), jb.Options(block_pixels=block_pixels, unroll=unroll))
    assert found.shape == pixels
    difference = np.abs(np.asarray(found) - np.asarray(whole)[: pixels[0], : pixels[1]]).max()
    assert difference < 1e-6 * float(np.asarray(whole).max())


@settings(max_examples=4, phases=[Phase.generate])  # each region compiles anew: no search for a smaller one
@given(st.lists(st.integers(0, 31), min_size=4, max_size=4))
def test_a_region_of_interest_is_that_part_of_the_image_ends_included(edges):
    fast, slow = sorted(edges[:2]), sorted(edges[2:])
    inside = np.zeros((32, 32), bool)
    inside[slow[0] : slow[1] + 1, fast[0] : fast[1] + 1] = True
    for options in (DOUBLE, jb.Options()):
        whole = np.asarray(jb.simulate(experiment(), options))
        found = np.asarray(jb.simulate(experiment(), replace(options, roi=(*fast, *slow))))
        # The grid of tiles does not move with the region: the pixels are the same to the last bit.
        np.testing.assert_array_equal(found, np.where(inside, whole, 0))


def test_masked_pixels_are_zero_and_the_others_as_they_were():
    mask = np.random.default_rng(0).random((32, 32)) < 0.7
    whole = np.asarray(jb.simulate(experiment()))
    found = np.asarray(jb.simulate(experiment(detector=panel(mask=mask))))
    np.testing.assert_array_equal(found, np.where(mask, whole, 0))


def test_a_memory_limit_cuts_the_image_and_changes_nothing():
    options = jb.Options(memory_limit=100_000)
    assert make_plan((1, 32, 32), options).blocks > 1
    whole = jb.simulate(experiment())
    assert relative(jb.simulate(experiment(), options), whole) < 1e-6


def temporary_bytes(experiment, options):
    with jax.enable_x64(True):
        lowered = jax.jit(lambda e: jb.simulate(e, options)).lower(experiment)
        return lowered.compile().memory_analysis().temp_size_in_bytes


def test_memory_is_flat_in_the_number_of_orientations():
    few, many = (
        temporary_bytes(
            experiment(crystal=crystal(mosaic=jb.CapMosaic(1.0, domains)), detector=panel((256, 256))),
            jb.Options(shape="square"),
        )
        for domains in (10, 1000)
    )
    assert many < 1.1 * few


@pytest.mark.parametrize(("precision", "tile"), [("mixed", 4), ("mixed", 1), ("float64", 4)])
def test_a_memory_limit_is_kept(precision, tile):
    limit = 4_000_000
    large = experiment(detector=panel((512, 512)), crystal=crystal(mosaic=jb.CapMosaic(1.0, 20)))
    image = 512 * 512 * (8 if precision == "float64" else 4)
    used = temporary_bytes(large, jb.Options(shape="square", precision=precision, tile=tile, memory_limit=limit))
    # The tiles are put together beside the image.
    assert used < limit + 2 * image


def test_the_progress_reaches_one_and_the_image_is_the_same():
    seen = []
    options = jb.Options(block_pixels=64)
    found = jb.simulate(experiment(), options, progress=seen.append)
    np.testing.assert_allclose(found, jb.simulate(experiment(), options), rtol=1e-6)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) > 2


def test_the_callers_precision_stays_as_it_was():
    assert not jax.config.jax_enable_x64
    image = jb.simulate(experiment())
    assert not jax.config.jax_enable_x64
    assert image.dtype == np.float32
    assert jb.simulate(experiment(), DOUBLE).dtype == np.float64
    assert jb.simulate(experiment(), jb.Options(precision="float32")).dtype == np.float32
    assert not jax.config.jax_enable_x64
    with jax.enable_x64(True):
        assert jb.simulate(experiment()).dtype == np.float32
        assert jax.config.jax_enable_x64


def test_float32_is_good_enough_for_a_small_crystal():
    assert (
        relative(jb.simulate(experiment(), jb.Options(precision="float32")), jb.simulate(experiment(), DOUBLE)) < 1e-4
    )


def test_a_new_value_of_a_leaf_compiles_nothing():
    jb.simulate(experiment())
    compiled = _unpack_and_simulate._cache_size()
    assert compiled > 0
    jb.simulate(experiment(beam=jb.Beam(0.9, polarization=0.1, fluence=1e20), crystal=crystal(misset=(1, 2, 3))))
    jb.simulate(experiment(detector=panel(distance=0.2), structure_factors=structure_factors(1, 3.0)))
    assert _unpack_and_simulate._cache_size() == compiled


# Transformations -----------------------------------------------------------------------------------------------------


def test_jit_draws_the_same_image():
    assert relative(jax.jit(jb.simulate)(experiment()), jb.simulate(experiment())) < 1e-6


LEAVES = {
    "fluence": (lambda e: e.beam.fluence, np.array([0.0, 1e28, 3e29])),
    "misset": (lambda e: e.crystal.misset, np.array([[0.0, 0, 0], [10, 20, 30], [-5, 60, 7]])),
    "cell.a": (lambda e: e.crystal.cell.a, np.array([40.0, 41.0, 45.0])),
}


@pytest.mark.parametrize("name", LEAVES)
@in_float64
def test_vmap_draws_each_image(name):
    where, values = LEAVES[name]
    images = jax.vmap(lambda value: jb.simulate(with_leaf(where, value)))(jnp.asarray(values))
    for image, value in zip(images, values, strict=True):
        wanted = np.asarray(jb.simulate(with_leaf(where, jnp.asarray(value))))
        assert np.abs(np.asarray(image) - wanted).max() <= 1e-6 * wanted.max()


def test_models_can_be_made_under_a_transformation_in_single_precision():
    def total(angle):
        return jb.simulate(experiment(crystal=crystal(misset=(angle, -20.0, 30.0)))).sum()

    slope = jax.grad(total)(jnp.float32(10.0))
    assert slope.dtype == np.float32
    step = 0.01
    wanted = (float(total(10 + step)) - float(total(10 - step))) / (2 * step)
    np.testing.assert_allclose(slope, wanted, rtol=1e-2)


@in_float64
def test_cells_can_be_made_under_a_transformation():
    def total(a, n, pixel):
        made = jb.Crystal((a, 52.0, 63.0, 82.0, 97.0, 105.0), cells=(n, 6, 5), misset=(10.0, -20.0, 30.0))
        plane = jb.FlatPanel((8, 8), (pixel, 1e-3), [0.1, 0.01, -0.01], [0, 0, 1], [0, -1, 0])
        return jb.simulate(experiment(crystal=made, detector=plane), DOUBLE).sum()

    slopes = jax.grad(total, argnums=(0, 1, 2))(41.0, 7.0, 1e-3)
    assert np.isfinite(slopes).all()
    assert np.all(slopes)


REFINED = {
    "misset": (lambda e: e.crystal.misset, 1e-4),
    "cell.a": (lambda e: e.crystal.cell.a, 1e-5),
    "cells": (lambda e: e.crystal.cells, 1e-5),
    "wavelength": (lambda e: e.beam.wavelength, 1e-6),
    "fluence": (lambda e: e.beam.fluence, 1e24),
    "polarization": (lambda e: e.beam.polarization, 1e-3),
    "origin": (lambda e: e.detector.origin, 1e-7),
    "default": (lambda e: e.structure_factors.default, 1e-3),
    "spread": (lambda e: e.crystal.mosaic.spread, 1e-4),
    "phi": (lambda e: e.scan.angles, 1e-4),
    "thickness": (lambda e: e.detector.sensor.layer_thickness, 1e-8),
}


def refined_experiment(shape):
    return experiment(
        crystal=crystal(shape=shape, mosaic=jb.CapMosaic(0.8, 3)),
        scan=jb.Scan((0.0, 0.4)),
        detector=panel((16, 16), 2e-3, sensor=jb.Sensor(4e-4, 3e-4, 2)),
    )


def projection(shape):
    """All the leaves to be refined, and a random projection of the image as a function of them."""
    base = refined_experiment(shape)
    rays = jnp.asarray(np.random.default_rng(0).normal(size=(16, 16)))

    def projected(leaves, options):
        changed = base
        for name, (where, _) in REFINED.items():
            changed = eqx.tree_at(where, changed, leaves[name])
        return (rays * jb.simulate(changed, options)).sum()

    leaves = {name: where(base) for name, (where, _) in REFINED.items()}
    return leaves, jax.jit(projected, static_argnums=1), jax.jit(jax.grad(projected), static_argnums=1)


@pytest.mark.slow  # tests/test_derivatives.py holds narrower bounds for every leaf
@pytest.mark.parametrize("shape", ["square", "gauss"])
@in_float64
def test_both_modes_agree_with_central_differences(shape):
    leaves, value, gradient = projection(shape)
    reverse = gradient(leaves, DOUBLE)
    forward = jax.jit(jax.jacfwd(lambda x: value(x, DOUBLE)))(leaves)
    for name, (_, step) in REFINED.items():
        at = np.asarray(leaves[name])
        wanted = np.zeros(at.shape)
        for place in np.ndindex(*at.shape):
            change = np.zeros(at.shape)
            change[place] = step
            ends = [float(value({**leaves, name: jnp.asarray(at + sign * change)}, DOUBLE)) for sign in (1, -1)]
            wanted[place] = (ends[0] - ends[1]) / (2 * step)
        scale = np.abs(wanted).max()
        assert scale > 0
        np.testing.assert_allclose(reverse[name], wanted, rtol=0, atol=1e-5 * scale, err_msg=name)
        np.testing.assert_allclose(forward[name], reverse[name], rtol=0, atol=1e-9 * scale, err_msg=name)


@pytest.mark.slow  # so does it for mixed precision
@in_float64
def test_mixed_precision_has_the_gradient_of_float64():
    leaves, _, gradient = projection("square")
    exact, mixed = (gradient(leaves, options) for options in (DOUBLE, jb.Options(unroll=1)))
    for name, wanted in exact.items():
        assert relative(mixed[name], wanted) < 1e-4, name


def test_jacfwd_gives_an_image_for_each_parameter():
    def image(misset):
        return jb.simulate(with_leaf(lambda e: e.crystal.misset, misset))

    at = jnp.asarray([10.0, -20.0, 30.0])
    slopes = np.asarray(jax.jacfwd(image)(at))
    assert slopes.shape == (32, 32, 3)
    step = 1e-3
    for i in range(3):
        ends = [
            np.asarray(
                jb.simulate(
                    with_leaf(lambda e: e.crystal.misset, np.asarray(at, float) + sign * step * np.eye(3)[i]), DOUBLE
                )
            )
            for sign in (1, -1)
        ]
        assert relative(slopes[..., i], (ends[0] - ends[1]) / (2 * step)) < 1e-3


@pytest.mark.parametrize(("shape", "precision"), [("square", "mixed"), ("square", "float64"), ("round", "mixed")])
@in_float64
def test_everything_is_finite_at_exact_forward_scattering(shape, precision):
    # Powers of two: the middle of pixel (4, 4) is on the beam to the last digit, and h = k = l = 0 there.
    size = 2.0**-10
    detector = panel((9, 9), size, 0.125)
    made = experiment(
        detector=detector, crystal=crystal(shape=shape), background=jb.AmorphousBackground(1e6, (0.0, 0.2), (2.0, 1.0))
    )
    options = jb.Options(precision=precision, d_min=0.5, unroll=1)
    middle = jb.simulate(made, options)[4, 4]
    peak = float(np.prod([7.0, 6, 5])) * (0.723601254558268 if shape == "round" else 1)
    f000 = float(made.structure_factors.values[4, 5, 6])
    wanted = (size / 0.125) ** 2 * ((f000 * peak) ** 2 + 1e6 * 4.0)
    np.testing.assert_allclose(middle, wanted, rtol=1e-6)
    slopes = jax.jit(jax.grad(lambda e: jb.simulate(e, options)[4, 4]))(made)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))
    # At a peak nothing depends on the orientation.
    np.testing.assert_allclose(slopes.crystal.misset, 0, atol=1e-4 * wanted)


@in_float64
def test_no_fluence_no_photons_but_a_finite_slope():
    def total(fluence):
        return jb.simulate(with_leaf(lambda e: e.beam.fluence, fluence), DOUBLE).sum()

    value, slope = jax.value_and_grad(total)(jnp.float64(0.0))
    assert float(value) == 0.0
    np.testing.assert_allclose(slope, float(total(jnp.float64(1e30))) / 1e30, rtol=1e-12)


# Mistakes ------------------------------------------------------------------------------------------------------------


def test_other_arguments_are_refused():
    with pytest.raises(TypeError, match="Argument `experiment` must be an Experiment, but is Beam"):
        jb.simulate(jb.Beam())
    with pytest.raises(TypeError, match="Argument `options` must be Options, but is dict"):
        jb.simulate(experiment(), {"oversample": 2})


def test_a_region_off_the_detector_is_refused():
    with pytest.raises(ValueError, match="region of interest"):
        jb.simulate(experiment(), jb.Options(roi=(0, 32, 0, 31)))


def test_blocks_multiply_the_bragg_part_alone():
    """N crystals side by side scatter N times one; the water around them does not."""

    def image(blocks):
        made = experiment(crystal=crystal(blocks=blocks), background=jb.AmorphousBackground.water(1e-4))
        return np.asarray(jb.simulate(made, jb.Options(precision="float64")))

    none, one, many = image(0.0), image(1.0), image(250.0)
    assert none.min() > 0
    assert (one - none).max() > 0
    np.testing.assert_allclose(many - none, 250 * (one - none), rtol=1e-9, atol=1e-12 * many.max())
