"""Traces: every factor of one pixel, step by step, to be compared with another program's."""

from jaxbragg.trace.pixel import trace_pixel as trace_pixel
from jaxbragg.trace.record import PixelTrace as PixelTrace
from jaxbragg.trace.record import Step as Step
