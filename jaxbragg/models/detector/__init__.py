"""Detectors: what the simulation asks of one, and those that come with jaxbragg."""

from jaxbragg.models.detector.abstract import AbstractDetector as AbstractDetector
from jaxbragg.models.detector.abstract import Sensor as Sensor
from jaxbragg.models.detector.curved import CurvedDetector as CurvedDetector
from jaxbragg.models.detector.flat import FlatPanel as FlatPanel
from jaxbragg.models.detector.multi import MultiPanel as MultiPanel
