"""Comparisons of two programs: of what they wrote down about one pixel, and of the images they drew.

No simulation, and no jax: files of any program can be compared on any machine. Changes and ratios go from A to B.
"""

from jaxbragg.compare.diagnosis import diagnose as diagnose
from jaxbragg.compare.images import ImageComparison as ImageComparison
from jaxbragg.compare.images import RingGeometry as RingGeometry
from jaxbragg.compare.images import compare_images as compare_images
from jaxbragg.compare.trace_comparison import Status as Status
from jaxbragg.compare.trace_comparison import TraceComparison as TraceComparison
from jaxbragg.compare.traces import compare_traces as compare_traces
