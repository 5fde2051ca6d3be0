"""From the photons in all tiles to the image: put together, and read out as the detector's response says."""

from typing import Any

import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import AbstractDetector, Response
from jaxbragg.pipeline.plan import Plan
from jaxbragg.pipeline.tiles import assemble
from jaxbragg_kernels.namespace import namespace_of


def image_of(
    tiles: Float[Array, "..."], detector: AbstractDetector, response: Response | None, plan: Plan
) -> Float[Array, "..."]:
    """The image: photons, or with a response what is read out on average; pixels that are not seen are 0.

    Args:
        tiles: Photons, in the plan's order.
        detector: For its mask and panels.
        response: Of the detector, or None.
        plan: How the image is cut.
    """
    photons = assemble(tiles, detector, plan)
    return photons if response is None else read_out(photons, detector, response, plan)


def read_out(
    photons: Float[Array, "..."], detector: AbstractDetector, response: Response, plan: Plan
) -> Float[Array, "..."]:
    """What is read out on average of an image of photons; pixels that are masked, or outside the region, are 0.

    What is spread is spread into these too, and none comes from them: they have no photons.

    Args:
        photons: The image.
        detector: For its mask.
        response: Of the detector.
        plan: For the region of interest.
    """
    return seen(response.expected(photons).mean, detector, plan)


def seen(image: Any, detector: AbstractDetector, plan: Plan) -> Any:
    """The image, of JAX or of numpy, with 0 where a pixel is masked or outside the region of interest.

    Args:
        image: Of the whole detector.
        detector: For its mask.
        plan: For the region.
    """
    xp = namespace_of(image)
    fast_first, fast_last, slow_first, slow_last = plan.roi
    inside = np.zeros((plan.slow, plan.fast), bool)
    inside[slow_first : slow_last + 1, fast_first : fast_last + 1] = True
    if not inside.all():
        image = xp.where(inside, image, xp.zeros_like(image))
    if detector.mask is not None:
        image = xp.where(detector.mask.reshape(image.shape), image, xp.zeros_like(image))
    return image
