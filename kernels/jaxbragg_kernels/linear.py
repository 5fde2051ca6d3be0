"""Linear maps that bring their transpose along, for both modes of differentiation.

JAX transposes a linear map operation by operation. Where a map and its transpose are best computed in different ways,
both are given here. Unlike `jax.custom_derivatives.linear_call` it can be batched, as a Jacobian does, and what is
fixed can be differentiated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from jaxbragg_kernels.sharded import varying


@dataclass(frozen=True)
class _Map:
    """A linear map, and how its arguments and results are laid out flat.

    Attributes:
        forward, transposed, kept: See `linear_map`.
        fixed, changes: How these are laid out.
        results: Likewise; with shapes and types.
    """

    forward: Callable[[Any, Any], Any]
    transposed: Callable[[Any, Any, Any], Any]
    kept: bool
    fixed: Any
    changes: Any
    results: Any
    shapes: tuple[jax.ShapeDtypeStruct, ...]

    def flat(self, *leaves: jax.Array) -> list[jax.Array]:
        return varying(jax.tree.leaves(self.forward(*self.trees(leaves))), leaves)

    def trees(self, leaves: Any) -> tuple[Any, Any]:
        """What is fixed, and what the map is linear in."""
        count = self.fixed.num_leaves
        return jax.tree.unflatten(self.fixed, leaves[:count]), jax.tree.unflatten(self.changes, leaves[count:])


def linear_map(
    forward: Callable[[Any, Any], Any],
    transposed: Callable[[Any, Any, Any], Any],
    fixed: Any,
    changes: Any,
    *,
    like: Any = None,
    kept: bool = False,
) -> Any:
    """forward(fixed, changes): arrays that are linear in the changes.

    Args:
        forward: From what is fixed and the changes to any tree of arrays.
        transposed: From what is fixed, the cotangents of these arrays and the shapes of the changes to the cotangents
            of the changes.
        fixed: Any tree of arrays.
        changes: Any tree of real arrays.
        like: Arrays of the shapes and types of the results, where they are known: `forward` is then not traced for
            them.
        kept: Whether a batch of maps is such a map, too, whose transpose is a batch of `transposed`. Otherwise JAX
            transposes the batched map by itself.
    """
    fixed, changes = varying((fixed, changes), fixed, changes)
    leaves, fixed_tree = jax.tree.flatten(fixed)
    change_leaves, change_tree = jax.tree.flatten(changes)
    shapes, results = jax.tree.flatten(jax.eval_shape(forward, fixed, changes) if like is None else like)
    of_results = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in shapes)
    whole = _Map(forward, transposed, kept, fixed_tree, change_tree, results, of_results)
    return jax.tree.unflatten(results, _linear_map.bind(*leaves, *change_leaves, map=whole))


_linear_map = Primitive("linear_map")
_linear_map.multiple_results = True


@_linear_map.def_impl
def _run(*leaves, map):
    return map.flat(*leaves)


@_linear_map.def_abstract_eval
def _shape(*leaves, map):
    shapes = [ShapedArray(x.shape, x.dtype) for x in map.shapes]
    if not jax.sharding.get_abstract_mesh().manual_axes:
        return shapes
    zeros = jax.make_jaxpr(lambda *leaves: varying([jnp.zeros(x.shape, x.dtype) for x in shapes], leaves))
    return zeros(*leaves).out_avals


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


def _transpose(cotangents, *leaves, map):
    count = map.fixed.num_leaves
    if all(isinstance(cotangent, ad.Zero) for cotangent in cotangents):
        return [None] * len(leaves)
    cotangents = jax.tree.unflatten(map.results, [ad.instantiate_zeros(cotangent) for cotangent in cotangents])
    shapes = [jax.ShapeDtypeStruct(x.aval.shape, x.aval.dtype) if ad.is_undefined_primal(x) else x for x in leaves]
    fixed, changes = map.trees(shapes)
    found = jax.tree.leaves(map.transposed(fixed, cotangents, changes))
    wanted = zip(leaves[count:], found, strict=True)
    return [None] * count + [ct if ad.is_undefined_primal(x) else None for x, ct in wanted]


def _batched(leaves, axes, *, map):
    if not map.kept:
        return jax.vmap(map.flat, in_axes=axes)(*leaves), [0] * len(map.shapes)
    size = next(x.shape[axis] for x, axis in zip(leaves, axes, strict=True) if axis is not None)
    along = map.trees(axes)
    one = [jax.ShapeDtypeStruct(_without(x.shape, axis), x.dtype) for x, axis in zip(leaves, axes, strict=True)]
    _, changes = map.trees(one)

    def transposed(fixed, cotangents, shapes):
        del shapes
        of_each = jax.vmap(lambda fixed, cotangents: map.transposed(fixed, cotangents, changes), in_axes=(along[0], 0))
        found = jax.tree.leaves(of_each(fixed, cotangents))
        # What all have in common collects the cotangents of all.
        axes_of_changes = axes[map.fixed.num_leaves :]
        moved = [
            x.sum(axis=0) if axis is None else jnp.moveaxis(x, 0, axis)
            for x, axis in zip(found, axes_of_changes, strict=True)
        ]
        return jax.tree.unflatten(map.changes, moved)

    shapes = tuple(jax.ShapeDtypeStruct((size, *x.shape), x.dtype) for x in map.shapes)
    forward = jax.vmap(map.forward, in_axes=along)
    whole = _Map(forward, transposed, True, map.fixed, map.changes, map.results, shapes)
    return _linear_map.bind(*leaves, map=whole), [0] * len(shapes)


def _without(shape, axis):
    return shape if axis is None else (*shape[:axis], *shape[axis + 1 :])


ad.primitive_jvps[_linear_map] = _jvp
ad.primitive_transposes[_linear_map] = _transpose
batching.primitive_batchers[_linear_map] = _batched
mlir.register_lowering(_linear_map, mlir.lower_fun(lambda *leaves, map: map.flat(*leaves), multiple_results=True))
