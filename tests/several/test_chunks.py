"""How many images at once, and maps and sums by chunks."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import crystal, experiment, in_float64, panel

import jaxbragg as jb
from jaxbragg.pipeline.settings import make_settings
from jaxbragg.several import chunks
from jaxbragg.several.chunks import map_in_chunks, settings_and_chunk, sum_in_chunks

SQUARE = jb.Options(shape="square")


def at_once(pixels, options, count=10**6, own_bytes=0, domains=10):
    with jax.enable_x64(True):
        whole = experiment(detector=panel(pixels), crystal=crystal(mosaic=jb.CapMosaic(0.5, domains)))
        return settings_and_chunk(whole, make_settings(whole, options), own_bytes, count)[1]


def test_images_go_together_whole_or_by_blocks(monkeypatch):
    monkeypatch.setattr("jaxbragg.pipeline.settings.check_devices", lambda count: None)
    monkeypatch.setitem(chunks._PIXELS_AT_ONCE, "cpu", 1 << 18)
    # 16 images of 128² pixels are 2¹⁸.
    assert at_once((128, 128), replace(SQUARE, block_pixels=1 << 14)) == 16
    assert at_once((32, 32), replace(SQUARE, block_pixels=1 << 14)) == 256
    # Of larger ones a block each.
    assert at_once((256, 256), replace(SQUARE, block_pixels=1 << 14)) == 16
    assert at_once((1024, 1024), replace(SQUARE, block_pixels=1 << 16)) == 4
    assert at_once((1024, 1024), replace(SQUARE, block_pixels=1 << 18)) == 1
    # Each of four devices has a fourth of each image, or more blocks than one.
    assert at_once((1024, 1024), replace(SQUARE, block_pixels=1 << 14, devices=4)) == 1
    assert at_once((128, 128), replace(SQUARE, block_pixels=1 << 14, devices=4)) == 64


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (5, 5), (16, 16), (17, 9), (33, 11), (256, 16)])
def test_the_chunks_are_as_even_as_may_be(count, expected, monkeypatch):
    monkeypatch.setitem(chunks._PIXELS_AT_ONCE, "cpu", 1 << 18)
    assert at_once((128, 128), replace(SQUARE, block_pixels=1 << 14), count) == expected


def test_the_memory_limit_is_kept():
    # 1024 pixels of 240 bytes, and four times 10 orientations of 72 bytes: 248 640 bytes to an image.
    limited = replace(SQUARE, memory_limit=1_000_000)
    assert at_once((32, 32), limited) == 4
    assert at_once((32, 32), replace(limited, precision="float64")) == 2
    assert at_once((32, 32), limited, own_bytes=25_000) == 2
    assert at_once((32, 32), limited, domains=1000) == 1
    assert at_once((32, 32), replace(SQUARE, memory_limit=1)) == 1


@pytest.mark.parametrize(
    ("pixels", "domains", "skips"), [((32, 32), 40, False), ((256, 256), 3, False), ((256, 256), 40, True)]
)
def test_large_images_in_which_orientations_are_skipped_go_one_by_one(pixels, domains, skips):
    gauss = jb.Options(shape="gauss")
    with jax.enable_x64(True):
        whole = experiment(crystal=crystal(mosaic=jb.CapMosaic(0.5, domains)), detector=panel(pixels))
        settings, together = settings_and_chunk(whole, make_settings(whole, gauss), 0, 50)
    assert (settings.skip_below > 0) == skips
    assert (together == 1) == skips


def function(batched):
    weight, vector = batched
    return weight * jnp.sin(vector)


@pytest.mark.parametrize(("count", "together"), [(1, 1), (5, 1), (6, 3), (5, 5), (7, 3), (9, 5)])
@in_float64
def test_maps_and_sums_by_chunks_are_those_by_images(count, together):
    rng = np.random.default_rng(count)
    batched = (jnp.asarray(rng.random(count)), jnp.asarray(rng.random((count, 3))))
    each = np.asarray(batched[0])[:, None] * np.sin(np.asarray(batched[1]))
    np.testing.assert_allclose(map_in_chunks(function, batched, count, together), each, rtol=1e-14)
    np.testing.assert_allclose(sum_in_chunks(function, batched, count, together), each.sum(axis=0), rtol=1e-14)


@in_float64
def test_what_fills_the_last_chunk_has_no_slope():
    batched = (jnp.arange(1.0, 6.0), jnp.ones((5, 3)))
    slope = jax.grad(lambda w: sum_in_chunks(function, (w, batched[1]), 5, 2).sum())(batched[0])
    np.testing.assert_allclose(slope, np.full(5, 3 * np.sin(1.0)), rtol=1e-14)
