"""Every orientation for every pixel, with a rule of differentiation that is made for it.

With I the sum over orientations o and h = cell(o)·q, q = (unit − beam)/λ, each step has

    dI = Σ_i ∂I/∂h_i Σ_j (dcell_ij q_j + cell_ij dq_j) + 2 F F_latt² dF + what the crystal's size and mosaic add.

Three images ∂I/∂h_i to a step serve every parameter, in either mode: products of small matrices do the rest. To let
JAX differentiate the step itself would carry each parameter's tangents through all of it: 40 times the image's time.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float, Int

from jaxbragg_kernels import hkl, lattice, reciprocal, slopes
from jaxbragg_kernels.accumulate import Crystal, looked_up, spread_about_points
from jaxbragg_kernels.fences import apart

_Component = Float[Array, "tile pixel"]
_GROUP = 128


class _Choices(NamedTuple):
    """What is static."""

    shape: str
    unroll: int


def over_orientations(
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
    *,
    shape: str,
    unroll: int,
) -> _Component:
    """The sum of `accumulate.one_orientation` with the nearest structure factors, over all orientations.

    Args:
        crystal: With its orientations, [orientation 3 3], or [orientation 3 3 tile] where each tile has its own.
        beam: Unit vector of the photons.
        wavelength: [Å].
        rays: The pixels. Derivatives are taken from `unit` alone, of which the other parts are only a finer account.
        shape: Of the spots.
        unroll: Orientations to a pass over the pixels, at most.
    """
    with jax.named_scope("over_orientations"):
        return _total(_Choices(shape, unroll), crystal, beam, wavelength, rays)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _total(
    choices: _Choices,
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
) -> _Component:
    def add(total: _Component, cells: Float[Array, "some 3 3 ..."]) -> _Component:
        # The chunk's sum first: where many orientations meet, on the beam, each addition to a large total is rounded.
        terms = [
            factor * factor * spread_about_points(deltas, crystal, choices.shape)
            for deltas, _, factor in looked_up(cells, crystal, beam, wavelength, rays)
        ]
        return total + sum(terms[1:], terms[0])

    def some(cells: Float[Array, "some 3 3 ..."]) -> _Component:
        return _in_chunks(add, jnp.zeros_like(rays.unit[0]), cells, choices.unroll)

    # So are the sums of groups of them, for the same reason.
    cells, size = crystal.orientations, _group_size(crystal.orientations.shape[0], choices.unroll)
    whole = cells.shape[0] // size
    if whole <= 1:
        return some(cells)
    groups = cells[: whole * size].reshape(whole, size, *cells.shape[1:])
    total, _ = jax.lax.scan(lambda total, group: (total + some(group), None), jnp.zeros_like(rays.unit[0]), groups)
    return total + some(cells[whole * size :]) if whole * size < cells.shape[0] else total


def _group_size(count: int, unroll: int) -> int:
    """Orientations that are summed by themselves: all if not many, or about a hundred, without a rest if it can be."""
    if count <= _GROUP:
        return count
    return _even_share(count, _GROUP, multiple_of=_even_share(count, unroll))


def _even_share(count: int, most: int, *, multiple_of: int = 1) -> int:
    """At most so many, but no fewer than half of it if there is a number that leaves no rest to be compiled as well."""
    sizes = (size for size in range(most // 2 + 1, most + 1) if count % size == 0 and size % multiple_of == 0)
    return max(sizes, default=most)


def _in_chunks(
    add: Callable[[_Component, Array], _Component],
    total: _Component,
    cells: Float[Array, "orientation 3 3 ..."],
    most: int,
) -> _Component:
    """A sum over all orientations, so many at a time."""
    count = cells.shape[0]
    size = _even_share(count, most) if count > most else count
    whole = count // size
    chunks = cells[: whole * size].reshape(-1, size, *cells.shape[1:])
    total, _ = jax.lax.scan(lambda total, chunk: (add(total, chunk), None), total, chunks)
    return add(total, cells[whole * size :]) if whole * size < count else total


@partial(_total.defjvp, symbolic_zeros=True)
def _rule(choices: _Choices, primals: tuple, tangents: tuple) -> tuple[_Component, _Component]:
    crystal, beam, wavelength, rays = primals
    d_crystal, d_beam, d_wavelength, d_rays = tangents
    dtype = rays.unit[0].dtype
    # From here on the pixels of a tile are in front: small steps over rows of 16 pixels take a CPU up to four times as
    # long as over rows of thousands of tiles.
    q = (jnp.stack([u.T for u in rays.unit], axis=1) - beam.astype(dtype)[:, None]) / wavelength.astype(dtype)
    dq = _change_of_q(q, d_rays.unit, d_beam, d_wavelength, wavelength)
    if choices.shape == "square":
        size, d_size = crystal.cells, _given(d_crystal.cells)
    else:
        size, d_size = lattice.metric_matrix(crystal.metric), _given(d_crystal.metric)
        d_size = None if d_size is None else lattice.metric_matrix(d_size)
    d_table, turned = _given(d_crystal.table.values), _given(d_crystal.orientations)
    total = _total(choices, *primals)
    steps = jnp.stack([step.T for step in rays.step], axis=1)
    tangent = jnp.zeros_like(total).T
    if all(change is None for change in (dq, d_size, d_table, turned)):
        return total, tangent.T

    def add(tangent: Float[Array, "pixel tile"], one: tuple) -> tuple[Float[Array, "pixel tile"], None]:
        cell, turned = one
        rows, turned = jax.tree.map(lambda x: x.astype(dtype), (cell, turned))
        at = slopes.At(*_looked_up(cell, crystal, beam, wavelength, rays, steps), rows, q, size)
        return tangent + slopes.change(choices.shape, at, slopes.Changes(turned, dq, d_size, d_table)), None

    # One at a time: the slopes of several fall out of a CPU's caches (a fifth slower with five), take more memory, and
    # three times as long to compile.
    add = jax.checkpoint(add, prevent_cse=False)
    tangent, _ = jax.lax.scan(add, tangent, (crystal.orientations, turned))
    # Turned by itself: fused with what is done to the image next, it goes through memory in
    # strides: a Jacobian of one orientation took five times as long.
    return total, apart(jnp.transpose, tangent)


def _looked_up(
    cell: Float[Array, "3 3 ..."],
    crystal: Crystal,
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    rays: reciprocal.Directions,
    steps: Float[Array, "pixel 3 tile"],
) -> tuple[Float[Array, "pixel 3 tile"], Int[Array, "pixel tile"], Float[Array, "pixel tile"]]:
    """As `accumulate.looked_up`, for one orientation, with the distances in one array and the pixels in front."""

    def middles(cell: Float[Array, "3 3 ..."]) -> tuple[Array, Array, Array]:
        wholes, fractions = reciprocal.at_middles(cell[None], beam, wavelength, rays)
        dtype = fractions.dtype
        return wholes[0, ..., 0].astype(dtype), fractions[0, ..., 0], (cell / wavelength).astype(dtype)

    wholes, offsets, scaled = apart(middles, cell)
    for j in range(3):
        offsets = offsets + (scaled[:, j, None] if cell.ndim == 2 else scaled[:, j]) * steps[:, j, None]
    nearest = jnp.round(offsets)
    place = hkl.place_of_parts(crystal.table, wholes, (nearest[:, 0], nearest[:, 1], nearest[:, 2]))
    # The place goes through as well: a scatter would compute it again.
    return offsets - nearest, *apart(lambda place: (place, hkl.at(crystal.table, place)), place)


def _change_of_q(q, d_unit, d_beam, d_wavelength, wavelength) -> Float[Array, "pixel 3 tile"] | None:
    """Tangent of q = (unit − beam)/λ."""
    d_beam, d_wavelength = _given(d_beam), _given(d_wavelength)
    if d_beam is None and d_wavelength is None and all(_given(d) is None for d in d_unit):
        return None
    change = jnp.stack([jnp.zeros_like(q[:, 0]) if _given(d) is None else d.T for d in d_unit], axis=1)
    if d_beam is not None:
        change = change - d_beam.astype(q.dtype)[:, None]
    if d_wavelength is not None:
        change = change - q * d_wavelength.astype(q.dtype)
    return change / wavelength.astype(q.dtype)


def _given(tangent: Array | SymbolicZero) -> Array | None:
    return None if isinstance(tangent, SymbolicZero) else tangent
