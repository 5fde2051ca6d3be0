"""Rotations that are spread evenly over all there are: of powders, and of crystals that fall as they like.

References:
    Shoemake (1992), Uniform random rotations, Graphics Gems III, 124: from three numbers of the unit cube.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.sequence import uniform_points
from jaxbragg_kernels.namespace import namespace_of


def random_rotations(key: Array, count: int) -> Float[Array, "rotation 3 3"]:
    """Random rotations, uniform over all of them: no angle about x, y and z that is uniform by itself gives these.

        jb.Crystal(cell, orientation=jb.random_rotations(jax.random.key(0), 1)[0])

    Args:
        key: Of `jax.random`.
        count: How many; static.

    Returns:
        Matrices, float64 where the caller has it on, otherwise float32.
    """
    return rotations_of(jax.random.uniform(key, (checks.count("count", count), 3)))


def uniform_rotations(count: int, seed: int = 0) -> np.ndarray:
    """Rotations spread more evenly than random ones, for `RotationList` and powders; `-mosaic 180` has others.

    Args:
        count: How many; powers of 2 are spread most evenly.
        seed: Which ones, of a scrambled Sobol' sequence.

    Returns:
        Matrices [rotation, 3, 3].
    """
    return rotations_of(uniform_points(checks.count("count", count), 3, checks.count("seed", seed, 0)))


def rotations_of(points: Any) -> Any:
    """Rotations of points of the unit cube [rotation, 3], of JAX or of numpy: uniform where these are."""
    xp = namespace_of(points)
    low, high = xp.sqrt(1.0 - points[:, 0]), xp.sqrt(points[:, 0])
    one, other = 2.0 * np.pi * points[:, 1], 2.0 * np.pi * points[:, 2]
    x, y, z, w = low * xp.sin(one), low * xp.cos(one), high * xp.sin(other), high * xp.cos(other)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    return (
        xp.stack([xp.stack(row, axis=-1) for row in rows], axis=-2) if xp is jnp else np.moveaxis(np.array(rows), 2, 0)
    )
