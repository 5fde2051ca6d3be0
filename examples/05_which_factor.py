"""The finding that this project began with: two programs disagree about a pixel; at which factor?

Draws a rotation image as it ought to be and as the C program draws it, finds the pixel where they differ most for its
brightness, traces it in both, and asks the comparison at which step they part.

Run: python examples/05_which_factor.py      (from the project's folder; writes to which_factor/)
"""

import os
import shlex
from pathlib import Path

import numpy as np

import jaxbragg as jb
from jaxbragg.cli import main
from jaxbragg.io import write_float_image

out = Path("which_factor").absolute()
out.mkdir(exist_ok=True)
os.chdir(Path(__file__).parents[1] / "tests" / "reference" / "inputs")

# The shape of a real beamline's command: vectors instead of a convention, ten steps from φ = 0.
flags = shlex.split(
    "-mat triclinic.mat -hkl triclinic.hkl -nointerpolate -oversample 1 -flux 1e18 -beamsize 1.0 "
    "-spindle_axis -1 0 0 -Xbeam 24.742295 -Ybeam 20.907080 -distance 131.274660 -lambda 1.3 -pixel 0.688 "
    "-detpixels_x 70 -detpixels_y 75 -sdet_vector -0.005998 -0.999970 -0.004913 "
    "-fdet_vector 0.999982 -0.005998 -0.000118 -odet_vector -0.000088 0.004914 -0.999988 "
    "-beam_vector 0.00051387949 0.0 -0.99999986 -Na 36 -Nb 47 -Nc 29 -osc 0.1 -phi 0 -phisteps 10"
)

right = np.asarray(jb.simulate(*jb.read_experiment(flags)))
as_c = np.asarray(jb.simulate(*jb.read_experiment([*flags, "--compat"])))
write_float_image(out / "right.bin", right)
write_float_image(out / "as_c.bin", as_c)

difference = np.abs(as_c - right) / np.where(right > 1e-4 * right.max(), right, np.inf)
slow, fast = np.unravel_index(difference.argmax(), right.shape)
print(f"pixel slow {slow}, fast {fast}: {right[slow, fast]:.6g} photons, the C program has {as_c[slow, fast]:.6g}")

pixel = ["-trace_pixel", str(slow), str(fast)]
main(["trace", *pixel, *flags, "-o", str(out / "right.log")])
main(["trace", *pixel, *flags, "--compat", "-o", str(out / "as_c.log")])
main(["compare-traces", str(out / "right.log"), str(out / "as_c.log"), "--out", str(out / "traces")])
images = [str(out / name) for name in ("right.bin", "as_c.bin")]
main(["compare-images", *images, "--shape", "75", "70", "--out", str(out / "images")])
