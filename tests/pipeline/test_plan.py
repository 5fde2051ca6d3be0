"""How an image is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxbragg.options import Options
from jaxbragg.pipeline import plan
from jaxbragg.pipeline.plan import TILE, make_plan

shapes = st.tuples(st.integers(1, 4), st.integers(1, 3000), st.integers(1, 3000))


@st.composite
def regions(draw):
    shape = draw(shapes)
    slow, fast = (sorted(draw(st.tuples(*[st.integers(0, size - 1)] * 2))) for size in shape[1:])
    return shape, (*fast, *slow)


@given(regions(), st.integers(1, 10**6), st.sampled_from([1, 4]))
def test_the_tiles_just_cover_the_region_and_the_blocks_just_hold_the_tiles(region, block_pixels, tile):
    shape, roi = region
    made = make_plan(shape, Options(roi=roi, block_pixels=block_pixels), tile=tile)
    assert (made.panels, made.slow, made.fast, made.roi) == (*shape, roi)
    for start, tiles, first, last in zip(
        made.first, (made.tiles_slow, made.tiles_fast), (roi[2], roi[0]), (roi[3], roi[1]), strict=True
    ):
        # The grid of tiles is that of the whole image; none of its tiles is empty.
        assert start % tile == 0
        assert start <= first < start + tile
        assert start + (tiles - 1) * tile <= last < start + tiles * tile
    assert made.tiles == made.panels * made.tiles_slow * made.tiles_fast
    # No tile without a block, and no block of nothing but filling.
    assert (made.blocks - 1) * made.tiles_per_block < made.tiles <= made.blocks * made.tiles_per_block
    assert made.tiles_per_block * made.pixels_per_tile <= max(block_pixels, made.pixels_per_tile)


@given(regions(), st.integers(1, 10**6), st.integers(1, 9))
def test_several_devices_get_equal_parts(region, block_pixels, devices):
    shape, roi = region
    one = make_plan(shape, Options(roi=roi, block_pixels=block_pixels))
    made = make_plan(shape, Options(roi=roi, block_pixels=block_pixels, devices=devices))
    assert made.blocks % devices == 0
    assert made.tiles <= made.blocks * made.tiles_per_block
    assert made.tiles_per_block <= one.tiles_per_block
    # What is drawn to be thrown away is less than a tile to each block.
    assert made.blocks * made.tiles_per_block < made.tiles + made.blocks


def test_an_example_by_hand():
    # 10 × 7 pixels on 2 panels: 3 × 2 tiles each, 12 in all; 5 to a block would be 3 blocks, so 4 to each.
    made = make_plan((2, 10, 7), Options(block_pixels=5 * 16))
    assert (made.tiles_slow, made.tiles_fast, made.tiles) == (3, 2, 12)
    assert (made.blocks, made.tiles_per_block) == (3, 4)
    assert made.roi == (0, 6, 0, 9)
    # Two devices take as many blocks each: two of 3 tiles.
    made = make_plan((2, 10, 7), Options(block_pixels=5 * 16, devices=2))
    assert (made.blocks, made.tiles_per_block) == (4, 3)
    # Pixels 5 … 9 along fast and 2 … 2 along slow: the tiles begin with the region.
    made = make_plan((1, 10, 12), Options(roi=(5, 9, 2, 2)))
    assert (made.tiles_fast, made.tiles_slow, made.blocks) == (2, 1, 1)


@given(shapes)
def test_without_a_region_the_whole_detector_is_drawn(shape):
    _, slow, fast = shape
    assert make_plan(shape, Options()) == make_plan(shape, Options(roi=(0, fast - 1, 0, slow - 1)))


@given(shapes)
def test_equal_cuts_are_one_key(shape):
    one, other = make_plan(shape, Options()), make_plan(shape, Options(oversample=3, shape="round"))
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize("roi", [(0, 12, 0, 9), (0, 11, 0, 10), (12, 12, 0, 0), (100, 200, 0, 0)])
def test_a_region_off_the_detector_is_refused_with_the_detector_shown(roi):
    with pytest.raises(ValueError, match="must lie on the detector of 12 × 10 pixels: fast 0 … 11, slow 0 … 9"):
        make_plan((1, 10, 12), Options(roi=roi))


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_blocks_shrink_with_the_memory_and_float64_takes_twice_as_much(backend, monkeypatch):
    monkeypatch.setattr(plan.jax, "default_backend", lambda: backend)

    def pixels(tile=TILE, **options):
        return plan.block_pixels(Options(**options), tile=tile)

    assert pixels() == (65536 if backend == "cpu" else 1 << 22)
    assert pixels(memory_limit=1 << 62) == pixels()
    assert pixels(memory_limit=2_400_000) == 10_000
    assert pixels(memory_limit=2_400_000, precision="float64") == 5_000
    assert pixels(memory_limit=2_400_000, tile=1) == 5_000
    assert pixels(memory_limit=1) == TILE**2  # a tile is the least that can be drawn
    assert pixels(memory_limit=1, block_pixels=1234) == 1234  # what is given wins


@given(shapes, st.integers(1, 10**9), st.sampled_from(["mixed", "float32", "float64"]))
def test_a_block_stays_within_the_memory_unless_it_is_a_single_tile(shape, memory_limit, precision):
    made = make_plan(shape, Options(memory_limit=memory_limit, precision=precision))
    width = 2 if precision == "float64" else 1
    used = made.tiles_per_block * TILE**2 * 240 * width
    assert used <= memory_limit or made.tiles_per_block == 1


@pytest.mark.parametrize(
    ("interpolation", "steps", "devices", "expected"),
    [
        ("nearest", 1, None, 20),
        ("nearest", 2**17, None, 5),
        ("nearest", 2**30, None, 1),
        ("tricubic", 2**13, None, 2),
        ("nearest", 1, 4, 20),
        ("nearest", 2**17, 4, 20),
        ("nearest", 2**30, 4, 4),
    ],
)
def test_a_launch_is_a_fiftieth_of_the_image_or_as_many_steps_as_can_be_waited_for(
    interpolation, steps, devices, expected
):
    # 1000 blocks of 100 tiles, 1600 pixels each.
    options = Options(block_pixels=1600, devices=devices, interpolation=interpolation)
    made = make_plan((1, 1600, 1000), options)
    assert (made.blocks, made.tiles_per_block) == (1000, 100)
    assert plan.blocks_per_launch(made, options, steps) == expected
