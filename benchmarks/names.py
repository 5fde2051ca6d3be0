"""Words of the command line, apart from what they name: a help page need not wait for JAX."""

MODES = {
    "forward": "the image, compiled once",
    "reverse": "gradient of one number by every real leaf",
    "jacobian": "forward mode by 12 parameters: cell, misset, detector origin",
    "call": "as a user calls it: simulate, and the image as a numpy array",
}

# In the order in which they run: the yardstick first, so that every other has its ratio.
IMPLEMENTATIONS = {
    "textbook": "the plain formula in float64, jnp.sin and all",
    "mixed": "jaxbragg, the default",
    "float32": "jaxbragg, all of it in float32",
    "float64": "jaxbragg, all of it in float64",
    "loop": "stills: one compiled image, called for each",
    "batch": "stills: simulate_batch",
    "nanobragg": "nanoBragg.c, with --nanobragg PATH",
    "nanobrag_torch": "nanobrag_torch, where it is installed",
}

DEFAULT_GROUPS = ("yardstick", "shapes", "skipping", "domains", "wavelengths", "crystals")
