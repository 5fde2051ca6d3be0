"""What distributions draw, against what they say."""

import cases
import numpy as np
import pytest
from scipy import stats

import jaxbragg as jb
from jaxbragg import batch

COUNT = 10_000
PLAN = batch.Plan(cases.experiment(), COUNT, {"beam.fluence": batch.Normal(5.0, 2.0)})


def drawn(distribution, what="x"):
    return np.array([distribution.draw(PLAN.chance(shot, what), shot) for shot in range(COUNT)])


@pytest.mark.parametrize(
    ("distribution", "wanted"),
    [
        (batch.Normal(5.0, 2.0), stats.norm(5.0, 2.0)),
        (batch.LogNormal(5.0, 0.3), stats.lognorm(0.3, scale=5.0)),
        (batch.Uniform(-1.0, 3.0), stats.uniform(-1.0, 4.0)),
    ],
)
def test_they_are_what_they_say(distribution, wanted) -> None:
    assert stats.kstest(drawn(distribution), wanted.cdf).pvalue > 0.01


def test_choices_have_their_weights_and_poisson_its_mean() -> None:
    found = drawn(batch.Choice([1.0, 2.0, 5.0], [1, 2, 7]))
    observed = [(found == value).sum() for value in (1.0, 2.0, 5.0)]
    assert stats.chisquare(observed, COUNT * np.array([0.1, 0.2, 0.7])).pvalue > 0.01
    counts = drawn(batch.Poisson(2.5, least=0, most=99))
    assert abs(counts.mean() - 2.5) < 4 * np.sqrt(2.5 / COUNT)
    assert drawn(batch.Poisson(0.1)).min() == 1


def test_rotations_are_uniform_over_all_of_them() -> None:
    """p-values of 10⁴: each axis's image is uniform on the sphere, and angles have (θ − sin θ)/π."""
    matrices = drawn(batch.UniformRotation())
    np.testing.assert_allclose(matrices @ matrices.transpose(0, 2, 1) - np.eye(3), 0.0, atol=1e-12)
    for column in range(3):
        for row in range(3):  # Archimedes: a coordinate of a point of the sphere is uniform
            assert stats.kstest(matrices[:, row, column], stats.uniform(-1, 2).cdf).pvalue > 0.001
    angles = np.arccos(np.clip((np.trace(matrices, axis1=1, axis2=2) - 1) / 2, -1, 1))
    assert stats.kstest(angles, lambda theta: (theta - np.sin(theta)) / np.pi).pvalue > 0.01


def test_a_list_goes_round() -> None:
    found = [batch.Listed([1.0, 4.0, 9.0]).draw(PLAN.chance(shot, "x"), shot) for shot in range(5)]
    assert found == [1.0, 4.0, 9.0, 1.0, 4.0]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: batch.Normal(1.0, -1.0), "standard deviation must not be negative"),
        (lambda: batch.Normal(float("nan"), 1.0), "finite"),
        (lambda: batch.LogNormal(0.0, 1.0), "median must be positive"),
        (lambda: batch.Uniform(3.0, 1.0), "above the highest"),
        (lambda: batch.Choice([]), "at least one value"),
        (lambda: batch.Choice([1.0, [2.0, 3.0]]), "one shape"),
        (lambda: batch.Choice([1.0, 2.0], [1.0]), "weights"),
        (lambda: batch.Poisson(-1.0), "negative"),
        (lambda: batch.Listed([]), "at least one value"),
    ],
)
def test_what_cannot_be_is_refused(make, says) -> None:
    with pytest.raises(ValueError, match=says):
        make()


def test_it_is_reached_by_the_package() -> None:
    assert jb.batch.Normal is batch.Normal
