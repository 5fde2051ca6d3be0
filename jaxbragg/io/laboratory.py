"""The frames of the files that are written: z along the beam, or towards the source, and x along the spindle.

An experiment may be in any frame (MOSFLM's beam is along x); files are not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jaxbragg.models import Experiment


def nexus_axes(experiment: Experiment) -> NDArray[np.float64]:
    """Rows x, y, z of NeXus's frame (and McStas's and CrystFEL's) in the experiment's.

    z is along the beam, and x is along the spindle, the other way, or what of it lies across the beam.
    """
    beam, spindle = (np.asarray(v, float) for v in (experiment.beam.direction, experiment.scan.spindle()))
    z = beam / np.linalg.norm(beam)
    across = spindle - (spindle @ z) * z
    if np.linalg.norm(across) < 1e-6:  # a spindle along the beam: any direction across it
        across = np.eye(3)[np.abs(z).argmin()]
        across = across - (across @ z) * z
    x = -across / np.linalg.norm(across)
    return np.stack([x, np.cross(z, x), z])


def imgcif_axes(experiment: Experiment) -> NDArray[np.float64]:
    """Rows x, y, z of imgCIF's frame, which is DIALS's: NeXus's turned by 180° about y."""
    return nexus_axes(experiment) * np.array([[-1.0], [1.0], [-1.0]])
