"""A barrier to a compiler's fusion, which lasts until fusion is over.

XLA's CPU compiler fuses a look-up with what makes its index and what uses its result, and LLVM then vectorizes none of
it where the processor is slow at gathering: 13 ns a step instead of 3 on one core with 256-bit vectors. An optimization
barrier is gone before fusion begins; a branch that is always taken stays, if what decides it is hidden by one.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxbragg_kernels.sharded import varying


def fusion_barrier(function: Callable, *operands: Any) -> Any:
    """The function's result; on a CPU compiled by itself.

    On a GPU a branch would wait for the host, and fused look-ups are what one wants: there it is just the function.

    Args:
        function: Of arrays, without side effects.
        *operands: Its arguments.
    """
    if jax.default_backend() != "cpu":
        return function(*operands)
    results = jax.eval_shape(function, *operands)

    def always(*operands: Any) -> Any:
        return varying(function(*operands), operands)

    def never(*operands: Any) -> Any:
        return varying(jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), results), operands)

    return jax.lax.cond(jax.lax.optimization_barrier(jnp.asarray(True)), always, never, *operands)
