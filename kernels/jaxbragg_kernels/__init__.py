"""The kernels of jaxbragg: arrays in, arrays out.

They know no model and no file. `accumulate` holds the innermost loop and shows the order of the computation;
`reference` is the textbook formula that they are tested against.
"""

from jaxbragg_kernels import accumulate as accumulate
from jaxbragg_kernels import background as background
from jaxbragg_kernels import hkl as hkl
from jaxbragg_kernels import lattice as lattice
from jaxbragg_kernels import reciprocal as reciprocal
from jaxbragg_kernels import reference as reference
from jaxbragg_kernels import rotation as rotation
from jaxbragg_kernels import scaling as scaling
