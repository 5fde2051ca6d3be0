"""Which orientations of a crystal can light up which tiles: bounds that never leave out too much.

A tile is a small patch of the Ewald sphere, an orientation a lattice of Bragg points with the crystal's shape about
each. Where patch and shape are sure to be apart, every pixel of the tile stays below the bound asked for.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxbragg_kernels.rays import Rays

_Component = Float[Array, "tile pixel"]
_Vectors = tuple[Float[Array, "tile"], ...]


class Tiles(NamedTuple):
    """Where tiles are, and how far they reach, in units of 1/λ.

    Attributes:
        q: Scattering vectors at the middles.
        axes: Three directions at right angles: of the view, about that of the tile's rows, and across. Any would do,
            these do best.
        widths: Largest |step| along them, with what rounding adds.
    """

    q: _Vectors
    axes: tuple[_Vectors, ...]
    widths: _Vectors


def extents(rays: Rays, *, flat: bool = False) -> Tiles:
    """What the bounds need to know of the tiles.

    On a flat tile a pixel lies at P = Σ λ_k P_k, Σ λ_k = 1, between the corners P_k, in the direction Σ λ_k f_k u_k
    with f_k = |P_k|/|P|. Across the view it is no farther out than the farthest corner times F, the largest f_k; along
    the view no farther back than the corners, for all directions within some angle of the view are a convex cone.

    Args:
        rays: To the pixels.
        flat: Whether on each tile all pixels lie in one plane between those at its corners, which then are enough.
    """
    beam, wavelength, directions = jax.lax.stop_gradient(rays)
    dtype = directions.unit[0].dtype
    wave = wavelength.astype(dtype)
    q = tuple(((directions.middle[:, j] - beam[j]) / wavelength).astype(dtype) for j in range(3))
    # An index of some hundreds is rounded to 1e-5 in float32.
    rounding = 4 * jnp.finfo(dtype).eps * (jnp.abs(q[0]) + jnp.abs(q[1]) + jnp.abs(q[2]))
    pixels = directions.unit[0].shape[1]
    last = round(pixels**0.5) - 1
    outline = (0, last, pixels - 1 - last, pixels - 1) if flat else tuple(range(pixels))
    # By pixels, so that the tiles are side by side for a CPU's vectors.
    steps = [tuple(step[:, k] for step in directions.step) for k in outline]
    nearer = [directions.nearer[:, k] for k in outline]
    view = tuple(directions.middle[:, j].astype(dtype) for j in range(3))
    axes = _axes(view, tuple(b - a for a, b in zip(steps[0], steps[outline.index(last)], strict=True)))

    back = _largest([_dot(view, step) for step in steps])
    # A tile that reaches round to the sample's side is not bounded: no two directions are farther apart than 2.
    front = back < 1.0
    cosine = jnp.where(front, 1.0 - back, 1.0)
    farther = reduce(jnp.maximum, nearer) / (reduce(jnp.minimum, nearer) * cosine)

    def reach(sizes: list[Float[Array, "tile"]]) -> Float[Array, "tile"]:
        return jnp.where(front, farther * _largest(sizes), 2.0) / wave + rounding

    across = (reach([_dot(axis, step) for step in steps]) for axis in axes[1:])
    widths = (jnp.where(front, back, 2.0) / wave + rounding, *across)
    return Tiles(q, axes, widths)


def _dot(a: _Vectors, b: _Vectors) -> Float[Array, "tile"]:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: _Vectors, b: _Vectors) -> _Vectors:
    return tuple(a[(j + 1) % 3] * b[(j + 2) % 3] - a[(j + 2) % 3] * b[(j + 1) % 3] for j in range(3))


def _axes(view: _Vectors, row: _Vectors) -> tuple[_Vectors, ...]:
    """Three directions at right angles, of which the first is `view` and the third across `row`, where that is sure."""
    length = jnp.sqrt(_dot(row, row))
    row = tuple(x / jnp.where(length > 0, length, 1.0) for x in row)
    across = _cross(view, row)
    # Rows that are seen end on, and single pixels: any other direction, so that rounding leaves the angles right.
    end_on = _dot(across, across) < 1e-4
    along_x = jnp.abs(view[0]) < 0.7
    other = (jnp.where(along_x, 1.0, 0.0), jnp.where(along_x, 0.0, 1.0), jnp.zeros_like(view[0]))
    across = tuple(jnp.where(end_on, y, x) for x, y in zip(across, _cross(view, other), strict=True))
    length = jnp.sqrt(_dot(across, across))
    across = tuple(x / length for x in across)
    return view, _cross(across, view), across


def _largest(sizes: list[Float[Array, "tile"]]) -> Float[Array, "tile"]:
    """The largest of some sizes, whatever their signs."""
    largest = jnp.abs(sizes[0])
    for size in sizes[1:]:
        # A maximum would look for NaN.
        largest = jnp.where(jnp.abs(size) > largest, jnp.abs(size), largest)
    return largest


class NearTest(NamedTuple):
    """Whether an orientation reaches tiles.

    Attributes:
        prepare: From rows a, b, c of orientations [... 3 3] to what the test needs of each.
        among: From what was prepared for some of them, whatever axes these have: to the tiles of which nothing can be
            told, which any of these may reach; and to the test of any one for the other tiles, from what was prepared
            for it to an answer for each tile. The more alike they are, the less is near for nothing.
    """

    prepare: Callable[[Float[Array, "*some 3 3"]], Any]
    among: Callable[[Any], tuple[Bool[Array, "tile"], Callable[[Any], Bool[Array, "tile"]]]]


class _Ellipsoid(NamedTuple):
    """One orientation of a crystal whose spots are ellipsoids.

    Attributes:
        orientation: Rows a, b, c [Å].
        back: Columns a*, b*, c* [1/Å].
        tensor: The ellipsoid's reach along a direction u is √(uᵀTu) [1/Å²].
        widest: A tile that reaches farther may come near another Bragg point than that of its middle [1/Å].
    """

    orientation: Float[Array, "*some 3 3"]
    back: Float[Array, "*some 3 3"]
    tensor: Float[Array, "*some 3 3"]
    widest: Float[Array, "*some"]


def near_test(tiles: Tiles, metric: Float[Array, "6"], radius: Float[Array, ""]) -> NearTest:
    """The test for spots that end at r² = Δhᵀ M Δh of some radius r.

    Two convex bodies, the tile and the ellipsoid about its Bragg point, are apart if they are along some axis.

    Args:
        tiles: From `extents`.
        metric: M, as in `Crystal`.
        radius: From `AbstractShape.radius`.
    """
    q, axes, widths = tiles
    dtype = q[0].dtype
    # Half-axes of the ellipsoid Σ w δ² = r², in units of h, k, l.
    half_axes = jnp.stack([radius / jnp.sqrt(jnp.maximum(w, 1e-30)) for w in _diagonal_below(metric)])
    reach_of_tile = 1.0002 * jnp.sqrt(sum(width * width for width in widths))

    def prepare(orientations: Float[Array, "*some 3 3"]) -> _Ellipsoid:
        crosses = [jnp.cross(orientations[..., (i + 1) % 3, :], orientations[..., (i + 2) % 3, :]) for i in range(3)]
        volume = (orientations[..., 0, :] * crosses[0]).sum(axis=-1)
        back = jnp.stack(crosses, axis=-1) / volume[..., None, None]
        scaled = back * half_axes
        tensor = (scaled[..., :, None, :] * scaled[..., None, :, :]).sum(axis=-1)
        widest = ((0.5 - half_axes) / jnp.sqrt((orientations * orientations).sum(axis=-1))).min(axis=-1)
        return jax.tree.map(lambda x: x.astype(dtype), _Ellipsoid(orientations, back, tensor, widest))

    def among(some: _Ellipsoid) -> tuple[Bool[Array, "tile"], Callable[[_Ellipsoid], Bool[Array, "tile"]]]:
        # What rounding may add is on the safe side.
        reaches = [1.0002 * (reach + width) for reach, width in zip(_reaches(axes, some.tensor), widths, strict=True)]

        def near(one: _Ellipsoid) -> Bool[Array, "tile"]:
            d = _distances(one.orientation, q)
            away = [one.back[j, 0] * d[0] + one.back[j, 1] * d[1] + one.back[j, 2] * d[2] for j in range(3)]
            meets = jnp.ones_like(reach_of_tile, dtype=bool)
            for (x, y, z), reach in zip(axes, reaches, strict=True):
                meets &= jnp.abs(x * away[0] + y * away[1] + z * away[2]) <= reach
            return meets

        return reach_of_tile > some.widest.min(), near

    return NearTest(prepare, among)


def _distances(orientation: Float[Array, "3 3"], q: _Vectors) -> list[Float[Array, "tile"]]:
    """From the tiles' middles to the nearest Bragg points [Miller-index units]."""
    rows = (orientation[i] for i in range(3))
    indices = [row[0] * q[0] + row[1] * q[1] + row[2] * q[2] for row in rows]
    return [index - jnp.round(index) for index in indices]


def _reaches(
    axes: tuple[tuple[Float[Array, "tile"], ...], ...], tensors: Float[Array, "*some 3 3"]
) -> list[Float[Array, "tile"]]:
    """How far any of some ellipsoids reaches along each of some directions u, |u| ≤ 1.

    uᵀTu ≤ uᵀT̄u + ‖T − T̄‖ for T̄ their mean, with Frobenius' norm for the largest of them.
    """
    tensors = tensors.reshape(-1, 3, 3)
    mean = tensors.mean(axis=0)
    spread = jnp.sqrt(((tensors - mean) ** 2).sum(axis=(1, 2)).max())
    reaches = []
    for axis in axes:
        along = [mean[i, 0] * axis[0] + mean[i, 1] * axis[1] + mean[i, 2] * axis[2] for i in range(3)]
        square = axis[0] * along[0] + axis[1] * along[1] + axis[2] * along[2] + spread
        reaches.append(jnp.sqrt(jnp.maximum(square, 0.0)))
    return reaches


def _diagonal_below(metric: Float[Array, "6"]) -> list[Float[Array, ""]]:
    """Weights w with Σ w_i δ_i² ≤ δᵀMδ for every δ.

    They are the diagonal of M times the smallest eigenvalue of M scaled to ones on its diagonal.
    """
    scale = jnp.sqrt(metric[:3])
    a = metric[3] / (scale[0] * scale[1])
    b = metric[4] / (scale[0] * scale[2])
    c = metric[5] / (scale[1] * scale[2])
    size = jnp.sqrt((a * a + b * b + c * c) / 3.0)
    safe = jnp.where(size > 0, size, 1.0)
    angle = jnp.arccos(jnp.clip(a * b * c / safe**3, -1.0, 1.0)) / 3.0
    smallest = 1.0 + 2.0 * size * jnp.cos(angle + 2.0 * jnp.pi / 3.0)
    # Rounding: a little less is on the safe side.
    smallest = jnp.maximum(smallest - 1e-5, 0.0)
    return [smallest * metric[i] for i in range(3)]
