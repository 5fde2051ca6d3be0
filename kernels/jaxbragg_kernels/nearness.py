"""Which orientations of a crystal can light up which tiles: bounds that never leave out too much.

A tile is a small patch of the Ewald sphere, an orientation a lattice of Bragg points with the crystal's shape about
each. Where patch and shape are sure to be apart, every pixel of the tile stays below the bound asked for.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxbragg_kernels import lattice, reciprocal
from jaxbragg_kernels.accumulate import Crystal
from jaxbragg_kernels.trigonometry import sine_ratio

_Component = Float[Array, "tile pixel"]


class Tiles(NamedTuple):
    """Where tiles are, and how far they reach, in units of 1/λ.

    Attributes:
        q: Scattering vectors at the middles.
        extent: Largest |step| along x, y, z, with what rounding adds.
        axes: Three directions: of the view, of the tile's first row, and across. Any would do, these do best.
        widths: Largest |step| along them.
    """

    q: tuple[Float[Array, "tile"], ...]
    extent: tuple[Float[Array, "tile"], ...]
    axes: tuple[tuple[Float[Array, "tile"], ...], ...]
    widths: tuple[Float[Array, "tile"], ...]


def extents(beam: Float[Array, "3"], wavelength: Float[Array, ""], rays: reciprocal.Directions) -> Tiles:
    """What the bounds need to know of the tiles.

    Args:
        beam: Unit vector of the photons.
        wavelength: [Å].
        rays: The pixels.
    """
    beam, wavelength, rays = jax.lax.stop_gradient((beam, wavelength, rays))
    dtype = rays.unit[0].dtype
    wave = wavelength.astype(dtype)
    q = tuple(((rays.middle[:, j] - beam[j]) / wavelength).astype(dtype) for j in range(3))
    # An index of some hundreds is rounded to 1e-5 in float32.
    rounding = 4 * jnp.finfo(dtype).eps * (jnp.abs(q[0]) + jnp.abs(q[1]) + jnp.abs(q[2]))
    extent = tuple(_largest(step) / wave + rounding for step in rays.step)
    view = tuple(rays.middle[:, j].astype(dtype) for j in range(3))
    last = round(rays.unit[0].shape[1] ** 0.5) - 1
    row = tuple(step[:, last] - step[:, 0] for step in rays.step)
    length = jnp.sqrt(row[0] ** 2 + row[1] ** 2 + row[2] ** 2)
    row = tuple(x / jnp.where(length > 0, length, 1.0) for x in row)
    across = tuple(view[(j + 1) % 3] * row[(j + 2) % 3] - view[(j + 2) % 3] * row[(j + 1) % 3] for j in range(3))
    axes = (view, row, across)
    widths = tuple(_largest(_along(axis, rays.step)) / wave + rounding for axis in axes)
    return Tiles(q, extent, axes, widths)


def _along(axis: tuple[Float[Array, "tile"], ...], step: tuple[_Component, ...]) -> _Component:
    return axis[0][:, None] * step[0] + axis[1][:, None] * step[1] + axis[2][:, None] * step[2]


def _largest(image: _Component) -> Float[Array, "tile"]:
    """The largest size in each tile; by halves, which XLA's CPU compiler vectorizes as it does not a reduction."""
    image = jnp.abs(image)
    while image.shape[1] % 2 == 0:
        half = image.shape[1] // 2
        image = jnp.maximum(image[:, :half], image[:, half:])
    return image.max(axis=1)


def near_test(
    tiles: Tiles, crystal: Crystal, least: Float[Array, ""], shape: str
) -> Callable[[Float[Array, "3 3"]], Bool[Array, "tile"]]:
    """Does one orientation reach these tiles?

    Within a tile h moves from its value at the middle by at most e = Σ_j |cell_ij| max|step_j| / λ.
    """
    q, extent, axes, widths = tiles
    dtype = q[0].dtype

    def distances(cell: Float[Array, "3 3"]) -> list[Float[Array, "tile"]]:
        indices = [cell[i, 0] * q[0] + cell[i, 1] * q[1] + cell[i, 2] * q[2] for i in range(3)]
        return [index - jnp.round(index) for index in indices]

    def near_square(cell: Float[Array, "3 3"]) -> Bool[Array, "tile"]:
        cell = cell.astype(dtype)
        bound = jnp.ones_like(extent[0])
        for i, distance in enumerate(distances(cell)):
            reach = sum(jnp.abs(cell[i, j]) * extent[j] for j in range(3))
            closest = jnp.maximum(jnp.abs(distance) - reach, 0.0)
            # |sin πNδ| ≤ 1, and sin πδ grows up to δ = ½.
            bound = bound * jnp.maximum(1.0, crystal.cells[i] * closest * sine_ratio(closest))
        return bound * bound * least.astype(dtype) <= 1.0

    weights = _diagonal_below(crystal.metric)
    cut = _radius_at(shape, least)
    # Half-axes of the ellipsoid Σ w δ² = r², in units of h, k, l.
    half_axes = [(cut / jnp.sqrt(jnp.maximum(w, 1e-30))).astype(dtype) for w in weights]
    radius = sum(e * e for e in extent) ** 0.5

    def near_radial(cell: Float[Array, "3 3"]) -> Bool[Array, "tile"]:
        cell = cell.astype(dtype)
        back = _reciprocal(cell)
        deltas = distances(cell)
        away = [sum(back[j, i] * deltas[i] for i in range(3)) for j in range(3)]
        # Two convex bodies, the tile and the ellipsoid about the Bragg point, are apart if they are along some axis.
        near = jnp.ones_like(deltas[0], dtype=bool)
        for axis, width in zip(axes, widths, strict=True):
            halves = [half_axes[i] * sum(axis[j] * back[j, i] for j in range(3)) for i in range(3)]
            beyond = jnp.maximum(0.9999 * jnp.abs(sum(axis[j] * away[j] for j in range(3))) - width, 0.0)
            near &= beyond * beyond <= halves[0] ** 2 + halves[1] ** 2 + halves[2] ** 2
        # A tile so wide that it may come near another Bragg point than that of its middle is never left out.
        for i in range(3):
            length = jnp.sqrt(cell[i, 0] ** 2 + cell[i, 1] ** 2 + cell[i, 2] ** 2)
            near |= length * radius + jnp.abs(deltas[i]) > 1.0 - half_axes[i]
        return near

    return near_square if shape == "square" else near_radial


def _reciprocal(cell: Float[Array, "3 3"]) -> Float[Array, "3 3"]:
    """Columns a*, b*, c* for rows a, b, c."""
    crosses = [jnp.cross(cell[(i + 1) % 3], cell[(i + 2) % 3]) for i in range(3)]
    return jnp.stack(crosses, axis=1) / (cell[0] * crosses[0]).sum()


def _radius_at(shape: str, least: Float[Array, ""]) -> Float[Array, ""]:
    """The r beyond which a shape stays below `least`."""
    if shape == "gauss":
        return jnp.sqrt(jnp.maximum(-jnp.log(least) * (lattice.GAUSS_WIDTH / 2), 0.0))
    if shape == "tophat":
        return jnp.full_like(least, lattice.TOPHAT_RADIUS_SQUARED**0.5)
    # round: |3(sin x/x − cos x)/x²| ≤ 6/x² for x = πr ≥ 1
    return jnp.maximum(1.0, jnp.sqrt(6.0 * lattice.ROUND_PEAK / jnp.sqrt(least))) / jnp.pi


def _diagonal_below(metric: Float[Array, "6"]) -> list[Float[Array, ""]]:
    """Weights w with Σ w_i δ_i² ≤ δᵀMδ for every δ.

    They are the diagonal of M times the least eigenvalue of M scaled to ones on its diagonal.
    """
    scale = jnp.sqrt(metric[:3])
    a = metric[3] / (scale[0] * scale[1])
    b = metric[4] / (scale[0] * scale[2])
    c = metric[5] / (scale[1] * scale[2])
    size = jnp.sqrt((a * a + b * b + c * c) / 3.0)
    safe = jnp.where(size > 0, size, 1.0)
    angle = jnp.arccos(jnp.clip(a * b * c / safe**3, -1.0, 1.0)) / 3.0
    least = 1.0 + 2.0 * size * jnp.cos(angle + 2.0 * jnp.pi / 3.0)
    # Rounding: a little less is on the safe side.
    least = jnp.maximum(least - 1e-5, 0.0)
    return [least * metric[i] for i in range(3)]


def share_near(
    crystal: Crystal, tiles: Tiles, least: Float[Array, ""], *, shape: str, sample: int = 8
) -> Float[Array, ""]:
    """The share of tiles × orientations that is near, from a sample of the orientations.

    Args:
        crystal: With its orientations.
        tiles: From `extents`.
        least: As in `over_orientations`.
        shape: Of the spots.
        sample: About so many orientations are looked at.
    """
    crystal, least = jax.lax.stop_gradient((crystal, least))
    some = crystal.orientations[:: max(1, crystal.orientations.shape[0] // sample)]
    return jax.vmap(near_test(tiles, crystal, least, shape))(some).astype(jnp.float32).mean()
