"""What a detector makes of the photons in its pixels: a list of steps, each a class in a file of its kind.

The mean and the variance of what is read out (`Response.expected`, differentiable) and random images (`Response.drawn`)
come from the same list.
"""

from jaxbragg.models.response.abstract import AbstractStep as AbstractStep
from jaxbragg.models.response.abstract import Response as Response
from jaxbragg.models.response.abstract import Signal as Signal
from jaxbragg.models.response.chance import AbstractChance as AbstractChance
from jaxbragg.models.response.charge import PhotonCharge as PhotonCharge
from jaxbragg.models.response.counting import Counting as Counting
from jaxbragg.models.response.pixels import BadPixels as BadPixels
from jaxbragg.models.response.pixels import CalibrationError as CalibrationError
from jaxbragg.models.response.pixels import Flicker as Flicker
from jaxbragg.models.response.readout import Gain as Gain
from jaxbragg.models.response.readout import Pedestal as Pedestal
from jaxbragg.models.response.readout import ReadNoise as ReadNoise
from jaxbragg.models.response.readout import Saturation as Saturation
from jaxbragg.models.response.spread import ChargeSharing as ChargeSharing
from jaxbragg.models.response.spread import GaussianSpread as GaussianSpread
from jaxbragg.models.response.stages import GainStages as GainStages
from jaxbragg.models.response.tails import FibreSpread as FibreSpread
from jaxbragg.models.response.tails import MoffatSpread as MoffatSpread
