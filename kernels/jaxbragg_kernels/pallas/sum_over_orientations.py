"""The sum over all orientations as one kernel on an NVIDIA GPU: the twin of `dense`.

Why by hand? Estimates from the compiler's output for an H200 (1.75 GHz) and from data sheets; nothing is measured yet.

- A step (pixel × orientation) of square spots is 116 instructions with 16 pixels to a program, 132 with 8: 4 ps, 0.1 ms
  for 512 × 512 pixels × 100 orientations. Nothing goes through memory but 27 numbers to an orientation and the look-up.
- XLA's scan launches a kernel for each `unroll` orientations: about 5 µs, where the work of one orientation on those
  512 × 512 pixels is 1 µs. Each reads three steps and reads and writes the sum: 20 bytes a pixel, 4 ps/unroll if they
  come from the GPU's memory. On large images that hides behind the arithmetic, and little but the next line is left.
- Nine roundings and conversions a step, for which a multiprocessor has an eighth of its lanes, are additions here. And
  where XLA puts the tiles' float64 into the pixels' kernel, those 18 operations take 1 ps a step, but 28 ps on a
  consumer card (RTX 4090), which has 1/64 of its float32 rate in float64; here is none.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton
from jaxtyping import Array, Float

from jaxbragg_kernels import dense, reciprocal
from jaxbragg_kernels.accumulate import Crystal
from jaxbragg_kernels.pallas import arithmetic, inner_loop, three_parts

_Component = Float[Array, "tile pixel"]


class Blocks(NamedTuple):
    """How the work is dealt out to the GPU; to be tuned by measurement.

    Attributes:
        tiles: To a program, a power of two; 32 times `warps` gives each thread one.
        pixels: Of a tile to a program: more of them share the tile's Miller indices, but make fewer threads, each with
            more registers (72 with 4 or 8, 128 with 16).
        warps: To a program.
    """

    tiles: int = 128
    pixels: int = 8
    warps: int = 4


_BLOCKS = Blocks()


class _Choices(NamedTuple):
    shape: str
    unroll: int
    blocks: Blocks
    interpret: bool


def over_orientations(
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
    *,
    shape: str,
    unroll: int,
    blocks: Blocks = _BLOCKS,
    interpret: bool = False,
) -> _Component:
    """`dense.over_orientations`; its tangents are those of `dense`, and so is all of it for images in float64.

    Args:
        crystal: With its orientations.
        beam: Unit vector of the photons.
        wavelength: [Å].
        rays: The pixels.
        shape: Of the spots.
        unroll: Orientations to a pass over the pixels, for the tangents.
        blocks: Sizes for the GPU.
        interpret: Run the kernel in XLA, on any device: slow, for tests.
    """
    if rays.unit[0].dtype != jnp.float32:
        return dense.over_orientations(crystal, beam, wavelength, rays, shape=shape, unroll=unroll)
    with jax.named_scope("over_orientations"):
        return _total(_Choices(shape, unroll, blocks, interpret), crystal, beam, wavelength, rays)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _total(
    choices: _Choices,
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
) -> _Component:
    blocks, table = choices.blocks, crystal.table
    tiles, pixels = rays.unit[0].shape
    per_program = min(blocks.pixels, pixels)
    more_tiles, more_pixels = -tiles % blocks.tiles, -pixels % per_program
    steps = [jnp.pad(step, ((0, more_tiles), (0, more_pixels))) for step in rays.step]
    middle = three_parts.parts_of_directions(rays.middle - beam)
    cells = three_parts.parts_of_cells(crystal.orientations / wavelength)
    count = crystal.orientations.shape[0]
    layout = inner_loop.Layout(
        choices.shape,
        table.size,
        table.minimum,
        arithmetic.XLA if choices.interpret else arithmetic.GPU,
    )
    image = pl.BlockSpec((blocks.tiles, per_program), lambda i, j: (i, j))
    middles = pl.BlockSpec((9, blocks.tiles), lambda i, j: (0, i))
    padded = steps[0].shape
    total = pl.pallas_call(
        partial(inner_loop.inner_loop, layout),
        out_shape=jax.ShapeDtypeStruct(padded, jnp.float32),
        grid=(padded[0] // blocks.tiles, padded[1] // per_program),
        in_specs=[_all_of(count, 27), middles, image, image, image, _all_of(9), _all_of(table.values.shape[0])],
        out_specs=image,
        compiler_params=triton.CompilerParams(num_warps=blocks.warps),
        interpret=choices.interpret,
        name=f"sum_over_orientations_{choices.shape}",
    )(
        jnp.concatenate([part.reshape(count, 9) for part in cells], axis=1),
        jnp.pad(jnp.concatenate([part.T for part in middle]), ((0, 0), (0, more_tiles))),
        *steps,
        jnp.concatenate([crystal.cells, crystal.metric]),
        table.values,
    )
    return total[:tiles, :pixels]


def _all_of(*shape: int) -> pl.BlockSpec:
    return pl.BlockSpec(shape, lambda i, j: (0,) * len(shape))


@partial(_total.defjvp, symbolic_zeros=True)
def _rule(choices: _Choices, primals: tuple, tangents: tuple) -> tuple[_Component, _Component]:
    # What the twin's rule says of the image itself is not used, and so not computed under jit.
    _, tangent = dense._rule(dense._Choices(choices.shape, choices.unroll), primals, tangents)
    return _total(choices, *primals), tangent
