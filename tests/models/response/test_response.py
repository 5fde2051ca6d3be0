"""A response as a whole: mean and variance of what is drawn, derivatives, the two kinds of random numbers, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg_kernels.numerics import numerics

DRAWS = 10_000
MEAN = 20.0

# One step each after Poisson noise, and its variance at a mean of 20 photons, by hand.
STEPS = {
    "nothing more": ((), MEAN, MEAN),
    "gain": ((jb.Gain(2.5),), 2.5 * MEAN, 2.5**2 * MEAN),
    "read-out": ((jb.ReadNoise(3.0),), MEAN, MEAN + 9.0),
    "pedestal": ((jb.Pedestal(100.0),), MEAN + 100.0, MEAN),
    "flicker": ((jb.Flicker(0.1),), MEAN, MEAN * 1.01 + 0.01 * MEAN**2),
    "all": ((jb.Gain(2.0), jb.ReadNoise(3.0), jb.Pedestal(7.0)), 2 * MEAN + 7.0, 4 * MEAN + 9.0),
}


def chances():
    return {"numpy": 5, "jax": jax.random.key(5)}


@pytest.mark.parametrize("chance", ["numpy", "jax"])
@pytest.mark.parametrize("name", STEPS)
def test_mean_and_variance_of_many_draws_are_those_expected(name, chance):
    """Ten thousand pixels; means within 3.5 standard errors, variances within 3.5 of theirs."""
    steps, mean, variance = STEPS[name]
    response = jb.Response([jb.Counting(), *steps])
    photons = np.full((100, DRAWS // 100), MEAN, np.float32)
    expected = response.expected(photons)
    np.testing.assert_allclose(expected.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(expected.variance, variance, rtol=1e-6)
    drawn = np.asarray(response.drawn(photons, chances()[chance]), float)
    assert abs(drawn.mean() - mean) < 3.5 * (variance / DRAWS) ** 0.5
    fourth = 3 * variance**2 + variance * 10  # at least that of a Gaussian, and some for Poisson
    assert abs(drawn.var() - variance) < 3.5 * ((fourth - variance**2) / DRAWS) ** 0.5


def test_the_same_seed_gives_the_same_image_and_another_another():
    photons = np.full((300, 1000), 5.0, np.float32)
    response = jb.Response([jb.Counting(), jb.ReadNoise(1.0)])
    one, same, other = (response.drawn(photons, seed) for seed in (3, 3, -3))
    np.testing.assert_array_equal(one, same)
    assert (one != other).mean() > 0.9
    key = jax.random.key(3)
    inside = jax.jit(lambda image, k: response.drawn(image, k))(photons, key)
    np.testing.assert_allclose(response.drawn(photons, key), inside, atol=1e-5)
    several = jax.vmap(lambda k: response.drawn(photons, k))(jax.random.split(key, 2))
    assert (np.asarray(several[0]) != np.asarray(several[1])).mean() > 0.9


def test_steps_have_random_numbers_of_their_own():
    photons = np.zeros((100, 1000), np.float32)
    for seed in chances().values():
        one = np.asarray(jb.Response([jb.ReadNoise(1.0)]).drawn(photons, seed))
        both = np.asarray(jb.Response([jb.ReadNoise(1.0), jb.ReadNoise(1.0)]).drawn(photons, seed))
        assert abs(np.corrcoef(one.ravel(), (both - one).ravel())[0, 1]) < 0.02


def test_where_means_cannot_be_looked_at_those_that_cannot_be_give_nan():
    drawn = jax.jit(lambda image: jb.Response([jb.Counting()]).drawn(image, jax.random.key(0)))
    found = np.asarray(drawn(np.array([5.0, -1.0, np.nan], np.float32)))
    assert np.isfinite(found).tolist() == [True, False, False]


def every_step():
    return jb.Response(
        [
            jb.GaussianSpread(1.3), jb.MoffatSpread(1.0, 2.5), jb.FibreSpread(0.4), jb.Flicker(0.02),
            jb.Counting(2e-3, 1.0), jb.Counting(1e-3, 1.0, paralyzable=True), jb.PhotonCharge(0.2),
            jb.ChargeSharing(0.2),
            jb.CalibrationError(0.03, 1), jb.GainStages([40.0, -2.0], [3.0, 2.0], [100.0, 16000.0], [80.0]),
            jb.Gain(1.7), jb.ReadNoise(2.0), jb.Pedestal(10.0), jb.Saturation(1e4),
        ]
    )  # fmt: skip


def test_derivatives_of_every_real_number_and_of_the_photons_agree():
    """Forward = reverse to 1e-9, differences to 1e-5; by each leaf of a response of every step."""
    with numerics():
        random = np.random.default_rng(0)
        photons = jnp.asarray(random.uniform(5.0, 60.0, (12, 15)))
        weights = [jnp.asarray(random.standard_normal((12, 15))) for _ in range(2)]

        def number(tree):
            response, photons = tree
            mean, variance = response.expected(photons)
            return (weights[0] * mean).sum() + 0.1 * (weights[1] * variance).sum()

        number = jax.jit(number)
        push = jax.jit(lambda tree, change: jax.jvp(number, (tree,), (change,))[1])
        tree = every_step(), photons
        leaves, make = jax.tree.flatten(tree)
        gradient = jax.tree.leaves(jax.grad(number)(tree))
        assert len(leaves) == len(gradient) == 21
        checked = 0
        for i, leaf in enumerate(leaves):
            direction = jnp.asarray(random.standard_normal(leaf.shape)) * jnp.maximum(abs(leaf), 1e-2)

            def along(t, i=i, leaf=leaf, direction=direction):
                return number(jax.tree.unflatten(make, [*leaves[:i], leaf + t * direction, *leaves[i + 1 :]]))

            still = [jnp.zeros_like(each) for each in leaves]
            forward = push(tree, jax.tree.unflatten(make, [*still[:i], direction, *still[i + 1 :]]))
            reverse = (gradient[i] * direction).sum()
            difference = (along(1e-5) - along(-1e-5)) / 2e-5
            scale = abs(forward) + 1e-6
            assert abs(forward - reverse) < 1e-9 * scale
            assert abs(forward - difference) < 1e-5 * max(scale, 1.0)
            checked += float(abs(forward)) > 1e-6
        assert checked >= 15  # pedestals of stages, thresholds and the limit change nothing


def test_with_float64_off_and_under_jit_the_image_keeps_its_type():
    photons = np.full((8, 9), 3.0, np.float32)
    found = jax.jit(lambda response, image: response.expected(image))(every_step(), photons)
    plain = every_step().expected(photons)
    assert found.mean.dtype == found.variance.dtype == jnp.float32
    np.testing.assert_allclose(found.mean, plain.mean, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jb.Response([3]), "`steps` must be steps such as GaussianSpread"),
        (lambda: jb.Counting(-1.0), "`dead_time` must not be negative"),
        (lambda: jb.Counting(1e-9, 0.0), "`exposure` must be positive"),
        (lambda: jb.Gain(0.0), "`factor` must be positive"),
        (lambda: jb.ReadNoise(-1.0), "`spread` must not be negative"),
        (lambda: jb.ReadNoise(np.nan), "`spread` must be finite"),
        (lambda: jb.Saturation(-1.0), "`limit` must be positive"),
        (lambda: jb.GaussianSpread(0.0), "`fwhm` must be positive"),
        (lambda: jb.GaussianSpread(1.0, 0), "`radius` must be a whole number of at least 1"),
        (lambda: jb.FibreSpread(-1.0), "`g` must be positive"),
        (lambda: jb.MoffatSpread(1.0, 1.0), "`beta` must be above 1"),
        (lambda: jb.ChargeSharing(-0.1), "`sigma` must be positive"),
        (lambda: jb.Flicker(-0.1), "`spread` must not be negative"),
        (lambda: jb.CalibrationError(0.1, -1), "`seed` must be a whole number of at least 0"),
        (lambda: jb.GainStages([1.0], [1.0, 2.0], [0.0], []), "`noises` must have shape"),
        (lambda: jb.GainStages([1.0, 0.0], [1, 1], [0, 0], [3]), "`gains` must not be 0"),
        (lambda: jb.GainStages([1.0, 1, 1], [1, 1, 1], [0, 0, 0], [3, 2]), "`thresholds` must ascend"),
        (lambda: jb.GainStages([40.0, 1.0], [1, 1], [100, 0], [500]), "`thresholds` must be where the stage below"),
        (lambda: jb.GainStages.jungfrau(0), "`energy` must be positive"),
        (lambda: jb.BadPixels(np.zeros((2, 2)), np.zeros((2, 2), bool)), "`dead` must be True and False"),
        (lambda: jb.BadPixels.random((4, 4), 0.7, 0.6), "`dead` must be a share"),
        (lambda: jb.GainStages([1.0], [1.0], [0.0], [], bits=15), "`bits` must leave two of 16"),
        (lambda: jb.Response([]).drawn(np.array([1.0, -1.0]), 0), "`photons` must not be NaN or negative, but 1 of 2"),
        (lambda: jb.Response([]).drawn(np.array([np.nan]), 0), "`photons` must not be NaN or negative, but 1 of 1"),
        (lambda: jb.Response([]).drawn(np.ones((2, 2)), 1.5), "`seed` must be a whole number, or a key"),
        (lambda: jb.Response([]).drawn(np.ones((2, 2)), True), "`seed` must be a whole number, or a key"),
    ],
)
def test_what_cannot_be_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
