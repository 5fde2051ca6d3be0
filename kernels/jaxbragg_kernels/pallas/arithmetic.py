"""Two operations that the kernel needs in two ways: as an NVIDIA GPU has them, and as XLA has them for the tests."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.pallas import triton
from jaxtyping import Array, Float, Int

_Number = Float[Array, "..."]


class Nearest(NamedTuple):
    """The nearest whole number, of |x| < 2²²."""

    number: _Number
    integer: Int[Array, "..."]


class Arithmetic(NamedTuple):
    """Attributes: the two operations. `multiply_add(a, b, c)` is a·b + c, rounded once on a GPU."""

    nearest: Callable[[_Number], Nearest]
    multiply_add: Callable[[_Number, _Number, _Number], _Number]


_SHIFT = np.float32(1.5 * 2**23)  # float32 numbers near this one are whole


def _nearest_by_shift(x: _Number) -> Nearest:
    # Two additions; conversions have an eighth of their throughput, and Triton's backend of Pallas knows no `round`.
    # XLA itself would take (x + s) − s for x.
    shifted = x + _SHIFT
    bits = jax.lax.bitcast_convert_type(shifted, jnp.int32)
    return Nearest(shifted - _SHIFT, bits - _SHIFT.view(np.int32))


def _fused(a: _Number, b: _Number, c: _Number) -> _Number:
    # Nothing else makes sure of it: jaxlib 0.10.2 compiles a · b + c to a multiplication and an addition.
    a, b, c = jnp.broadcast_arrays(a, b, c)
    (value,) = triton.elementwise_inline_asm(
        "fma.rn.f32 $0, $1, $2, $3;",
        args=(a, b, c),
        constraints="=f,f,f,f",
        pack=1,
        result_shape_dtypes=(jax.ShapeDtypeStruct(a.shape, jnp.float32),),
    )
    return value


def _nearest_by_rounding(x: _Number) -> Nearest:
    number = jnp.round(x)
    return Nearest(number, number.astype(jnp.int32))


def _in_two_steps(a: _Number, b: _Number, c: _Number) -> _Number:
    return a * b + c


GPU = Arithmetic(_nearest_by_shift, _fused)
XLA = Arithmetic(_nearest_by_rounding, _in_two_steps)
