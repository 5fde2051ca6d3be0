"""Conventions, literally those of the programs, and the placing of a panel, against scipy's rotations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from jaxbragg.models.detector.conventions import CONVENTIONS
from jaxbragg.models.detector.placement import place_panel

# Detector size along fast and slow, pixel, nearest point: no two alike, so that a mix-up shows.
F, S, PX = 0.3, 0.2, 0.01
CLOSE = (0.11, 0.07)

# The columns of the table, of the C program: beam, fast, slow, normal, 2θ axis, polarization, spindle, pivot.
TABLE = {
    "mosflm": ("1 0 0", "0 0 1", "0 -1 0", "1 0 0", "0 0 -1", "0 0 1", "0 0 1", "beam"),
    "denzo": ("1 0 0", "0 0 1", "0 -1 0", "1 0 0", "0 0 -1", "0 0 1", "0 0 1", "beam"),
    "adxv": ("0 0 1", "1 0 0", "0 -1 0", "0 0 1", "-1 0 0", "1 0 0", "1 0 0", "beam"),
    "xds": ("0 0 1", "1 0 0", "0 1 0", "0 0 1", "1 0 0", "1 0 0", "1 0 0", "sample"),
    "dials": ("0 0 1", "1 0 0", "0 1 0", "0 0 1", "0 1 0", "0 1 0", "0 1 0", "sample"),
    "custom": ("1 0 0", "0 0 1", "0 -1 0", "1 0 0", "0 1 0", "0 0 1", "0 0 1", "beam"),
}


def test_the_conventions_are_the_six_of_the_table():
    assert set(CONVENTIONS) == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_axes_and_pivot_of_a_convention(name):
    convention = CONVENTIONS[name]
    *vectors, pivot = TABLE[name]
    names = ("beam", "fast", "slow", "normal", "twotheta_axis", "polarization", "spindle")
    for which, wanted in zip(names, vectors, strict=True):
        assert getattr(convention, which) == tuple(int(x) for x in wanted.split()), which
    assert (convention.name, convention.pivot) == (name, pivot)


@pytest.mark.parametrize(
    ("name", "center"),
    [
        ("mosflm", ((S + PX) / 2, (F + PX) / 2)),
        ("denzo", ((S + PX) / 2, (F + PX) / 2)),
        ("adxv", ((F + PX) / 2, (S - PX) / 2)),
        ("xds", CLOSE),
        ("dials", CLOSE),
        ("custom", CLOSE),
    ],
)
def test_default_beam_center_of_a_convention(name, center):
    assert CONVENTIONS[name].default_beam_center((F, S), CLOSE, PX) == center


@pytest.mark.parametrize(
    ("name", "spot"),
    [
        ("mosflm", (0.13 + PX / 2, 0.05 + PX / 2)),
        ("denzo", (0.13, 0.05)),
        ("adxv", (0.05, S - 0.13)),
        ("xds", (0.05, 0.13)),
        ("dials", (0.05, 0.13)),
        ("custom", (0.05, 0.13)),
    ],
)
def test_beam_spot_along_fast_and_slow_of_xbeam_005_and_ybeam_013(name, spot):
    assert CONVENTIONS[name].beam_spot(0.05, 0.13, (F, S), PX) == spot


# Placing -------------------------------------------------------------------------------------------------------------

AXES = ("fast", "slow", "normal")
angles = st.floats(-60, 60)
spots = st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))


def frame(name):
    convention = CONVENTIONS[name]
    vectors = {which: np.array(getattr(convention, which), float) for which in (*AXES, "beam", "twotheta_axis")}
    return {**vectors, "pivot": convention.pivot}


def values(placement):
    return np.concatenate([np.ravel(x) for x in jax.tree.leaves(placement)])


arrangements = st.fixed_dictionaries(
    {
        "name": st.sampled_from(sorted(CONVENTIONS)),
        "pivot": st.sampled_from(["beam", "sample"]),
        "beam_spot": spots,
        "close_point": spots,
        "distance": st.floats(0.05, 1.0),
        "rotations": st.tuples(angles, angles, angles),
        "twotheta": angles,
    }
)


def arranged(arrangement):
    """Arguments of `place_panel`, of a panel that faces the beam."""
    arguments = {**arrangement}
    arguments = {**frame(arguments.pop("name")), **arguments}
    turn, swing = turns(arguments)
    assume(turn.apply(arguments["normal"]) @ arguments["beam"] > 0.1)
    assume(swing.apply(turn.apply(arguments["normal"])) @ arguments["beam"] > 0.1)
    return arguments


def turns(arguments):
    turn = Rotation.from_euler("xyz", arguments["rotations"], degrees=True)
    return turn, Rotation.from_rotvec(np.radians(arguments["twotheta"]) * arguments["twotheta_axis"])


@given(arrangements)
def test_rotations_leave_the_axes_orthonormal(arrangement):
    arguments = arranged(arrangement)
    placed = place_panel(**arguments)
    axes = np.array([getattr(placed, name) for name in AXES])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-14)
    turn, swing = turns(arguments)
    np.testing.assert_allclose(axes, [(swing * turn).apply(arguments[name]) for name in AXES], atol=1e-14)


@given(arrangements)
def test_the_origin_is_that_of_the_formulas(arrangement):
    arguments = arranged(arrangement)
    turn, swing = turns(arguments)
    fast, slow, normal, beam = (arguments[name] for name in (*AXES, "beam"))
    if arguments["pivot"] == "sample":
        close = turn.apply(normal) @ beam * arguments["distance"]
        (f, s) = arguments["close_point"]
        wanted = swing.apply(turn.apply(-f * fast - s * slow + close * normal))
    else:
        (f, s) = arguments["beam_spot"]
        fast, slow = (swing.apply(turn.apply(axis)) for axis in (fast, slow))
        wanted = -f * fast - s * slow + arguments["distance"] * beam
    np.testing.assert_allclose(place_panel(**arguments).origin, wanted, atol=1e-14)


@given(arrangements)
def test_what_the_pivot_holds_stays_and_what_is_derived_fits(arrangement):
    arguments = arranged(arrangement)
    placed = place_panel(**arguments)
    if arguments["pivot"] == "beam":
        np.testing.assert_allclose(placed.beam_spot, arguments["beam_spot"], atol=1e-13)
        np.testing.assert_allclose(placed.distance, arguments["distance"], rtol=1e-12)
    else:
        np.testing.assert_allclose(placed.close_point, arguments["close_point"], atol=1e-13)
        turn, _ = turns(arguments)
        close = turn.apply(arguments["normal"]) @ arguments["beam"] * arguments["distance"]
        np.testing.assert_allclose(placed.close_distance, close, rtol=1e-13)
    # The beam meets the plane at `distance`; the nearest point stands `close_distance` along the normal.
    for (f, s), point in (
        (placed.beam_spot, placed.distance * arguments["beam"]),
        (placed.close_point, placed.close_distance * placed.normal),
    ):
        np.testing.assert_allclose(placed.origin + f * placed.fast + s * placed.slow, point, atol=1e-13)


@given(arrangements)
def test_the_pivots_agree_on_consistent_centres(arrangement):
    # What one pivot placed, the other places at the same spot when it is told the centre found there.
    arguments = arranged(arrangement)
    arguments["twotheta"] = 0.0
    placed = place_panel(**arguments)
    told = {**arguments, "beam_spot": placed.beam_spot, "close_point": placed.close_point, "distance": placed.distance}
    for pivot in ("beam", "sample"):
        np.testing.assert_allclose(values(place_panel(**{**told, "pivot": pivot})), values(placed), atol=1e-12)


@pytest.mark.parametrize("name", TABLE)
def test_without_a_rotation_the_pivots_agree_on_the_same_centre(name):
    told = {**frame(name), "beam_spot": CLOSE, "close_point": CLOSE, "distance": 0.25}
    for pivot in ("beam", "sample"):
        placed = place_panel(**{**told, "pivot": pivot})
        wanted = 0.25 * told["beam"] - CLOSE[0] * told["fast"] - CLOSE[1] * told["slow"]
        np.testing.assert_allclose(placed.origin, wanted, atol=1e-16)
        np.testing.assert_allclose((placed.distance, placed.close_distance), 0.25, rtol=1e-15)
        np.testing.assert_allclose((placed.beam_spot, placed.close_point), (CLOSE, CLOSE), rtol=1e-14)


def test_a_swing_of_30_degrees_about_the_sample():
    # DIALS: 2θ about y carries the middle of the panel from z towards x.
    placed = place_panel(**frame("dials"), beam_spot=(0, 0), close_point=(0.1, 0.05), distance=0.2, twotheta=30.0)
    middle = placed.origin + 0.1 * placed.fast + 0.05 * placed.slow
    np.testing.assert_allclose(middle, [0.1, 0, 0.2 * np.sqrt(3) / 2], atol=1e-16)
    np.testing.assert_allclose(placed.fast, [np.sqrt(3) / 2, 0, -0.5], atol=1e-16)
    np.testing.assert_allclose(placed.close_distance, 0.2, rtol=1e-15)
    np.testing.assert_allclose(placed.distance, 0.2 / (np.sqrt(3) / 2), rtol=1e-14)


def test_rotations_go_about_x_then_y_then_z():
    # XDS, fast x, slow y: 90° about x sends slow to z; 90° about z then sends fast to y. The panel is edge-on after
    # the first, so the pair is tried with the beam along the turned normal.
    told = {**frame("xds"), "beam": np.array([1.0, 0, 0]), "rotations": (90.0, 0.0, 90.0)}
    placed = place_panel(**told, beam_spot=(0, 0), close_point=(0, 0), distance=0.1)
    np.testing.assert_allclose((placed.fast, placed.slow, placed.normal), [[0, 1, 0], [0, 0, 1], [1, 0, 0]], atol=1e-16)


@given(arrangements, st.floats(0.05, 1.0))
def test_the_distance_of_the_plane_wins_over_that_along_the_beam(arrangement, close):
    arguments = {**arranged(arrangement), "twotheta": 0.0}
    placed = place_panel(**arguments, close_distance=close)
    np.testing.assert_allclose(placed.close_distance, close, rtol=1e-12)
    tilt = turns(arguments)[0].apply(arguments["normal"]) @ arguments["beam"]
    np.testing.assert_allclose(placed.distance, close / tilt, rtol=1e-12)


@given(arrangements)
def test_an_origin_wins_over_all(arrangement):
    arguments = arranged(arrangement)
    wanted = place_panel(**arguments)
    others = {"beam_spot": (0.0, 0.0), "close_point": (0.0, 0.0), "distance": 0.3, "origin": wanted.origin}
    np.testing.assert_allclose(values(place_panel(**{**arguments, **others})), values(wanted), atol=1e-12)


TRACED = (
    "fast",
    "slow",
    "normal",
    "beam",
    "twotheta_axis",
    "beam_spot",
    "close_point",
    "distance",
    "rotations",
    "twotheta",
)


@jax.jit
def beam_pivot_traced(numbers):
    return place_panel(**numbers, pivot="beam")


@jax.jit
def sample_pivot_traced(numbers):
    return place_panel(**numbers, pivot="sample")


@given(arrangements)
@in_float64
def test_numbers_and_traced_numbers_are_placed_alike(arrangement):
    arguments = arranged(arrangement)
    traced = beam_pivot_traced if arguments["pivot"] == "beam" else sample_pivot_traced
    numbers = jax.tree.map(jnp.asarray, {name: arguments[name] for name in TRACED})
    np.testing.assert_allclose(values(traced(numbers)), values(place_panel(**arguments)), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", TABLE)
@in_float64
def test_with_the_beam_pivot_the_origin_moves_along_the_beam_with_the_distance(name):
    told = {**frame(name), "pivot": "beam", "rotations": (3.0, -8.0, 11.0), "twotheta": 20.0}

    def origin(distance):
        return place_panel(**told, beam_spot=(0.1, 0.2), close_point=(0, 0), distance=distance).origin

    np.testing.assert_allclose(jax.jit(jax.jacfwd(origin))(jnp.asarray(0.15)), told["beam"], atol=1e-15)


@in_float64
def test_derivatives_by_the_rotations():
    told = {**frame("xds"), "beam_spot": (0.1, 0.2), "close_point": (0.09, 0.11), "distance": 0.15, "twotheta": 12.0}

    def origin(rotations):
        return place_panel(**told, rotations=rotations).origin

    at = np.array([3.0, -8.0, 11.0])
    slope = np.asarray(jax.jit(jax.jacfwd(origin))(jnp.asarray(at)))
    for i in range(3):
        step = 1e-3 * np.eye(3)[i]
        np.testing.assert_allclose(slope[:, i], (origin(at + step) - origin(at - step)) / 2e-3, atol=1e-11)


@pytest.mark.parametrize("rotations", [(0.0, 0.0, 90.0), (0.0, -90.0, 45.0)])
def test_a_panel_edge_on_to_the_beam_is_refused(rotations):
    with pytest.raises(ValueError, match="edge-on to the beam"):
        place_panel(**frame("mosflm"), beam_spot=(0, 0), close_point=(0, 0), rotations=rotations)


def test_an_unknown_pivot_is_named():
    with pytest.raises(ValueError, match="Argument `pivot` must be one of 'beam', 'sample', but is 'spindle'"):
        place_panel(**{**frame("mosflm"), "pivot": "spindle"}, beam_spot=(0, 0), close_point=(0, 0))
