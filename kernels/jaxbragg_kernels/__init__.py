"""The kernels of jaxbragg: arrays in, arrays out.

They know no model and no file. `orientations.one` holds the innermost term and shows the order of the computation;
`reference` is the textbook formula that they are tested against.
"""

from jaxbragg_kernels import background as background
from jaxbragg_kernels import hkl as hkl
from jaxbragg_kernels import orientations as orientations
from jaxbragg_kernels import rays as rays
from jaxbragg_kernels import reciprocal as reciprocal
from jaxbragg_kernels import reference as reference
from jaxbragg_kernels import rotation as rotation
from jaxbragg_kernels import scaling as scaling
from jaxbragg_kernels import shapes as shapes
