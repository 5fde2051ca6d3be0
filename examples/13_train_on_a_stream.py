"""A network that learns from shots as they are drawn: how many crystals did the beam meet?

A plan says what varies: orientations, cells, sizes, brightness, and one to three crystals a shot. Its shots come as a
stream of batches that are never all in memory, and any of them can be drawn again by its number. Held-out shots are a
range of numbers that training does not reach.

Run: python examples/13_train_on_a_stream.py  [seconds of training, 40]
"""

import sys
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxbragg as jb

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 40.0
PIXELS, HELD_OUT = 64, 384

experiment = jb.Experiment(
    beam=jb.Beam(wavelength=1.3, fluence=3e25),
    crystal=jb.Crystal((60, 70, 80, 90, 95, 90), cells=12, shape="gauss", mosaic=jb.CapMosaic(0.4, 3)),
    detector=jb.FlatPanel.from_distance((PIXELS, PIXELS), 1.2e-3, 0.1),
    structure_factors=jb.StructureFactors(np.random.default_rng(7).uniform(20, 200, (31, 31, 31)), (-15, -15, -15)),
    background=jb.AmorphousBackground.water(2e-7),
)
plan = jb.batch.Plan(
    experiment,
    shots=1_000_000,
    vary={
        "crystal.orientation": jb.batch.UniformRotation(),
        "crystal.cell.a": jb.batch.Normal(60, 0.3),
        "beam.fluence": jb.batch.LogNormal(3e25, 0.3),
    },
    lattices=jb.batch.Choice([1, 2, 3]),
    counts=True,
    seed=1,
)


class Network(eqx.Module):
    """Two layers of features, counted over the image, and three answers."""

    first: eqx.nn.Conv2d
    second: eqx.nn.Conv2d
    last: eqx.nn.MLP

    def __init__(self, key: jax.Array) -> None:
        one, two, three = jax.random.split(key, 3)
        self.first = eqx.nn.Conv2d(1, 8, 3, padding=1, key=one)
        self.second = eqx.nn.Conv2d(8, 16, 3, padding=1, key=two)
        self.last = eqx.nn.MLP(16, 3, 32, 1, key=three)

    def __call__(self, image: jax.Array) -> jax.Array:
        features = jax.nn.relu(self.first(image[None]))
        features = jax.nn.relu(self.second(features))
        return self.last(features.sum(axis=(1, 2)) / 100.0)


def prepared(shots: jb.batch.Shots) -> tuple[jax.Array, jax.Array]:
    """Counts above the background in standard deviations, and 0, 1, 2 for one to three crystals."""
    roots = 2.0 * jnp.sqrt(jnp.asarray(shots.images, jnp.float32))  # whose noise is 1 everywhere
    images = jnp.maximum(roots - jnp.median(roots, axis=(1, 2), keepdims=True) - 3.0, 0.0)
    return images, jnp.asarray(shots.values["lattices"] - 1, jnp.int32)


def loss(network: Network, images: jax.Array, labels: jax.Array) -> jax.Array:
    return optax.softmax_cross_entropy_with_integer_labels(jax.vmap(network)(images), labels).mean()


optimizer = optax.adam(3e-3)
network = Network(jax.random.key(0))
state = optimizer.init(eqx.filter(network, eqx.is_array))


@eqx.filter_jit
def step(network: Network, state: optax.OptState, images: jax.Array, labels: jax.Array):
    value, slope = eqx.filter_value_and_grad(loss)(network, images, labels)
    change, state = optimizer.update(slope, state)
    return eqx.apply_updates(network, change), state, value


first_of_the_rest = plan.shots - HELD_OUT
begun, seen = time.perf_counter(), 0
for shots in plan.iterate(batch_size=64, last=first_of_the_rest):
    network, state, value = step(network, state, *prepared(shots))
    seen += len(shots.numbers)
    if seen % 2560 == 0:
        print(f"{seen} shots, loss {float(value):.3f}")
    if time.perf_counter() - begun > SECONDS:
        break
print(f"trained on {seen} shots in {time.perf_counter() - begun:.0f} s, each drawn once and thrown away")

images, labels = prepared(plan.draw(range(first_of_the_rest, plan.shots)))
found = jax.vmap(network)(images).argmax(axis=1)
share = float((found == labels).mean())
print(f"of {HELD_OUT} held-out shots {share:.0%} are counted right; chance would be 33 %")
assert share > 0.45
