import numpy as np
from cases import relative

from benchmarks.cases import CASES
from benchmarks.implementations.stills import Batch, Loop, stills_error
from jaxbragg.options import PROMISED

CASE = CASES["stills-256"].shrunk()


def test_stills_one_by_one_are_right():
    images = Loop().measure(CASE, "forward", 1).output  # type: ignore[arg-type]
    assert images.shape == (3, 64, 64)
    assert 0 < stills_error(CASE, images) < 5e-6  # type: ignore[arg-type]
    assert stills_error(CASE, np.roll(images, 1, axis=0)) > 1e-2  # type: ignore[arg-type]


def test_all_stills_in_one_call_are_those_one_by_one():
    assert Batch().refusal(CASE, "forward") is None
    images = Batch().measure(CASE, "forward", 1).output  # type: ignore[arg-type]
    # Tiles are chosen for the sharpest of them, and one by one for each: either way within what mixed precision keeps.
    assert relative(images, Loop().measure(CASE, "forward", 1).output) < PROMISED  # type: ignore[arg-type]
