"""Absorption inside the crystal: of the beam on its way in, and of what is scattered on its way out."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.absorbers import AbstractAbsorber
from jaxbragg.models.readable import with_fields
from jaxbragg.models.sequence import uniform_points
from jaxbragg_kernels import rotation
from jaxbragg_kernels.numerics import numerics
from jaxbragg_kernels.rays import Directions


class ConvexAbsorption(AbstractAbsorber):
    """A convex body with flat faces, all of it in the beam: the mean of exp(−µ (way in + way out)) over its volume.

        absorption = jb.ConvexAbsorption.box((1e-4, 2e-4, 3e-4), attenuation=2500.0)

    The mean is taken over points that fill the body evenly, to about 1/points of what is absorbed. Ways out are those
    of a tile's middle: they hardly change within 4 pixels.

    Attributes:
        normals: Unit vectors of the faces, outwards, in the laboratory at φ = 0: a crystal's turn with it.
        distances: Of the faces from a point inside [m].
        attenuation: µ [1/m].
        points: How many the mean is over.
    """

    normals: Float[Array, "face 3"]
    distances: Float[Array, "face"]
    attenuation: Float[Array, ""]
    points: int = eqx.field(static=True)

    def __init__(self, normals: Any, distances: Any, attenuation: Any, points: int = 256) -> None:
        """Check and keep the body.

        Args:
            normals: See the attributes.
            distances: Likewise; positive.
            attenuation: Not negative.
            points: How many.

        Raises:
            ValueError: If a value cannot be, or the faces do not close.
        """
        self.normals = checks.leaf("normals", normals, (None, 3))
        self.distances = checks.leaf("distances", distances, (self.normals.shape[0],))
        self.attenuation = checks.leaf("attenuation", attenuation)
        self.points = checks.count("points", points)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.unit_vector("normals", self.normals)
        checks.positive("distances", self.distances)
        checks.not_negative("attenuation", self.attenuation)
        known = checks.known(self.normals)
        if known is not None:
            # A face in every direction, of thousands: of those that do not close, some direction has none.
            closed = (known.astype(float) @ _ways(4096)[0].T).max(axis=0) > 0.01
            checks.require(closed, "normals", "close around a body", known)

    @classmethod
    def box(cls, size: Any, attenuation: Any, *, orientation: Any = None, points: int = 256) -> "ConvexAbsorption":
        """A box around the point that the beam meets.

        Args:
            size: Three edges [m].
            attenuation: µ [1/m].
            orientation: Rotation of its edges from x, y, z, or None.
            points: How many.

        Raises:
            ValueError: As `ConvexAbsorption`.
        """
        size = checks.leaf("size", size, (3,))
        with numerics():
            axes = np.eye(3) if orientation is None else checks.leaf("orientation", orientation, (3, 3)).T
            return cls(jnp.concatenate([axes, -axes]), 0.5 * jnp.concatenate([size, size]), attenuation, points)

    def turned(self, matrix: Float[Array, "3 3"]) -> "ConvexAbsorption":
        """The body turned by a rotation."""
        with numerics():
            normals = rotation.product(self.normals, jnp.asarray(matrix).T)
        return with_fields(self, normals=normals)

    def transmission(self, directions: Directions, beam: Float[Array, "3"]) -> Float[Array, "tile pixel"]:
        """See `AbstractAbsorber.transmission`."""
        dtype = directions.nearer.dtype
        x, y, z = (jnp.mean(u, axis=1, keepdims=True) for u in directions.unit)
        out_x, out_y, out_z = (u.astype(dtype) for u in (x, y, z))
        normals, distances = self.normals.astype(dtype), self.distances.astype(dtype)
        ways, share = (jnp.asarray(x, dtype) for x in _ways(self.points))
        reach = _way(normals, distances, *ways.T)
        places, weights = ways * (share * reach)[:, None], reach**3
        weights = weights / weights.sum()
        left = distances[None, :] - (places[:, None, :] * normals[None, :, :]).sum(axis=-1)  # [point, face]
        back = -beam.astype(dtype)
        ahead = (normals * back).sum(axis=1)
        way_in = jnp.where(ahead > 1e-6, left / jnp.where(ahead > 1e-6, ahead, 1.0), jnp.inf).min(axis=1)

        def add(total: Array, point: tuple[Array, Array, Array]) -> tuple[Array, None]:
            room, way, weight = point
            out = _way(normals, room, out_x, out_y, out_z)
            return total + weight * jnp.exp(-self.attenuation.astype(dtype) * (way + out)), None

        total, _ = jax.lax.scan(add, jnp.zeros_like(out_x + beam.astype(dtype)[0] * 0), (left, way_in, weights))
        return jnp.broadcast_to(total, directions.nearer.shape)


def _ways(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of a ball, evenly: their directions from its middle, and how far out they are as a share."""
    points = uniform_points(count, 3, 0)
    cosine, angle = 2.0 * points[:, 0] - 1.0, 2.0 * np.pi * points[:, 1]
    sine = np.sqrt(1.0 - cosine * cosine)
    return np.stack([sine * np.cos(angle), sine * np.sin(angle), cosine], axis=1), points[:, 2] ** (1 / 3)


def _way(normals: Array, room: Array, x: Array, y: Array, z: Array) -> Array:
    """How far it is along directions to the nearest face, which is `room` away along its normal."""
    shortest = jnp.full_like(x, jnp.inf)
    for i in range(normals.shape[0]):
        ahead = normals[i, 0] * x + normals[i, 1] * y + normals[i, 2] * z
        goes = ahead > 1e-6
        shortest = jnp.minimum(shortest, jnp.where(goes, room[i] / jnp.where(goes, ahead, 1.0), jnp.inf))
    return shortest
