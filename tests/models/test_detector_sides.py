"""Panels of either read-out: which side faces the sample does not depend on the order of their axes."""

import equinox as eqx
import jax
import numpy as np
import pytest
from cases import experiment, in_float64, panel, relative, tilted_panel
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import jaxbragg as jb

DOUBLE = jb.Options(precision="float64")
SENSOR = jb.Sensor(450e-6, 300e-6, 3)


def mirrored(made):
    """The same pixels with the slow axis read out from its other end."""
    slow = np.asarray(made.slow_axis)
    origin = np.asarray(made.origin) + slow * made.pixels[0] * float(made.pixel_size[1])
    return jb.FlatPanel(made.pixels, made.pixel_size, origin, made.fast_axis, -slow, sensor=made.sensor)


@pytest.mark.parametrize("sensor", [None, SENSOR], ids=["bare", "sensor"])
@pytest.mark.parametrize("make", [panel, tilted_panel], ids=["across", "tilted"])
def test_a_panel_read_out_the_other_way_round_has_the_same_image_mirrored(make, sensor):
    one = make((12, 20), sensor=sensor)
    image = np.asarray(jb.simulate(experiment(detector=one), DOUBLE))
    other = np.asarray(jb.simulate(experiment(detector=mirrored(one)), DOUBLE))
    assert image.min() > 0
    assert relative(other[::-1], image) < 1e-10
    both = np.asarray(jb.simulate(experiment(detector=jb.MultiPanel([one, mirrored(one)])), DOUBLE))
    assert relative(both[1][::-1], image) < 1e-10


@given(st.integers(0, 10_000))
@in_float64
def test_normals_turn_away_from_the_sample_and_distances_are_positive(seed):
    rng = np.random.default_rng(seed)
    fast, slow, normal = Rotation.random(rng=rng).as_matrix() * rng.choice([-1, 1], (3, 1))
    origin = rng.normal(size=3)
    for given_normal in (None, normal):
        made = jb.FlatPanel((4, 5), 1e-4, origin, fast, slow, normal_axis=given_normal)
        found = np.asarray(made.normal(0, 0.0, 0.0))
        assert found @ origin > 0
        np.testing.assert_allclose(np.abs(found @ normal), 1.0, atol=1e-12)
        np.testing.assert_allclose(float(made.plane_distance(0, 0.0, 0.0)), abs(origin @ normal), rtol=1e-12)
        # So it is of a panel that was moved to the sample's other side.
        moved = eqx.tree_at(lambda p: p.origin, made, -made.origin)
        assert float(moved.plane_distance(0, 0.0, 0.0)) > 0
        distance = lambda origin, made=made: eqx.tree_at(lambda p: p.origin, made, origin).plane_distance(0, 0.0, 0.0)  # noqa: E731
        np.testing.assert_allclose(jax.grad(distance)(made.origin), found, atol=1e-12)


@pytest.mark.parametrize("normal", [(0, 0, 1), (0, 1, 0), (0.01, 0.6, np.sqrt(0.64 - 1e-4))])
def test_a_normal_that_is_none_is_refused(normal):
    with pytest.raises(ValueError, match=r"Argument `normal_axis` must stand on the panel, but .* is in its plane"):
        panel(normal_axis=normal)


def test_a_panel_that_the_sample_sees_edge_on_is_refused():
    with pytest.raises(ValueError, match="Argument `origin` must not be in one plane with the axes of the panel"):
        jb.FlatPanel((4, 4), 1e-4, (0.1, 0.0, 0.0), (1, 0, 0), (0, 1, 0))


@pytest.mark.parametrize("mask", [np.full((4, 4), np.nan), np.ma.masked_array(np.ones((4, 4))), np.full((4, 4), "x")])
def test_a_mask_of_something_else_is_refused(mask):
    with pytest.raises(ValueError, match="Argument `mask` must"):
        panel((4, 4), mask=mask)
