"""What a problem is given: one for all images or a list of one for each, and a start that can be."""

from typing import Any

import numpy as np

from jaxbragg.models import Experiment
from jaxbragg.models.validity import check_model


def for_each(name: str, value: Any, count: int, listed: bool) -> list[Any]:
    """One for all images, or one for each."""
    if not listed:
        return [value] * count
    if len(value) != count:
        raise ValueError(f"Argument `{name}` must hold one for each of {count} images, but holds {len(value)}.")
    return list(value)


def is_list_of_lists(boxes: Any) -> bool:
    """Whether there is a list of boxes for each image, and not one list of boxes for all."""
    if not isinstance(boxes, list | tuple):
        return False
    return any(each is None or (len(each) > 0 and np.ndim(each[0]) > 0) for each in boxes)


def check_start(experiment: Experiment, image: int | None) -> None:
    """Raise a ValueError for a start at which the experiment cannot be."""
    try:
        check_model(experiment)
    except ValueError as error:
        where = "" if image is None else f" of image {image}"
        raise ValueError(f"The start{where} cannot be: {error}") from None
