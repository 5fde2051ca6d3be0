"""The textbook formula, pixel by pixel in float64: what the fast kernels are tested against.

Nothing is peeled off, folded or approximated here; sin(πNh)/sin(πh) is taken as it stands.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def intensity(
    position: Float[Array, "*pixels 3"],
    cell: Float[Array, "3 3"],
    cells: Float[Array, "3"],
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    box: Float[Array, "h k l"],
    minimum: tuple[int, int, int],
    default: Float[Array, ""],
) -> Float[Array, "*pixels"]:
    """|F|²·F_latt² of one orientation, square shape, nearest structure factor.

    Args:
        position: Of the pixels [m].
        cell: Rows a, b, c as they stand [Å].
        cells: Na, Nb, Nc.
        beam: Unit vector of the photons.
        wavelength: [Å].
        box: |F| [electrons].
        minimum: Miller indices of the box's first element.
        default: |F| outside the box.
    """
    unit = position / jnp.linalg.norm(position, axis=-1, keepdims=True)
    q = (unit - beam) / wavelength
    index = jnp.stack([(q * cell[i]).sum(axis=-1) for i in range(3)], axis=-1)
    sine, sines = jnp.sin(jnp.pi * index), jnp.sin(jnp.pi * cells * index)
    at_bragg = sine == 0
    latt = jnp.where(at_bragg, cells, sines / jnp.where(at_bragg, 1.0, sine)).prod(axis=-1)
    cell_index = jnp.round(index).astype(int) - jnp.asarray(minimum)
    inside = ((cell_index >= 0) & (cell_index < jnp.asarray(box.shape))).all(axis=-1)
    if 0 in box.shape:
        return default**2 * latt**2
    h, k, l = jnp.moveaxis(jnp.where(inside[..., None], cell_index, 0), -1, 0)
    return jnp.where(inside, box[h, k, l], default) ** 2 * latt**2
