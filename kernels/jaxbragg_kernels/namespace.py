"""One formula for two kinds of array.

Geometry is set up once from a handful of numbers, where numpy answers in microseconds and eager JAX compiles for
milliseconds an operation; yet the same geometry must be differentiable when a caller traces it. The functions that are
used both ways ask here which library their arguments belong to.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def namespace_of(*arrays: Any) -> Any:
    """`jax.numpy` where any argument is a JAX array or tracer, else `numpy`."""
    return jnp if any(isinstance(array, jax.Array) for array in arrays) else np
