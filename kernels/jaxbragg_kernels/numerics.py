"""JAX's settings that this package computes with, whatever the caller's are: for values, and for derivatives.

Float64 is on, and types and ranks are promoted as JAX does by default. A function that opens these settings inside is
traced with them, but JAX transposes what was traced when the caller's gradient is taken, with the caller's settings:
with float64 off, constants of float32 meet arrays of float64, and types do not match. Here each derivative is a
function of the same kind, to any order.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import jax
from jax.core import Tracer
from jax.custom_derivatives import SymbolicZero

from jaxbragg_kernels.linear import linear_map

Function = Callable[[Any, Any], Any]


@contextmanager
def numerics() -> Iterator[None]:
    """A `with` block with float64 on, and the promotion of types and ranks that JAX has by default."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def _are_the_callers() -> bool:
    """Whether the caller has these settings already."""
    now: Any = jax.config
    return (now.jax_enable_x64, now.jax_numpy_dtype_promotion, now.jax_numpy_rank_promotion) == _SETTINGS


_SETTINGS = (True, "standard", "allow")


@cache
def with_numerics(function: Function) -> Function:
    """The function with the settings of `numerics`, in all its derivatives.

    Where the caller has these settings, or nothing is traced, it is just the function. Otherwise, too, reverse mode
    costs nothing more; nor does forward mode under `jax.jit`, where what is computed twice falls away. Outside of it
    the results are computed twice.

    Args:
        function: From something hashable and a tree of arrays to a tree of real arrays. The caller sees the types that
            it has inside.
    """

    def call(static: Hashable, tree: Any) -> Any:
        if not _are_the_callers() and any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(tree)):
            return _differentiable(function)(static, tree, None)
        with numerics():
            return function(static, tree)

    return call


@cache
def _differentiable(function: Function) -> Callable[[Any, Any, Any], Any]:
    """The function of a tree, and of its value there where that is known already."""

    @partial(jax.custom_jvp, nondiff_argnums=(0,))
    def call(static: Hashable, tree: Any, known: Any) -> Any:
        if known is not None:
            return known
        with numerics():
            return function(static, tree)

    @partial(call.defjvp, symbolic_zeros=True)
    def rule(static: Hashable, primals: tuple, tangents: tuple) -> tuple[Any, Any]:
        tree, changes = primals[0], tangents[0]
        leaves, layout = jax.tree.flatten(tree)
        change_leaves = jax.tree.leaves(changes, is_leaf=lambda x: isinstance(x, SymbolicZero))
        moving = tuple(i for i, change in enumerate(change_leaves) if not isinstance(change, SymbolicZero))
        case = (static, layout, moving)
        fixed = jax.lax.stop_gradient(leaves)
        with numerics():
            value, pull = jax.vjp(partial(_of_moving, function, case, fixed), [fixed[i] for i in moving])
        out = call(static, tree, value)
        kept, pull_layout = jax.tree.flatten(pull)

        def forward(fixed: tuple, changes: list) -> Any:
            return with_numerics(_push(function))(case, (fixed[0], changes))

        def transposed(fixed: tuple, cotangents: Any, shapes: list) -> list:
            del shapes
            leaves, kept = fixed
            constant = jax.lax.stop_gradient(cotangents)
            with numerics():
                (found,) = jax.tree.unflatten(pull_layout, kept)(constant)
            return _differentiable(_pull(function))(case, (leaves, cotangents), found)

        tangent = linear_map(
            forward, transposed, (leaves, kept), [change_leaves[i] for i in moving], like=out, kept=True
        )
        return out, tangent

    return call


def _of_moving(function: Function, case: tuple, leaves: list, moving: list) -> Any:
    """The function of those leaves that move."""
    static, layout, places = case
    leaves = list(leaves)
    for place, leaf in zip(places, moving, strict=True):
        leaves[place] = leaf
    return function(static, jax.tree.unflatten(layout, leaves))


@cache
def _push(function: Function) -> Function:
    """Its derivative along changes of the leaves that move."""

    def push(case: tuple, leaves_and_changes: tuple[list, list]) -> Any:
        leaves, changes = leaves_and_changes
        return jax.jvp(partial(_of_moving, function, case, leaves), ([leaves[i] for i in case[2]],), (changes,))[1]

    return push


@cache
def _pull(function: Function) -> Function:
    """Its derivative by the leaves that move, times cotangents of its results."""

    def pull(case: tuple, leaves_and_cotangents: tuple[list, Any]) -> list:
        leaves, cotangents = leaves_and_cotangents
        _, back = jax.vjp(partial(_of_moving, function, case, leaves), [leaves[i] for i in case[2]])
        return back(cotangents)[0]

    return pull
