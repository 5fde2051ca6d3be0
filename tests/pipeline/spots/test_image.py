"""Spots in closed form, against sums over many samples of the same experiment."""

from dataclasses import replace

import equinox as eqx
import jax
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.options import SpotSizes

FACTORS = np.random.default_rng(0).uniform(20, 200, (25, 25, 31))
EXACT = jb.Options(precision="float64", oversample=2)


def experiment(mosaic=0.3, bandwidth=0.0, divergence=(0.0, 0.0), width=None, cell_spread=None, **changes):
    """A small crystal on a small detector, whose spots are a few pixels wide."""
    parts = {
        "beam": jb.Beam(
            1.0, fluence=1e28, polarization=0.5,
            sources=jb.GaussianSources(bandwidth, *divergence),
        ),
        "crystal": jb.Crystal(
            (40, 40, 55, 90, 90, 90), misset=(11, 22, 33), cells=(12, 12, 10), shape="gauss",
            mosaic=jb.GaussianMosaic(mosaic),
            cell_spread=None if cell_spread is None else jb.CellSpread(cell_spread),
        ),
        "detector": jb.FlatPanel((48, 64), 1e-3, (0.1, 0.024, -0.032), (0, 0, 1), (0, -1, 0)),
        "structure_factors": jb.StructureFactors(FACTORS, (-12, -12, -15)),
        "scan": jb.Scan((7.0,)) if width is None else jb.Scan.continuous(7.0, width),
    }  # fmt: skip
    return jb.Experiment(**(parts | changes))


# Of each: arguments, samples, least correlation, largest difference of the sums: what is left is the samples' noise.
AGAINST_SAMPLES = {
    "mosaic": ({"mosaic": 0.3}, 16384, 0.99999, 5e-4),
    "three spreads": ({"mosaic": (0.5, 0.1, 0.3)}, 16384, 0.99999, 5e-4),
    "a matrix": ({"mosaic": (0.5, 0.2, 0.3, 0.2, -0.1, 0.05)}, 65536, 0.99999, 5e-4),
    "wide mosaic": ({"mosaic": 3.0}, 524288, 0.9999, 1e-3),
    "rotation": ({"mosaic": 0.1, "width": 2.0}, 16384, 0.99999, 1e-3),
    "cells": ({"mosaic": 0.2, "cell_spread": 0.01}, 65536, 0.9999, 1e-3),
    "three lengths": ({"mosaic": 0.2, "cell_spread": (0.01, 0.002, 0.005)}, 65536, 0.9999, 1e-3),
    "pink": ({"mosaic": 0.3, "bandwidth": 0.003}, 65536, 0.99999, 1e-3),
    "divergence": ({"mosaic": 0.2, "divergence": (2e-3, 1e-3)}, 262144, 0.9999, 1e-3),
}
_LONG = ("three spreads", "cells", "a matrix", "wide mosaic", "three lengths", "pink", "divergence")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in _LONG else []) for n in AGAINST_SAMPLES]
)
def test_the_image_is_the_mean_of_many_samples(name):
    arguments, count, least, most = AGAINST_SAMPLES[name]
    made = experiment(**arguments)
    image = np.asarray(jb.simulate(made, EXACT))
    samples = np.asarray(jb.simulate(made, jb.Options(oversample=2, method="samples", samples=count)), float)
    assert np.corrcoef(image.ravel(), samples.ravel())[0, 1] > least
    assert image.sum() == pytest.approx(samples.sum(), rel=most)


def near(image, wanted, share, sums):
    """Within a share of the brightest pixel, and the sums within another."""
    np.testing.assert_allclose(image, wanted, atol=share * wanted.max())
    assert image.sum() == pytest.approx(wanted.sum(), rel=sums)


@pytest.mark.slow
@pytest.mark.parametrize(
    "more", [{"mosaic": 0.3}, pytest.param({"mosaic": 0.05, "width": 1.0}, marks=pytest.mark.slow)]
)
def test_a_bandwidth_is_the_sum_of_its_lines(more):
    """1 %, against 241 lines each of one wavelength: second order included."""
    made = experiment(bandwidth=0.01, **more)
    at = np.linspace(-4.5, 4.5, 241)
    lines = jb.SpectrumTable(1.0 + 0.01 * at, np.exp(-0.5 * at * at), 0.0)
    wanted = np.asarray(jb.simulate(eqx.tree_at(lambda e: e.beam.sources, made, lines), replace(EXACT, method="spots")))
    near(np.asarray(jb.simulate(made, EXACT)), wanted, 1e-3, 5e-4)


@pytest.mark.slow
def test_a_spectrum_of_overlapping_lines_is_the_gaussian_that_they_are_of():
    """A Gaussian of 0.5 % by lines 0.1 % apart, each as wide as makes the sum of variances that of the Gaussian."""
    made = experiment(mosaic=0.2, bandwidth=0.005)
    at = 1.0 + 0.001 * np.arange(-25, 26)
    own = 0.0007
    weights = np.exp(-0.5 * ((at - 1.0) ** 2) / (0.005**2 - own**2))
    table = jb.SpectrumTable(at, weights)
    np.testing.assert_allclose(np.asarray(table.bandwidths) * at, own, rtol=1e-9)
    image = np.asarray(jb.simulate(eqx.tree_at(lambda e: e.beam.sources, made, table), EXACT))
    near(image, np.asarray(jb.simulate(made, EXACT)), 1e-3, 3e-4)


def test_lists_of_orientations_angles_and_sources_are_the_same_by_spots():
    made = experiment()
    listed = eqx.tree_at(
        lambda e: (e.crystal.mosaic, e.beam.sources, e.scan), made,
        (jb.CapMosaic(0.3, 3), jb.RelativeSources((0.0, 1e-3), (0.0, 2e-3), (1.0, 1.01), (1.0, 2.0)),
         jb.Scan((7.0, 7.2))),
    )  # fmt: skip
    wanted = np.asarray(jb.simulate(listed, replace(EXACT, method="samples")))
    np.testing.assert_allclose(
        np.asarray(jb.simulate(listed, replace(EXACT, method="spots"))), wanted, atol=1e-5 * wanted.max()
    )


def test_without_spreads_it_is_the_image_of_one_orientation():
    made = experiment(mosaic=1e-5)
    plain = eqx.tree_at(lambda e: (e.crystal.mosaic, e.beam.sources), made, (jb.RotationList(np.eye(3)[None]),
                                                                             jb.RelativeSources()))  # fmt: skip
    image = np.asarray(jb.simulate(made, replace(EXACT, method="spots")))
    wanted = np.asarray(jb.simulate(plain, replace(EXACT, method="samples")))
    np.testing.assert_allclose(image, wanted, atol=1e-5 * wanted.max())


@pytest.mark.slow
def test_an_even_rotation_is_many_steps():
    """Without anything else Gaussian: 4000 steps of one orientation."""
    made = experiment(mosaic=0.0, width=1.0)
    steps = eqx.tree_at(lambda e: (e.crystal.mosaic, e.beam.sources, e.scan), made, (
        jb.RotationList(np.eye(3)[None]), jb.RelativeSources(), jb.Scan(7.0 + 1.0 * (np.arange(4000) + 0.5) / 4000)
    ))  # fmt: skip
    image = np.asarray(jb.simulate(made, EXACT))
    wanted = np.asarray(jb.simulate(steps, replace(EXACT, method="samples")))
    assert np.corrcoef(image.ravel(), wanted.ravel())[0, 1] > 0.99999
    assert image.sum() == pytest.approx(wanted.sum(), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "mosaic"), [(2.0, 0.1), (10.0, 0.05), (90.0, 0.1)])
def test_a_wide_rotation_is_the_mean_of_narrow_ones(width, mosaic):
    """Either is near the image of a tolerance 40 times as small; a grazing reflection's spot once had no box."""
    made = experiment(mosaic=mosaic, width=width)
    whole = np.asarray(jb.simulate(made, EXACT))
    fine = np.asarray(jb.simulate(made, replace(EXACT, tolerance=0.005)))
    near(whole, fine, 2e-3, 5e-4)
    parts = 0.0
    for i in range(4):
        part = eqx.tree_at(lambda e: e.scan, made, jb.Scan.continuous(7.0 + width * i / 4, width / 4))
        parts = parts + np.asarray(jb.simulate(part, EXACT)) / 4
    near(parts, fine, 2e-3, 5e-4)


@pytest.mark.slow
def test_mixed_precision_is_near_float64():
    for made in (experiment(mosaic=0.3, bandwidth=0.002), experiment(mosaic=0.1, width=1.0)):
        exact = np.asarray(jb.simulate(made, EXACT))
        mixed = np.asarray(jb.simulate(made, replace(EXACT, precision="mixed")))
        assert mixed.dtype == np.float32
        np.testing.assert_allclose(mixed, exact, atol=1e-5 * exact.max())


def test_masks_and_regions():
    whole = experiment(mosaic=0.3)
    image = np.asarray(jb.simulate(whole, EXACT))
    region = np.asarray(jb.simulate(whole, replace(EXACT, roi=(5, 40, 10, 30))))
    np.testing.assert_allclose(region[10:31, 5:41], image[10:31, 5:41], atol=1e-6 * image.max())
    assert region[:10].max() == 0
    mask = np.random.default_rng(1).random((48, 64)) > 0.3
    panel = whole.detector
    masked = jb.FlatPanel((48, 64), 1e-3, np.asarray(panel.origin), panel.fast_axis, panel.slow_axis, mask=mask)
    found = np.asarray(jb.simulate(eqx.tree_at(lambda e: e.detector, whole, masked), EXACT))
    np.testing.assert_allclose(found, np.where(mask, image, 0), atol=1e-6 * image.max())


@pytest.mark.parametrize("lines", [2, 40])
def test_backgrounds_are_of_the_beams_own_wavelengths(lines):
    """Which need not be near that of the beam: of two lines each, of many groups of neighbours; of nothing else."""
    wavelengths = np.linspace(0.8, 0.9, lines)
    beam = jb.Beam(1.0, fluence=1e28, sources=jb.SpectrumTable(wavelengths, 1.0 + np.arange(lines), 0.0))
    empty = jb.StructureFactors(np.zeros((3, 3, 3)), (-1, -1, -1))
    made = experiment(beam=beam, structure_factors=empty, background=jb.AmorphousBackground.slab(1e-4, 1e-4))
    one_by_one = replace(beam, sources=jb.AbsoluteSources([[1.0, 0, 0]] * lines, wavelengths, 1.0 + np.arange(lines)))
    wanted = np.asarray(jb.simulate(replace(made, beam=one_by_one), replace(EXACT, method="samples", samples=1)))
    found = np.asarray(jb.simulate(made, replace(EXACT, method="spots")))
    # Two lines stand for themselves; what is left is the look-up's, at the kinks of the table of water.
    np.testing.assert_allclose(found, wanted, rtol=3e-5 if lines == 2 else 2e-2)
    assert found.sum() == pytest.approx(wanted.sum(), rel=1e-6 if lines == 2 else 1e-3)


@pytest.mark.slow
def test_panels_layers_and_backgrounds():
    whole = experiment(mosaic=0.3)
    image = np.asarray(jb.simulate(whole, EXACT))
    panel = whole.detector
    step = 24 * 1e-3 * np.asarray(panel.slow_axis)
    axes = (np.asarray(panel.fast_axis), np.asarray(panel.slow_axis))
    halves = [jb.FlatPanel((24, 64), 1e-3, np.asarray(panel.origin) + k * step, *axes) for k in (0, 1)]
    two = np.asarray(jb.simulate(eqx.tree_at(lambda e: e.detector, whole, jb.MultiPanel(halves)), EXACT))
    np.testing.assert_allclose(two.reshape(48, 64), image, atol=1e-6 * image.max())
    wet = replace(whole, background=jb.AmorphousBackground.water(1e-3))
    water = np.asarray(jb.simulate(replace(wet, structure_factors=jb.StructureFactors(default=0.0)),
                                   replace(EXACT, method="samples")))  # fmt: skip
    np.testing.assert_allclose(np.asarray(jb.simulate(wet, EXACT)), image + water, rtol=1e-5, atol=1e-6 * image.max())
    thick = jb.FlatPanel((48, 64), 1e-3, np.asarray(panel.origin), *axes, sensor=jb.Sensor(2e-3, 1e-3, 3))
    layers = eqx.tree_at(lambda e: e.detector, experiment(mosaic=1e-5), thick)
    one = eqx.tree_at(lambda e: (e.crystal.mosaic, e.beam.sources), layers, (jb.RotationList(np.eye(3)[None]),
                                                                             jb.RelativeSources()))  # fmt: skip
    wanted = np.asarray(jb.simulate(one, replace(EXACT, method="samples")))
    np.testing.assert_allclose(np.asarray(jb.simulate(layers, EXACT)), wanted, atol=1e-5 * wanted.max())


PARAMETERS = {
    "spread": lambda e: e.crystal.mosaic.spread,
    "bandwidth": lambda e: e.beam.sources.bandwidth,
    "misset": lambda e: e.crystal.misset,
    "cell": lambda e: e.crystal.cell.a,
    "cells": lambda e: e.crystal.cells,
    "factors": lambda e: e.structure_factors.values,
    "width": lambda e: e.scan.width,
    "phi": lambda e: e.scan.angles,
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n == "spread" else [pytest.mark.slow]) for n in PARAMETERS]
)
def test_both_modes_and_differences_agree(name):
    """By the list that is held fixed; differences move it."""
    made = experiment(mosaic=0.3, bandwidth=0.002, width=None if name == "spread" else 1.0)
    options = jb.spot_options(made, replace(EXACT, oversample=1))
    where = PARAMETERS[name]
    start = np.asarray(where(made), float)
    rng = np.random.default_rng(2)
    weight, along = rng.normal(size=(48, 64)), rng.normal(size=start.shape)

    def total(value):
        return (jb.simulate(eqx.tree_at(where, made, value), options) * weight).sum()

    with jax.enable_x64(True):
        value = jax.numpy.asarray(start)
        # One program: its parts have the lists in common.
        both = jax.jit(lambda value: (jax.grad(total)(value), *jax.jvp(total, (value,), (jax.numpy.asarray(along),))))
        gradient, _, forward = both(value)
        reverse, forward = float((np.asarray(gradient) * along).sum()), float(forward)
        step = 1e-5 * max(float(np.abs(start).max()), 1e-3)
        change = (float(both(value + step * along)[1]) - float(both(value - step * along)[1])) / (2 * step)
    assert forward == pytest.approx(reverse, rel=1e-9)
    assert change == pytest.approx(reverse, rel=1e-4)


def test_the_same_under_jit_and_nan_where_a_list_is_too_short():
    made = experiment(mosaic=0.3)
    options = jb.spot_options(made, EXACT, margin=1.02)
    image = np.asarray(jb.simulate(made, EXACT))
    np.testing.assert_array_equal(np.asarray(jb.simulate(made, options)), image)
    wider = eqx.tree_at(lambda e: e.crystal.mosaic.spread, made, np.full(3, 1.5))
    assert np.isnan(np.asarray(jb.simulate(wider, options))).all()
    with pytest.raises(ValueError, match="Option `spots` must be given where values are traced"):
        jax.jit(lambda e: jb.simulate(e, EXACT))(made)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["near", "events"])
def test_nan_where_one_of_the_other_lists_is_too_short(name):
    made = experiment(mosaic=0.3)
    options = jb.spot_options(made, EXACT)
    short = replace(options, spots=options.spots._replace(**{name: 3}))
    assert np.isnan(np.asarray(jb.simulate(made, short))).all()


def test_what_has_no_closed_form_is_sampled_or_refused():
    made = experiment(mosaic=0.3)
    few = jb.Options(samples=16)
    wide = eqx.tree_at(lambda e: e.crystal.mosaic, made, jb.GaussianMosaic(12.0))
    with pytest.raises(ValueError, match="at most 1024 narrower Gaussians may stand for it"):
        jb.simulate(wide, jb.Options(method="spots"))
    with pytest.warns(jb.SampledWarning, match="samples stand for what is Gaussian"):
        sampled = np.asarray(jb.simulate(wide, few))
    np.testing.assert_array_equal(sampled, np.asarray(jb.simulate(wide, replace(few, method="samples"))))
    uneven = eqx.tree_at(lambda e: e.crystal.cell_spread, made, jb.CellSpread(0.02), is_leaf=lambda x: x is None)
    with pytest.raises(ValueError, match="`cell_spread` must be at most 1 %"):
        jb.simulate(uneven, jb.Options(method="spots"))
    with pytest.raises(ValueError, match="spots must be gauss ones"):
        jb.simulate(made, jb.Options(method="spots", shape="square"))
    with pytest.raises(ValueError, match="Option `method` must be"):
        jb.Options(method="sampling")
    with pytest.raises(ValueError, match="Option `spots` must be SpotSizes"):
        jb.Options(spots=(1, 2))  # type: ignore[arg-type]
    assert hash(jb.Options(method="spots", spots=SpotSizes((1, 1, 1), 1, 1, 1)))
    with pytest.raises(ValueError, match="Option `spots` needs `method` 'spots'"):
        jb.Options(spots=SpotSizes((1, 1, 1), 1, 1, 1))
    large = eqx.tree_at(lambda e: e.crystal, made, jb.Crystal((3000, 3000, 3000, 90, 90, 90), shape="gauss"))
    large = eqx.tree_at(lambda e: e.structure_factors, large, jb.StructureFactors(default=1.0))
    with pytest.raises(ValueError, match="-dmin, cuts it"):
        jb.simulate(large, jb.Options(method="spots"))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"corrections": "first"}, "corrections at each pixel"),
        ({"interpolation": "tricubic"}, "taken at the reflections"),
        ({"skip_below": 0.0}, "something must be skipped"),
    ],
)
def test_options_that_spots_do_not_keep_are_refused(more, message):
    with pytest.raises(ValueError, match=message):
        jb.simulate(experiment(), jb.Options(method="spots", **more))


def test_progress_ends_at_the_whole():
    shares = []
    jb.simulate(experiment(), EXACT, progress=shares.append)
    assert shares == [1.0]


def test_backward_spread_widths_and_scans_are_refused():
    for make, message in (
        (lambda: jb.GaussianMosaic(-1.0), "`spread`"),
        (lambda: jb.GaussianSources(-0.1), "`bandwidth`"),
        (lambda: jb.GaussianSources(0.3), "`bandwidth` must be at most 0.2"),
        (lambda: jb.SpectrumTable([1.0], [1.0], 0.3), "`bandwidths` must be at most 0.2"),
        (lambda: jb.GaussianMosaic((0.1, 0.2)), "`spread` must be 1, 3 or 6 numbers"),
        (lambda: jb.GaussianMosaic((0.1, 0.1, 0.1, 0.2, 0, 0)), "without negative eigenvalues"),
        (lambda: jb.CellSpread((0.1, -0.1, 0.1)), "`spread`"),
        (lambda: jb.SpectrumTable((1.0, 1.1), (0.0, 0.0)), "`weights` must not all be zero"),
        (lambda: jb.Options(samples=0), "`samples`"),
        (lambda: jb.Options(tolerance=0.0), "`tolerance`"),
        (lambda: jb.Options(sample_seed=-1), "`sample_seed`"),
        (lambda: jb.Scan.continuous(0.0, 400.0), "`width`"),
        (lambda: jb.Scan.continuous(0.0, -1.0), "`width`"),
        (lambda: jb.Scan((0.0, 1.0), width=1.0), "`angles` must be one"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
