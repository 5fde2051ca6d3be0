"""Checks that models make on construction, and the conversion of what a caller gives into a leaf.

Values are checked where they are known; a traced value is taken as it is. Messages name the argument, say what it must
be, and show what it is.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxbragg_kernels.numerics import numerics


def is_traced(value: Any) -> bool:
    """Whether the value is known only when a compiled function runs."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(value))


def leaf(name: str, value: Any, shape: Sequence[int | None] = ()) -> jax.Array:
    """A differentiable leaf: float64 unless the caller's array is of another real type.

    Args:
        name: The argument, for messages.
        value: Number, sequence or array.
        shape: What its shape must be; None stands for any length.

    Raises:
        ValueError: If the shape is another, or a value is not a finite real number.
    """
    if isinstance(value, jax.Array):
        check_shape(name, value, shape)
        if jnp.iscomplexobj(value):
            raise ValueError(f"Argument `{name}` must be real numbers, but is of type {value.dtype}.")
        if not jnp.issubdtype(value.dtype, jnp.floating):
            with numerics():
                value = value.astype(np.float64)
        if not is_traced(value):
            _check_finite(name, np.asarray(value))
        return value
    if isinstance(value, (list, tuple)) and is_traced(value):
        array = jnp.stack([jnp.asarray(v) for v in value])
        check_shape(name, array, shape)
        return array
    plain_numbers(name, value)
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"Argument `{name}` must be real numbers, but is {value!r}.") from None
    check_shape(name, array, shape)
    _check_finite(name, array)
    with numerics():
        # Not jnp.asarray: from jax 0.10 on it compiles a small program for every new shape, 10 to 30 ms each.
        return jax.device_put(array)


def plain_numbers(name: str, value: Any) -> None:
    """Raise a ValueError for what numpy would turn into real numbers by losing a part of it, or by reading it.

    Imaginary parts, masks of masked arrays, and texts.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(
            f"Argument `{name}` must not be a masked array, whose mask would be lost: fill it, see numpy.ma.filled."
        )
    try:
        found = np.asarray(value)
    except (TypeError, ValueError):
        return  # of lengths that do not fit: said by those who need one length
    kinds = {np.asarray(each).dtype.kind for each in found.flat} if found.dtype.kind == "O" else {found.dtype.kind}
    wrong = {"c": "complex numbers", "U": "text", "S": "text", "M": "dates", "m": "durations"}
    for kind in kinds & wrong.keys():
        raise ValueError(f"Argument `{name}` must be real numbers, but is {wrong[kind]}: {_shown(found)}.")


def check_shape(name: str, value: Any, shape: Sequence[int | None]) -> None:
    """Raise a ValueError unless the array has the shape; None stands for any length."""
    found = np.shape(value)
    if len(found) != len(shape) or any(w is not None and w != f for w, f in zip(shape, found, strict=True)):
        wanted = "(" + ", ".join("n" if w is None else str(w) for w in shape) + ")"
        raise ValueError(f"Argument `{name}` must have shape {wanted if shape else '()'}, but has shape {found}.")


def outer_shape(value: Any) -> tuple[int, ...]:
    """Shape of an array, or (n,) of a list of n, whose elements may be traced."""
    return (len(value),) if isinstance(value, (list, tuple)) else np.shape(value)


def _check_finite(name: str, value: np.ndarray) -> None:
    if not np.isfinite(value).all():
        raise ValueError(f"Argument `{name}` must be finite, but is {_shown(value)}.")


def concrete(name: str, value: Any, instead: str) -> None:
    """Raise a ValueError where a value is traced that has to be known when a model is made.

    Args:
        name: The argument.
        value: What was given for it.
        instead: What to do, after "must be known when a model is made: ".
    """
    if is_traced(value):
        raise ValueError(
            f"Argument `{name}` must be known when a model is made, but is traced by jax.jit, grad or vmap: {instead}."
        )


def known(value: Any) -> np.ndarray | None:
    """The value as a numpy array, or None where it is traced or a placeholder."""
    if is_traced(value) or not isinstance(value, (jax.Array, np.ndarray, np.generic, int, float)):
        return None
    return np.asarray(value)


def require(condition: Any, name: str, must: str, value: Any) -> None:
    """Raise a ValueError "Argument `name` must …, but is …" unless the condition holds everywhere.

    Args:
        condition: Of numpy booleans; not looked at where the value is traced.
        name: The argument.
        must: The rest of the sentence after "must".
        value: What it is.
    """
    if not np.all(condition):
        raise ValueError(f"Argument `{name}` must {must}, but is {_shown(np.asarray(value))}.")


def positive(name: str, value: Any) -> None:
    """Raise a ValueError unless every known number is above zero."""
    array = known(value)
    if array is not None:
        require(array > 0, name, "be positive", array)


def not_negative(name: str, value: Any) -> None:
    """Raise a ValueError unless every known number is zero or more."""
    array = known(value)
    if array is not None:
        require(array >= 0, name, "not be negative", array)


def unit_vector(name: str, value: Any, tolerance: float = 1e-6) -> None:
    """Raise a ValueError unless the known vector's length is 1."""
    array = known(value)
    if array is not None:
        lengths = np.sqrt((array.astype(float) ** 2).sum(axis=-1))
        require(np.abs(lengths - 1) <= tolerance, name, "be a vector of length 1", array)


def rotation_matrix(name: str, value: Any, tolerance: float = 1e-6) -> None:
    """Raise a ValueError unless the known 3 × 3 matrix (or each of a stack) is orthonormal."""
    array = known(value)
    if array is not None:
        product = np.swapaxes(array, -1, -2) @ array
        require(np.abs(product - np.eye(3)).max(initial=0.0) <= tolerance, name, "be orthonormal (a rotation)", array)


def count(name: str, value: Any, least: int = 1) -> int:
    """A whole number of at least `least`.

    Raises:
        ValueError: If it is not.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"Argument `{name}` must be a whole number of at least {least}, but is {value!r}.")
    return int(value)


def pixels(value: Any) -> tuple[int, int]:
    """Pixels along slow and fast.

    Raises:
        ValueError: If it is not two whole numbers of at least 1.
    """
    if outer_shape(value) != (2,):
        raise ValueError(f"Argument `pixels` must be two whole numbers, along slow and fast, but is {value!r}.")
    return count("pixels", value[0]), count("pixels", value[1])


def choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """One of some words.

    Raises:
        ValueError: If it is none of them.
    """
    if value not in choices:
        raise ValueError(f"Argument `{name}` must be one of {', '.join(map(repr, choices))}, but is {value!r}.")
    return value


def _shown(value: np.ndarray) -> str:
    if value.ndim == 0:
        return repr(value.item())
    text = np.array2string(value, separator=", ", threshold=12).replace("\n", "")
    return text if len(text) < 200 else text[:200] + "…"
