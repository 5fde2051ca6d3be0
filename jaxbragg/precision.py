"""The types of numbers that `Options.precision` stands for."""

import jax.numpy as jnp

from jaxbragg.options import Options


def types(options: Options) -> tuple[jnp.dtype, jnp.dtype]:
    """The type of what Miller indices are made of, and that of the image."""
    single, double = jnp.dtype("float32"), jnp.dtype("float64")
    return {"mixed": (double, single), "float64": (double, double), "float32": (single, single)}[options.precision]
