"""What is too wide for one Gaussian to second order is cut into a sum of narrower ones.

A Gaussian of width σ is one of width f σ, convolved with one of width √(1 − f²) σ. The trapezoidal rule for the latter,
with nodes 1.4 f of its widths apart, leaves less than 5e-4 of the middle's height.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import Experiment, GaussianMosaic, RelativeSources
from jaxbragg.models.checks import is_traced
from jaxbragg.models.sources import GaussianRays
from jaxbragg.options import Options
from jaxbragg.units import RADIANS
from jaxbragg_kernels import rotation

# The widest standard deviations that agreed with ones cut finer at the default of `Options.tolerance` (docs/spots.md):
# bandwidth, horizontal and vertical divergence [rad]; the mosaic, where it is about as wide along all axes, and
# where it is not, as reflections then spread along small circles [deg].
_LINES, _EVEN, _UNEVEN = (0.02, 2e-3, 2e-3), 3.0, 0.7
_TOLERANCE = 0.2
_COUNTS = (1, 7, 9, 13, 17, 25, 33, 49, 65)  # few, as each is a compilation's own
_TOO_MANY = 10**6  # for what is wider than that
_APART = 1.4  # nodes, in f widths of the outer Gaussian


NO_CUTS = (1, 1, 1, 1, 1, 1)


def cuts_of(experiment: Experiment, tolerance: float, margin: float = 1.0) -> tuple[int, ...]:
    """How far an experiment's Gaussians must be cut; those whose widths are traced are not.

    Args:
        experiment: Whose widths count.
        tolerance: See `Options.tolerance`: the error of second order grows with the square of a width.
        margin: How much wider they may become.

    Returns:
        Of bandwidth, horizontal and vertical divergence, and the mosaic along each column of Σ.
    """
    narrow = np.sqrt(tolerance / _TOLERANCE) / margin
    sources, mosaic = _known(experiment.beam.sources), _known(experiment.crystal.mosaic)
    widths, columns, most = np.zeros(3), np.zeros(3), _EVEN
    if sources is not None:
        # Of any beam: widths do not depend on its direction and wavelength.
        lines = sources.gaussians(np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), np.asarray(1.0))
        widths = [float(np.max(x)) for x in lines[3:]]
    if isinstance(mosaic, GaussianMosaic):
        columns = np.linalg.norm(mosaic.matrix(), axis=0)
        most = _EVEN if columns.max() < 1.5 * columns.min() else _UNEVEN
    limits = *_LINES, most, most, most
    return tuple(_number(width, narrow * limit) for width, limit in zip([*widths, *columns], limits, strict=True))


def cuts_in(options: Options) -> tuple[int, ...]:
    """How far Gaussians are cut, as the lengths of lists say; not at all where there are none."""
    return NO_CUTS if options.spots is None else options.spots.cuts


def cut_lines(lines: GaussianRays, field: Float[Array, "3"], cuts: tuple[int, ...]) -> GaussianRays:
    """Lines as sums of narrower ones.

    Args:
        lines: Of a beam.
        field: Polarization axis.
        cuts: See `cuts_of`.
    """
    if cuts[:3] == NO_CUTS[:3]:
        return lines
    nodes, weights = _grid(cuts[:3])
    narrow_b, narrow_h, narrow_v = map(_share, cuts[:3])

    def cut(direction: Any, wavelength: Any, weight: Any, bandwidth: Any) -> tuple[Any, ...]:
        ratios = 1.0 + nodes[:, 0] * bandwidth
        each = RelativeSources(nodes[:, 1] * lines.horizontal, nodes[:, 2] * lines.vertical, ratios, weights)
        directions, wavelengths, shares = each.rays(direction, field, wavelength)
        return directions, wavelengths, weight * shares, narrow_b * bandwidth / ratios

    found = jax.vmap(cut)(*lines[:4])
    directions, wavelengths, weights, bandwidths = (x.reshape(-1, *x.shape[2:]) for x in found)
    return GaussianRays(
        directions, wavelengths, weights, bandwidths, narrow_h * lines.horizontal, narrow_v * lines.vertical
    )


def cut_mosaic(
    mosaic: GaussianMosaic, cuts: tuple[int, ...]
) -> tuple[Float[Array, "domain 3 3"], Float[Array, "domain"], Float[Array, "3 3"]]:
    """A mosaic as a sum of narrower ones, each about a rotation of its own.

    Args:
        mosaic: Of a crystal.
        cuts: See `cuts_of`.

    Returns:
        Rotations, their weights, and the covariance that all have [rad²]; about the crystal's axes.
    """
    if cuts[3:] == NO_CUTS[3:]:
        return jnp.eye(3)[None], jnp.ones(1), mosaic.covariance()
    nodes, weights = _grid(cuts[3:])
    narrow = mosaic.matrix() * RADIANS * np.array([_share(n) for n in cuts[3:]])
    return mosaic.rotations_of(nodes), jnp.asarray(weights), rotation.product(narrow, narrow.T)


def _known(model: Any) -> Any:
    """A model with numpy leaves, which stay values under `jax.jit`; None where one is traced."""
    return None if is_traced(jax.tree.leaves(model)) else jax.tree.map(np.asarray, model)


def _number(width: float, narrow: float) -> int:
    """How many of at most a narrow width make up one."""
    most = narrow / width if width > narrow * (1 + 1e-6) else 1.0  # float32 may be above it
    return next((count for count in _COUNTS if _share(count) <= most), _TOO_MANY)


def _share(count: int) -> float:
    """f of so many."""
    return 1.0 if count == 1 else 2 * _end(count) / (_APART * (count - 1))


def _end(count: int) -> float:
    """The last of so many nodes, in widths of the outer Gaussian: the fewer there are, the less far they reach."""
    return min(4.1, 2.6 + count / 12)


def _nodes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the outer Gaussian, for a whole of width 1; of sum 1, and of its variance."""
    if count == 1:
        return np.zeros(1), np.ones(1)
    places = np.linspace(-_end(count), _end(count), count)
    weights = np.exp(-0.5 * places**2)
    weights /= weights.sum()
    return places * np.sqrt((1.0 - _share(count) ** 2) / (weights * places**2).sum()), weights


def _grid(counts: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Nodes along several axes [node, axis], and their weights."""
    places, weights = zip(*map(_nodes, counts), strict=True)
    shape = -1, len(counts)
    return (
        np.stack(np.meshgrid(*places, indexing="ij"), axis=-1).reshape(shape),
        np.stack(np.meshgrid(*weights, indexing="ij"), axis=-1).reshape(shape).prod(axis=1),
    )
