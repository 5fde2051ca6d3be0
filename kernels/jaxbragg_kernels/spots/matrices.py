"""Many 3 × 3 matrices, written out: `jnp.linalg` on stacks of them may hang on a CPU of few cores (jax 0.10)."""

import jax.numpy as jnp
from jaxtyping import Array, Float

_Matrices = Float[Array, "... 3 3"]


def determinant(m: _Matrices) -> Float[Array, "..."]:
    """Of each matrix."""
    return (
        m[..., 0, 0] * (m[..., 1, 1] * m[..., 2, 2] - m[..., 1, 2] * m[..., 2, 1])
        - m[..., 0, 1] * (m[..., 1, 0] * m[..., 2, 2] - m[..., 1, 2] * m[..., 2, 0])
        + m[..., 0, 2] * (m[..., 1, 0] * m[..., 2, 1] - m[..., 1, 1] * m[..., 2, 0])
    )


def inverse(m: _Matrices) -> _Matrices:
    """Of each matrix, which must have one."""
    rows = jnp.stack(
        [jnp.cross(m[..., :, 1], m[..., :, 2]), jnp.cross(m[..., :, 2], m[..., :, 0]),
         jnp.cross(m[..., :, 0], m[..., :, 1])], axis=-2,
    )  # fmt: skip
    return rows / determinant(m)[..., None, None]


def outer(one: Float[Array, "... 3"], other: Float[Array, "... 3"]) -> _Matrices:
    """one otherᵀ."""
    return one[..., :, None] * other[..., None, :]


def times(m: _Matrices, v: Float[Array, "... 3"]) -> Float[Array, "... 3"]:
    """m v; elementwise, so that no device takes a shorter type for it."""
    return (m * v[..., None, :]).sum(axis=-1)


def dot(one: Float[Array, "... 3"], other: Float[Array, "... 3"]) -> Float[Array, "..."]:
    """one · other."""
    return (one * other).sum(axis=-1)


def product(one: _Matrices, other: _Matrices) -> _Matrices:
    """one other."""
    return (one[..., :, :, None] * other[..., None, :, :]).sum(axis=-2)
