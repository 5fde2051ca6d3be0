"""Linear maps that bring their transpose along, for both modes of differentiation.

JAX transposes a linear map operation by operation. Where the map and its transpose are best computed in different ways,
both are given here. Unlike `jax.custom_derivatives.linear_call` it can be batched, as a Jacobian does; then JAX
transposes the batched map by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir


@dataclass(frozen=True)
class _Map:
    """A linear map, and how its arguments are laid out flat."""

    forward: Callable[[Any, Any], jax.Array]
    transposed: Callable[[Any, jax.Array, Any], Any]
    fixed: Any
    changes: Any

    def flat(self, *leaves: jax.Array) -> jax.Array:
        return self.forward(*self.trees(leaves))

    def trees(self, leaves: Any) -> tuple[Any, Any]:
        """What is fixed, and what the map is linear in."""
        count = self.fixed.num_leaves
        return jax.tree.unflatten(self.fixed, leaves[:count]), jax.tree.unflatten(self.changes, leaves[count:])


def linear_map(
    forward: Callable[[Any, Any], jax.Array], transposed: Callable[[Any, jax.Array, Any], Any], fixed: Any, changes: Any
) -> jax.Array:
    """forward(fixed, changes), an array that is linear in the changes.

    Args:
        forward: From what is fixed and the changes to an array.
        transposed: From what is fixed, the array's cotangent and the shapes of the changes to their cotangents.
        fixed: Any tree of arrays.
        changes: Any tree of real arrays.
    """
    leaves, fixed_tree = jax.tree.flatten(fixed)
    change_leaves, change_tree = jax.tree.flatten(changes)
    return _linear_map.bind(*leaves, *change_leaves, map=_Map(forward, transposed, fixed_tree, change_tree))


_linear_map = Primitive("linear_map")


@_linear_map.def_impl
def _run(*leaves, map):
    return map.flat(*leaves)


@_linear_map.def_abstract_eval
def _shape(*leaves, map):
    shapes = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in leaves]
    return jax.make_jaxpr(map.flat)(*shapes).out_avals[0]


def _jvp(primals, tangents, *, map):
    out = _linear_map.bind(*primals, map=map)
    count = map.fixed.num_leaves
    tangents = list(tangents)
    if all(isinstance(tangent, ad.Zero) for tangent in tangents[:count]):
        changed = [ad.instantiate_zeros(tangent) for tangent in tangents[count:]]
        return out, _linear_map.bind(*primals[:count], *changed, map=map)
    moving = [i for i, tangent in enumerate(tangents) if not isinstance(tangent, ad.Zero)]

    def moved(*values):
        leaves = list(primals)
        for i, value in zip(moving, values, strict=True):
            leaves[i] = value
        return map.flat(*leaves)

    return out, jax.jvp(moved, [primals[i] for i in moving], [tangents[i] for i in moving])[1]


def _transpose(cotangent, *leaves, map):
    count = map.fixed.num_leaves
    if isinstance(cotangent, ad.Zero):
        return [None] * len(leaves)
    shapes = [jax.ShapeDtypeStruct(x.aval.shape, x.aval.dtype) if ad.is_undefined_primal(x) else x for x in leaves]
    fixed, changes = map.trees(shapes)
    found = jax.tree.leaves(map.transposed(fixed, cotangent, changes))
    wanted = zip(leaves[count:], found, strict=True)
    return [None] * count + [ct if ad.is_undefined_primal(x) else None for x, ct in wanted]


def _batched(leaves, axes, *, map):
    return jax.vmap(map.flat, in_axes=axes)(*leaves), 0


ad.primitive_jvps[_linear_map] = _jvp
ad.primitive_transposes[_linear_map] = _transpose
batching.primitive_batchers[_linear_map] = _batched
mlir.register_lowering(_linear_map, mlir.lower_fun(lambda *leaves, map: map.flat(*leaves), multiple_results=False))
