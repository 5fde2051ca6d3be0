"""Which implementation of the sum over orientations draws an image."""

from functools import partial

import jax
from jaxtyping import Array, Float

from jaxbragg_kernels import accumulate, dense, nearness, reciprocal, skipping

# With few orientations there is little to leave out. A listed step takes several times as long as one of a dense pass:
# where more than a fifth is near, everything is drawn.
FEWEST_TO_SKIP = 8
_LARGEST_SHARE = 0.2


def over_orientations(
    crystal: accumulate.Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
    *,
    shape: str,
    interpolation: str,
    unroll: int,
    kernel: str = "xla",
    least: Float[Array, ""] | None = None,
    flat: bool = False,
) -> Float[Array, "tile pixel"]:
    """The sum of `accumulate.one_orientation` over all orientations.

    Args:
        crystal: With its orientations.
        beam: Unit vector of the photons.
        wavelength: [Å].
        rays: The pixels.
        shape: Of the spots.
        interpolation: Of the structure factors.
        unroll: Orientations to a pass over the pixels.
        kernel: "xla", or "pallas" for the kernel written for NVIDIA GPUs, which leaves nothing out; on other devices it
            is interpreted, which is slow. Interpolation between structure factors is for "xla" alone.
        least: Tiles and orientations for which (F_latt / det N)² is sure to stay below this may be left out; None to
            leave nothing out.
        flat: Whether tiles are flat, with pixels at their corners: how far they reach is then found sooner.
    """

    def every(crystal, beam, wavelength, rays):
        if interpolation == "tricubic":
            return accumulate.over_orientations(
                crystal, beam, wavelength, rays, shape=shape, interpolation=interpolation, unroll=unroll
            )
        if kernel == "pallas":
            return _by_pallas(crystal, beam, wavelength, rays, shape=shape, unroll=unroll)
        return dense.over_orientations(crystal, beam, wavelength, rays, shape=shape, unroll=unroll)

    if kernel == "pallas" or least is None or crystal.orientations.shape[0] < FEWEST_TO_SKIP:
        return every(crystal, beam, wavelength, rays)

    share, near = skipping.listed(crystal, nearness.extents(beam, wavelength, rays, flat=flat), least, shape=shape)
    # Under the checkpoint reverse mode keeps nothing of either branch.
    choose = jax.checkpoint(partial(jax.lax.cond, share < _LARGEST_SHARE, near, every), prevent_cse=False)
    return choose(crystal, beam, wavelength, rays)


def _by_pallas(
    crystal: accumulate.Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
    *,
    shape: str,
    unroll: int,
) -> Float[Array, "tile pixel"]:
    from jaxbragg_kernels.pallas.sum_over_orientations import over_orientations  # Pallas takes a while to import

    draw = partial(over_orientations, shape=shape, unroll=unroll)
    return jax.lax.platform_dependent(crystal, beam, wavelength, rays, cuda=draw, default=partial(draw, interpret=True))
