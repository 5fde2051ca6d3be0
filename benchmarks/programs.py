"""What is asked of a program that draws: the image, a gradient, a Jacobian; and how wrong each came out."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import Experiment

PARAMETERS = 12

Draw = Callable[[Experiment], Float[Array, "..."]]


def program(mode: str, draw: Draw, experiment: Experiment) -> tuple[Callable, Any]:
    """A function and its argument, ready to be compiled.

    Args:
        mode: "forward", "reverse" or "jacobian".
        draw: From an experiment to its image.
        experiment: What is drawn.
    """
    if mode == "forward":
        return draw, experiment
    if mode == "reverse":
        real, rest = eqx.partition(experiment, eqx.is_inexact_array)
        return jax.grad(lambda leaves: jnp.log1p(draw(eqx.combine(leaves, rest))).sum()), real
    if mode == "jacobian":
        return jax.jacfwd(lambda change: draw(changed(experiment, change))), np.zeros(PARAMETERS)
    raise ValueError(f"Argument `mode` must be forward, reverse or jacobian, but is {mode!r}.")


def changed(experiment: Experiment, change: Float[Array, "12"]) -> Experiment:
    """The experiment with six cell parameters, three misset angles and the detector's origin moved."""

    def leaves(e: Experiment) -> list[Any]:
        cell: Any = e.crystal.cell
        lengths_and_angles = [cell.a, cell.b, cell.c, cell.alpha, cell.beta, cell.gamma]
        return [*lengths_and_angles, e.crystal.misset, getattr(e.detector, "origin")]  # noqa: B009, flat panels alone

    steps = [*(change[i] for i in range(6)), change[6:9], change[9:12]]
    return eqx.tree_at(leaves, experiment, [old + step for old, step in zip(leaves(experiment), steps, strict=True)])


def error(mode: str, found: Any, truth: Any, region: tuple[int, int, int, int] | None = None, at: Any = None) -> float:
    """How far from the truth.

    Args:
        mode: Images: the largest difference over the largest pixel. Jacobians: the same for each parameter, the worst
            of them. Gradients: ‖g − g'‖ / ‖g'‖ of each leaf, the worst of those that matter.
        found: By the program.
        truth: In float64.
        region: The truth's, in fast and slow; None for all of the image.
        at: For gradients, the leaves themselves. A leaf matters where a change of its own size (of 1 at least) changes
            the loss by more than 1e-6 of what the most important leaf does: the weight of a single source does not.
    """
    if mode == "reverse":
        leaves = list(zip(*map(jax.tree.leaves, (found, truth, at)), strict=True))
        weights = [_norm(wanted) * max(_norm(leaf), 1.0) for _, wanted, leaf in leaves]
        matter = [leaf for leaf, weight in zip(leaves, weights, strict=True) if weight > 1e-6 * max(weights)]
        return max(_norm(np.asarray(got, np.float64) - wanted) / _norm(wanted) for got, wanted, _ in matter)
    found, truth = (_cut(np.asarray(image), region) for image in (found, truth))
    over = tuple(range(truth.ndim - 1)) if mode == "jacobian" else None
    scale = np.abs(truth).max(axis=over)
    return float((np.abs(found - truth).max(axis=over) / np.where(scale > 0, scale, 1.0)).max())


def _cut(image: np.ndarray, region: tuple[int, int, int, int] | None) -> np.ndarray:
    if region is None:
        return image.astype(np.float64)
    left, right, top, bottom = region
    return image[..., top : bottom + 1, left : right + 1].astype(np.float64)


def _norm(array: Any) -> float:
    return float(np.linalg.norm(np.asarray(array, np.float64).ravel()))
