"""`--detector NAME` → the flags that it stands for, and the mask of its gaps."""

import difflib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from jaxbragg.cli.build.beam import wavelength_of
from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.flags import Value
from jaxbragg.cli.scanner import Scanned
from jaxbragg.models.detector.catalogue import PRODUCTS, Product, product_named
from jaxbragg.units import MICROMETRE, MILLIMETRE

_SIZES = ("detpixels", "detpixels_f", "detpixels_s", "detsize", "detsize_f", "detsize_s", "pixel", "curved_det")


def listed_products() -> Iterator[str]:
    """Every detector, a line each."""
    for name, product in PRODUCTS.items():
        yield f"{name:<17} {product}"


def with_product(scanned: Scanned, notes: Notes) -> tuple[Scanned, np.ndarray | None]:
    """The flags with those of the detector that is named, and the pixels that it has.

    Args:
        scanned: Flags.
        notes: For the log.

    Raises:
        UsageError: If there is no detector of that name, or flags give another size.
    """
    name = scanned.text("detector")
    if name is None:
        return scanned, None
    product = _product(name)
    for other in _SIZES:
        if other in scanned:
            raise UsageError(f"-{other} contradicts --detector {name}, which says what pixels there are")
    added: dict[str, Value] = {
        "detpixels_f": product.pixels[1],
        "detpixels_s": product.pixels[0],
        "pixel": product.pixel_size / MILLIMETRE,
    }
    if product.material and "detector_thick" not in scanned:
        added["detector_thick"] = product.thickness / MICROMETRE
    notes.say(f"--detector {product.name}: {product}")
    return _with(scanned, added), product.mask()


def with_attenuation(scanned: Scanned, notes: Notes) -> Scanned:
    """The flags with the attenuation depth of the named detector's sensor, once the wavelength is known.

    Args:
        scanned: Flags, of headers too.
        notes: For the log.
    """
    name = scanned.text("detector")
    if name is None or "detector_abs" in scanned or not (product := _product(name)).material:
        return scanned
    from jaxbragg.models.detector.attenuation import attenuation_depth  # with gemmi, which others need not wait for

    wavelength = wavelength_of(scanned, Notes())
    depth = attenuation_depth(product.material, wavelength) / MICROMETRE
    notes.say(
        f"--detector {product.name}: attenuation depth {depth:.4g} µm in {product.material} at {wavelength:.5g} Å"
    )
    return _with(scanned, {"detector_abs": depth})


def _with(scanned: Scanned, added: dict[str, Value]) -> Scanned:
    """The flags, with others before them."""
    return replace(scanned, values={**added, **scanned.values}, order=[*added, *scanned.order])


def _product(name: str) -> Product:
    try:
        return product_named(name)
    except ValueError:
        near = difflib.get_close_matches(name.lower(), PRODUCTS, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "jaxbragg --detectors lists them"
        raise UsageError(f"--detector {name}: no detector of that name is known; {hint}") from None
