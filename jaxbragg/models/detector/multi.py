"""Detectors made of several flat panels."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxbragg.models import checks
from jaxbragg.models.detector.abstract import AbstractDetector, Sensor
from jaxbragg.models.detector.flat import FlatPanel, away


class MultiPanel(AbstractDetector):
    """Several flat panels, each at its own place and tilt and of its own size; one image of them all.

    The image has a layer for each panel, of the size of the largest one along slow and along fast: smaller ones begin
    at its first pixel, and the mask covers what is beyond them. `split` takes an image apart.

    Attributes:
        panels: The panels, of equal sensors.
    """

    is_flat: ClassVar[bool] = True
    panels: tuple[FlatPanel, ...]

    def __init__(self, panels: Any) -> None:
        """Check and keep the panels.

        Raises:
            ValueError: If there is none, one is not flat, or their sensors differ.
        """
        self.panels = tuple(panels)
        if not self.panels or not all(isinstance(p, FlatPanel) for p in self.panels):
            raise ValueError("Argument `panels` must hold at least one FlatPanel.")
        for i, panel in enumerate(self.panels):
            # Only origin, axes and pixel size are taken from a panel: positions of its own would be ignored.
            if not panel.is_flat:
                raise ValueError(
                    f"Argument `panels` must hold flat panels, but panel {i}, a {type(panel).__name__}, has positions "
                    "of its own: write a detector of all panels, see AbstractDetector."
                )
        first = self.panels[0]
        for i, panel in enumerate(self.panels):
            if not _same_sensor(panel.sensor, first.sensor):
                raise ValueError(f"Argument `panels` must hold panels of equal sensors, but that of panel {i} differs.")

    @property
    def sensor(self) -> Sensor | None:  # type: ignore[override]
        """The sensor of all panels."""
        return self.panels[0].sensor

    @property
    def mask(self) -> Bool[Array, "panel slow fast"] | None:  # type: ignore[override]
        """The panels' masks, those without one simulated whole; False beyond a panel smaller than the largest."""
        _, slow, fast = self.shape
        if all(panel.mask is None and panel.pixels == (slow, fast) for panel in self.panels):
            return None
        whole = [jnp.ones((1, *panel.pixels), bool) if panel.mask is None else panel.mask for panel in self.panels]
        rest = [((0, 0), (0, slow - panel.pixels[0]), (0, fast - panel.pixels[1])) for panel in self.panels]
        return jnp.concatenate([jnp.pad(mask, edges) for mask, edges in zip(whole, rest, strict=True)])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Panels, slow and fast pixels of the largest one along each."""
        slow, fast = (max(sizes) for sizes in zip(*(panel.pixels for panel in self.panels), strict=True))
        return (len(self.panels), slow, fast)

    def split(self, image: Any) -> list[Any]:
        """An image of all panels as one image for each, of the panel's own size.

        Args:
            image: [panel, slow, fast], or [slow, fast] where there is one panel.

        Raises:
            ValueError: If it has another shape.
        """
        if np.shape(image) not in (self.shape, self.image_shape):
            raise ValueError(
                f"Argument `image` must have the detector's shape {self.image_shape}, but has shape {np.shape(image)}."
            )
        layers = image.reshape(self.shape)
        return [layer[: panel.pixels[0], : panel.pixels[1]] for layer, panel in zip(layers, self.panels, strict=True)]

    def _gather(self, name: str, panel: Int[Array, ""]) -> jax.Array:
        return jnp.stack([getattr(p, name) for p in self.panels])[panel]

    def position(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, "3"]:
        """See `AbstractDetector.position`."""
        size = self._gather("pixel_size", panel)
        along_fast = self._gather("fast_axis", panel) * (fast * size[0])
        return self._gather("origin", panel) + along_fast + self._gather("slow_axis", panel) * (slow * size[1])

    def normal(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, "3"]:
        """See `AbstractDetector.normal`."""
        del slow, fast
        return away(self._gather("normal_axis", panel), self._gather("origin", panel))

    def plane_distance(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, ""]:
        """See `AbstractDetector.plane_distance`."""
        origin = self._gather("origin", panel)
        return (origin * self.normal(panel, slow, fast)).sum()

    def pixel_area(self, panel: Int[Array, ""]) -> Float[Array, ""]:
        """See `AbstractDetector.pixel_area`."""
        size = self._gather("pixel_size", panel)
        return size[0] * size[1]


def _same_sensor(one: Sensor | None, other: Sensor | None) -> bool:
    if jax.tree.structure(one) != jax.tree.structure(other):
        return False
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(checks.is_traced(pair) or bool(pair[0] == pair[1]) for pair in pairs)
