"""Every orientation for every pixel, with a rule of differentiation that is made for it.

With I the sum over orientations o and h = orientation(o)·q, q = (unit − beam)/λ, each step has

    dI = Σ_i ∂I/∂h_i Σ_j (dorientation_ij q_j + orientation_ij dq_j) + 2 F F_latt² dF + what the crystal's size adds.

Three images ∂I/∂h_i to a step serve every parameter, in either mode: products of small matrices do the rest. To let
JAX differentiate the step itself would carry each parameter's tangents through all of it: 40 times the image's time.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float, Int

from jaxbragg_kernels import hkl, reciprocal
from jaxbragg_kernels.crystal import Crystal
from jaxbragg_kernels.fusion import fusion_barrier
from jaxbragg_kernels.orientations import derivatives
from jaxbragg_kernels.orientations.one import Choices, lattice_factor, looked_up
from jaxbragg_kernels.rays import Rays

_Image = Float[Array, "tile pixel"]
_GROUP = 128


def sum_over_every(crystal: Crystal, rays: Rays, choices: Choices) -> _Image:
    """The sum of `one.intensity` with the nearest structure factors, over all orientations.

    Args:
        crystal: With its orientations.
        rays: To the pixels. Derivatives are taken from `Directions.unit` alone, of which the other parts are only a
            finer account.
        choices: Shape, and the orientations to a pass.
    """
    with jax.named_scope("sum_over_every"):
        return _total(choices, crystal, rays)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _total(choices: Choices, crystal: Crystal, rays: Rays) -> _Image:
    zero = jnp.zeros_like(rays.directions.unit[0])

    def add(total: _Image, orientations: Float[Array, "some 3 3 ..."]) -> _Image:
        # The chunk's sum first: where many orientations meet, on the beam, each addition to a large total is rounded.
        terms = [
            factor * factor * lattice_factor(offsets, crystal, choices.shape)
            for offsets, _, factor in looked_up(orientations, crystal, rays, choices.shape)
        ]
        return total + sum(terms[1:], terms[0])

    def some(orientations: Float[Array, "some 3 3 ..."]) -> _Image:
        return _in_chunks(add, zero, orientations, choices.unroll)

    # So are the sums of groups of them, for the same reason.
    orientations = crystal.orientations
    size = _group_size(orientations.shape[0], choices.unroll)
    whole = orientations.shape[0] // size
    if whole <= 1:
        return some(orientations)
    groups = orientations[: whole * size].reshape(whole, size, *orientations.shape[1:])
    total, _ = jax.lax.scan(lambda total, group: (total + some(group), None), zero, groups)
    return total + some(orientations[whole * size :]) if whole * size < orientations.shape[0] else total


def _group_size(count: int, unroll: int) -> int:
    """Orientations that are summed by themselves: all if few, or about a hundred, without a remainder if possible."""
    if count <= _GROUP:
        return count
    return _even_share(count, _GROUP, multiple_of=_even_share(count, unroll))


def _even_share(count: int, most: int, *, multiple_of: int = 1) -> int:
    """At most so many, but no fewer than half of it if such a number leaves no remainder to be compiled as well."""
    sizes = (size for size in range(most // 2 + 1, most + 1) if count % size == 0 and size % multiple_of == 0)
    return max(sizes, default=most)


def _in_chunks(
    add: Callable[[_Image, Array], _Image],
    total: _Image,
    orientations: Float[Array, "orientation 3 3 ..."],
    most: int,
) -> _Image:
    """A sum over all orientations, so many at a time."""
    count = orientations.shape[0]
    size = _even_share(count, most) if count > most else count
    whole = count // size
    chunks = orientations[: whole * size].reshape(-1, size, *orientations.shape[1:])
    total, _ = jax.lax.scan(lambda total, chunk: (add(total, chunk), None), total, chunks)
    return add(total, orientations[whole * size :]) if whole * size < count else total


@partial(_total.defjvp, symbolic_zeros=True)
def _rule(choices: Choices, primals: tuple, tangents: tuple) -> tuple[_Image, _Image]:
    crystal, rays = primals
    d_crystal, d_rays = tangents
    dtype = rays.directions.unit[0].dtype
    # From here on the pixels of a tile are in front: small steps over rows of 16 pixels take a CPU up to four times as
    # long as over rows of thousands of tiles.
    q = jnp.stack([u.T for u in rays.directions.unit], axis=1) - rays.beam.astype(dtype)[:, None]
    q = q / rays.wavelength.astype(dtype)
    dq = _change_of_q(q, rays, d_rays)
    size = choices.shape.size(crystal.n_cells, crystal.metric)
    d_size = choices.shape.size(_given(d_crystal.n_cells), _given(d_crystal.metric))
    d_table, d_orientations = _given(d_crystal.table.values), _given(d_crystal.orientations)
    total = _total(choices, *primals)
    steps = jnp.stack([step.T for step in rays.directions.step], axis=1)
    tangent = jnp.zeros_like(total).T
    if all(change is None for change in (dq, d_size, d_table, d_orientations)):
        return total, tangent.T

    def add(tangent: Float[Array, "pixel tile"], one: tuple) -> tuple[Float[Array, "pixel tile"], None]:
        orientation, changed = one
        rows, changed = jax.tree.map(lambda x: x.astype(dtype), (orientation, changed))
        at = derivatives.At(*_looked_up(orientation, crystal, rays, steps), rows, q, size)
        changes = derivatives.Changes(changed, dq, d_size, d_table)
        return tangent + derivatives.change(choices.shape, at, changes), None

    # One at a time: the slopes of several fall out of a CPU's caches (a fifth slower with five), take more memory, and
    # three times as long to compile.
    add = jax.checkpoint(add, prevent_cse=False)
    tangent, _ = jax.lax.scan(add, tangent, (crystal.orientations, d_orientations))
    # Transposed by itself: fused with what is done to the image next, it goes through memory in
    # strides: a Jacobian of one orientation took five times as long.
    return total, fusion_barrier(jnp.transpose, tangent)


def _looked_up(
    orientation: Float[Array, "3 3 ..."], crystal: Crystal, rays: Rays, steps: Float[Array, "pixel 3 tile"]
) -> tuple[Float[Array, "pixel 3 tile"], Int[Array, "pixel tile"], Float[Array, "pixel tile"]]:
    """As `one.looked_up`, for one orientation, with the distances in one array and the pixels in front."""

    def middles(orientation: Float[Array, "3 3 ..."]) -> tuple[Array, ...]:
        whole, delta, _ = reciprocal.at_middles(orientation[None], rays)
        return whole[0, ..., 0].astype(delta.dtype), delta[0, ..., 0], reciprocal.scaled_rows(orientation, rays)

    wholes, delta, scaled = fusion_barrier(middles, orientation)
    columns = [scaled[:, j, None] if orientation.ndim == 2 else scaled[:, j] for j in range(3)]
    along = (steps[:, 0, None], steps[:, 1, None], steps[:, 2, None])
    delta, nearest = reciprocal.from_middle(delta, columns, along)
    place = hkl.place_of_parts(crystal.table, wholes, (nearest[:, 0], nearest[:, 1], nearest[:, 2]))
    # The place goes through as well: a scatter would compute it again.
    return delta, *fusion_barrier(lambda place: (place, hkl.at(crystal.table, place)), place)


def _change_of_q(q: Float[Array, "pixel 3 tile"], rays: Rays, d_rays: Rays) -> Float[Array, "pixel 3 tile"] | None:
    """Tangent of q = (unit − beam)/λ."""
    d_beam, d_wavelength, d_unit = _given(d_rays.beam), _given(d_rays.wavelength), d_rays.directions.unit
    if d_beam is None and d_wavelength is None and all(_given(d) is None for d in d_unit):
        return None
    change = jnp.stack([jnp.zeros_like(q[:, 0]) if _given(d) is None else d.T for d in d_unit], axis=1)
    if d_beam is not None:
        change = change - d_beam.astype(q.dtype)[:, None]
    if d_wavelength is not None:
        change = change - q * d_wavelength.astype(q.dtype)
    return change / rays.wavelength.astype(q.dtype)


def _given(tangent: Array | SymbolicZero) -> Array | None:
    return None if isinstance(tangent, SymbolicZero) else tangent
