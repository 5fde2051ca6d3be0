"""Two images of one experiment: how alike they are, and where they are not.

The numbers answer different questions. The correlation sees the pattern and no scale; the ratio of sums sees the scale
alone; the peaks see a shift of the geometry; the radial profile sees corrections that depend on angle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class RingGeometry(NamedTuple):
    """What it takes to turn a radius into a resolution, on a detector across the beam."""

    distance_mm: float
    pixel_mm: float
    wavelength: float  # [Å]

    def resolution(self, radius: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bragg's law: [Å] at a radius in pixels; infinite at the centre."""
        twotheta = np.arctan(radius * self.pixel_mm / self.distance_mm)
        twice_sine = 2.0 * np.sin(twotheta / 2.0)
        return np.divide(self.wavelength, twice_sine, out=np.full(radius.shape, np.inf), where=twice_sine > 0.0)


@dataclass(frozen=True)
class Peaks:
    """The brightest local maxima of both images, and which belong together.

    Attributes:
        a, b: Places (slow, fast), brightest first, `(peak, 2)`.
        pairs: Numbers of the peaks in `a` and `b` that are each other's nearest, `(pair, 2)`.
        distances: [pixels] Between the two of each pair.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    pairs: NDArray[np.int64]
    distances: NDArray[np.float64]


@dataclass(frozen=True)
class RadialProfile:
    """The ratio of the images over rings.

    Attributes:
        radius: [pixels] Middle of each ring.
        ratio: Sum of b over sum of a; NaN where a ring of a sums to zero or holds no pixel.
        pixels: Number of pixels in each ring.
        resolution: [Å] At the middle of each ring; None without a geometry.
        center: Slow and fast coordinate; whole numbers are pixel centres.
    """

    radius: NDArray[np.float64]
    ratio: NDArray[np.float64]
    pixels: NDArray[np.int64]
    center: tuple[float, float]
    resolution: NDArray[np.float64] | None


@dataclass(frozen=True)
class ImageComparison:
    """What the comparison of two images found.

    Attributes:
        num_pixels: Pixels compared.
        num_nan: Pixels left out because one of the images is not finite there, or both.
        num_nan_both: Of these, pixels where both are not.
        correlation: Pearson's coefficient; NaN where an image is constant and the other differs.
        sum_a, sum_b: [photons] Sums over the pixels compared.
        sum_ratio: sum_b over sum_a; 1 for zero over zero.
        rms: [photons] Root of the mean squared difference.
        max_difference: [photons] The largest of b - a in size, with its sign.
        max_place: Where that is, slow and fast; in the whole image where a region was compared.
        peaks: The brightest spots.
        profile: The ratio over the radius.
    """

    num_pixels: int
    num_nan: int
    num_nan_both: int
    correlation: float
    sum_a: float
    sum_b: float
    sum_ratio: float
    rms: float
    max_difference: float
    max_place: tuple[int, int]
    peaks: Peaks
    profile: RadialProfile


def compare_images(
    a: ArrayLike,
    b: ArrayLike,
    roi: tuple[int, int, int, int] | None = None,
    center: tuple[float, float] | None = None,
    num_peaks: int = 100,
    match_within: float = 5.0,
    num_rings: int = 50,
    geometry: RingGeometry | None = None,
) -> ImageComparison:
    """Compares two images, pixel by pixel, spot by spot and ring by ring.

    Args:
        a: [photons] The one image, `(slow, fast)`.
        b: [photons] The other, of the same shape; ratios and differences go from a to b.
        roi: First and last fast index, first and last slow index: what is compared. All by default.
        center: Slow and fast coordinate of the rings' centre in the whole image; its middle by default.
        num_peaks: How many of the brightest 3×3 local maxima to match.
        match_within: [pixels] Two maxima further apart are not the same spot.
        num_rings: Number of rings of the radial profile.
        geometry: Gives the rings a resolution.

    Raises:
        ValueError: The shapes differ, the region lies outside, or no pixel is finite in both.
    """
    one, other = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if one.ndim != 2 or one.shape != other.shape:
        raise ValueError(f"Arguments `a` and `b` must be images of one shape, but are {one.shape} and {other.shape}")
    slow, fast = one.shape
    middle = ((slow - 1) / 2, (fast - 1) / 2) if center is None else center
    left, right, top, bottom = (0, fast - 1, 0, slow - 1) if roi is None else roi
    if not (0 <= left <= right < fast and 0 <= top <= bottom < slow):
        raise ValueError(f"Argument `roi` must lie within {fast} × {slow} (fast × slow) pixels, but is {roi}")
    corner = np.array([top, left])
    one, other = one[top : bottom + 1, left : right + 1], other[top : bottom + 1, left : right + 1]

    known, neither = np.isfinite(one) & np.isfinite(other), ~(np.isfinite(one) | np.isfinite(other))
    if not known.any():
        raise ValueError("Arguments `a` and `b` must share a finite pixel, but do not")
    one, other = np.where(known, one, np.nan), np.where(known, other, np.nan)
    difference = other - one
    place = np.array(np.unravel_index(np.nanargmax(np.abs(difference)), difference.shape))
    values, references = one[known], other[known]
    sums = float(values.sum()), float(references.sum())
    return ImageComparison(
        num_pixels=int(known.sum()),
        num_nan=int((~known).sum()),
        num_nan_both=int(neither.sum()),
        correlation=_correlation(values, references),
        sum_a=sums[0],
        sum_b=sums[1],
        sum_ratio=_ratio(*sums),
        rms=_rms(values - references),
        max_difference=float(difference[tuple(place)]),
        max_place=(int(place[0] + top), int(place[1] + left)),
        peaks=_match(_peaks(one, num_peaks) + corner, _peaks(other, num_peaks) + corner, match_within),
        profile=_profile(one, other, known, (middle[0] - top, middle[1] - left), middle, num_rings, geometry),
    )


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    if np.array_equal(a, b):
        return 1.0
    # Scaled first: squares of very large or small photons leave the range of floats.
    parts = [values - values.mean() for values in (a, b)]
    parts = [part / scale if (scale := np.abs(part).max()) > 0.0 else part for part in parts]
    lengths = np.sqrt(np.sum(parts[0] ** 2) * np.sum(parts[1] ** 2))
    return float(np.sum(parts[0] * parts[1]) / lengths) if lengths > 0.0 else float("nan")


def _rms(values: NDArray[np.float64]) -> float:
    scale = np.abs(values).max()
    return float(scale * np.sqrt(np.mean((values / scale) ** 2))) if scale > 0.0 else 0.0


def _ratio(a: float, b: float) -> float:
    if a == 0.0:
        return 1.0 if b == 0.0 else float(np.copysign(np.inf, b))
    return b / a


def _peaks(image: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Places of the brightest positive pixels that none of their eight neighbours exceeds; of equals, the first."""
    slow, fast = image.shape
    padded = np.pad(np.where(np.isnan(image), -np.inf, image), 1, constant_values=-np.inf)
    inner = padded[1:-1, 1:-1]
    peak = inner > 0.0
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            neighbour = padded[1 + down : 1 + down + slow, 1 + across : 1 + across + fast]
            if (down, across) < (0, 0):
                peak &= inner > neighbour
            elif (down, across) > (0, 0):
                peak &= inner >= neighbour
    places = np.argwhere(peak)
    brightness = image[places[:, 0], places[:, 1]]
    return places[np.argsort(-brightness, kind="stable")[:count]]


def _match(a: NDArray[np.int64], b: NDArray[np.int64], within: float) -> Peaks:
    if not len(a) or not len(b):
        return Peaks(a, b, np.zeros((0, 2), np.int64), np.zeros(0))
    distances = np.hypot(*np.moveaxis(a[:, None] - b[None, :], -1, 0))
    nearest_b, nearest_a = distances.argmin(axis=1), distances.argmin(axis=0)
    mine = np.arange(len(a))
    between = distances[mine, nearest_b]
    mutual = (nearest_a[nearest_b] == mine) & (between <= within)
    return Peaks(a, b, np.stack([mine, nearest_b], axis=1)[mutual], between[mutual])


def _profile(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    known: NDArray[np.bool_],
    center: tuple[float, float],
    said: tuple[float, float],
    rings: int,
    geometry: RingGeometry | None,
) -> RadialProfile:
    slow, fast = (np.arange(length) - at for length, at in zip(a.shape, center, strict=True))
    radius = np.hypot(slow[:, None], fast[None, :])
    edges = np.linspace(radius.min(), radius.max(), rings + 1)
    ring = np.clip(np.searchsorted(edges, radius[known], side="right") - 1, 0, rings - 1)
    sum_a, sum_b = (np.bincount(ring, image[known], minlength=rings) for image in (a, b))
    ratio = np.divide(sum_b, sum_a, out=np.full(rings, np.nan), where=sum_a != 0.0)
    middle = (edges[1:] + edges[:-1]) / 2
    resolution = None if geometry is None else geometry.resolution(middle)
    return RadialProfile(middle, ratio, np.bincount(ring, minlength=rings), said, resolution)
