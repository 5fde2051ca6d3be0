"""Measured images into the tiles that a fit sums over: masks, shoeboxes, pixels that hold no number."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxbragg.models import Experiment
from jaxbragg.options import Options
from jaxbragg.pipeline.plan import block_pixels
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.tiles import cut
from jaxbragg.refine.arguments import for_each, is_list_of_lists
from jaxbragg.refine.flagged import flagged
from jaxbragg.refine.likelihood import AbstractLikelihood
from jaxbragg.refine.model import Tiles, at_once
from jaxbragg_kernels.numerics import numerics

Box = tuple[int, ...]

# A block holds the model and all columns of its Jacobian: smaller blocks than in a simulation keep these in the caches.
_BLOCK_SHARE = 4

# Counts of so many photons are seldom equal by chance, and hardly ever are several of the largest.
_FULL_FROM, _FULL_TIMES = 1000.0, 4


class Measured(NamedTuple):
    """One image, ready.

    Attributes:
        counts: The image as it was given, in the detector's shape [photons].
        used: Which of its pixels count.
        not_numbers: Pixels that would have counted but hold no finite number.
        flagged: Pixels that would have counted but are full, or hold a mark.
    """

    counts: np.ndarray
    used: np.ndarray
    not_numbers: int
    flagged: int


def measured_images(
    images: list[Any],
    listed: bool,
    experiments: Sequence[Experiment],
    masks: Any,
    shoeboxes: Any,
    saturation: Any,
    background: Any,
    likelihood: AbstractLikelihood,
    options: Options,
) -> tuple[tuple[Measured, ...], tuple[np.ndarray | None, ...]]:
    """All images, and the known background of each or None; arguments as `Problem` takes them.

    Args:
        images: One or several.
        listed: Whether they came as a list.
        experiments: One for each.
        masks: One for all, or a list.
        shoeboxes: One list for all, or a list of lists.
        saturation: One for all, or a list.
        background: One for all, or a list.
        likelihood: To check the counts.
        options: For the region of interest.

    Raises:
        ValueError: As `measured` and `known_background`; or if a list is not as long as that of the images.
    """
    count = len(images)
    masks = for_each("masks", masks, count, listed and isinstance(masks, list | tuple))
    boxes = for_each("shoeboxes", shoeboxes, count, is_list_of_lists(shoeboxes))
    full = for_each("saturation", saturation, count, isinstance(saturation, list | tuple))
    known = for_each("background", background, count, listed and isinstance(background, list | tuple))
    found = tuple(
        measured(i, *each, likelihood, options)
        for i, each in enumerate(zip(images, experiments, masks, boxes, full, strict=True))
    )
    return found, tuple(
        None if each is None else known_background(i, each, experiments[i].detector.image_shape)
        for i, each in enumerate(known)
    )


def measured(
    number: int,
    image: Any,
    experiment: Experiment,
    mask: Any,
    boxes: Sequence[Box] | None,
    saturation: float | None,
    likelihood: AbstractLikelihood,
    options: Options,
) -> Measured:
    """Check one image and choose its pixels.

    Args:
        number: Of the image, for messages.
        image: [slow, fast] or [panel, slow, fast].
        experiment: For the detector's shape and mask.
        mask: True for the pixels to be used, or None.
        boxes: First and last pixel along fast, then along slow, ends included, as in `Options.roi`; with the number
            of the panel in front where there are several. None for the whole image.
        saturation: Pixels of so many photons and more are left out; None for those that hold a mark.
        likelihood: To check the counts.
        options: For the region of interest.

    Raises:
        ValueError: If a shape is not the detector's, a box lies off it, a count cannot be, or no pixel is left.
    """
    detector = experiment.detector
    counts = _of_shape("images", number, np.asarray(image), detector.image_shape)
    if not (np.issubdtype(counts.dtype, np.number) or counts.dtype == bool) or np.iscomplexobj(counts):
        raise ValueError(f"Argument `images` must hold real numbers, but image {number} is of type {counts.dtype}.")
    marked = flagged(counts, gaps=likelihood.check(np.array([-1.0])) is not None, full=saturation is None)
    counts = counts.astype(np.float64)
    if saturation is not None:
        marked |= counts >= saturation
    used = np.ones(detector.shape, bool) if boxes is None else _inside(number, boxes, detector.shape)
    if options.roi is not None:
        used &= _inside(number, [(p, *options.roi) for p in range(detector.shape[0])], detector.shape)
    if detector.mask is not None:
        used &= np.asarray(detector.mask)
    used = used.reshape(detector.image_shape)
    if mask is not None:
        used &= _of_shape("masks", number, np.asarray(mask), detector.image_shape).astype(bool)
    if not used.any():
        raise ValueError(f"Argument `masks` must leave some pixels, but all pixels of image {number} are masked.")
    full = int((used & marked).sum())
    used &= ~marked
    if not used.any():
        raise ValueError(
            f"Argument `images` must hold counts, but all used pixels of image {number} are full or flagged; "
            "see `saturation`."
        )
    finite = np.isfinite(counts)
    not_numbers = int((used & ~finite).sum())
    used &= finite
    if not used.any():
        raise ValueError(f"Argument `images` must hold finite numbers, but image {number} has none in its used pixels.")
    wrong = likelihood.check(counts[used])
    if wrong is not None:
        raise ValueError(f"Argument `images` must {wrong} (image {number}).")
    if saturation is None:
        _warn_of_a_ceiling(number, counts[used])
    return Measured(counts, used, not_numbers, full)


def _warn_of_a_ceiling(number: int, counts: np.ndarray) -> None:
    """Say so where the largest count comes too often to be chance: the detector may have been full."""
    largest = counts.max()
    many = int((counts == largest).sum())
    if largest >= _FULL_FROM and many >= _FULL_TIMES:
        warnings.warn(
            f"{many} pixels of image {number} hold its largest number, {largest:g}: if that is where the detector is "
            f"full, saturation={largest:g} leaves them out, saturation=inf says that it is not",
            UserWarning,
            stacklevel=5,
        )


def known_background(number: int, given: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A background that is known, as an image.

    Raises:
        ValueError: If it is neither a number nor an image of the detector's shape, or not finite.
    """
    array = np.asarray(given, np.float64)
    array = np.full(shape, float(array)) if array.shape == () else _of_shape("background", number, array, shape)
    if not np.isfinite(array).all():
        raise ValueError(f"Argument `background` must be finite, but that of image {number} is not.")
    return array


def _of_shape(name: str, number: int, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if array.shape not in (shape, (1, *shape)):
        what = {"images": "image", "masks": "mask", "background": "that of image"}[name]
        raise ValueError(
            f"Argument `{name}` must have the detector's shape {shape}, but {what} {number} has shape {array.shape}."
        )
    return array.reshape(shape)


def _inside(number: int, boxes: Sequence[Box], shape: tuple[int, int, int]) -> np.ndarray:
    used = np.zeros(shape, bool)
    for box in boxes:
        edges = tuple(box) if len(box) == 5 else (0, *box)
        if len(edges) != 5 or (len(box) != 5 and shape[0] > 1) or not _on_detector(edges, shape):
            wanted = "fast, fast, slow, slow" if shape[0] == 1 else "panel, fast, fast, slow, slow"
            raise ValueError(
                f"Argument `shoeboxes` must hold first and last pixels ({wanted}) on the detector of shape {shape}, "
                f"but image {number} has {tuple(box)}."
            )
        panel, fast_first, fast_last, slow_first, slow_last = (int(edge) for edge in edges)
        used[panel, slow_first : slow_last + 1, fast_first : fast_last + 1] = True
    return used


def _on_detector(edges: Box, shape: tuple[int, int, int]) -> bool:
    panel, fast_first, fast_last, slow_first, slow_last = edges
    whole = all(int(edge) == edge for edge in edges) and 0 <= panel < shape[0]
    return whole and 0 <= fast_first <= fast_last < shape[2] and 0 <= slow_first <= slow_last < shape[1]


def to_tiles(
    images: Sequence[Measured], known: Sequence[Any], settings: Sequence[Settings], experiments: Sequence[Experiment]
) -> list[Tiles]:
    """The tiles that hold a used pixel, in as many blocks for each image that all can share a compilation."""
    skips = settings[0].skip_below > 0
    size = max(
        1,
        block_pixels(settings[0].options, tile=settings[0].plan.tile, skips=skips)
        // (_BLOCK_SHARE * settings[0].plan.pixels_per_tile),
    )
    if any(at_once(*each) for each in zip(settings, experiments, strict=True)):
        size = settings[0].plan.tiles
    chosen = []
    with numerics():
        for image, each in zip(images, settings, strict=True):
            chosen.append(np.nonzero(np.asarray(cut(jnp.asarray(image.used), each.plan, False)).any(axis=1))[0])
        most = max(len(numbers) for numbers in chosen)
        size = -(-most // -(-most // size))
        blocks = -(-most // size)
        return [
            _blocks_of(image, each, numbers, background, (blocks, size))
            for image, each, numbers, background in zip(images, settings, chosen, known, strict=True)
        ]


def _blocks_of(image: Measured, settings: Settings, numbers: np.ndarray, known: Any, shape: tuple[int, int]) -> Tiles:
    plan, (blocks, size) = settings.plan, shape
    filled = np.concatenate([numbers, np.full(blocks * size - len(numbers), numbers[-1])])
    dtype = settings.dtype

    def tiles(values: np.ndarray, kind: Any) -> np.ndarray:
        return np.asarray(cut(jnp.asarray(values, kind), plan))[filled].reshape(blocks, size, plan.pixels_per_tile)

    used = tiles(image.used, bool)
    used.reshape(blocks * size, -1)[len(numbers) :] = False
    return Tiles(
        numbers=jnp.asarray(filled.reshape(blocks, size)),
        counts=jnp.asarray(tiles(np.where(image.used, image.counts, 0.0), dtype)),
        used=jnp.asarray(used),
        known=None if known is None else jnp.asarray(tiles(known, dtype)),
        blocks=jnp.asarray(-(-len(numbers) // size)),
    )
