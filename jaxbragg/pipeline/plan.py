"""How an image is cut: into tiles of 4 × 4 pixels, or of one pixel, and these into blocks that follow one another.

A tile is small enough that float32 carries the steps from its middle to its pixels (see `jaxbragg_kernels.rays`);
a block is small enough for the caches of a CPU or the memory of a GPU.
"""

from dataclasses import dataclass

import jax

from jaxbragg.options import Options

TILE = 4

# Working memory of a block. XLA's count on a CPU is 42 bytes (mixed) for a plain still, 98 with sensor, several sources
# and background; twice that is left as a margin, as other devices plan other temporaries.
_BYTES_PER_PIXEL = 240
# Pixels to a block. On a CPU from 16384 to 262144 are equally fast, within the noise of the machine; with
# 16384, reverse mode copies the table of structure factors four times as often. To list what is near a spot takes a
# fixed time for each block, so there the largest is best. For a GPU, which wants enough to do, nothing was measured.
_BLOCK_PIXELS = {"cpu": 1 << 16}
_BLOCK_PIXELS_SKIPPING = 1 << 18
_BLOCK_PIXELS_ACCELERATOR = 1 << 22


@dataclass(frozen=True)
class Plan:
    """The cut of one image. Hashable: it is part of what a compilation is for.

    Attributes:
        panels: Of the detector.
        slow, fast: Pixels of the whole image.
        roi: First and last pixel simulated along fast, then slow, ends included.
        tiles_slow, tiles_fast: Tiles that cover the region.
        tiles_per_block: Tiles in a block.
        tile: Pixels along the side of a tile.
        blocks: Blocks in all, a multiple of the devices; the last ones may be padded with tiles that are thrown away.
    """

    panels: int
    slow: int
    fast: int
    roi: tuple[int, int, int, int]
    tiles_slow: int
    tiles_fast: int
    tiles_per_block: int
    blocks: int
    tile: int = TILE

    @property
    def pixels_per_tile(self) -> int:
        """Pixels of a tile."""
        return self.tile * self.tile

    @property
    def first(self) -> tuple[int, int]:
        """First slow and fast pixel of the first tile: the grid of tiles is that of the image, whatever the region."""
        return self.roi[2] // self.tile * self.tile, self.roi[0] // self.tile * self.tile

    @property
    def tiles(self) -> int:
        """Tiles that cover the region on all panels."""
        return self.panels * self.tiles_slow * self.tiles_fast


def make_plan(shape: tuple[int, int, int], options: Options, *, tile: int = TILE, skips: bool = False) -> Plan:
    """Cut an image.

    Args:
        shape: Panels, slow and fast pixels.
        options: For region, block size, memory limit and devices.
        tile: Pixels along the side of a tile.
        skips: Whether orientations may be left out of tiles.

    Raises:
        ValueError: If the region is not on the detector.
    """
    panels, slow, fast = shape
    roi = options.roi or (0, fast - 1, 0, slow - 1)
    if roi[1] >= fast or roi[3] >= slow:
        raise ValueError(
            f"The region of interest, fast {roi[0]} … {roi[1]} and slow {roi[2]} … {roi[3]}, must lie on the detector "
            f"of {fast} × {slow} pixels: fast 0 … {fast - 1}, slow 0 … {slow - 1}."
        )
    tiles_fast = roi[1] // tile - roi[0] // tile + 1
    tiles_slow = roi[3] // tile - roi[2] // tile + 1
    tiles = panels * tiles_slow * tiles_fast
    wanted = max(1, block_pixels(options, tile=tile, skips=skips) // tile**2)
    devices = options.devices or 1
    blocks = -(-tiles // (wanted * devices)) * devices
    return Plan(panels, slow, fast, roi, tiles_slow, tiles_fast, -(-tiles // blocks), blocks, tile)


# Where a person watches, a launch takes some seconds at most, if its blocks allow: about 2 ns a step on a CPU, 100 with
# tricubic look-up.
_STEPS_PER_LAUNCH = {"nearest": 1 << 30, "tricubic": 1 << 25}
_LAUNCHES = 50


def blocks_per_launch(plan: Plan, options: Options, steps: int) -> int:
    """Blocks to a launch of an image in several: a fiftieth of all, or fewer where a pixel takes long.

    Args:
        plan: How the image is cut.
        options: For sub-pixels, interpolation and devices.
        steps: Of each sub-pixel: layers × sources × orientations.
    """
    devices = options.devices or 1
    steps = steps * options.oversample**2 * plan.pixels_per_tile * plan.tiles_per_block
    share = -(-plan.blocks // (_LAUNCHES * devices))
    return devices * max(1, min(share, _STEPS_PER_LAUNCH[options.interpolation] // steps))


def block_pixels(options: Options, *, tile: int = TILE, skips: bool = False) -> int:
    """Pixels to a block on the device that JAX will use.

    Args:
        options: For block size and memory limit.
        tile: Pixels along the side of a tile.
        skips: Whether orientations may be left out of tiles.
    """
    if options.block_pixels is not None:
        return options.block_pixels
    pixels = _BLOCK_PIXELS.get(jax.default_backend(), _BLOCK_PIXELS_ACCELERATOR)
    if skips:
        pixels = max(pixels, _BLOCK_PIXELS_SKIPPING)
    if options.memory_limit is not None:
        pixels = min(pixels, options.memory_limit // bytes_per_pixel(options, tile))
    return max(pixels, TILE * TILE)


def bytes_per_pixel(options: Options, tile: int) -> int:
    """Working memory of a pixel that is being simulated [bytes]."""
    # With tiles of one pixel the indices are float64 for every pixel: 281 bytes by XLA's count for a plain still.
    return _BYTES_PER_PIXEL * (2 if options.precision == "float64" or tile == 1 else 1)
