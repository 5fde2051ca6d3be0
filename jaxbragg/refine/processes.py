"""Images shared out to the processes of `jax.distributed`: each computes its own, and all get all results."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np


def over_processes(function: Callable[[int], Any], images: Sequence[int]) -> list[Any]:
    """A function of the number of each image; every process of several calls it of every n-th.

    What all do with the results is the same then, so that they stay together. They must hold the same problem.

    Args:
        function: Its results are trees of arrays, of the same shapes for all images.
        images: Their numbers.
    """
    count, index = jax.process_count(), jax.process_index()
    if count == 1:
        return [function(image) for image in images]
    from jax.experimental.multihost_utils import process_allgather

    each = -(-len(images) // count)
    mine = list(images[index::count]) or [images[0]]
    found = [jax.tree.map(np.asarray, function(image)) for image in mine]
    found += found[-1:] * (each - len(found))  # all send as many
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *found)
    of_all = process_allgather(stacked)  # [process, image, …]
    return [jax.tree.map(lambda leaf, i=i: leaf[i % count, i // count], of_all) for i in range(len(images))]
