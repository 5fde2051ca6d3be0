"""A detector by its name, in its place."""

from typing import Any

from jaxbragg.models import checks
from jaxbragg.models.detector.abstract import Sensor
from jaxbragg.models.detector.attenuation import attenuation_depth
from jaxbragg.models.detector.catalogue import product_named
from jaxbragg.models.detector.flat import FlatPanel


def detector(
    name: str,
    distance: Any,
    beam_center: tuple[Any, Any] | None = None,
    convention: str = "mosflm",
    *,
    wavelength: float | None = None,
    layers: int = 2,
    **placed: Any,
) -> FlatPanel:
    """A detector that can be bought: its pixels, its gaps as a mask, and its sensor.

        panel = jb.detector("eiger2-16m", distance=0.2, wavelength=0.9795)

    Args:
        name: One of `jaxbragg --detectors`.
        distance: [m], as for `FlatPanel.from_distance`.
        beam_center: Likewise.
        convention: Likewise.
        wavelength: At which its sensor absorbs [Å]; None to count every photon.
        layers: Of the sensor.
        **placed: `rotations` and `twotheta` of `FlatPanel.from_distance`.

    Raises:
        ValueError: If there is no detector of that name, or a value cannot be.
    """
    product, sensor = product_named(name), None
    if wavelength is not None and product.material:
        checks.concrete("wavelength", wavelength, "the attenuation depth is looked up; give a `Sensor` of your own")
        sensor = Sensor(product.thickness, attenuation_depth(product.material, float(wavelength)), layers)
    return FlatPanel.from_distance(
        product.pixels,
        product.pixel_size,
        distance,
        beam_center,
        convention,
        sensor=sensor,
        mask=product.mask(),
        **placed,
    )
