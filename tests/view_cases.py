"""A crystal turning in front of a detector, for the tests of what is predicted and shown."""

import numpy as np

import jaxbragg as jb

ROTATION = (
    "-cell 50 60 70 80 95 100 -misset 10 20 30 -default_F 100 -N 12 -gauss_xtal -lambda 1 -distance 80 -pixel 0.2 "
    "-detpixels_f 300 -detpixels_s 240 -detector_rotx 3 -detector_roty -2 -twotheta 8 -osc 2 -phisteps 80 "
    "-oversample 3 -phi 30 -spindle_axis 0.1 0.2 1"
)


def rotation(more=""):
    return jb.read_experiment([*ROTATION.split(), *more.split()])


def place_of(panel, slow, fast):
    """Where a point of a panel is [m], in plain numpy."""
    size = np.asarray(panel.pixel_size, float)
    along = fast * size[0] * np.asarray(panel.fast_axis, float)
    return np.asarray(panel.origin, float) + along + slow * size[1] * np.asarray(panel.slow_axis, float)
