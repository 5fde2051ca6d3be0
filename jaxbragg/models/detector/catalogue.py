"""Detectors by name: their pixels, the gaps between their modules, their sensors, and what a pixel holds.

Sizes are the makers' own, as pyFAI 2026.9 (MIT) lists them too. Detectors that were delivered with several sensors have
the usual one here; those of cadmium telluride have rows of their own, as they lack columns in the middle of a module.

What a pixel holds is known of PILATUS alone, whose counter has 20 bits: images of it say `Count_cutoff 1048574` or
near it. EIGER and PILATUS4 add counters up, as often as the exposure lasts; CCDs and the detectors of free-electron
lasers integrate a charge, whose photons depend on the gain and the wavelength.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from jaxbragg.models.detector.layouts import Layout, agipd_1m, epix10k_2m

PILATUS_FULL = 2**20 - 1


@dataclass(frozen=True)
class Product:
    """A detector that can be bought.

    Attributes:
        name: In lower case, with dashes.
        pixels: Along slow and fast.
        pixel_size: [m].
        module: Pixels of one module along slow and fast; None where there are no gaps.
        gap: Pixels between modules along slow and fast.
        material: Of the sensor; "" where it is no slab that photons cross, but a phosphor.
        thickness: Of the sensor [m].
        split: Columns that are missing in the middle of each module, between two sensors.
        saturation: Most counts that a pixel holds; None where that is not known, or depends on how it is used.
        layout: Where modules are that stand in no grid; it is a nominal one.
    """

    name: str
    pixels: tuple[int, int]
    pixel_size: float
    module: tuple[int, int] | None = None
    gap: tuple[int, int] = (0, 0)
    material: str = ""
    thickness: float = 0.0
    split: int = 0
    saturation: int | None = None
    layout: Layout | None = None

    def mask(self) -> np.ndarray | None:
        """True for the pixels that are there [slow, fast]; None where all are."""
        if self.layout is not None:
            return self.layout.mask()
        if self.module is None:
            return None
        rows = [
            np.arange(count) % (own + gap) < own
            for count, own, gap in zip(self.pixels, self.module, self.gap, strict=True)
        ]
        middle = np.arange(self.pixels[1]) % (self.module[1] + self.gap[1]) - (self.module[1] - self.split) // 2
        rows[1] &= (middle < 0) | (middle >= self.split)
        return rows[0][:, None] & rows[1][None, :]

    def __str__(self) -> str:
        """One line: pixels, sensor, gaps, what a pixel holds, what is not certain."""
        sensor = f", {self.thickness * 1e6:g} µm of {self.material}" if self.material else ", a phosphor"
        gaps = "" if self.module is None else f", modules of {self.module[1]} × {self.module[0]}"
        full = "" if self.saturation is None else f", at most {self.saturation} counts"
        doubt = "" if self.layout is None else f", {self.layout.doubt}"
        return f"{self.pixels[1]} × {self.pixels[0]} pixels of {self.pixel_size * 1e3:g} mm{sensor}{gaps}{full}{doubt}"


def _modular(
    family: str,
    sizes: dict[str, tuple[int, int]],
    pixel: float,
    module: tuple[int, int],
    gap: tuple[int, int],
    sensor: tuple[str, float],
    split: int = 0,
    saturation: int | None = None,
) -> Iterator[Product]:
    """Products of one family, each of so many modules along slow and fast."""
    for name, counts in sizes.items():
        pixels = tuple(n * own + (n - 1) * space for n, own, space in zip(counts, module, gap, strict=True))
        whole = max(counts) == 1 and not split
        yield Product(
            f"{family}-{name}", (pixels[0], pixels[1]), pixel, None if whole else module,
            (0, 0) if whole else gap, *sensor, split, saturation,
        )  # fmt: skip


def _nominal(name: str, pixel: float, thickness: float, layout: Layout) -> Product:
    return Product(name, layout.pixels, pixel, layout.module, (0, 0), "Si", thickness, layout=layout)


_PILATUS = {"300k": (3, 1), "300kw": (1, 3), "1m": (5, 2), "2m": (8, 3)}
_PILATUS4 = {"260k": (2, 1), "260kw": (1, 2), "1m": (4, 2), "2m": (6, 3), "4m": (8, 4)}
_EIGER = {"500k": (1, 1), "1m": (2, 1), "4m": (4, 2), "9m": (6, 3), "16m": (8, 4)}
_EIGER2 = _EIGER | {"1mw": (1, 2), "2mw": (1, 4)}
_JUNGFRAU = {"500k": (1, 1), "1m": (2, 1), "4m": (4, 2)}
_ALL = (
    *_modular("pilatus", {"100k": (1, 1), **_PILATUS, "6m": (12, 5)}, 172e-6, (195, 487), (17, 7), ("Si", 320e-6),
              saturation=PILATUS_FULL),
    *_modular("pilatus-cdte", _PILATUS, 172e-6, (195, 487), (17, 7), ("CdTe", 1e-3), split=3, saturation=PILATUS_FULL),
    *_modular("pilatus4", _PILATUS4, 150e-6, (255, 513), (20, 7), ("Si", 450e-6)),
    *_modular("pilatus4-cdte", _PILATUS4, 150e-6, (255, 513), (20, 7), ("CdTe", 1e-3), split=1),
    *_modular("eiger", _EIGER, 75e-6, (514, 1030), (37, 10), ("Si", 450e-6)),
    *_modular("eiger2", _EIGER2, 75e-6, (512, 1028), (38, 12), ("Si", 450e-6)),
    *_modular("eiger2-cdte", _EIGER2, 75e-6, (512, 1028), (38, 12), ("CdTe", 750e-6), split=2),
    *_modular("jungfrau", _JUNGFRAU, 75e-6, (514, 1030), (36, 8), ("Si", 320e-6)),
    _nominal("agipd-1m", 200e-6, 500e-6, agipd_1m()),
    _nominal("epix10k-2m", 100e-6, 500e-6, epix10k_2m()),
    Product("rayonix-mx225", (6144, 6144), 73.242e-6),
    Product("rayonix-mx225hs", (5760, 5760), 78.125e-6),
    Product("rayonix-mx300", (8192, 8192), 73.242e-6),
    Product("rayonix-mx300hs", (7680, 7680), 78.125e-6),
    Product("rayonix-mx325", (8192, 8192), 79.346e-6),
    Product("adsc-q210", (4096, 4096), 51e-6),
    Product("adsc-q315", (6144, 6144), 51e-6),
)  # fmt: skip
PRODUCTS: dict[str, Product] = {product.name: product for product in _ALL}
"""Every detector by its name."""


def product_named(name: str) -> Product:
    """A detector of the catalogue, in any spelling of dashes, blanks and capitals.

    Raises:
        ValueError: If there is none of that name; the message says which are near.
    """
    plain = str(name).lower().replace("_", "-").replace(" ", "-")
    for known, product in PRODUCTS.items():
        if known.replace("-", "") == plain.replace("-", ""):
            return product
    near = difflib.get_close_matches(plain, PRODUCTS, n=3) or sorted({each.split("-")[0] for each in PRODUCTS})
    raise ValueError(f"Argument `name` must be a detector such as {', '.join(near)}, but is {name!r}.")
