"""What may be drawn by spots, and what is."""

import math

import numpy as np

from jaxbragg.models import Experiment, FlatPanel, MultiPanel
from jaxbragg.models.checks import is_traced
from jaxbragg.pipeline.sampled import asks_for_spots
from jaxbragg.pipeline.settings import Settings
from jaxbragg.pipeline.spots.cuts import cuts_of
from jaxbragg_kernels.shapes import SHAPES

MOST_CUTS = 1024
"""Of one Gaussian, into narrower ones."""
_WIDEST_CELLS = 0.01 * (1 + 1e-6)  # float32 may be above it


def has_closed_form(experiment: Experiment, settings: Settings) -> str:
    """Why an image cannot be made by spots; "" where it can."""
    if settings.shape != SHAPES["gauss"] or settings.options.spot_width != "miller":
        return "spots must be gauss ones, of width N in Miller indices"
    if not isinstance(experiment.detector, FlatPanel | MultiPanel):
        return f"the detector must be of flat panels, but is a {type(experiment.detector).__name__}"
    options = settings.options
    spread = getattr(experiment.crystal.cell_spread, "spread", 0.0)
    if not is_traced(spread) and float(np.max(np.asarray(spread))) > _WIDEST_CELLS:
        return "`cell_spread` must be at most 1 %, to which spots were compared with samples"
    count = math.prod(cuts_of(experiment, options.tolerance))
    if count > MOST_CUTS:
        return f"what is Gaussian must be narrower: at most {MOST_CUTS} narrower Gaussians may stand for it"
    if options.skip_below == 0:
        return "something must be skipped (`skip_below` above 0): a Gaussian has no end"
    boxes, lines = experiment.structure_factors.amplitudes().shape[:-3], experiment.beam.gaussians().weights.shape[0]
    if boxes and lines % boxes[0]:
        return f"|F| must be one set for all wavelengths, or one for each of the {lines} lines, not {boxes[0]}"
    if options.interpolation != "nearest" or options.corrections != "each":
        return "|F| must be taken at the reflections, and corrections at each pixel"
    return ""


def by_spots(experiment: Experiment, settings: Settings) -> bool:
    """Whether an image is to be made by spots.

    Raises:
        ValueError: If it must, by `Options.method`, and cannot.
    """
    method = settings.options.method
    if method == "samples" or (method is None and not asks_for_spots(experiment)):
        return False
    reason = has_closed_form(experiment, settings)
    if reason and method == "spots":
        raise ValueError(f"Option `method` cannot be 'spots': {reason}.")
    return not reason
