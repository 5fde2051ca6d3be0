"""Everything that a simulation needs to know, in one frozen pytree."""

import equinox as eqx

from jaxbragg.models.background import AmorphousBackground
from jaxbragg.models.beam import Beam
from jaxbragg.models.crystal import Crystal
from jaxbragg.models.detector import AbstractDetector
from jaxbragg.models.scan import Scan
from jaxbragg.models.structure_factors import StructureFactors


class Experiment(eqx.Module):
    """Beam, crystal, rotation, detector, structure factors and background.

    Attributes:
        beam: The X-rays.
        crystal: The crystal.
        detector: One of the detectors, or one of your own.
        structure_factors: |F| of the crystal's reflections.
        scan: The rotation during the image.
        background: Scatter from what is not crystalline, or None.
    """

    beam: Beam
    crystal: Crystal
    detector: AbstractDetector
    structure_factors: StructureFactors
    scan: Scan = eqx.field(default_factory=Scan)
    background: AmorphousBackground | None = None

    def __check_init__(self) -> None:
        """Raise a ValueError that names the part that is not what it must be."""
        kinds = {
            "beam": Beam,
            "crystal": Crystal,
            "detector": AbstractDetector,
            "structure_factors": StructureFactors,
            "scan": Scan,
        }
        for name, kind in kinds.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise ValueError(f"Argument `{name}` must be a {kind.__name__}, but is {value!r}.")
        if self.background is not None and not isinstance(self.background, AmorphousBackground):
            raise ValueError(f"Argument `background` must be an AmorphousBackground, but is {self.background!r}.")
