"""The options."""

import dataclasses

import pytest

from jaxbragg.options import Options

NAN, INF = float("nan"), float("inf")


def test_the_defaults_draw_what_is_right():
    options = Options()
    assert (options.oversample, options.d_min, options.roi) == (1, 0.0, None)
    assert (options.precision, options.interpolation) == ("mixed", "nearest")
    assert (options.spot_width, options.corrections) == ("miller", "each")
    assert (options.polarization, options.point_pixel) == (True, False)
    assert options.shape is None


def test_equal_options_are_one_key():
    one, other = Options(oversample=2, roi=(0, 3, 1, 2)), Options(oversample=2, roi=[0, 3, 1, 2])
    assert one == other
    assert hash(one) == hash(other)
    assert other.roi == (0, 3, 1, 2)
    assert isinstance(other.roi, tuple)
    assert one != dataclasses.replace(one, oversample=3)


def test_options_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().oversample = 2


def test_a_replacement_is_checked_too():
    with pytest.raises(ValueError, match="Option `unroll` must"):
        dataclasses.replace(Options(), unroll=0)


@pytest.mark.parametrize(
    "possible",
    [
        {"oversample": 7},
        {"shape": "tophat"},
        {"precision": "float64"},
        {"precision": "float32"},
        {"interpolation": "tricubic"},
        {"spot_width": "reciprocal"},
        {"corrections": "first"},
        {"d_min": 2},
        {"d_min": 1.5},
        {"roi": (5, 5, 0, 0)},
        {"memory_limit": 1},
        {"block_pixels": 16},
        {"devices": 8},
        {"point_pixel": True},
        {"polarization": False},
    ],
)
def test_possible_values_are_kept(possible):
    (name, value), *_ = possible.items()
    assert getattr(Options(**possible), name) == value


@pytest.mark.parametrize("name", ["oversample", "unroll", "memory_limit", "block_pixels", "devices"])
@pytest.mark.parametrize("value", [0, -1, 1.0, 2.5, True, "2", NAN])
def test_a_count_that_is_none_is_named(name, value):
    with pytest.raises(ValueError, match=f"Option `{name}` must be a whole number of at least 1, but is"):
        Options(**{name: value})


@pytest.mark.parametrize("name", ["oversample", "unroll"])
def test_some_counts_must_be_given(name):
    with pytest.raises(ValueError, match=f"Option `{name}` must be a whole number"):
        Options(**{name: None})


@pytest.mark.parametrize("name", ["shape", "precision", "interpolation", "spot_width", "corrections"])
@pytest.mark.parametrize("value", ["", "Mixed", "cubic", 3, ["square"]])
def test_an_unknown_word_is_named_and_the_known_ones_are_shown(name, value):
    with pytest.raises(ValueError, match=rf"Option `{name}` must be one of '\w+', .*, but is"):
        Options(**{name: value})


@pytest.mark.parametrize("name", ["precision", "interpolation", "spot_width", "corrections"])
def test_only_the_shape_may_be_left_to_the_crystal(name):
    with pytest.raises(ValueError, match=f"Option `{name}` must"):
        Options(**{name: None})


@pytest.mark.parametrize("name", ["polarization", "point_pixel"])
@pytest.mark.parametrize("value", [0, 1, None, "yes", 0.5])
def test_a_switch_is_true_or_false(name, value):
    with pytest.raises(ValueError, match=f"Option `{name}` must be True or False"):
        Options(**{name: value})


@pytest.mark.parametrize("value", [-1, -1e-9, NAN, INF, None, "2", True, (1.0,)])
def test_an_impossible_spacing_is_named(value):
    with pytest.raises(ValueError, match="Option `d_min` must"):
        Options(d_min=value)


@pytest.mark.parametrize(
    "value",
    [
        (),
        (0, 1, 2),
        (0, 1, 2, 3, 4),
        (0.0, 1, 2, 3),
        (0, True, 2, 3),
        (-1, 1, 2, 3),
        (0, 1, 2, None),
        "0123",
        5,
        {0, 1, 2, 3},
    ],
)
def test_a_region_of_something_else_is_named(value):
    with pytest.raises(ValueError, match="Option `roi` must be four whole numbers"):
        Options(roi=value)


@pytest.mark.parametrize(("roi", "axis"), [((3, 2, 0, 5), "fast"), ((0, 5, 3, 2), "slow")])
def test_a_region_that_ends_before_it_begins_is_named_with_its_axis(roi, axis):
    with pytest.raises(ValueError, match=f"Option `roi` must not end before it begins along {axis}"):
        Options(roi=roi)


@pytest.mark.parametrize("value", [0, 2, 3, 16, "4", 1.5, [4]])
def test_tiles_have_one_pixel_or_four_along_a_side(value):
    with pytest.raises(ValueError, match="Option `tile` must be one of 1, 4, None, but is"):
        Options(tile=value)
