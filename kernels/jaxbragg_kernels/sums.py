"""Sums over pixels."""

from collections.abc import Callable

from jaxtyping import Array, Float


def inner_products(
    a: Float[Array, "row some column"], b: Float[Array, "row others column"]
) -> Float[Array, "some others"]:
    """Σ a·b over the pixels of two images, for each of some and each of others.

    XLA's CPU compiler adds up an image one pixel after the other. So quarters are added to each other first, which
    vectors of any width can do: of the rows, then of the columns, before what is left is added up one by one. More
    parts at a time would lie at distances that fall into the same places of a cache.
    """
    rests = _folded(lambda rows: a[rows, :, None] * b[rows, None], a.shape[0])
    return _folded(lambda columns: rests[..., columns], rests.shape[-1]).sum(axis=(0, 3))


def _folded(of: Callable[[slice], Array], size: int) -> Array:
    """The sum of equal parts: four of them, or fewer where the whole cannot be divided.

    Args:
        of: What a part is.
        size: Of the whole.
    """
    count = next(count for count in (4, 3, 2, 1) if size % count == 0)
    part = size // count
    parts = [of(slice(i * part, (i + 1) * part)) for i in range(count)]
    return sum(parts[1:], parts[0])
