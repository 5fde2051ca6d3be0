"""Experiments shared out by `jax.shard_map`, for tests/test_shard_map.py.

Run on two virtual CPU devices with the names of cases, it prints JSON.
For each case the largest difference from the same without `shard_map`, over the maximum.
"""

import json
import sys
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from cases import experiment, panel

import jaxbragg as jb

P = jax.sharding.PartitionSpec
MESH = jax.make_mesh((2,), ("x",), axis_types=(jax.sharding.AxisType.Auto,))
MISSETS = np.array([[10.0, 20, 30], [40, -20, 3], [1, 2, 3], [-10, 5, 0]])
CELL = (40, 45, 55, 90, 95, 90)
PANELS = jb.MultiPanel([panel((16, 16)), panel((12, 8), sensor=None)])
IMAGES = {
    "mixed": ({}, {}),
    "float64": ({}, {"precision": "float64"}),
    "float32": ({}, {"precision": "float32", "tile": 1}),
    "backgrounds and a region": ({"background": [jb.AmorphousBackground.water(1e-4)] * 2}, {"roi": (3, 20, 2, 25)}),
    "panels": ({"detector": PANELS}, {}),
    "blocks": ({"detector": panel((64, 64), 5e-4)}, {"block_pixels": 512}),
    "tricubic, a sensor": (
        {"detector": panel(sensor=jb.Sensor(4e-4, 3e-4, 2))},
        {"interpolation": "tricubic", "corrections": "first"},
    ),
}
SHAPES = {"square": {}, "round": {}, "tophat": {}, "gauss": {"mosaic": jb.CapMosaic(0.5, 40)}}


def difference(found, wanted) -> float:
    found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def image(misset, parts, choices, crystal):
    made = jb.Crystal(CELL, misset=misset, **{"cells": 9, **crystal})
    return jb.simulate(experiment(crystal=made, **parts), jb.Options(**{"oversample": 1, **choices}))


def shared(function, **arguments):
    return jax.shard_map(jax.vmap(function), mesh=MESH, in_specs=P("x"), out_specs=P("x"), **arguments)


def together(misset):
    made = [experiment(crystal=jb.Crystal(CELL, misset=m, cells=9)) for m in (misset, misset + 3)]
    return jb.simulate_together(made, jb.Options(oversample=1))


def cases() -> dict[str, Callable[[], float]]:
    """What each compares, by its name."""
    missets = jnp.asarray(MISSETS, jnp.float32)
    functions = {name: partial(image, parts=p, choices=c, crystal={}) for name, (p, c) in IMAGES.items()}
    functions |= {
        name: partial(image, parts={}, choices={}, crystal={"shape": name, "cells": 20, **more})
        for name, more in SHAPES.items()
    }
    functions["together"] = together

    def of_image(function) -> float:
        return difference(jax.jit(shared(function))(missets), jax.jit(jax.vmap(function))(missets))

    def inside(function, arguments) -> float:
        slope = jax.grad(lambda misset: jnp.log1p(function(misset)).sum())
        return difference(jax.jit(shared(slope, **arguments))(missets), jax.jit(jax.vmap(slope))(missets))

    def outside(function, arguments) -> float:
        both = shared(function, **arguments), jax.vmap(function)
        found, wanted = (jax.jit(jax.grad(lambda m, f=f: jnp.log1p(f(m)).sum()))(missets) for f in both)
        return difference(found, wanted)

    found = {name: partial(of_image, function) for name, function in functions.items()}
    # Of what is left out JAX (0.10 to 0.12) does not batch derivatives with its check of what varies; it says so.
    for name, arguments in (("mixed", {}), ("gauss", {"check_vma": False})):
        found[f"gradient inside, {name}"] = partial(inside, functions[name], arguments)
        found[f"gradient outside, {name}"] = partial(outside, functions[name], arguments)
    return found


if __name__ == "__main__":
    json.dump({name: case() for name, case in cases().items() if name in sys.argv[1:]}, sys.stdout)
