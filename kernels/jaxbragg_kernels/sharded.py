"""Inside `jax.shard_map`: arrays that are made there vary over devices as soon as what they meet does.

JAX has both branches of a condition, and what goes round a loop, vary over the same axes; an array of zeros varies over
none. Elsewhere nothing is done.
"""

from typing import Any, TypeVar

import jax
import jax.numpy as jnp

_Tree = TypeVar("_Tree")


def varying(tree: _Tree, *like: Any) -> _Tree:
    """The arrays, varying over every axis that an array of `like` varies over.

    Args:
        tree: Any tree of arrays. Whole numbers of other than 32 bits, and truth values, stay as they are.
        *like: Any trees of arrays.
    """
    if not jax.sharding.get_abstract_mesh().manual_axes:
        return tree
    with jax.enable_x64(True):
        # Zeros like an array vary as it does; sums, over all axes of their terms.
        zero = sum(jnp.zeros_like(leaf).sum() * 0.0 for leaf in jax.tree.leaves(like) if isinstance(leaf, jax.Array))

        def moved(leaf: Any) -> Any:
            dtype = leaf.dtype
            known = jnp.issubdtype(dtype, jnp.floating) or dtype in (jnp.uint32, jnp.int32)
            return leaf + jnp.asarray(zero, dtype) if known else leaf

        return jax.tree.map(moved, tree)
