"""Models as people use them: `print(experiment)` shows values with units, `crystal.replace(cells=20)` changes some."""

import dataclasses
import html
from collections.abc import Iterator
from typing import Any, Self

import equinox as eqx
import numpy as np

from jaxbragg.models import checks

_UNITS = {
    **dict.fromkeys(("wavelength", "wavelengths", "a", "b", "c"), "Å"),
    **dict.fromkeys(("alpha", "beta", "gamma", "misset", "angles", "spread"), "deg"),
    **dict.fromkeys(("horizontal", "vertical"), "rad"),
    **dict.fromkeys(("origin", "pixel_size", "layer_thickness", "distance", "beam_center", "thickness"), "m"),
    **dict.fromkeys(("values", "default"), "electrons"),
    "fluence": "photons/m²",
    "attenuation": "1/m",
}
_FEW = 9  # numbers that are shown one by one


class Readable(eqx.Module):
    """What lets a model be printed: `str`, and HTML for notebooks. `repr` stays equinox's, with types and shapes."""

    def replace(self, **fields: Any) -> Self:
        """The model with other values of some fields, checked as those that it was made of.

            brighter = experiment.beam.replace(fluence=1e24)

        Args:
            **fields: Numbers, arrays or models, by the names of the attributes.

        Raises:
            TypeError: If there is no attribute of a name.
            ValueError: If a value cannot be; the message names it.
        """
        from jaxbragg.models.validity import check_model

        known = {field.name: field for field in dataclasses.fields(self)}
        for name in fields:
            if name not in known:
                raise TypeError(f"{type(self).__name__} has no attribute {name!r}, but {', '.join(known)}.")
            converter = known[name].metadata.get("converter")
            fields[name] = _as_field(
                name, getattr(self, name), fields[name] if converter is None else converter(fields[name])
            )
        changed = with_fields(self, **fields)
        check_model(changed)
        return changed

    def __str__(self) -> str:
        """One line for each value."""
        return "\n".join([type(self).__name__, *(f"{'  ' * depth}{name:<18}{said}".rstrip()
                                                 for depth, name, said in _lines(self, 1))])  # fmt: skip

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        rows = "".join(
            f'<tr><td style="text-align:left;padding-left:{depth}em">{html.escape(name)}</td>'
            f'<td style="text-align:left">{html.escape(said)}</td></tr>'
            for depth, name, said in _lines(self, 1)
        )
        return f"<table><caption>{html.escape(type(self).__name__)}</caption>{rows}</table>"


def with_fields(model: Any, **fields: Any) -> Any:
    """The model with other values of some fields, as they are: nothing is checked or converted.

    Args:
        model: Of this package.
        **fields: By the names of its attributes.
    """
    made = object.__new__(type(model))
    names = [field.name for field in dataclasses.fields(model)]
    assert not fields.keys() - names, (fields.keys(), names)
    for field in dataclasses.fields(model):
        object.__setattr__(made, field.name, fields.get(field.name, getattr(model, field.name)))
    return made


def _as_field(name: str, old: Any, new: Any) -> Any:
    """A number where there was one: of the same shape."""
    numbers = isinstance(new, int | float | list | np.ndarray) or hasattr(new, "dtype")
    if old is None and numbers:
        raise TypeError(f"Argument `{name}` is None now: make the model anew to give it numbers.")
    if old is None or getattr(getattr(old, "dtype", None), "kind", "") != "f":
        return new
    # One number for several that are alike, as constructors take it.
    alike = checks.outer_shape(new) == () and np.shape(old) != () and not checks.is_traced(new)
    return checks.leaf(name, np.full(np.shape(old), new) if alike else new, np.shape(old))


def _lines(module: Any, depth: int) -> Iterator[tuple[int, str, str]]:
    """Depth, name and value of every field, those of models inside after them."""
    for field in dataclasses.fields(module):
        name, value = field.name, getattr(module, field.name)
        if isinstance(value, eqx.Module):
            yield depth, name, type(value).__name__
            yield from _lines(value, depth + 1)
        elif isinstance(value, tuple) and value and all(isinstance(each, eqx.Module) for each in value):
            yield depth, name, f"{len(value)} of them"
            for i, each in enumerate(value[:_FEW]):
                yield depth + 1, f"[{i}]", type(each).__name__
                yield from _lines(each, depth + 2)
            if len(value) > _FEW:
                yield depth + 1, "…", ""
        else:
            yield depth, name, _said(name, value)


def _said(name: str, value: Any) -> str:
    unit = f" {_UNITS[name]}" if name in _UNITS else ""
    if not (hasattr(value, "shape") and hasattr(value, "dtype")):
        return str(value)
    shape = " × ".join(map(str, value.shape))
    if checks.is_traced(value) or not isinstance(getattr(value, "size", None), int):
        return f"traced, {value.dtype}" + (f" of {shape}" if shape else "") + unit
    if value.dtype == bool:
        array = np.asarray(value)
        return f"{shape}, {int(array.sum())} of {array.size} True"
    array = np.asarray(value)
    if array.size == 0:
        return f"{shape} of them"
    if array.size > _FEW:
        return f"{shape} from {array.min():.6g} to {array.max():.6g}{unit}"
    rows = array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array.reshape(1, -1)
    return "; ".join(" ".join(f"{number:.8g}" for number in row + 0.0) for row in rows) + unit
