"""Whether the numbers of a model can be: asked again where they did not come through a constructor.

A fit's start, a file of leaves and `equinox.tree_at` put numbers into a model as they are.
"""

from dataclasses import fields
from typing import Any

import equinox as eqx
import jax
import numpy as np

from jaxbragg.models import checks


def check_model(model: Any, path: str = "") -> None:
    """Make every check that the constructors of a model and of its parts make of their numbers.

    Args:
        model: An `Experiment`, a part of one, or a tuple of parts. Values that are traced are not looked at.
        path: What the model is called, in front of its parts' names.

    Raises:
        ValueError: If a value cannot be; the message names it by its path, such as `crystal.cell.a`.
    """
    if isinstance(model, eqx.Module):
        for field in fields(model):
            if not field.metadata.get("static", False):
                check_model(getattr(model, field.name), f"{path}.{field.name}" if path else field.name)
        for kind in reversed(type(model).__mro__):
            if "__check_init__" in vars(kind):
                _check_one(kind, model, path)
    elif isinstance(model, (tuple, list)):
        for i, part in enumerate(model):
            check_model(part, f"{path}[{i}]")
    elif isinstance(model, (jax.Array, np.ndarray)) and not checks.is_traced(model):
        value = np.asarray(model)
        if value.dtype.kind in "fc":
            checks.require(np.isfinite(value), path, "be finite", value)


def _check_one(kind: type, model: eqx.Module, path: str) -> None:
    try:
        vars(kind)["__check_init__"](model)
    except ValueError as error:
        where = f"Argument `{path}." if path else "Argument `"
        message = str(error)
        named = message.replace("Argument `", where, 1) if "Argument `" in message else f"{path}: {message}"
        raise ValueError(named) from None
