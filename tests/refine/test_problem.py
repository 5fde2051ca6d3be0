"""The problem: derivatives against finite differences and against each other, pixels that count, and bad input."""

import jax
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg import refine

EXACT = jb.Options(precision="float64")


def numeric_gradient(problem, x, step=1e-4):
    steps = np.broadcast_to(step, len(x))
    return np.array(
        [
            (problem.objective(x + m) - problem.objective(x - m)) / (2 * s)
            for m, s in zip(np.diag(steps), steps, strict=True)
        ]
    )


@pytest.mark.parametrize("likelihood", ["poisson", refine.Gaussian(2.0)], ids=["poisson", "gaussian"])
def test_both_modes_agree_with_finite_differences(small, likelihood):
    parameters = [refine.Parameter("crystal.cell.a", bounds=(50, 60), prior=(54.9, 0.02)), *small.parameters[1:]]
    problem = refine.Problem(small.start, parameters, small.image, EXACT, likelihood=likelihood)
    x = 0.3 * np.random.default_rng(0).standard_normal(len(problem.start))
    numeric = numeric_gradient(problem, x)
    largest = abs(numeric).max()
    np.testing.assert_allclose(problem.gradient(x), numeric, rtol=1e-4, atol=1e-6 * largest)
    equations = problem.normal_equations(x)
    np.testing.assert_allclose(2 * equations.gradient, numeric, rtol=1e-4, atol=1e-6 * largest)
    assert equations.objective == pytest.approx(problem.objective(x), rel=1e-12)


GEOMETRY = ["detector.distance", "detector.beam_center", "detector.rotation", "beam.wavelength", "beam.direction[1]"]
CRYSTAL = ["crystal.rotation", "crystal.fudge", "crystal.mosaic.spread", "scan.angles", "scan.axis[0]"]
REST = [
    "beam.fluence",
    "beam.polarization",
    "structure_factors.default",
    "image.constant",
    "image.slow",
    "image.radial",
]


def test_every_kind_of_parameter_has_its_derivative(small):
    crystal = jb.Crystal(
        (55, 65, 75, 90, 95, 90), misset=(10, 20, 30), cells=10, mosaic=jb.CapMosaic(0.3, 3), shape="gauss"
    )
    scan = jb.Scan((0.2, 0.4), axis=(0.0, 0.6, 0.8))
    start = jb.Experiment(small.start.beam, crystal, small.start.detector, small.start.structure_factors, scan=scan)
    problem = refine.Problem(start, [*GEOMETRY, *CRYSTAL, *REST], small.image + 5, EXACT, background=4.0)
    x = 0.02 * np.random.default_rng(1).standard_normal(len(problem.start))
    steps = np.full(len(x), 1e-5)
    steps[problem.names.index("crystal.mosaic.spread")] = 1e-3  # its angles are rounded to float32, as the C program's
    numeric = numeric_gradient(problem, x, steps)
    found = 2 * problem.normal_equations(x).gradient
    assert (abs(found) > 0).all()
    np.testing.assert_allclose(found, numeric, rtol=2e-4, atol=1e-6 * abs(numeric).max())


def test_the_model_image_is_the_simulation_and_the_background(small):
    problem = refine.Problem(small.truth, [refine.Parameter("image.slow", start=1.0)], small.image, background=2.0)
    expected = np.asarray(jb.simulate(small.truth)) + 2.0 + (2 * (np.arange(64) + 0.5) / 64 - 1)[:, None]
    np.testing.assert_allclose(problem.model_image(problem.start), expected, rtol=1e-5)
    residuals = (small.image - expected) / np.sqrt(expected + 1e-3)
    np.testing.assert_allclose(problem.residual_image(problem.start), residuals, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(problem.residuals(problem.start), residuals.ravel(), rtol=1e-3, atol=1e-3)


def objective_by_hand(problem, image, used):
    model = problem.model_image(problem.start) + 1e-3
    some = np.where(image > 0, image, 1.0)
    deviance = 2 * (model - image + np.where(image > 0, some * np.log(some / model), 0.0))
    return deviance[used].sum()


def test_masks_shoeboxes_and_pixels_without_a_number_choose_the_pixels(small):
    image = small.image.copy()
    image[5, 7] = image[40, 50] = np.nan
    mask = np.ones((64, 64), bool)
    mask[:, 20:23] = False
    mask[40, 50] = False
    boxes = [(3, 30, 2, 20), (28, 60, 15, 50)]
    problem = refine.Problem(small.truth, ["image.constant"], image, masks=mask, shoeboxes=boxes)
    used = np.zeros((64, 64), bool)
    for fast_first, fast_last, slow_first, slow_last in boxes:
        used[slow_first : slow_last + 1, fast_first : fast_last + 1] = True
    used &= mask & np.isfinite(image)
    assert problem.pixels == used.sum()
    assert problem.not_numbers == 1
    expected = objective_by_hand(problem, np.nan_to_num(image), used)
    assert problem.objective(problem.start) == pytest.approx(expected, rel=1e-5)
    assert np.isnan(problem.residual_image(problem.start)[~used]).all()
    assert problem.tiles[0].numbers.size < 256  # tiles outside the boxes are not drawn at all


def test_the_result_does_not_depend_on_the_blocks(small):
    whole, cut = (
        refine.Problem(small.start, small.parameters, small.image, jb.Options(block_pixels=pixels, precision="float64"))
        for pixels in (65536, 4000)
    )
    assert cut.tiles[0].numbers.shape[0] > whole.tiles[0].numbers.shape[0]
    one, other = (problem.normal_equations(problem.start) for problem in (whole, cut))
    np.testing.assert_allclose(other.dense(), one.dense(), rtol=1e-10)
    np.testing.assert_allclose(other.gradient, one.gradient, rtol=1e-8)


def test_the_detectors_mask_and_the_region_of_interest_count(small):
    mask = np.ones((64, 64), bool)
    mask[10] = False
    problem = refine.Problem(small.still(mask=mask), ["image.scale"], small.image, jb.Options(roi=(5, 33, 7, 41)))
    assert problem.pixels == 29 * 34
    assert problem.objective(problem.start) > 0


def test_several_panels(small):
    image = np.stack([small.image, small.image])
    problem = refine.Problem(small.still(panels=2), ["image.constant"], image, shoeboxes=[(1, 0, 31, 0, 63)])
    assert problem.pixels == 32 * 64
    assert problem.model_image(problem.start).shape == (2, 64, 64)


def test_the_fits_of_many_noises_share_a_compilation(small):
    from jaxbragg.refine.equations import image_equations

    first = refine.Problem(small.start, small.parameters, small.image)
    first.normal_equations(first.start)
    compiled = image_equations._cache_size()
    other = refine.Problem(
        small.truth, small.parameters, small.counts(small.truth, seed=5), likelihood=refine.Poisson(0.1)
    )
    other.normal_equations(other.start)
    assert image_equations._cache_size() == compiled


# Several images ------------------------------------------------------------------------------------------------------


def test_own_values_touch_their_own_image_alone(small):
    images = [small.image, small.counts(small.truth, 1), small.counts(small.truth, 2)]
    per_image = [refine.Parameter("image.scale", per_image=True), refine.Parameter("crystal.misset[0]", per_image=True)]
    problem = refine.Problem(small.start, ["detector.distance", *per_image], images, EXACT)
    assert problem.names == (
        "detector.distance",
        *(f"{name} @{i}" for i in range(3) for name in ("image.scale", "crystal.misset[0]")),
    )
    equations = problem.normal_equations(problem.start)
    dense = equations.dense()
    assert dense[1, 3] == dense[2, 5] == 0.0
    alone = refine.Problem(small.start, ["detector.distance", "image.scale", "crystal.misset[0]"], images[1], EXACT)
    one = alone.normal_equations(alone.start).dense()
    np.testing.assert_allclose(dense[np.ix_([0, 3, 4], [3, 4])], one[:, 1:], rtol=1e-10)
    moved = np.zeros(7)
    moved[3] = 1.0
    assert problem.values(moved)[3] == pytest.approx(1.1)
    np.testing.assert_allclose(2 * equations.gradient, numeric_gradient(problem, np.zeros(7)), rtol=1e-4)


def test_each_image_starts_from_its_own_experiment(small):
    starts = [small.still(misset=(10 + i, 20, 30)) for i in range(2)]
    per_image = refine.Parameter("crystal.misset[0]", per_image=True)
    problem = refine.Problem(starts, [per_image], [small.image] * 2)
    np.testing.assert_allclose(problem.values(problem.start), [10, 11])
    given = refine.Problem(
        starts, [refine.Parameter("crystal.misset[0]", per_image=True, start=[5, 6])], [small.image] * 2
    )
    np.testing.assert_allclose(given.values(given.start), [5, 6])
    assert float(given.experiment(given.start, 1).crystal.misset[0]) == 6.0
    with pytest.raises(ValueError, match="`start` must be given where one parameter sets values that differ"):
        refine.Problem(starts, ["crystal.misset[0]"], [small.image] * 2)


def test_one_value_for_several_paths(small):
    tied = refine.Parameter(("crystal.cell.a", "crystal.cell.b"), start=60.0)
    problem = refine.Problem(small.truth, [tied], small.image)
    cell = problem.experiment(np.array([2.0])).crystal.cell
    assert float(cell.a) == float(cell.b) == pytest.approx(60.2)
    with pytest.raises(ValueError, match=r"sets values that differ, .* stands for 55, 65"):
        refine.Problem(small.truth, [refine.Parameter(("crystal.cell.a", "crystal.cell.b"))], small.image)


# Bad input -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": []}, "`parameters` must hold at least one free parameter"),
        ({"parameters": ["crystal.cel.a"]}, "the nearest path is 'crystal.cell.a'"),
        ({"parameters": ["structure_factors.values"]}, "must name at least one number"),
        ({"parameters": ["crystal.misset", "crystal.misset[1]"]}, r"'crystal.misset\[1\]' is free twice"),
        ({"parameters": [refine.Parameter(("crystal.cell.a", "crystal.misset"))]}, "must name quantities of one size"),
        (
            {"parameters": [refine.Parameter("crystal.cell.a", bounds=(50, 54))]},
            "`start` must lie inside the bounds 50",
        ),
        ({"parameters": [refine.Parameter("crystal.cell.a", start=(1, 2))]}, "`start` must be one number or 1"),
        ({"images": np.zeros((64, 60))}, r"`images` must have the detector's shape \(64, 64\), but image 0 has shape"),
        ({"images": np.full((64, 64), np.nan)}, "`images` must hold finite numbers, but image 0 has none"),
        ({"images": np.full((64, 64), "a")}, "`images` must hold real numbers"),
        ({"images": np.full((64, 64), -3.0)}, "`images` must not be negative .* 4096 pixels are"),
        ({"images": []}, "`images` must hold at least one image"),
        ({"masks": np.zeros((64, 64), bool)}, "all pixels of image 0 are masked"),
        ({"masks": np.zeros((64, 60), bool)}, "`masks` must have the detector's shape"),
        ({"shoeboxes": [(0, 64, 0, 3)]}, "`shoeboxes` must hold first and last pixels"),
        ({"shoeboxes": [(5, 3, 0, 3)]}, "`shoeboxes` must hold first and last pixels"),
        ({"shoeboxes": [(0, 3, 0)]}, "`shoeboxes` must hold first and last pixels"),
        ({"background": np.full((64, 64), np.nan)}, "`background` must be finite"),
        ({"background": np.zeros((2, 2))}, "`background` must have the detector's shape"),
        ({"likelihood": "cauchy"}, "`likelihood` must be"),
        ({"options": jb.Options(devices=2)}, "`devices` must be None in a fit, which uses one device, but is 2"),
    ],
)
def test_bad_input_is_named(small, changes, message):
    arguments = {"parameters": ["image.scale"], "images": small.image, **changes}
    with pytest.raises(ValueError, match=message):
        refine.Problem(small.truth, **arguments)


@pytest.mark.parametrize("swapped", [np.zeros((64, 64)), [1.0], None])
def test_what_is_no_list_of_parameters_is_named(small, swapped):
    with pytest.raises(TypeError, match="`parameters` must be a list of paths"):
        refine.Problem(small.truth, swapped, small.image)


def test_one_parameter_needs_no_list(small):
    assert refine.Problem(small.truth, "image.scale", small.image).free.all_names() == ("image.scale",)


def test_numbers_of_images_experiments_and_masks_must_fit(small):
    images = [small.image] * 3
    with pytest.raises(ValueError, match="one for each of 3 images, but holds 2"):
        refine.Problem([small.truth] * 2, ["image.scale"], images)
    with pytest.raises(ValueError, match="`masks` must hold one for each of 3 images, but holds 2"):
        refine.Problem(small.truth, ["image.scale"], images, masks=[None, None])
    with pytest.raises(ValueError, match="must have spots of one shape"):
        refine.Problem([small.truth, small.still(shape="square")], ["image.scale"], images[:2])


def test_the_callers_settings_stay(small):
    assert not jax.config.jax_enable_x64
    problem = refine.Problem(small.truth, ["image.scale"], small.image)
    problem.objective_and_gradient(problem.start)
    assert not jax.config.jax_enable_x64
