"""Tiles and images."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxbragg as jb
from jaxbragg.options import Options
from jaxbragg.pipeline.plan import TILE, make_plan
from jaxbragg.pipeline.tiles import assemble, cut, place_of_tiles, tiles_of_block

PANEL = jb.FlatPanel((23, 17), 1e-4, (0.1, 0, 0), (0, 0, 1), (0, -1, 0))


@settings(max_examples=15)  # each is a compilation
@given(st.integers(1, 2), st.tuples(*[st.integers(0, 22)] * 2), st.tuples(*[st.integers(0, 16)] * 2))
def test_what_is_cut_can_be_put_together_again(panels, slow, fast):
    (top, bottom), (left, right) = sorted(slow), sorted(fast)
    plan = make_plan((panels, 23, 17), Options(roi=(left, right, top, bottom)))
    image = np.random.default_rng(0).random((panels, 23, 17), np.float32)
    detector = PANEL if panels == 1 else jb.MultiPanel([PANEL, PANEL])
    expected = np.zeros_like(image)
    expected[:, top : bottom + 1, left : right + 1] = image[:, top : bottom + 1, left : right + 1]
    made = np.asarray(assemble(cut(jnp.asarray(image), plan), detector, plan)).reshape(image.shape)
    np.testing.assert_array_equal(made, expected)


def test_pixels_of_a_tile_outside_the_region_are_filled():
    plan = make_plan((1, 23, 17), Options(roi=(5, 6, 9, 9)))
    tiles = np.asarray(cut(jnp.arange(23.0 * 17).reshape(23, 17), plan, fill=-1.0))
    assert sorted(tiles[tiles != -1]) == [9 * 17 + 5, 9 * 17 + 6]


@pytest.mark.parametrize("number", [0, 5, 29, 30, 59])
def test_a_tiles_place_is_where_cut_takes_it_from(number):
    plan = make_plan((2, 23, 17), Options())
    image = np.arange(2 * 23 * 17).reshape(2, 23, 17)
    panel, row, column = (int(x[0]) for x in place_of_tiles(plan, jnp.asarray([number])))
    tile = np.asarray(cut(jnp.asarray(image), plan))[number].reshape(TILE, TILE)
    slow, fast = row * TILE, column * TILE
    expected = image[panel, slow : slow + TILE, fast : fast + TILE]
    np.testing.assert_array_equal(tile[: expected.shape[0], : expected.shape[1]], expected)


def test_the_blocks_hold_every_tile_once_and_repeat_only_the_last():
    plan = make_plan((1, 100, 90), Options(block_pixels=500))
    numbers = np.concatenate([np.asarray(tiles_of_block(plan, jnp.asarray(block))) for block in range(plan.blocks)])
    np.testing.assert_array_equal(numbers[: plan.tiles], np.arange(plan.tiles))
    assert (numbers[plan.tiles :] == plan.tiles - 1).all()
