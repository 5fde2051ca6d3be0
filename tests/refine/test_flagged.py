"""Pixels that hold a mark instead of a count: left out, and counted."""

import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg import refine
from jaxbragg.refine.flagged import flagged


@pytest.mark.parametrize(
    ("dtype", "marks", "counts"),
    [
        (np.uint8, [255], [0, 254]),
        (np.uint16, [65535], [0, 65534, 32767]),
        (np.int16, [32767, -1, -2, -32768], [0, -3, 32766]),
        (np.uint32, [65535, 2**31 - 1, 2**32 - 2, 2**32 - 1], [65534, 65536, 2**31]),
        (np.int32, [65535, 2**31 - 1, -1, -2, -(2**31)], [0, -3, 2**31 - 2]),
        (np.int64, [65535, 2**31 - 1, 2**32 - 1, 2**63 - 1, -1], [2**32, -3]),
        (np.float32, [65535, 2.0**31, 2.0**32, -1, -2], [65534.5, -1.5, 2.0**30]),
        (np.float64, [65535, 2**31 - 1, 2**32 - 2, 2**32 - 1, -1], [2.0**31, -3, np.nan]),
    ],
)
def test_marks_of_each_type_and_what_is_next_to_them(dtype, marks, counts):
    assert flagged(np.array(marks, dtype)).all()
    assert not flagged(np.array(counts, dtype)).any()


def test_real_numbers_may_be_minus_one_and_what_is_trusted_may_be_large():
    assert flagged(np.array([-1.0, 65535.0]), gaps=False).tolist() == [False, True]
    assert flagged(np.array([-1, 65535]), gaps=False, full=False).tolist() == [True, False]
    assert not flagged(np.ones((2, 2), bool)).any()


@pytest.fixture
def marked(small):
    """Counts as a detector hands them over: a pixel of each mark in the way of a fit."""
    image = small.image.astype(np.int64)
    for place, mark in zip(((3, 3), (20, 30), (40, 8), (50, 50), (60, 1)), _MARKS, strict=True):
        image[place] = mark
    return image


_MARKS = (65535, 2**32 - 1, 2**32 - 2, -1, -2)


def test_a_fit_leaves_marks_out_and_says_so(small, marked):
    found = refine.fit(refine.Problem(small.start, small.parameters, marked))
    mask = ~np.isin(marked, _MARKS)
    wanted = refine.fit(refine.Problem(small.start, small.parameters, small.image, masks=mask))
    assert found.values == wanted.values
    assert (found.problem.flagged, found.problem.pixels) == (5, 4091)
    assert found.to_dict()["pixels_flagged"] == 5
    assert "4091 pixels, 5 flagged or full left out" in str(found)


def test_noise_about_zero_is_no_mark(small):
    image = small.image.astype(float)
    image[5, 6] = -1.0
    problem = refine.Problem(small.truth, ["image.scale"], image, likelihood=refine.Gaussian(3.0))
    assert (problem.flagged, problem.pixels) == (0, 4096)


def test_saturation_is_what_the_caller_says(small):
    top = np.sort(small.image.ravel())[-10]
    image = np.minimum(small.image, top)
    with pytest.warns(UserWarning, match=f"10 pixels of image 0 hold its largest number, {top:g}"):
        problem = refine.Problem(small.truth, ["image.scale"], image)
    assert problem.flagged == 0
    for given in (top, [top]):
        assert refine.Problem(small.truth, ["image.scale"], [image], saturation=given).flagged == 10
    image = small.image.copy()
    image[5, 6] = 65535
    assert refine.Problem(small.truth, ["image.scale"], image, saturation=np.inf).flagged == 0


def test_an_image_of_marks_alone_is_refused(small):
    with pytest.raises(ValueError, match="all used pixels of image 0 are full or flagged"):
        refine.Problem(small.truth, ["image.scale"], np.full((64, 64), 65535, np.uint16))


def test_an_overload_does_not_move_a_value(small):
    image = small.image.astype(np.uint32)
    image[np.unravel_index(image.argmax(), image.shape)] = 2**32 - 1
    found = refine.fit(refine.Problem(small.start, small.parameters, image))
    for name, value in small.true_values.items():
        assert abs(found.values[name] - value) < 4 * found.uncertainties[name], name
    assert isinstance(found.experiment, jb.Experiment)
