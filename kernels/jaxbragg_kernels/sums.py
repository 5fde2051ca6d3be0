"""Sums over pixels."""

from collections.abc import Callable

from jaxtyping import Array, Float


def inner_products(
    a: Float[Array, "row some column"], b: Float[Array, "row others column"]
) -> Float[Array, "some others"]:
    """Σ a·b over the pixels of two images, for each of some and each of others.

    XLA's CPU compiler adds up an image one pixel after the other. So parts of it are added to each other first, which
    vectors of any width can do: twice, before what is left is added up one by one.
    """
    rests = _folded(lambda rows, columns: a[rows, :, None, columns] * b[rows, None, :, columns], a[:, 0].shape)
    return _folded(lambda rows, columns: rests[rows, :, :, columns], rests[:, 0, 0].shape).sum(axis=(0, 3))


def _folded(of: Callable[[slice, slice], Array], shape: tuple[int, ...]) -> Array:
    """The sum of equal parts of images: four rows of four of them, or fewer where the shape cannot be divided.

    Args:
        of: What a part is.
        shape: Rows and columns of the whole.
    """
    (rows, down), (columns, across) = (_part(size) for size in shape)
    parts = [
        of(slice(i * rows, (i + 1) * rows), slice(j * columns, (j + 1) * columns))
        for i in range(down)
        for j in range(across)
    ]
    return sum(parts[1:], parts[0])


def _part(size: int) -> tuple[int, int]:
    """The size of a part, and how many of them make up the whole."""
    count = next(count for count in (4, 3, 2, 1) if size % count == 0)
    return size // count, count
