"""All numbers of an experiment in one .npz file, by their paths: lossless, where flags and file formats round.

What is counted or chosen (pixels, shapes, the number of domains) is not in it: an experiment of the same make takes the
numbers back.
"""

import io
import os
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxbragg.io import FileError, read_npz, write_atomically
from jaxbragg.models import Experiment
from jaxbragg.models.validity import check_model
from jaxbragg_kernels.numerics import numerics


def parameters_of(experiment: Experiment) -> dict[str, np.ndarray]:
    """Every array of an experiment, by its path, such as "crystal.cell.a"."""
    found, _ = jax.tree_util.tree_flatten_with_path(experiment)
    return {_path(keys): np.asarray(leaf) for keys, leaf in found}


def write_parameters(path: str | os.PathLike[str], experiment: Experiment) -> None:
    """Write every array of an experiment.

    Raises:
        FileError: If the file cannot be written.
    """
    content = io.BytesIO()
    np.savez_compressed(content, **parameters_of(experiment))  # type: ignore[arg-type]
    write_atomically(path, content.getvalue())


def read_parameters(path: str | os.PathLike[str], experiment: Experiment) -> Experiment:
    """The experiment with the numbers of a file that `write_parameters` wrote.

    An orientation that the experiment lacks is taken over; other than that the two must be of the same make.

    Raises:
        FileError: If the file cannot be read, its arrays are not those of the experiment, or a value cannot be.
    """
    kept = read_npz(path, "the arrays of an experiment")
    with numerics():
        if "crystal.orientation" in kept and experiment.crystal.orientation is None:
            experiment = eqx.tree_at(
                lambda e: e.crystal.orientation, experiment, jnp.eye(3), is_leaf=lambda leaf: leaf is None
            )
        wanted = parameters_of(experiment)
        for name in [*wanted, *kept]:
            if name not in kept or name not in wanted:
                where = "the file lacks it" if name not in kept else "the experiment does not have it"
                raise FileError(path, f"expected the arrays of this experiment, but {name}: {where}")
            if kept[name].shape != wanted[name].shape:
                shapes = f"{wanted[name].shape}, but found {kept[name].shape}"
                raise FileError(path, f"expected {name} to have the shape {shapes}")
        leaves = [jnp.asarray(kept[name]) for name in wanted]
        found = jax.tree.unflatten(jax.tree.structure(experiment), leaves)
    try:
        check_model(found)
    except ValueError as error:
        raise FileError(path, str(error)) from None
    return found


def _path(keys: Any) -> str:
    words = ""
    for key in keys:
        words += f"[{key.idx}]" if hasattr(key, "idx") else f".{key.name}"
    return words.removeprefix(".")
