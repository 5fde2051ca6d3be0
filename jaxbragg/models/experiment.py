"""Everything that a simulation needs to know, in one frozen pytree."""

from typing import Any

import equinox as eqx

from jaxbragg.models import checks
from jaxbragg.models.absorbers import AbstractAbsorber
from jaxbragg.models.background import AbstractBackground
from jaxbragg.models.beam import Beam
from jaxbragg.models.crystal import Crystal
from jaxbragg.models.detector import AbstractDetector
from jaxbragg.models.readable import Readable
from jaxbragg.models.response import Response
from jaxbragg.models.scan import Scan
from jaxbragg.models.structure_factors import AbstractStructureFactors


def _tuple(several: Any) -> Any:
    return tuple(several) if isinstance(several, list) else several


class Experiment(Readable):
    """Beam, crystal, rotation, detector and its response, structure factors and background.

    Attributes:
        beam: The X-rays.
        crystal: The crystal.
        detector: One of the detectors, or one of your own.
        structure_factors: |F| of the crystal's reflections, and of its lattices'.
        scan: The rotation during the image.
        background: Scatter from what is not crystalline: one, several that are added, or None.
        absorbers: What stands between sample and detector, in any number.
        response: What the detector makes of the photons; None for an image of photons.
        lattices: Further crystals in the beam, such as the other lattices of a split or twinned one, whose intensities
            are added: their shares are `Crystal.blocks`.
    """

    beam: Beam
    crystal: Crystal
    detector: AbstractDetector
    structure_factors: AbstractStructureFactors
    scan: Scan = eqx.field(default_factory=Scan)
    background: AbstractBackground | tuple[AbstractBackground, ...] | None = eqx.field(default=None, converter=_tuple)
    absorbers: tuple[AbstractAbsorber, ...] = eqx.field(default=(), converter=_tuple)
    response: Response | None = None
    lattices: tuple[Crystal, ...] = eqx.field(default=(), converter=_tuple)

    def __check_init__(self) -> None:
        """Raise a ValueError that names the part that is not what it must be."""
        kinds = {
            "beam": Beam,
            "crystal": Crystal,
            "detector": AbstractDetector,
            "structure_factors": AbstractStructureFactors,
            "scan": Scan,
        }
        for name, kind in kinds.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                article = "an" if kind.__name__[0] in "AE" else "a"
                raise ValueError(f"Argument `{name}` must be {article} {kind.__name__}, but is {value!r}.")
        for background in self.backgrounds:
            if not isinstance(background, AbstractBackground):
                raise ValueError(
                    "Argument `background` must be a background such as AmorphousBackground, several of them, or None, "
                    f"but is {self.background!r}."
                )
        self._check_crystals()
        several = isinstance(self.absorbers, tuple)
        if not several or not all(isinstance(each, AbstractAbsorber) for each in self.absorbers):
            raise ValueError(
                f"Argument `absorbers` must be a list of absorbers such as BeamStop, but is {self.absorbers!r}."
            )
        if not isinstance(self.response, Response | None):
            raise ValueError(f"Argument `response` must be a Response or None, but is {self.response!r}.")

    def _check_crystals(self) -> None:
        """Raise a ValueError where crystals, or a crystal and |F|, do not go together."""
        if not isinstance(self.lattices, tuple) or not all(isinstance(each, Crystal) for each in self.lattices):
            raise ValueError(f"Argument `lattices` must be a list of Crystals, but is {self.lattices!r}.")
        for i, lattice in enumerate(self.lattices):
            if lattice.shape != self.crystal.shape:
                raise ValueError(
                    f"Argument `lattices` must have spots of the crystal's shape, {self.crystal.shape!r}, but those of "
                    f"[{i}] are {lattice.shape!r}."
                )
        default = checks.known(self.structure_factors.default)
        damped = any(not (crystal.b_factor is None and crystal.damage is None) for crystal in self.crystals)
        if damped and default is not None and default != 0:
            raise ValueError(
                "Argument `structure_factors` must have the default 0 where the crystal has a `b_factor` or `damage`, "
                f"which is of a table's indices, but has {float(default):g}: put it into the table."
            )

    @property
    def crystals(self) -> tuple[Crystal, ...]:
        """The crystal and all further ones."""
        return (self.crystal, *self.lattices)

    @property
    def backgrounds(self) -> tuple[AbstractBackground, ...]:
        """All backgrounds, in any number."""
        if self.background is None:
            return ()
        return self.background if isinstance(self.background, tuple) else (self.background,)
