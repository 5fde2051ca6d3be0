"""A background taken from an image: its median at each angle, the crystal's spots being few of the pixels there."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import (
    AbstractBackground,
    AmorphousBackground,
    Crystal,
    Experiment,
    Scan,
    StructureFactors,
    checks,
)
from jaxbragg.options import Options
from jaxbragg.simulate import simulate
from jaxbragg_kernels.rays import Rays

_FEWEST = 10  # pixels to a bin
_MANY = 30.0  # photons, of which the median is the mean to a hundredth


class _Unit(AbstractBackground):
    """One electron."""

    def scattering(self, rays: Rays) -> Float[Array, "tile pixel"]:
        return jnp.ones_like(rays.directions.unit[0])


class _Length(AbstractBackground):
    """sin θ/λ, so that its image over that of one electron is that of each pixel [1/Å]."""

    def scattering(self, rays: Rays) -> Float[Array, "tile pixel"]:
        return 0.5 * rays.scattering_length()


def radial_background(
    image: Any, experiment: Experiment, bins: int = 100, options: Options = Options(), *, mask: Any = None
) -> AmorphousBackground:
    """The background that has the median of an image at each angle, as scatter that depends on the angle alone.

    Where the median is below 30 photons, the mean of the pixels up to five standard deviations above it instead.

    Polarization, solid angle, sensor and absorbers are divided out, so that it fits other geometries, too.

        background = jb.radial_background(image, experiment)
        jb.simulate(dataclasses.replace(experiment, background=background))

    Args:
        image: Photons in the detector's shape.
        experiment: With the geometry and the fluence of the image; its crystal and backgrounds do not count.
        bins: Of sin θ/λ, of even width; those with fewer than ten pixels are left out.
        options: As for `simulate`.
        mask: True for the pixels to be used, or None for all that the detector has.

    Returns:
        One scatterer, of intensities linear in the root between the bins' means.

    Raises:
        ValueError: If the image is not of the detector's shape, or no bin has ten pixels.
    """
    counts = np.asarray(image, float)
    shape = experiment.detector.image_shape
    if counts.shape != shape:
        raise ValueError(f"Argument `image` must be of the detector's shape {shape}, but is {counts.shape}.")
    checks.count("bins", bins)
    nothing = StructureFactors(default=0.0)
    one = Crystal(experiment.crystal.cell)  # orientation, for what scatters nothing
    bare = replace(experiment, crystal=one, scan=Scan(), structure_factors=nothing, response=None, lattices=())
    plain = replace(options, method="samples", spots=None)
    unit, length = (np.asarray(simulate(replace(bare, background=each), plain), float) for each in (_Unit(), _Length()))
    used = (unit > 0) & np.isfinite(counts) & (counts >= 0)
    if mask is not None:
        used &= np.asarray(mask, bool).reshape(shape)
    if not used.any():
        raise ValueError("Argument `mask` must leave pixels that have light, but leaves none.")
    stol, intensity = length[used] / unit[used], counts[used] / unit[used]
    edges = np.linspace(0.0, stol.max() * (1 + 1e-9), bins + 1)
    which = np.digitize(stol, edges) - 1
    order = np.argsort(which, kind="stable")
    first = np.searchsorted(which[order], np.arange(bins + 1))
    middles, medians = [], []
    for low, high in pairwise(first):
        if high - low >= _FEWEST:
            mine = order[low:high]
            middles.append(stol[mine].mean())
            medians.append(_usual(counts[used][mine], intensity[mine]))
    if not middles:
        raise ValueError(f"Argument `bins` must be fewer: none of {bins} has {_FEWEST} pixels.")
    return AmorphousBackground(1.0, middles, np.sqrt(medians))


def _usual(counts: np.ndarray, intensity: np.ndarray) -> float:
    """The median; of few photons, where whole numbers make it coarse, the mean without what stands out."""
    middle = float(np.median(counts))
    if middle >= _MANY:
        return float(np.median(intensity))
    return float(intensity[counts <= middle + 5.0 * np.sqrt(middle + 1.0)].mean())
