"""Normal equations of several images: shared values touch every image, an image's own touch that image alone.

The matrix has the shape of an arrow: a square block of the shared values, a block for each image, and what couples the
two. It is kept and solved as such, so that memory and time grow in proportion to the number of images.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_Array = np.ndarray


@dataclass(frozen=True)
class NormalEquations:
    """Half the gradient and half the (Fisher) curvature of an objective, and what else was summed on the way.

    Attributes:
        objective: −2 ln(likelihood) of pixels and priors.
        gradient: Of all free values.
        shared: The block of the shared values.
        cross: Shared values with those of each image.
        per_image: Blocks of the values of each image.
    """

    objective: float
    gradient: Float[_Array, "free"]
    shared: Float[_Array, "shared shared"]
    cross: Float[_Array, "image shared per_image"]
    per_image: Float[_Array, "image per_image per_image"]

    def diagonal(self) -> Float[_Array, "free"]:
        """The matrix's diagonal."""
        per_image = np.diagonal(self.per_image, axis1=1, axis2=2)
        return np.concatenate([np.diagonal(self.shared), per_image.ravel()])

    def dense(self) -> Float[_Array, "free free"]:
        """The whole matrix."""
        s, (images, o) = len(self.shared), self.per_image.shape[:2]
        whole = np.zeros((s + images * o,) * 2)
        whole[:s, :s] = self.shared
        for i in range(images):
            here = slice(s + i * o, s + (i + 1) * o)
            whole[:s, here], whole[here, :s], whole[here, here] = self.cross[i], self.cross[i].T, self.per_image[i]
        return whole

    def solve(self, damping: float, held: np.ndarray | None = None) -> Float[_Array, "free"]:
        """−(A + damping·diag A)⁻¹ · gradient; 0 for values that are held or that nothing depends on."""
        s, (images, o) = len(self.shared), self.per_image.shape[:2]
        diagonal = self.diagonal()
        dead = diagonal <= 0
        if held is not None:
            dead = dead | held
        # To a unit diagonal: metres and degrees in one matrix are 1e8 apart and more, squared.
        factor = np.where(dead, 0.0, 1.0 / np.sqrt(np.where(dead, 1.0, diagonal)))
        lift = np.where(dead, 1.0, damping)
        ahead, behind = factor[:s], factor[s:].reshape(images, o)
        right = -(self.gradient * factor)
        shared = self.shared * ahead[:, None] * ahead + np.diag(lift[:s])
        cross = self.cross * ahead[None, :, None] * behind[:, None, :]
        per_image = self.per_image * behind[:, :, None] * behind[:, None, :]
        per_image = per_image + lift[s:].reshape(images, o)[:, :, None] * np.eye(o)
        into = right[s:].reshape(images, o)
        # Schur's complement of the images' blocks.
        left = np.linalg.solve(per_image, np.swapaxes(cross, 1, 2)) if o else np.zeros((images, 0, s))
        reduced = shared - np.einsum("iso,iot->st", cross, left)
        first = np.linalg.solve(reduced, right[:s] - np.einsum("ios,io->s", left, into)) if s else np.zeros(0)
        rest = np.linalg.solve(per_image, into[..., None])[..., 0] - left @ first if o else np.zeros((images, 0))
        return np.concatenate([first, rest.ravel()]) * factor

    def quadratic(self, step: Float[_Array, "free"]) -> float:
        """stepᵀ A step."""
        s, (images, o) = len(self.shared), self.per_image.shape[:2]
        first, rest = step[:s], step[s:].reshape(images, o)
        total = first @ self.shared @ first + 2 * np.einsum("s,iso,io->", first, self.cross, rest)
        return float(total + np.einsum("io,iop,ip->", rest, self.per_image, rest))
