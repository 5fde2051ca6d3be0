"""Which leaves of an experiment carry an axis of images in front, and experiments stacked into one that does.

How many axes a leaf has by itself stands in the annotation of its field: Float[Array, "source 3"] has two.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import AbstractArray

from jaxbragg.models import Experiment
from jaxbragg.models.checks import is_traced
from jaxbragg_kernels.numerics import numerics


@dataclass(frozen=True)
class Batch:
    """Experiments of one make as one.

    Attributes:
        experiment: Its leaves have an axis of images in front, or are shared by all images.
        batched: Whether they have, in the order of `jax.tree.leaves`.
        count: Images.
    """

    experiment: Experiment
    batched: tuple[bool, ...]
    count: int

    def single(self) -> Experiment:
        """The shapes of one experiment, without values."""
        leaves, make = jax.tree.flatten(self.experiment)
        shapes = (leaf.shape[1:] if batched else leaf.shape for leaf, batched in zip(leaves, self.batched, strict=True))
        return jax.tree.unflatten(
            make, [jax.ShapeDtypeStruct(shape, leaf.dtype) for shape, leaf in zip(shapes, leaves, strict=True)]
        )

    def distinct(self) -> list[Experiment]:
        """One experiment for each image, without values where these are traced; one alone where all are as precise.

        That they are if the images share what spots are as sharp as: cell, size, beam and detector.
        """
        leaves, make = jax.tree.flatten(self.experiment)
        mine: Any = jax.tree.unflatten(make, self.batched)
        sharp = (
            mine.crystal.cell,
            mine.crystal.cells,
            mine.crystal.shear,
            mine.crystal.fudge,
            mine.crystal.sizes,
            mine.lattices,
            mine.beam,
            mine.detector,
        )
        if is_traced(leaves):
            return [self.single()]
        return self.images(self.count if any(jax.tree.leaves(sharp)) else 1)

    def images(self, count: int) -> list[Experiment]:
        """The experiments of the first so many images; their own leaves are numpy's, unless they are traced."""
        leaves, make = jax.tree.flatten(self.experiment)
        mine = [
            np.asarray(leaf) if batched and not is_traced(leaf) else leaf
            for leaf, batched in zip(leaves, self.batched, strict=True)
        ]
        return [
            jax.tree.unflatten(
                make, [leaf[i] if batched else leaf for leaf, batched in zip(mine, self.batched, strict=True)]
            )
            for i in range(count)
        ]


def batch_of(
    experiments: Experiment | Iterable[Experiment], axes: Sequence[str] | None, *, alone: bool = False
) -> Batch:
    """Experiments, in either of the two forms that `simulate_batch` takes, as one.

    Args:
        experiments: One that has the axis, or several.
        axes: Paths of the leaves that have it; None to find out.
        alone: Whether one that has no such axis is a batch of one image, and no error.

    Raises:
        TypeError: If they are something else.
        ValueError: If there is none, they differ in make, or their axes cannot be.
    """
    if isinstance(experiments, Experiment):
        return _with_axes(experiments, axes, alone)
    several = tuple(experiments) if isinstance(experiments, Iterable) else (experiments,)
    for i, each in enumerate(several):
        if not isinstance(each, Experiment):
            raise TypeError(f"Argument `experiments` must hold Experiments, but [{i}] is {type(each).__name__}.")
    if axes is not None:
        raise ValueError("Argument `axes` must be left out where several experiments are given.")
    return _stacked(several)


# One experiment that has the axis --------------------------------------------------------------------------------


def _with_axes(experiment: Experiment, axes: Sequence[str] | None, alone: bool) -> Batch:
    found, _ = jax.tree_util.tree_flatten_with_path(experiment)
    names = [_name(keys) for keys, _ in found]
    wanted = [_axes_of(experiment, keys) for keys, _ in found]
    shapes = [np.shape(leaf) for _, leaf in found]
    if axes is None:
        # Where the annotation does not say, the leaf is taken for shared.
        batched = [
            number is not None and len(shape) == number + 1 for shape, number in zip(shapes, wanted, strict=True)
        ]
    else:
        batched = _named(names, axes)
    for name, shape, number, carries in zip(names, shapes, wanted, batched, strict=True):
        if (carries and not shape) or (number is not None and len(shape) != number + carries):
            by_itself = "" if number is None else f"{number} by itself, {number + 1} with that of the images; "
            raise ValueError(
                f"Argument `experiments` must have as many axes in `{name}` as one or all images need "
                f"({by_itself}axes={axes!r}), but its shape is {shape}."
            )
    lengths = {name: shape[0] for name, shape, carries in zip(names, shapes, batched, strict=True) if carries}
    if not lengths and alone:
        return Batch(experiment, tuple(batched), 1)
    if not lengths:
        raise ValueError(
            "Argument `experiments` must have an axis of images in front of at least one leaf, but no leaf has; "
            "`simulate` takes a single experiment."
        )
    (first, count), *others = lengths.items()
    for name, length in others:
        if length != count:
            raise ValueError(
                f"Argument `experiments` must have axes of images of one length, but `{first}` has {count} images and "
                f"`{name}` has {length}."
            )
    if count == 0:
        raise ValueError(f"Argument `experiments` must hold at least one image, but `{first}` has none.")
    return Batch(experiment, tuple(batched), count)


def _named(names: list[str], axes: Sequence[str]) -> list[bool]:
    """Which leaves are named, or lie in a part that is."""
    if isinstance(axes, str):
        raise ValueError(f"Argument `axes` must be a list of paths, but is {axes!r}.")
    for path in axes:
        if not any(_lies_in(name, path) for name in names):
            raise ValueError(
                f"Argument `axes` must name leaves of the experiment, {', '.join(names)}, but has {path!r}."
            )
    return [any(_lies_in(name, path) for path in axes) for name in names]


def _lies_in(name: str, path: str) -> bool:
    return name == path or (name.startswith(path) and name[len(path)] in ".[")


def _name(keys: Any) -> str:
    """A path such as crystal.cell.a or detector.panels[1].origin."""
    words = ""
    for key in keys:
        words += f".{key.name}" if hasattr(key, "name") else f"[{getattr(key, 'idx', getattr(key, 'key', '?'))}]"
    return words.removeprefix(".")


def _axes_of(experiment: Experiment, keys: Any) -> int | None:
    """Axes that a leaf has by itself; None where no annotation says."""
    node, annotation = experiment, Experiment
    for key in keys:
        if hasattr(key, "name"):
            annotation = _annotations(type(node)).get(key.name)
            node = getattr(node, key.name)
        elif hasattr(key, "idx") and isinstance(node, tuple | list):
            members = get_args(annotation)
            alike = len(members) == 1 or members[1:] == (Ellipsis,)
            annotation = members[0] if members and alike else dict(enumerate(members)).get(key.idx)
            node = node[key.idx]
        elif hasattr(key, "key") and isinstance(node, dict):
            annotation = (*get_args(annotation), None, None)[1]
            node = node[key.key]
        else:
            return None
    return _axes_in(annotation)


@cache
def _annotations(kind: type) -> dict[str, Any]:
    try:
        return get_type_hints(kind)
    except Exception:  # of a caller's own class: names that are imported for type checkers alone, and the like
        return {}


def _axes_in(annotation: Any) -> int | None:
    if get_origin(annotation) in (Union, UnionType):
        return next((n for n in map(_axes_in, get_args(annotation)) if n is not None), None)
    if not (isinstance(annotation, type) and issubclass(annotation, AbstractArray)):
        return None
    words = annotation.dim_str.split()
    return None if any("*" in word or "..." in word for word in words) else len(words)


# Several experiments -----------------------------------------------------------------------------------------------


def _stacked(several: tuple[Experiment, ...]) -> Batch:
    if not several:
        raise ValueError("Argument `experiments` must hold at least one experiment, but is empty.")
    first = several[0]
    for i, each in enumerate(several):
        _check_make(first, each, i)
    found, make = jax.tree_util.tree_flatten_with_path(first)
    columns = list(zip(*(jax.tree.leaves(each) for each in several), strict=True))
    stacked, batched = [], []
    with numerics():
        for (keys, leaf), column in zip(found, columns, strict=True):
            differs = not _all_same(column)
            batched.append(differs)
            stacked.append(_stack(_name(keys), column) if differs else leaf)
    return Batch(jax.tree.unflatten(make, stacked), tuple(batched), len(several))


def _check_make(first: Experiment, other: Experiment, number: int) -> None:
    if other is first or jax.tree.structure(other) == jax.tree.structure(first):
        return
    parts = ("beam", "crystal", "detector", "structure_factors", "scan", "background")
    part = next(p for p in parts if jax.tree.structure(getattr(other, p)) != jax.tree.structure(getattr(first, p)))
    raise ValueError(
        "Argument `experiments` must hold experiments of one make (classes, and whatever is counted or chosen), but "
        f"[{number}] and [0] differ in `{part}`: {jax.tree.structure(getattr(other, part))} against "
        f"{jax.tree.structure(getattr(first, part))}."
    )


def _all_same(column: tuple[Any, ...]) -> bool:
    first, others = column[0], [leaf for leaf in column[1:] if leaf is not column[0]]
    if not others:
        return True
    if is_traced(column):
        return False
    return all(np.array_equal(np.asarray(leaf), np.asarray(first)) for leaf in others)


def _stack(name: str, column: tuple[Any, ...]) -> jax.Array:
    first = np.shape(column[0])
    for i, leaf in enumerate(column):
        if np.shape(leaf) != first:
            raise ValueError(
                f"Argument `experiments` must hold experiments of one make, but `{name}` has shape {np.shape(leaf)} in "
                f"[{i}] and {first} in [0]."
            )
    if is_traced(column):
        return jnp.stack([jnp.asarray(leaf) for leaf in column])
    return jnp.asarray(np.stack([np.asarray(leaf) for leaf in column]))  # hundreds of operands are slow to compile
