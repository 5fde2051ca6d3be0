"""Detectors by name: their pixels, the gaps between their modules, and their sensors.

Sizes are the makers' own, as pyFAI 2026.9 (MIT) lists them too. Detectors that were delivered with several sensors have
the usual one here.
"""

import difflib
from dataclasses import dataclass

import numpy as np


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
    """

    name: str
    pixels: tuple[int, int]
    pixel_size: float
    module: tuple[int, int] | None = None
    gap: tuple[int, int] = (0, 0)
    material: str = ""
    thickness: float = 0.0

    def mask(self) -> np.ndarray | None:
        """True for the pixels that are there [slow, fast]; None where all are."""
        if self.module is None:
            return None
        rows = [
            np.arange(count) % (own + gap) < own
            for count, own, gap in zip(self.pixels, self.module, self.gap, strict=True)
        ]
        return rows[0][:, None] & rows[1][None, :]

    def __str__(self) -> str:
        """One line: pixels, sensor, gaps."""
        sensor = f", {self.thickness * 1e6:g} µm of {self.material}" if self.material else ", a phosphor"
        gaps = "" if self.module is None else f", modules of {self.module[1]} × {self.module[0]}"
        return f"{self.pixels[1]} × {self.pixels[0]} pixels of {self.pixel_size * 1e3:g} mm{sensor}{gaps}"


def _modular(family: str, pixel: float, module: tuple[int, int], gap: tuple[int, int], thickness: float, **sizes):
    """Products of one family, each of so many modules along slow and fast."""
    for name, counts in sizes.items():
        pixels = tuple(n * own + (n - 1) * space for n, own, space in zip(counts, module, gap, strict=True))
        several = max(counts) > 1
        yield Product(
            f"{family}-{name.lstrip('_')}", (pixels[0], pixels[1]), pixel, module if several else None,
            gap if several else (0, 0), "Si", thickness,
        )  # fmt: skip


_ALL = (
    *_modular("pilatus", 172e-6, (195, 487), (17, 7), 320e-6,
              _100k=(1, 1), _300k=(3, 1), _300kw=(1, 3), _1m=(5, 2), _2m=(8, 3), _6m=(12, 5)),
    *_modular("pilatus4", 150e-6, (255, 513), (20, 7), 450e-6, _260k=(2, 1), _1m=(4, 2), _2m=(6, 3), _4m=(8, 4)),
    *_modular("eiger", 75e-6, (514, 1030), (37, 10), 450e-6,
              _500k=(1, 1), _1m=(2, 1), _4m=(4, 2), _9m=(6, 3), _16m=(8, 4)),
    *_modular("eiger2", 75e-6, (512, 1028), (38, 12), 450e-6,
              _500k=(1, 1), _1m=(2, 1), _4m=(4, 2), _9m=(6, 3), _16m=(8, 4)),
    *_modular("jungfrau", 75e-6, (514, 1030), (36, 8), 320e-6, _500k=(1, 1), _4m=(4, 2)),
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
    if plain in PRODUCTS:
        return PRODUCTS[plain]
    near = difflib.get_close_matches(plain, PRODUCTS, n=3) or sorted({each.split("-")[0] for each in PRODUCTS})
    raise ValueError(f"Argument `name` must be a detector such as {', '.join(near)}, but is {name!r}.")
