"""How many operations a program asks for, counted from its jaxpr.

A slot is what a machine that does nothing but multiply and add would spend one fused multiply-add on:

- a product that only one sum uses, together with that sum: one slot,
- every other addition, product, quotient, root, rounding, comparison, selection, conversion, minimum and maximum of one
  number: one slot, as cheap or dear as it may be,
- a sine, exponential and the like: one slot too, which flatters nobody but the machine: a program that calls them
  seems to use less of it than it does,
- moving numbers, and looking them up: none; look-ups are counted apart.

What XLA finds to be the same, or constant in a loop, is counted as often as it is written.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import jax
import numpy as np

_FREE = frozenset(
    (
        *("broadcast_in_dim", "reshape", "squeeze", "expand_dims", "transpose", "slice", "concatenate", "pad", "rev"),
        *("dynamic_slice", "dynamic_update_slice", "iota", "copy", "copy_p", "stop_gradient", "split", "sort", "top_k"),
        *("bitcast_convert_type", "device_put", "optimization_barrier", "sharding_constraint", "name", "scatter"),
        *("pvary", "get", "swap", "program_id", "num_programs", "empty", "multiple_of", "platform_index"),
    )
)
_REDUCTIONS = frozenset(
    ("reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_and", "reduce_or", "argmax", "argmin")
)


class NotCountable(Exception):
    """A loop whose number of turns is known only while it runs."""


@dataclass(frozen=True)
class Slots:
    """Operations of a program.

    Attributes:
        single: Slots on numbers of up to 32 bits.
        double: Slots on numbers of 64 bits.
        lookups: Numbers fetched from a table.
    """

    single: float = 0.0
    double: float = 0.0
    lookups: float = 0.0

    def __add__(self, other: "Slots") -> "Slots":
        return Slots(self.single + other.single, self.double + other.double, self.lookups + other.lookups)

    def times(self, factor: float) -> "Slots":
        """As often as this."""
        return Slots(self.single * factor, self.double * factor, self.lookups * factor)


def count(function: Callable, *arguments: Any) -> Slots:
    """The slots of a function at some arguments; nothing is run or compiled.

    Raises:
        NotCountable: If the program holds a loop of unknown length.
    """
    return _of_jaxpr(_open(jax.make_jaxpr(function)(*arguments)))


def _of_jaxpr(jaxpr: Any) -> Slots:
    equations = _needed(jaxpr)
    fused = _products_in_sums(equations)
    total = Slots()
    for number, equation in enumerate(equations):
        if number not in fused:
            total = total + _of_equation(equation)
    return total


def _needed(jaxpr: Any) -> list[Any]:
    """The equations whose results are used; the others XLA throws away as well."""
    wanted = {id(v) for v in jaxpr.outvars}
    kept = []
    for equation in reversed(jaxpr.eqns):
        if equation.effects or any(id(v) in wanted for v in equation.outvars):
            kept.append(equation)
            wanted.update(id(v) for v in equation.invars)
    return kept[::-1]


def _products_in_sums(equations: list[Any]) -> set[int]:
    """Numbers of the products that a sum takes in: used once, and there; one to a sum."""
    uses = Counter(id(v) for equation in equations for v in equation.invars)
    products = {id(e.outvars[0]): n for n, e in enumerate(equations) if e.primitive.name == "mul" and _is_float(e)}
    fused = set()
    for equation in equations:
        if equation.primitive.name in ("add", "sub", "add_any") and _is_float(equation):
            taken = [v for v in equation.invars if id(v) in products and uses[id(v)] == 1]
            if taken:
                fused.add(products[id(taken[0])])
    return fused


def _of_equation(equation: Any) -> Slots:
    name, size = equation.primitive.name, sum(prod(v.aval.shape) for v in equation.outvars if hasattr(v.aval, "shape"))
    if name == "scan":
        return _of_jaxpr(_open(equation.params["jaxpr"])).times(equation.params["length"])
    if name == "while":
        raise NotCountable("a loop whose length is known only while it runs")
    if name == "cond":
        branches = [_of_jaxpr(_open(branch)) for branch in equation.params["branches"]]
        return max(branches, key=lambda slots: slots.single + slots.double)
    inner = list(_inner_jaxprs(equation.params))
    if inner:
        grid = getattr(equation.params.get("grid_mapping"), "grid", ())
        return _of_jaxpr(inner[0]).times(prod(grid))
    if name == "gather":
        return Slots(lookups=size)
    if name in _FREE or (name == "convert_element_type" and _same_type(equation)):
        return Slots()
    if name == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        size *= prod(equation.invars[0].aval.shape[axis] for axis in contracted)
    elif name in _REDUCTIONS or name.startswith(("cumsum", "cumprod", "scatter")):
        size = prod(equation.invars[-1 if name.startswith("scatter") else 0].aval.shape)
    elif name == "integer_pow":
        size *= max(1, abs(equation.params["y"]).bit_length() - 1)
    elif name == "clamp":
        size *= 2
    widths = [v.aval.dtype.itemsize for v in (*equation.invars, *equation.outvars) if _has_type(v)]
    return Slots(double=size) if max(widths, default=4) > 4 else Slots(single=size)


def _inner_jaxprs(params: dict[str, Any]) -> Iterator[Any]:
    for value in params.values():
        if hasattr(_open(value), "eqns"):
            yield _open(value)


def _open(jaxpr: Any) -> Any:
    """Without the constants that may be closed over."""
    return getattr(jaxpr, "jaxpr", jaxpr)


def _is_float(equation: Any) -> bool:
    return _has_type(equation.outvars[0]) and np.issubdtype(equation.outvars[0].aval.dtype, np.floating)


def _same_type(equation: Any) -> bool:
    return equation.invars[0].aval.dtype == equation.outvars[0].aval.dtype


def _has_type(variable: Any) -> bool:
    return isinstance(getattr(variable.aval, "dtype", None), np.dtype)
