"""Any detector, seen from beside the sample."""

from typing import Any

from jaxtyping import Array, Float, Int

from jaxbragg.models.detector.abstract import AbstractDetector


class MovedDetector(AbstractDetector):
    """A detector as a crystal sees it that is not where the spindle meets the beam.

    Attributes:
        detector: From the sample.
        place: Of the crystal [m].
    """

    detector: AbstractDetector
    place: Float[Array, "3"]

    def __init__(self, detector: AbstractDetector, place: Any) -> None:
        """Keep both."""
        self.detector, self.place = detector, place

    @property
    def is_flat(self) -> bool:  # type: ignore[override]
        """As the detector's."""
        return self.detector.is_flat

    @property
    def sensor(self) -> Any:  # type: ignore[override]
        """The detector's."""
        return self.detector.sensor

    @property
    def mask(self) -> Any:  # type: ignore[override]
        """The detector's."""
        return self.detector.mask

    @property
    def shape(self) -> tuple[int, int, int]:
        """The detector's."""
        return self.detector.shape

    def position(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, "3"]:
        """See `AbstractDetector.position`."""
        return self.detector.position(panel, slow, fast) - self.place

    def position_at_depth(
        self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""], depth: Float[Array, ""]
    ) -> Float[Array, "3"]:
        """See `AbstractDetector.position_at_depth`."""
        return self.detector.position_at_depth(panel, slow, fast, depth) - self.place

    def normal(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, "3"]:
        """See `AbstractDetector.normal`."""
        return self.detector.normal(panel, slow, fast)

    def plane_distance(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, ""]:
        """See `AbstractDetector.plane_distance`."""
        place = (self.place * self.normal(panel, slow, fast)).sum()
        return self.detector.plane_distance(panel, slow, fast) - place

    def pixel_area(self, panel: Int[Array, ""]) -> Float[Array, ""]:
        """See `AbstractDetector.pixel_area`."""
        return self.detector.pixel_area(panel)
