"""Flat, multiple and curved detectors, and their sensors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64, panel, tilted_panel
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from jaxbragg.models.detector import CurvedDetector, FlatPanel, MultiPanel, Sensor

NAN, INF = float("nan"), float("inf")
coordinates = st.floats(-50, 500)


def answers(detector, number, slow, fast):
    """What the simulation asks of one point: position, normal, distance of its plane, area."""
    with jax.enable_x64(True):
        number, slow, fast = jnp.asarray(number), jnp.asarray(float(slow)), jnp.asarray(float(fast))
        found = (
            detector.position(number, slow, fast),
            detector.normal(number, slow, fast),
            detector.plane_distance(number, slow, fast),
            detector.pixel_area(number),
        )
    return [np.asarray(x) for x in found]


# Flat ----------------------------------------------------------------------------------------------------------------


@given(coordinates, coordinates)
def test_a_flat_panel_is_a_plane_of_pixels(slow, fast):
    detector = tilted_panel()
    position, normal, distance, area = answers(detector, 0, slow, fast)
    origin, fast_axis, slow_axis = (np.asarray(x) for x in (detector.origin, detector.fast_axis, detector.slow_axis))
    np.testing.assert_allclose(position, origin + fast * 1e-3 * fast_axis + slow * 0.8e-3 * slow_axis, atol=1e-15)
    np.testing.assert_allclose(normal, np.cross(fast_axis, slow_axis), atol=1e-15)
    np.testing.assert_allclose(position @ normal, distance, rtol=1e-13)
    np.testing.assert_allclose(area, 0.8e-6, rtol=1e-15)


def test_the_middle_of_a_pixel_lies_half_a_pixel_on():
    # 4 × 6 pixels of 1 mm; the beam along x hits the middle. Slow runs down, −y, and fast along z.
    position, normal, distance, _ = answers(panel((4, 6)), 0, 0.5, 3.5)
    np.testing.assert_allclose(position, [0.1, 1.5e-3, 0.5e-3], atol=1e-16)
    np.testing.assert_array_equal(normal, [1, 0, 0])
    np.testing.assert_allclose(distance, 0.1, rtol=1e-15)


def test_a_normal_that_is_given_is_kept():
    normal = np.array([1.0, 1e-4, 0.0]) / np.hypot(1.0, 1e-4)
    detector = FlatPanel((2, 2), 1e-3, (0.1, 0, 0), (0, 0, 1), (0, -1, 0), normal_axis=normal)
    np.testing.assert_array_equal(answers(detector, 0, 0, 0)[1], normal)


def test_shapes_of_one_panel():
    assert panel((4, 6)).shape == (1, 4, 6)
    assert panel((4, 6)).image_shape == (4, 6)


# Several panels ------------------------------------------------------------------------------------------------------


@pytest.fixture
def panels():
    mask = np.zeros((32, 32), bool)
    mask[3, 5] = True
    return [panel(), tilted_panel(mask=mask), panel(distance=0.2, pixel_size=(2e-3, 1e-3))]


def test_several_panels_answer_as_each_would_alone(panels):
    together = MultiPanel(panels)
    for number, alone in enumerate(panels):
        found, wanted = answers(together, number, 7.25, 20.5), answers(alone, 0, 7.25, 20.5)
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-15)


def test_shapes_and_mask_of_several_panels(panels):
    together = MultiPanel(panels)
    assert together.shape == together.image_shape == (3, 32, 32)
    mask = np.asarray(together.mask)
    assert mask.shape == (3, 32, 32)
    assert mask[[0, 2]].all()
    assert np.argwhere(mask[1]).tolist() == [[3, 5]]
    assert MultiPanel(panels[:1]).image_shape == (32, 32)
    assert MultiPanel([panel(), panel()]).mask is None


def test_several_panels_share_their_sensor():
    made = [panel(sensor=Sensor(1e-3, 2e-3, 3), distance=distance) for distance in (0.1, 0.2)]
    assert MultiPanel(made).sensor is made[0].sensor
    assert MultiPanel([panel()]).sensor is None


def test_panels_of_their_own_sizes_are_layers_of_the_largest():
    mask = np.ones((20, 32), bool)
    mask[3, 5] = False
    together = MultiPanel([panel((32, 16)), panel((20, 32), mask=mask)])
    assert together.shape == together.image_shape == (2, 32, 32)
    wanted = np.zeros((2, 32, 32), bool)
    wanted[0, :, :16] = wanted[1, :20] = True
    wanted[1, 3, 5] = False
    np.testing.assert_array_equal(together.mask, wanted)


def test_an_image_of_several_panels_is_taken_apart():
    image = np.arange(2 * 32 * 32.0).reshape(2, 32, 32)
    first, second = MultiPanel([panel((32, 16)), panel((20, 32))]).split(image)
    np.testing.assert_array_equal(first, image[0, :, :16])
    np.testing.assert_array_equal(second, image[1, :20])
    (alone,) = MultiPanel([panel()]).split(image[0])
    np.testing.assert_array_equal(alone, image[0])
    with pytest.raises(ValueError, match=r"`image` must have the detector's shape \(32, 32\), but has shape \(3, 3\)"):
        MultiPanel([panel()]).split(np.zeros((3, 3)))


@pytest.mark.parametrize("sensor", [None, Sensor(1e-3, 2e-3, 2), Sensor(2e-3, 1e-3, 2), Sensor(1e-3, 1e-3, 3)])
def test_sensors_that_differ_are_refused(sensor):
    with pytest.raises(ValueError, match="Argument `panels` must hold panels of equal sensors"):
        MultiPanel([panel(sensor=Sensor(1e-3, 1e-3, 2)), panel(sensor=sensor)])


@pytest.mark.parametrize("panels", [[], [3], [CurvedDetector((32, 32), 1e-3, 0.1, (0, 0))]])
def test_what_is_no_flat_panel_is_refused(panels):
    with pytest.raises(ValueError, match="Argument `panels` must hold at least one FlatPanel"):
        MultiPanel(panels)


# Curved --------------------------------------------------------------------------------------------------------------

BEAM, FAST, SLOW = np.array([1.0, 0, 0]), np.array([0.0, 0, 1]), np.array([0.0, -1, 0])


UNTURNED = np.eye(3)


def curved(turn=UNTURNED, **arguments):
    """300 × 400 pixels of 0.5 × 0.4 mm at 0.1 m: 2 rad along fast and 1.2 rad along slow, the beam a little off."""
    axes = {"direction": turn @ BEAM, "fast_axis": turn @ FAST, "slow_axis": turn @ SLOW}
    return CurvedDetector((300, 400), (5e-4, 4e-4), 0.1, (0.09, 0.07), **axes, **arguments)


@given(st.floats(0, 300), st.floats(0, 400), st.integers(0, 2**31))
def test_every_point_of_a_curved_detector_is_at_its_distance_and_faces_the_sample(slow, fast, seed):
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    position, normal, distance, area = answers(curved(turn), 0, slow, fast)
    np.testing.assert_allclose(np.linalg.norm(position), 0.1, rtol=1e-13)
    np.testing.assert_allclose(normal, position / 0.1, atol=1e-14)
    np.testing.assert_array_equal(distance, 0.1)
    np.testing.assert_allclose(area, 2e-7, rtol=1e-15)


@given(st.floats(0, 300), st.floats(0, 400), st.integers(0, 2**31))
def test_offsets_from_the_beam_spot_over_the_distance_are_angles(slow, fast, seed):
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    f, s = (fast * 5e-4 - 0.09) / 0.1, (slow * 4e-4 - 0.07) / 0.1
    wanted = 0.1 * (np.cos(f) * (np.cos(s) * BEAM + np.sin(s) * SLOW) + np.sin(f) * FAST)
    np.testing.assert_allclose(answers(curved(turn), 0, slow, fast)[0], turn @ wanted, atol=1e-15)


@in_float64
def test_a_step_along_fast_moves_the_direction_towards_fast_and_one_along_slow_towards_slow():
    slow, fast = (jnp.asarray(x) for x in np.meshgrid(np.arange(0.0, 301, 25), np.arange(0.0, 401, 25)))
    every = jax.vmap(jax.vmap(jax.jacfwd(curved().position, (1, 2)), (None, 0, 0)), (None, 0, 0))
    by_slow, by_fast = (np.asarray(x) for x in every(jnp.asarray(0), slow, fast))
    assert (by_fast @ FAST > 0).all()
    assert (by_slow @ SLOW > 0).all()
    # Pixels keep their width along fast.
    np.testing.assert_allclose(np.linalg.norm(by_fast, axis=-1), 5e-4, rtol=1e-12)


@in_float64
def test_a_curved_detector_touches_the_flat_one_at_the_beam_spot():
    number, slow, fast = jnp.asarray(0), jnp.asarray(0.07 / 4e-4), jnp.asarray(0.09 / 5e-4)
    np.testing.assert_allclose(curved().position(number, slow, fast), 0.1 * BEAM, atol=1e-16)
    by_slow, by_fast = jax.jacfwd(curved().position, (1, 2))(number, slow, fast)
    np.testing.assert_allclose(by_fast, 5e-4 * FAST, atol=1e-18)
    np.testing.assert_allclose(by_slow, 4e-4 * SLOW, atol=1e-18)


def test_shapes_of_a_curved_detector():
    assert curved().shape == (1, 300, 400)
    assert curved().image_shape == (300, 400)


# Sensor and mask -----------------------------------------------------------------------------------------------------


def test_a_sensor_has_layers_of_equal_thickness():
    sensor = Sensor(450e-6, 250e-6, 3)
    np.testing.assert_allclose(sensor.layer_thickness, 150e-6, rtol=1e-15)
    np.testing.assert_allclose(sensor.attenuation, 4000.0, rtol=1e-15)
    assert sensor.layers == 3


@pytest.mark.parametrize("make", [panel, lambda pixels, **a: CurvedDetector(pixels, 1e-3, 0.1, (0, 0), **a)])
def test_a_mask_may_come_with_or_without_the_axis_of_panels(make):
    mask = np.arange(24).reshape(4, 6) % 2
    for given_mask in (mask, mask[None], mask.astype(bool)):
        kept = make((4, 6), mask=given_mask).mask
        assert kept.dtype == bool
        np.testing.assert_array_equal(kept, mask[None])
    for wrong in (mask.T, mask[0], np.stack([mask, mask]), 1):
        with pytest.raises(ValueError, match=r"Argument `mask` must have the detector's shape \(4, 6\)"):
            make((4, 6), mask=wrong)


# Impossible values ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"thickness": 0.0}, "thickness"),
        ({"thickness": -1e-3}, "thickness"),
        ({"thickness": NAN}, "thickness"),
        ({"thickness": (1e-3, 1e-3)}, "thickness"),
        ({"attenuation_depth": 0.0}, "attenuation_depth"),
        ({"attenuation_depth": INF}, "attenuation_depth"),
        ({"layers": 0}, "layers"),
        ({"layers": 1.5}, "layers"),
        ({"layers": True}, "layers"),
    ],
)
def test_impossible_values_of_a_sensor_are_named(arguments, name):
    with pytest.raises(ValueError, match=f"Argument `{name}` must"):
        Sensor(**{"thickness": 1e-3, "attenuation_depth": 1e-3, **arguments})


OF_BOTH = [
    ({"pixels": (0, 4)}, "pixels"),
    ({"pixels": (4, -4)}, "pixels"),
    ({"pixels": (4, 4.0)}, "pixels"),
    ({"pixels": (4, 4, 4)}, "pixels"),
    ({"pixels": 4}, "pixels"),
    ({"pixels": None}, "pixels"),
    ({"pixel_size": 0.0}, "pixel_size"),
    ({"pixel_size": (1e-3, -1e-3)}, "pixel_size"),
    ({"pixel_size": (1e-3,)}, "pixel_size"),
    ({"pixel_size": NAN}, "pixel_size"),
    ({"fast_axis": (0, 0, 1.1)}, "fast_axis"),
    ({"fast_axis": (0, 1)}, "fast_axis"),
    ({"fast_axis": (0, 0, NAN)}, "fast_axis"),
    ({"slow_axis": (0, 0, 0)}, "slow_axis"),
    ({"slow_axis": np.eye(3)}, "slow_axis"),
    ({"sensor": 1e-3}, "sensor"),
    ({"mask": np.ones((4, 5))}, "mask"),
]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        *OF_BOTH,
        ({"origin": (0.1, 0)}, "origin"),
        ({"origin": (0.1, 0, INF)}, "origin"),
        ({"normal_axis": (2, 0, 0)}, "normal_axis"),
        ({"normal_axis": (1, 0)}, "normal_axis"),
    ],
)
def test_impossible_values_of_a_flat_panel_are_named(arguments, name):
    possible = {"pixels": (4, 4), "pixel_size": 1e-3, "origin": 0.1 * BEAM, "fast_axis": FAST, "slow_axis": SLOW}
    with pytest.raises(ValueError, match=f"Argument `{name}` must"):
        FlatPanel(**{**possible, **arguments})


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        *OF_BOTH,
        ({"distance": 0.0}, "distance"),
        ({"distance": -0.1}, "distance"),
        ({"distance": NAN}, "distance"),
        ({"beam_center": 0.1}, "beam_center"),
        ({"beam_center": (0.1, NAN)}, "beam_center"),
        ({"direction": (1, 1, 0)}, "direction"),
        ({"fast_axis": (1, 0, 0)}, "fast_axis"),
        ({"slow_axis": (-1, 0, 0)}, "slow_axis"),
    ],
)
def test_impossible_values_of_a_curved_detector_are_named(arguments, name):
    possible = {"pixels": (4, 4), "pixel_size": 1e-3, "distance": 0.1, "beam_center": (0, 0)}
    with pytest.raises(ValueError, match=f"Argument `{name}` must"):
        CurvedDetector(**{**possible, **arguments})


@pytest.mark.parametrize("slow", [FAST, -FAST])
def test_parallel_axes_are_refused(slow):
    with pytest.raises(ValueError, match="Arguments `fast_axis` and `slow_axis` must not be parallel"):
        FlatPanel((4, 4), 1e-3, 0.1 * BEAM, FAST, slow)
    with pytest.raises(ValueError, match="Arguments `fast_axis` and `slow_axis` must not be parallel"):
        CurvedDetector((4, 4), 1e-3, 0.1, (0, 0), fast_axis=FAST, slow_axis=slow)
