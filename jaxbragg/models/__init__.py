"""Beam, crystal, scan, |F|, detector, background, absorbers, response: the nouns of an experiment, as frozen pytrees.

Every real number is a leaf that can be differentiated; what is counted or chosen is static. Each checks itself when it
is made and raises a ValueError that names the argument. Lengths are in m, except cells and wavelengths in Å; angles
are in degrees, except the divergence of sources in rad.
"""

from jaxbragg.models.absorbers import AbstractAbsorber as AbstractAbsorber
from jaxbragg.models.absorbers import AirPath as AirPath
from jaxbragg.models.absorbers import BeamStop as BeamStop
from jaxbragg.models.absorption import ConvexAbsorption as ConvexAbsorption
from jaxbragg.models.background import AbstractBackground as AbstractBackground
from jaxbragg.models.background import AbstractRadialBackground as AbstractRadialBackground
from jaxbragg.models.background import AmorphousBackground as AmorphousBackground
from jaxbragg.models.background import LiquidLikeMotions as LiquidLikeMotions
from jaxbragg.models.background import PowderRings as PowderRings
from jaxbragg.models.background import RadialTable as RadialTable
from jaxbragg.models.beam import Beam as Beam
from jaxbragg.models.components import components as components
from jaxbragg.models.crystal import Crystal as Crystal
from jaxbragg.models.damage import Damage as Damage
from jaxbragg.models.detector import AbstractDetector as AbstractDetector
from jaxbragg.models.detector import CurvedDetector as CurvedDetector
from jaxbragg.models.detector import FlatPanel as FlatPanel
from jaxbragg.models.detector import MultiPanel as MultiPanel
from jaxbragg.models.detector import Sensor as Sensor
from jaxbragg.models.experiment import Experiment as Experiment
from jaxbragg.models.gaussian import CellSpread as CellSpread
from jaxbragg.models.gaussian import GaussianMosaic as GaussianMosaic
from jaxbragg.models.gaussian import GaussianSources as GaussianSources
from jaxbragg.models.gaussian import SpectrumTable as SpectrumTable
from jaxbragg.models.goniometer import Goniometer as Goniometer
from jaxbragg.models.mosaic import AbstractMosaic as AbstractMosaic
from jaxbragg.models.mosaic import CapMosaic as CapMosaic
from jaxbragg.models.mosaic import RotationList as RotationList
from jaxbragg.models.profile import AbstractProfile as AbstractProfile
from jaxbragg.models.profile import GaussianProfile as GaussianProfile
from jaxbragg.models.profile import TophatProfile as TophatProfile
from jaxbragg.models.response import AbstractStep as AbstractStep
from jaxbragg.models.response import Response as Response
from jaxbragg.models.scan import Scan as Scan
from jaxbragg.models.sizes import AbstractSizes as AbstractSizes
from jaxbragg.models.sizes import LogNormalSizes as LogNormalSizes
from jaxbragg.models.source_factors import SourceStructureFactors as SourceStructureFactors
from jaxbragg.models.sources import AbsoluteSources as AbsoluteSources
from jaxbragg.models.sources import AbstractSources as AbstractSources
from jaxbragg.models.sources import RelativeSources as RelativeSources
from jaxbragg.models.structure_factors import AbstractStructureFactors as AbstractStructureFactors
from jaxbragg.models.structure_factors import StructureFactors as StructureFactors
from jaxbragg.models.unit_cell import UnitCell as UnitCell
