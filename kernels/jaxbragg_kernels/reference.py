"""The textbook formula, pixel by pixel in float64: what the fast kernels are tested against.

Nothing is peeled off, folded or approximated here; sin(πNh)/sin(πh) is taken as it stands. It is written component by
component, as one would who knows JAX: with three-vectors on the last axis it takes twice as long, and the benchmarks'
ratios would flatter the other kernels.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

_Component = Float[Array, "*pixels"]


def intensity(
    position: Float[Array, "*pixels 3"],
    cell: Float[Array, "3 3"],
    cells: Float[Array, "3"],
    beam: Float[Array, "3"],
    wavelength: Float[Array, ""],
    box: Float[Array, "h k l"],
    minimum: tuple[int, int, int],
    default: Float[Array, ""],
) -> _Component:
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
    return intensity_at(scattering_vector(position, beam, wavelength), cell, cells, box, minimum, default)


def scattering_vector(
    position: Float[Array, "*pixels 3"], beam: Float[Array, "3"], wavelength: Float[Array, ""]
) -> tuple[_Component, _Component, _Component]:
    """q by component [1/Å]: it does not depend on the orientation.

    Args:
        position: Of the pixels [m].
        beam: Unit vector of the photons.
        wavelength: [Å].
    """
    x, y, z = position[..., 0], position[..., 1], position[..., 2]
    distance = jnp.sqrt(x * x + y * y + z * z)
    return tuple((p / distance - b) / wavelength for p, b in zip((x, y, z), beam, strict=True))  # type: ignore[return-value]


def intensity_at(
    q: tuple[_Component, _Component, _Component],
    cell: Float[Array, "3 3"],
    cells: Float[Array, "3"],
    box: Float[Array, "h k l"],
    minimum: tuple[int, int, int],
    default: Float[Array, ""],
) -> _Component:
    """F_cell² F_latt² at scattering vectors [1/Å]; the other arguments are those of `intensity`."""
    amplitude, inside, places = jnp.ones(()), jnp.asarray(True), []
    for i in range(3):
        index = q[0] * cell[i, 0] + q[1] * cell[i, 1] + q[2] * cell[i, 2]
        sine, sines = jnp.sin(jnp.pi * index), jnp.sin(jnp.pi * cells[i] * index)
        at_bragg = sine == 0
        amplitude = amplitude * jnp.where(at_bragg, cells[i], sines / jnp.where(at_bragg, 1.0, sine))
        place = jnp.round(index).astype(jnp.int32) - minimum[i]
        inside = inside & (place >= 0) & (place < box.shape[i])
        places.append(place)
    if 0 in box.shape:
        return (default * amplitude) ** 2
    h, k, l = (jnp.where(inside, place, 0) for place in places)
    return (jnp.where(inside, box[h, k, l], default) * amplitude) ** 2
