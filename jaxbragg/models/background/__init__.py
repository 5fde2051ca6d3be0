"""Scatter from what is not the crystal, in any number; a new one is one class with one method, `scattering`."""

from jaxbragg.models.background.abstract import AbstractBackground as AbstractBackground
from jaxbragg.models.background.abstract import AbstractRadialBackground as AbstractRadialBackground
from jaxbragg.models.background.amorphous import WATER_FACTOR as WATER_FACTOR
from jaxbragg.models.background.amorphous import AmorphousBackground as AmorphousBackground
from jaxbragg.models.background.diffuse import LiquidLikeMotions as LiquidLikeMotions
from jaxbragg.models.background.rings import PowderRings as PowderRings
from jaxbragg.models.background.table import RadialTable as RadialTable
