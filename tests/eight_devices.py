"""Several devices against one, for tests/test_devices.py: run where there are eight virtual CPU devices, prints JSON.

For each case the largest difference between the image drawn by several devices and by one, over the maximum.
"""

import json
import sys
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from cases import crystal, experiment, panel, tilted_panel
from gaussian_cases import gaussian

import jaxbragg as jb
from jaxbragg.pipeline.plan import make_plan

MASK = np.random.default_rng(0).random((32, 32)) < 0.7
PANELS = jb.MultiPanel([tilted_panel((12, 20), mask=MASK[:12, :20]), tilted_panel((12, 20))])
MOSAIC = crystal(shape="gauss", mosaic=jb.CapMosaic(0.5, 12), cells=(20, 20, 20))
CASES = {
    "mixed": ({}, {}),
    "float64, masked": ({"detector": panel(mask=MASK)}, {"precision": "float64"}),
    "blocks that do not come out even": ({}, {"block_pixels": 80}),
    "region": ({}, {"roi": (5, 26, 3, 17)}),
    "fewer tiles than devices": ({"detector": panel((5, 7), 5e-3)}, {"precision": "float64"}),
    "panels": ({"detector": PANELS}, {}),
    "skipping": ({"crystal": MOSAIC, "detector": panel((64, 64), 5e-4)}, {"block_pixels": 256}),
}


def difference(found, wanted) -> float:
    """Over the maximum of what is wanted."""
    found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def images(*names: str) -> dict[str, float]:
    found = {}
    for name in names:
        parts, choices = CASES[name]
        drawn, options = experiment(**parts), jb.Options(unroll=1, **choices)
        one = jb.simulate(drawn, options)
        found[name] = difference(jb.simulate(drawn, replace(options, devices=8)), one)
    return found


def by_spots() -> dict[str, float]:
    """A mosaic crystal in closed form, each device drawing some of its spots; and its slope by the crystal's turn."""
    made = gaussian()
    options = jb.spot_options(made, jb.Options(precision="float64", block_pixels=256))
    weights = np.random.default_rng(1).uniform(0.5, 1.5, (24, 32))

    def loss(misset, devices):
        image = jb.simulate(eqx.tree_at(lambda e: e.crystal.misset, made, misset), replace(options, devices=devices))
        return (weights * image).sum(), image

    with jax.enable_x64(True):
        slope = jax.jit(jax.grad(loss, has_aux=True), static_argnums=1)
        several, one = (slope(jnp.asarray([11.0, 22.0, 33.0]), devices) for devices in (8, None))
    return {"slope": difference(several[0], one[0]), "image": difference(several[1], one[1])}


def three_of_them() -> float:
    one, three = jb.simulate(experiment()), jb.simulate(experiment(), jb.Options(devices=3))
    return difference(three, one)


def in_steps() -> tuple[float, list[float]]:
    seen: list[float] = []
    options = jb.Options(devices=8, block_pixels=32)
    image = jb.simulate(experiment(), options, progress=seen.append)
    return difference(image, jb.simulate(experiment())), seen


def derivatives() -> dict[str, float]:
    """By a cell length and the detector's origin, in both modes, and of a batch."""
    weights = np.random.default_rng(1).uniform(0.5, 1.5, (32, 32))

    def image(length, origin, devices):
        changed = eqx.tree_at(lambda e: (e.crystal.cell.a, e.detector.origin), experiment(), (length, origin))
        return jb.simulate(changed, jb.Options(precision="float64", unroll=1, block_pixels=80, devices=devices))

    def loss(length, origin, devices):
        return (weights * image(length, origin, devices)).sum()

    with jax.enable_x64(True):
        at = jnp.asarray(41.0), experiment().detector.origin
        several, one = (jax.jit(jax.grad(loss, (0, 1)), static_argnums=2)(*at, devices) for devices in (8, None))
        found = {name: difference(a, b) for name, a, b in zip(("cell", "origin"), several, one, strict=True)}
        several, one = (
            jax.jvp(lambda a, d=devices: image(a, at[1], d), at[:1], (jnp.ones(()),))[1] for devices in (8, None)
        )
        found["forward mode"] = difference(several, one)
        lengths = jnp.array([40.0, 41.0, 43.0])
        several, one = (jax.vmap(lambda a, d=devices: image(a, at[1], d))(lengths) for devices in (8, None))
        found["vmap"] = difference(several, one)
    return found


def devices_used() -> int:
    """Of an image of eight blocks."""
    return len(jb.simulate(experiment(), jb.Options(devices=8)).devices())


def refusal() -> str:
    try:
        jb.simulate(experiment(), jb.Options(devices=9))
    except ValueError as error:
        return str(error)
    return ""


def quick() -> dict:
    """One image of each way of sharing it out."""
    return {
        "images": images("mixed", "skipping"),
        "used": devices_used(),
        "refusal": refusal(),
        "blocks": make_plan((1, 32, 32), jb.Options(devices=8)).blocks,
    }


def slow() -> dict:
    """The other images, and all else."""
    steps, seen = in_steps()
    others = [name for name in CASES if name not in ("mixed", "skipping")]
    return {
        "images": images(*others),
        "three": three_of_them(),
        "spots": by_spots(),
        "steps": steps,
        "seen": seen,
        "derivatives": derivatives(),
    }


if __name__ == "__main__":
    json.dump(slow() if "slow" in sys.argv else quick(), sys.stdout)
