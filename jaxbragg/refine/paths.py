"""Paths such as `crystal.cell.a` or `detector.panels[1].origin[2]`: what they name in an experiment, and how it is set.

A path is one of three things: a real leaf of the experiment or an element of it; a quantity that is no leaf but that
one would rather refine (`jaxbragg.refine.derived`); or a term of one image, `image.scale` and the like, which is no
part of the experiment (`jaxbragg.refine.image_terms`).
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import Experiment
from jaxbragg.refine.derived import DERIVED, derived_of
from jaxbragg.refine.image_terms import IMAGE_TERMS
from jaxbragg_kernels.numerics import numerics

Step = str | tuple[int, ...]

# Their length is no parameter: whatever is set, the leaf is divided by its length.
UNIT_VECTORS = ("direction", "polarization_axis", "axis", "fast_axis", "slow_axis", "normal_axis")

_WORD = re.compile(r"([A-Za-z_]\w*)((?:\[\s*\d+\s*(?:,\s*\d+\s*)*\])*)")


@dataclass(frozen=True)
class Target:
    """What a path names.

    Attributes:
        kind: "leaf", "derived" or "image".
        owner: Steps to the leaf, or to the node that has the derived quantity.
        name: Of the leaf, derived quantity or image term.
        shape: Of the whole leaf or quantity.
        elements: Which of its elements the path names, as flat positions.
        text: The path without an index into the leaf.
    """

    kind: str
    owner: tuple[Step, ...]
    name: str
    shape: tuple[int, ...]
    elements: tuple[int, ...]
    text: str

    def names(self) -> list[str]:
        """The path of each element."""
        if self.shape == ():
            return [self.text]
        places = (np.unravel_index(element, self.shape) for element in self.elements)
        return [f"{self.text}[{','.join(str(int(i)) for i in place)}]" for place in places]


def find(experiment: Experiment, path: str) -> Target:
    """What a path names.

    Raises:
        ValueError: If it names nothing that is real and can be refined; the message suggests the nearest path.
    """
    steps = _parse(path)
    if steps is None:
        raise ValueError(_unknown(experiment, path))
    if steps[0] == "image":
        return _find_image_term(experiment, path, steps)
    node: Any = experiment
    for depth, step in enumerate(steps):
        if isinstance(step, tuple):
            if not isinstance(node, tuple | list) or len(step) != 1 or step[0] >= len(node):
                raise ValueError(_unknown(experiment, path))
            node = node[step[0]]
            continue
        following = steps[depth + 1 :]
        index = following[0] if len(following) == 1 and isinstance(following[0], tuple) else None
        if step in _leaf_names(node):
            node = getattr(node, step)
            if _is_real(node) and (not following or index is not None):
                return _target(experiment, path, "leaf", steps[: depth + 1], step, np.shape(node), index)
        elif derived_of(node, step) is not None and (not following or index is not None):
            shape = derived_of(node, step).shape  # type: ignore[union-attr]
            return _target(experiment, path, "derived", steps[:depth], step, shape, index)
        else:
            raise ValueError(_unknown(experiment, path))
    raise ValueError(_unknown(experiment, path))


def _parse(path: str) -> tuple[Step, ...] | None:
    steps: list[Step] = []
    for word in path.split("."):
        match = _WORD.fullmatch(word.strip())
        if match is None:
            return None
        steps.append(match[1])
        steps += [tuple(int(i) for i in index.split(",")) for index in re.findall(r"\[([^]]*)\]", match[2])]
    return tuple(steps)


def _find_image_term(experiment: Experiment, path: str, steps: tuple[Step, ...]) -> Target:
    index = steps[2] if len(steps) == 3 and isinstance(steps[2], tuple) else None
    if len(steps) < 2 or steps[1] not in IMAGE_TERMS or len(steps) != 2 + (index is not None):
        raise ValueError(_unknown(experiment, path))
    name = str(steps[1])
    return _target(experiment, path, "image", ("image",), name, IMAGE_TERMS[name].shape, index)


def _target(
    experiment: Experiment,
    path: str,
    kind: str,
    owner: tuple[Step, ...],
    name: str,
    shape: tuple[int, ...],
    index: tuple[int, ...] | None,
) -> Target:
    del experiment
    if index is None:
        elements = tuple(range(int(np.prod(shape, dtype=int))))
    else:
        if len(index) != len(shape) or any(i >= n for i, n in zip(index, shape, strict=True)):
            raise ValueError(f"Argument `path` must have an index within shape {shape}, but is {path!r}.")
        elements = (int(np.ravel_multi_index(index, shape)),)
    text = path if index is None else path[: path.rindex("[")]
    return Target(kind, owner, name, tuple(shape), elements, text)


def known_paths(experiment: Experiment) -> list[str]:
    """Every path that can be refined, whole leaves without indices."""
    return [*_walk(experiment, ""), *(f"image.{name}" for name in IMAGE_TERMS)]


def _walk(node: Any, prefix: str) -> Iterator[str]:
    if isinstance(node, tuple | list):
        for i, item in enumerate(node):
            yield from _walk(item, f"{prefix}[{i}]")
    elif isinstance(node, eqx.Module):
        dot = prefix and f"{prefix}."
        for name in _leaf_names(node):
            yield from _walk(getattr(node, name), dot + name)
        for kind, name in DERIVED:
            if isinstance(node, kind) and name not in _leaf_names(node):
                yield dot + name
    elif _is_real(node):
        yield prefix


def _leaf_names(node: Any) -> list[str]:
    if not isinstance(node, eqx.Module):
        return []
    return [field.name for field in fields(node) if not field.metadata.get("static", False)]


def _is_real(value: Any) -> bool:
    return isinstance(value, jax.Array | np.ndarray) and jnp.issubdtype(value.dtype, jnp.floating)


def _unknown(experiment: Experiment, path: str) -> str:
    known = known_paths(experiment)
    bare = re.sub(r"\[[^]]*\]$", "", path)
    close = difflib.get_close_matches(bare, known, n=1, cutoff=0.5)
    if not close:
        last = {name.rsplit(".", 1)[-1]: name for name in reversed(known)}
        close = [last[word] for word in difflib.get_close_matches(bare.rsplit(".", 1)[-1], last, n=1, cutoff=0.5)]
    hint = f"; the nearest path is {close[0]!r}" if close else ""
    return f"Argument `path` must name a real leaf of the experiment, but is {path!r}{hint}."


# Reading and setting ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Assignment:
    """Some elements of one leaf or derived quantity, and where in an image's vector of values they come from.

    Hashable: part of what a compilation is for.
    """

    kind: str
    owner: tuple[Step, ...]
    name: str
    elements: tuple[int, ...]
    sources: tuple[int, ...]


def read(experiment: Experiment, target: Target) -> np.ndarray:
    """Values of the elements that a target names."""
    if target.kind == "image":
        whole = np.full(target.shape, IMAGE_TERMS[target.name].start)
    else:
        node = _at(experiment, target.owner)
        derived = derived_of(node, target.name) if target.kind == "derived" else None
        with numerics():
            whole = node if derived is None else derived.value(node, experiment)
    return np.asarray(whole, np.float64).ravel()[list(target.elements)]


def assign(experiment: Experiment, assignments: tuple[Assignment, ...], values: Float[Array, "local"]) -> Experiment:
    """The experiment with new values: its leaves first, then the derived quantities in the order of their table."""
    for item in (item for item in assignments if item.kind == "leaf"):
        leaf = jnp.asarray(_at(experiment, item.owner), values.dtype)
        new = leaf.ravel().at[np.array(item.elements)].set(values[np.array(item.sources)]).reshape(leaf.shape)
        if item.name in UNIT_VECTORS:
            new = new / jnp.sqrt((new * new).sum())
        experiment = eqx.tree_at(lambda tree, at=item.owner: _at(tree, at), experiment, new)
    order = [name for _, name in DERIVED]
    derived = (item for item in assignments if item.kind == "derived")
    for item in sorted(derived, key=lambda item: order.index(item.name)):
        node = _at(experiment, item.owner)
        quantity = derived_of(node, item.name)
        assert quantity is not None
        whole = jnp.asarray(quantity.value(node, experiment), values.dtype)
        whole = whole.ravel().at[np.array(item.elements)].set(values[np.array(item.sources)]).reshape(whole.shape)
        new = quantity.put(node, experiment, whole)
        experiment = eqx.tree_at(lambda tree, at=item.owner: _at(tree, at), experiment, new)
    return experiment


def _at(node: Any, steps: tuple[Step, ...]) -> Any:
    for step in steps:
        node = node[step[0]] if isinstance(step, tuple) else getattr(node, step)
    return node
