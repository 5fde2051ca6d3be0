"""Geometry in files of the field's programs: one reader a format, and one function that reads any of them.

A new format is one reader and one row in `reader.py`.
"""

from jaxbragg.io.geometry.reader import load as load
from jaxbragg.io.geometry.record import Geometry as Geometry
from jaxbragg.io.geometry.record import Rotation as Rotation
