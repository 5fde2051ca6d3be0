"""Rotations: about an axis, about x, y and z in turn, and the stack of all orientations that a crystal passes through.

All rotations are active and right-handed and multiply column vectors from the left. The functions take numpy arrays or
JAX arrays and answer in kind.
"""

from functools import partial
from types import ModuleType

import numpy as np
from jaxtyping import Array, Float

from jaxbragg_kernels.fusion import fusion_barrier
from jaxbragg_kernels.namespace import namespace_of


def axis_angle(axis: Float[Array, "*many 3"], angle: Float[Array, "*many"]) -> Float[Array, "*many 3 3"]:
    """The rotation about a unit axis; or many, of one axis or one for each.

    Args:
        axis: Unit vector.
        angle: [rad].

    References:
        Rodrigues' formula; `rotate_axis` of the C program.
    """
    xp = namespace_of(axis, angle)
    x, y, z = axis[..., 0], axis[..., 1], axis[..., 2]
    if xp is np or angle.ndim == 0:
        cos, sin, versine = _of_angle(xp, angle)
    else:
        # Else a compiler takes sines anew for each product of each element.
        cos, sin, versine = fusion_barrier(partial(_of_angle, xp), angle)
    rows = (
        (cos + x * x * versine, x * y * versine - z * sin, x * z * versine + y * sin),
        (y * x * versine + z * sin, cos + y * y * versine, y * z * versine - x * sin),
        (z * x * versine - y * sin, z * y * versine + x * sin, cos + z * z * versine),
    )
    return xp.stack([xp.stack(row, axis=-1) for row in rows], axis=-2)


def _of_angle(xp: ModuleType, angle: Float[Array, "*many"]) -> tuple[Float[Array, "*many"], ...]:
    # 1 − cos without its loss of digits at small angles
    return xp.cos(angle), xp.sin(angle), 2.0 * xp.sin(0.5 * angle) ** 2


def about_xyz(angles: Float[Array, "3"]) -> Float[Array, "3 3"]:
    """The rotation about x, then y, then z of the laboratory.

    Args:
        angles: The three angles [rad].

    References:
        `rotate` of the C program, used for -misset and -detector_rotx, _roty, _rotz.
    """
    xp = namespace_of(angles)
    unit = xp.eye(3)
    about_x, about_y, about_z = (axis_angle(unit[i], angles[i]) for i in range(3))
    return product(about_z, product(about_y, about_x))


def rotate(vectors: Float[Array, "n 3"], axis: Float[Array, "3"], angles: Float[Array, "n"]) -> Float[Array, "n 3"]:
    """Vectors rotated about one unit axis, each by its own angle.

    Args:
        vectors: To be rotated.
        axis: Unit vector.
        angles: [rad].
    """
    xp = namespace_of(vectors, axis, angles)
    cos, sin = xp.cos(angles)[:, None], xp.sin(angles)[:, None]
    along = (vectors * axis).sum(axis=1)[:, None] * axis
    return vectors * cos + xp.cross(xp.broadcast_to(axis, vectors.shape), vectors) * sin + along * (1.0 - cos)


def apply(rotation: Float[Array, "3 3"], vector: Float[Array, "3"]) -> Float[Array, "3"]:
    """The rotated vector, by elementwise products: a matrix product may run in TF32 on a GPU."""
    return (rotation * vector[None, :]).sum(axis=1)


def product(left: Float[Array, "*many 3 3"], right: Float[Array, "*many 3 3"]) -> Float[Array, "*many 3 3"]:
    """left · right, by elementwise products (see `apply`)."""
    return (left[..., :, :, None] * right[..., None, :, :]).sum(axis=-2)


def orientation_stack(
    spindle: Float[Array, "phi 3 3"], mosaic: Float[Array, "domain 3 3"]
) -> Float[Array, "phi*domain 3 3"]:
    """Every orientation as one list: spindle rotation first, then that of the mosaic domain; domains run fastest."""
    stack = (mosaic[None, :, :, :, None] * spindle[:, None, None, :, :]).sum(axis=3)
    return stack.reshape(-1, 3, 3)
