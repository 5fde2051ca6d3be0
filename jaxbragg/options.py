"""How an image is computed: static, hashable, a new compilation for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from jaxbragg_kernels.shapes import AbstractShape

PRECISIONS = ("mixed", "float32", "float64")
INTERPOLATIONS = ("nearest", "tricubic")
SPOT_WIDTHS = ("miller", "reciprocal")
CORRECTIONS = ("each", "first")
METHODS = ("samples", "spots")
TILES = (1, 4)
DEFAULT_SKIP_BELOW = 1e-7
DEFAULT_TOLERANCE = 0.2
PROMISED = 1e-5  # of the brightest pixel, at most, is mixed precision from float64


class SpotSizes(NamedTuple):
    """Lengths of the lists of an image by spots, of which each is a compilation's own; `jb.spot_options` finds them.

    Attributes:
        limits: Largest |h|, |k|, |l| that are looked at.
        near: Reflections that may come near enough to the sphere of one wavelength and orientation.
        events: Those that do, and their pieces where their ways are not straight.
        pairs: Of one of these and a tile of pixels.
        cuts: Into how many narrower Gaussians one that is too wide is cut: of bandwidth, horizontal and vertical
            divergence, and mosaic along three axes.
    """

    limits: tuple[int, int, int]
    near: int
    events: int
    pairs: int
    cuts: tuple[int, ...] = (1, 1, 1, 1, 1, 1)

    def longest(self, other: "SpotSizes") -> "SpotSizes":
        """What suffices for either."""
        h, k, l = map(max, self.limits, other.limits)
        near, events, pairs = map(max, (self.near, self.events, self.pairs), (other.near, other.events, other.pairs))
        return SpotSizes((h, k, l), near, events, pairs, tuple(map(max, self.cuts, other.cuts)))

    def exceeds(self, most: "SpotSizes") -> bool:
        """Whether a length is greater than that of some others."""
        return self.longest(most) != most


@dataclass(frozen=True)
class Options:
    """How the image of an experiment is to be computed.

    Attributes:
        oversample: Sub-pixels along each side of a pixel.
        shape: Of the spots, instead of the crystal's own: "square", "round", "gauss", "tophat", or an `AbstractShape`.
        precision: "mixed" (Miller indices in float64, all else in float32), "float64", or "float32" (wrong for large
            crystals; for comparisons). Mixed precision is to be within 1e-5 of the image's brightest pixel, and chooses
            `tile` and `exact_phases` for that; `simulate` warns where it is not, and `jaxbragg.precision_bound` tells
            how far off it may be.
        interpolation: Of structure factors between Miller indices: "nearest" or "tricubic".
        polarization: Whether to correct for it.
        point_pixel: Take 1/R² for the solid angle of a pixel.
        d_min: Bragg scatter at spacings below this is left out [Å]; 0 for none.
        roi: First and last pixel along fast, then along slow, ends included; the rest of the image stays 0.
        spot_width: What gauss and tophat spots measure: "miller" indices times N, or "reciprocal" lengths [1/Å] times
            Na Nb Nc as the newest C program does.
        corrections: Polarization, solid angle and capture at "each" sub-pixel, source and layer, or as the C program
            has them, at the "first" of them for all (capture: the last layer's).
        memory_limit: Bytes that the simulation may use beside the image; bigger images go in blocks. Lists of spots
            have to fit as a whole.
        block_pixels: Pixels to a block; None to choose by device and memory limit. Changes the image by less than 1e-6.
        devices: How many of `jax.devices()` share the blocks of an image; None for one. By spots each has an image of
            its own, which are added.
        unroll: Orientations to a pass over a block, at most.
        skip_below: Tiles of pixels and orientations of the crystal that cannot meet a Bragg spot are left out, where
            all that is left out of a pixel is guaranteed to be below this share of the brightest pixel (by spots: of
            the brightest spot's top, which may lie between pixels); 0 to compute everything; None for 1e-7. Nothing is
            left out of square and round spots, whose tails reach far, of other shapes without a radius, and with
            tricubic interpolation.
        tile: Pixels along the side of the tiles in whose middles Miller indices are computed in float64; float32 steps
            lead from there to the pixels. 4, or 1 for crystals so large that many fringes fall between two pixels,
            where such steps lose digits of N·h; it takes three times as long. None for 4 wherever that is enough, as
            far as values are known: under `jax.jit` it is 4, unless `jaxbragg.precise_options` has chosen before.
        exact_phases: Whether N·h itself, whose fraction tells where in a fringe a pixel is, is reduced in float64 too:
            for images of square or round spots of large crystals that hold no spot but only their tails. It takes a
            third longer, and needs tiles of one pixel where spots are round. None to choose, likewise.
        method: "samples": the sum over orientations and sources. "spots": reflection by reflection, with mosaic spread,
            bandwidth, divergence and rotation in closed form; of gauss spots alone. None for spots where a model is
            there that is otherwise sampled (`GaussianMosaic`, `GaussianSources`, `Scan.continuous`) and all of the
            experiment has a closed form, else for samples.
        spots: Lengths of the lists of an image by spots. None to find them from the experiment's values; where these
            are traced, as under `jax.jit` and `jax.grad`, `jb.spot_options` finds them before. Where a list turns out
            too short, all of the image is NaN.
        tolerance: Of an image by spots: how far, in standard deviations of the spot, the way of a reflection through
            the sphere may be from a straight one. Where it is farther the rotation is cut into pieces. Each is taken to
            second order. What is Gaussian is cut into narrower Gaussians where it is wide: with 0.2 bandwidths above
            2 %, divergences above 2 mrad, mosaics above 3° (0.7° where it is not about all axes), more at the root of
            it. Pixels are off by at most some 1e-2 of the brightest (docs/spots.md).
        samples: Of an image by samples: how many stand for all that is Gaussian and for an even rotation together; None
            for 4,096.
        sample_seed: Which ones, of a scrambled Sobol' sequence.
        places: Of a crystal beside the spindle (`Crystal.position`), or that absorbs, and turns evenly: into so many
            parts the rotation is cut, for each of which it stands as in the middle. None for so many that it moves by
            less than a twentieth of a spot's width, and turns by 5° at most where it absorbs, as far as values are
            known: under `jax.jit` it is 8, unless `jb.spot_options` or `jb.precise_options` has chosen before.
    """

    oversample: int = 1
    shape: str | AbstractShape | None = None
    precision: str = "mixed"
    interpolation: str = "nearest"
    polarization: bool = True
    point_pixel: bool = False
    d_min: float = 0.0
    roi: tuple[int, int, int, int] | None = None
    spot_width: str = "miller"
    corrections: str = "each"
    memory_limit: int | None = None
    block_pixels: int | None = None
    devices: int | None = None
    unroll: int = 5
    skip_below: float | None = None
    tile: int | None = None
    exact_phases: bool | None = None
    method: str | None = None
    spots: SpotSizes | None = None
    tolerance: float = DEFAULT_TOLERANCE
    samples: int | None = None
    sample_seed: int = 0
    places: int | None = None

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            ValueError: If one cannot be; the message names it.
        """
        for name in ("oversample", "unroll", "memory_limit", "block_pixels", "devices", "samples", "places"):
            value = getattr(self, name)
            if value is None and name not in ("oversample", "unroll"):
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"Option `{name}` must be a whole number of at least 1, but is {value!r}.")
        choices = {
            "precision": PRECISIONS,
            "interpolation": INTERPOLATIONS,
            "spot_width": SPOT_WIDTHS,
            "corrections": CORRECTIONS,
        }
        for name, allowed in choices.items():
            value = getattr(self, name)
            if value not in allowed:
                words = ", ".join(repr(word) for word in allowed)
                raise ValueError(f"Option `{name}` must be one of {words}, but is {value!r}.")
        if self.method not in (None, *METHODS):
            raise ValueError(f"Option `method` must be 'samples', 'spots' or None, but is {self.method!r}.")
        if self.spots is not None and not isinstance(self.spots, SpotSizes):
            raise ValueError(f"Option `spots` must be SpotSizes or None, but is {self.spots!r}.")
        if self.spots is not None and self.method != "spots":
            raise ValueError(f"Option `spots` needs `method` 'spots', which has such lists, not {self.method!r}.")
        if self.shape is not None:
            self._check_shape()
        if self.tile not in (None, *TILES):
            raise ValueError(
                f"Option `tile` must be one of {', '.join(map(repr, (*TILES, None)))}, but is {self.tile!r}."
            )
        for name in ("polarization", "point_pixel", "exact_phases"):
            if name == "exact_phases" and self.exact_phases is None:
                continue
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"Option `{name}` must be True or False, but is {getattr(self, name)!r}.")
        if (
            isinstance(self.d_min, bool)
            or not isinstance(self.d_min, (int, float))
            or not 0 <= self.d_min < float("inf")
        ):
            raise ValueError(f"Option `d_min` must be a number that is not negative, but is {self.d_min!r}.")
        skip = self.skip_below
        if skip is not None and (isinstance(skip, bool) or not isinstance(skip, (int, float)) or not 0 <= skip < 1):
            raise ValueError(f"Option `skip_below` must be a number from 0 to below 1, or None, but is {skip!r}.")
        self._check_sampling()
        if self.roi is not None:
            self._check_roi(self.roi)
            object.__setattr__(self, "roi", tuple(self.roi))  # options are hashed

    def _check_sampling(self) -> None:
        far, seed = self.tolerance, self.sample_seed
        if isinstance(far, bool) or not isinstance(far, (int, float)) or not 0 < far < float("inf"):
            raise ValueError(f"Option `tolerance` must be a number above 0, but is {far!r}.")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ValueError(f"Option `sample_seed` must be a whole number of at least 0, but is {seed!r}.")

    def _check_shape(self) -> None:
        # No earlier: the kernels import JAX, which the command line's help does not wait for.
        from jaxbragg_kernels.shapes import SHAPES, AbstractShape

        if not (isinstance(self.shape, AbstractShape) or (isinstance(self.shape, str) and self.shape in SHAPES)):
            words = ", ".join(repr(word) for word in (*SHAPES, None))
            raise ValueError(f"Option `shape` must be one of {words}, or an AbstractShape, but is {self.shape!r}.")

    def _check_roi(self, roi: tuple[int, int, int, int]) -> None:
        if (
            not isinstance(roi, (list, tuple))
            or len(roi) != 4
            or not all(type(edge) is int and edge >= 0 for edge in roi)
        ):
            raise ValueError(f"Option `roi` must be four whole numbers, but is {roi!r}.")
        for axis, first, last in (("fast", *roi[:2]), ("slow", *roi[2:])):
            if first > last:
                raise ValueError(f"Option `roi` must not end before it begins along {axis}, but is {roi!r}.")
