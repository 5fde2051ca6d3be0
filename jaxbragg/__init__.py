"""jaxbragg: diffraction images of small crystals, on GPUs, differentiable from end to end.

    import jaxbragg as jb

    experiment = jb.Experiment(beam=..., crystal=..., detector=..., structure_factors=...)
    image = jb.simulate(experiment, jb.Options(oversample=2))

What is listed here is loaded when it is first asked for, so that `jaxbragg --help` need not wait for JAX.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jaxbragg.batch as batch
    import jaxbragg.refine as refine
    import jaxbragg_kernels as kernels
    from jaxbragg.cli.batch.plan_file import read_plan as read_plan
    from jaxbragg.cli.read import read_experiment as read_experiment
    from jaxbragg.compat import as_the_c_program_draws as as_the_c_program_draws
    from jaxbragg.io.geometry import Geometry as Geometry
    from jaxbragg.io.geometry import load as load
    from jaxbragg.io.save import save as save
    from jaxbragg.models import AbsoluteSources as AbsoluteSources
    from jaxbragg.models import AbstractAbsorber as AbstractAbsorber
    from jaxbragg.models import AbstractBackground as AbstractBackground
    from jaxbragg.models import AbstractDetector as AbstractDetector
    from jaxbragg.models import AbstractMosaic as AbstractMosaic
    from jaxbragg.models import AbstractProfile as AbstractProfile
    from jaxbragg.models import AbstractRadialBackground as AbstractRadialBackground
    from jaxbragg.models import AbstractSizes as AbstractSizes
    from jaxbragg.models import AbstractSources as AbstractSources
    from jaxbragg.models import AbstractStructureFactors as AbstractStructureFactors
    from jaxbragg.models import AirPath as AirPath
    from jaxbragg.models import AmorphousBackground as AmorphousBackground
    from jaxbragg.models import Beam as Beam
    from jaxbragg.models import BeamStop as BeamStop
    from jaxbragg.models import CapMosaic as CapMosaic
    from jaxbragg.models import CellSpread as CellSpread
    from jaxbragg.models import ConvexAbsorption as ConvexAbsorption
    from jaxbragg.models import Crystal as Crystal
    from jaxbragg.models import CurvedDetector as CurvedDetector
    from jaxbragg.models import Damage as Damage
    from jaxbragg.models import Experiment as Experiment
    from jaxbragg.models import FlatPanel as FlatPanel
    from jaxbragg.models import GaussianMosaic as GaussianMosaic
    from jaxbragg.models import GaussianProfile as GaussianProfile
    from jaxbragg.models import GaussianSources as GaussianSources
    from jaxbragg.models import Goniometer as Goniometer
    from jaxbragg.models import LiquidLikeMotions as LiquidLikeMotions
    from jaxbragg.models import LogNormalSizes as LogNormalSizes
    from jaxbragg.models import MultiPanel as MultiPanel
    from jaxbragg.models import PowderRings as PowderRings
    from jaxbragg.models import RelativeSources as RelativeSources
    from jaxbragg.models import RotationList as RotationList
    from jaxbragg.models import Scan as Scan
    from jaxbragg.models import Sensor as Sensor
    from jaxbragg.models import SourceStructureFactors as SourceStructureFactors
    from jaxbragg.models import SpectrumTable as SpectrumTable
    from jaxbragg.models import StructureFactors as StructureFactors
    from jaxbragg.models import TophatProfile as TophatProfile
    from jaxbragg.models import UnitCell as UnitCell
    from jaxbragg.models import components as components
    from jaxbragg.models.components import MotionWarning as MotionWarning
    from jaxbragg.models.detector.named import detector as detector
    from jaxbragg.models.response import AbstractStep as AbstractStep
    from jaxbragg.models.response import BadPixels as BadPixels
    from jaxbragg.models.response import CalibrationError as CalibrationError
    from jaxbragg.models.response import ChargeSharing as ChargeSharing
    from jaxbragg.models.response import Counting as Counting
    from jaxbragg.models.response import FibreSpread as FibreSpread
    from jaxbragg.models.response import Flicker as Flicker
    from jaxbragg.models.response import Gain as Gain
    from jaxbragg.models.response import GainStages as GainStages
    from jaxbragg.models.response import GaussianSpread as GaussianSpread
    from jaxbragg.models.response import MoffatSpread as MoffatSpread
    from jaxbragg.models.response import Pedestal as Pedestal
    from jaxbragg.models.response import PhotonCharge as PhotonCharge
    from jaxbragg.models.response import ReadNoise as ReadNoise
    from jaxbragg.models.response import Response as Response
    from jaxbragg.models.response import Saturation as Saturation
    from jaxbragg.models.sase import SasePulse as SasePulse
    from jaxbragg.models.sase import sase_pulse as sase_pulse
    from jaxbragg.models.twinning import twin as twin
    from jaxbragg.models.uniform import random_rotations as random_rotations
    from jaxbragg.models.uniform import uniform_rotations as uniform_rotations
    from jaxbragg.options import Options as Options
    from jaxbragg.options import SpotSizes as SpotSizes
    from jaxbragg.pipeline.precision import PrecisionWarning as PrecisionWarning
    from jaxbragg.pipeline.sampled import SampledWarning as SampledWarning
    from jaxbragg.pipeline.settings import precise_options as precise_options
    from jaxbragg.pipeline.settings import precision_bound as precision_bound
    from jaxbragg.radial import radial_background as radial_background
    from jaxbragg.several import simulate_batch as simulate_batch
    from jaxbragg.several import simulate_together as simulate_together
    from jaxbragg.several import spot_options as spot_options
    from jaxbragg.simulate import simulate as simulate
    from jaxbragg.trace import PixelTrace as PixelTrace
    from jaxbragg.trace import trace_pixel as trace_pixel
    from jaxbragg.view import show as show

_HOME = {
    "read_plan": "jaxbragg.cli.batch.plan_file",
    "read_experiment": "jaxbragg.cli.read",
    "as_the_c_program_draws": "jaxbragg.compat",
    "Geometry": "jaxbragg.io.geometry",
    "load": "jaxbragg.io.geometry",
    "save": "jaxbragg.io.save",
    "AbsoluteSources": "jaxbragg.models",
    "AbstractAbsorber": "jaxbragg.models",
    "AbstractBackground": "jaxbragg.models",
    "AbstractRadialBackground": "jaxbragg.models",
    "AbstractDetector": "jaxbragg.models",
    "AbstractMosaic": "jaxbragg.models",
    "AbstractSources": "jaxbragg.models",
    "AbstractStructureFactors": "jaxbragg.models",
    "AirPath": "jaxbragg.models",
    "AmorphousBackground": "jaxbragg.models",
    "Beam": "jaxbragg.models",
    "BeamStop": "jaxbragg.models",
    "CapMosaic": "jaxbragg.models",
    "Crystal": "jaxbragg.models",
    "CurvedDetector": "jaxbragg.models",
    "Experiment": "jaxbragg.models",
    "FlatPanel": "jaxbragg.models",
    "CellSpread": "jaxbragg.models",
    "GaussianMosaic": "jaxbragg.models",
    "GaussianSources": "jaxbragg.models",
    "SpectrumTable": "jaxbragg.models",
    "LiquidLikeMotions": "jaxbragg.models",
    "MultiPanel": "jaxbragg.models",
    "PowderRings": "jaxbragg.models",
    "RelativeSources": "jaxbragg.models",
    "RotationList": "jaxbragg.models",
    "Scan": "jaxbragg.models",
    "Sensor": "jaxbragg.models",
    "SourceStructureFactors": "jaxbragg.models",
    "StructureFactors": "jaxbragg.models",
    "UnitCell": "jaxbragg.models",
    "ConvexAbsorption": "jaxbragg.models",
    "MotionWarning": "jaxbragg.models.components",
    "components": "jaxbragg.models",
    "Damage": "jaxbragg.models",
    "Goniometer": "jaxbragg.models",
    "AbstractProfile": "jaxbragg.models",
    "GaussianProfile": "jaxbragg.models",
    "TophatProfile": "jaxbragg.models",
    "AbstractSizes": "jaxbragg.models",
    "LogNormalSizes": "jaxbragg.models",
    "detector": "jaxbragg.models.detector.named",
    "twin": "jaxbragg.models.twinning",
    "AbstractStep": "jaxbragg.models.response",
    "BadPixels": "jaxbragg.models.response",
    "CalibrationError": "jaxbragg.models.response",
    "ChargeSharing": "jaxbragg.models.response",
    "Counting": "jaxbragg.models.response",
    "FibreSpread": "jaxbragg.models.response",
    "Flicker": "jaxbragg.models.response",
    "Gain": "jaxbragg.models.response",
    "GainStages": "jaxbragg.models.response",
    "GaussianSpread": "jaxbragg.models.response",
    "MoffatSpread": "jaxbragg.models.response",
    "Pedestal": "jaxbragg.models.response",
    "PhotonCharge": "jaxbragg.models.response",
    "ReadNoise": "jaxbragg.models.response",
    "Response": "jaxbragg.models.response",
    "Saturation": "jaxbragg.models.response",
    "Options": "jaxbragg.options",
    "SpotSizes": "jaxbragg.options",
    "PrecisionWarning": "jaxbragg.pipeline.precision",
    "SampledWarning": "jaxbragg.pipeline.sampled",
    "precise_options": "jaxbragg.pipeline.settings",
    "precision_bound": "jaxbragg.pipeline.settings",
    "spot_options": "jaxbragg.several",
    "SasePulse": "jaxbragg.models.sase",
    "sase_pulse": "jaxbragg.models.sase",
    "random_rotations": "jaxbragg.models.uniform",
    "uniform_rotations": "jaxbragg.models.uniform",
    "radial_background": "jaxbragg.radial",
    "simulate": "jaxbragg.simulate",
    "simulate_batch": "jaxbragg.several",
    "simulate_together": "jaxbragg.several",
    "PixelTrace": "jaxbragg.trace",
    "trace_pixel": "jaxbragg.trace",
    "show": "jaxbragg.view",
}

_MODULES = {"batch": "jaxbragg.batch", "kernels": "jaxbragg_kernels", "refine": "jaxbragg.refine"}

__all__ = ["batch", "kernels", "refine", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name == "__version__":
        from importlib.metadata import version

        return version("jaxbragg")
    if name not in _HOME:
        raise AttributeError(f"module 'jaxbragg' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Package(ModuleType):
    """Keeps `jaxbragg.simulate` the function: importing the module of that name would put itself in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "simulate" and isinstance(value, ModuleType):
            value = value.simulate
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
