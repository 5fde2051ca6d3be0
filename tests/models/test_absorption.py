"""Absorption in a crystal against closed forms of a slab and a direct integral over a sphere's worth of faces."""

import cases
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64, relative

import jaxbragg as jb
from jaxbragg.models.readable import with_fields


def transmission(body, ray, beam=(1.0, 0.0, 0.0)):
    """Of rays to a small tile."""
    position = jnp.asarray(np.broadcast_to(np.asarray(ray, float), (1, 16, 3)).copy())
    return float(body.transmission(cases.directions_of(position, "float64"), jnp.asarray(beam))[0, 0])


@in_float64
@pytest.mark.parametrize("depth", [0.1, 1.0, 3.0])
def test_a_box_straight_through_and_straight_back(depth) -> None:
    """Through: every path is the thickness. Back: the mean of exp(−2 µ x) over it."""
    body = jb.ConvexAbsorption.box((1e-4, 3e-4, 5e-4), depth / 1e-4, points=4096)
    assert abs(transmission(body, (1, 0, 0)) - np.exp(-depth)) < 1e-9
    back = (1 - np.exp(-2 * depth)) / (2 * depth)
    assert abs(transmission(body, (-1, 0, 0)) / back - 1) < 3e-3
    side = (1 - np.exp(-depth)) / depth * (1 - np.exp(-3 * depth)) / (3 * depth)  # in along x, out along y
    assert abs(transmission(body, (0, 1, 0)) / side - 1) < 1e-2
    assert abs(transmission(jb.ConvexAbsorption.box((1e-4, 3e-4, 5e-4), 0.0), (0, 1, 0)) - 1) < 1e-12


@in_float64
def test_many_faces_are_a_sphere() -> None:
    """Straight through and straight back through a sphere of µR = 1.5, by quadrature over its volume."""
    normals = np.random.default_rng(0).normal(size=(600, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    body = jb.ConvexAbsorption(normals, np.full(600, 1e-4), 1.5e4, points=2048)
    x, r = np.meshgrid(np.linspace(-1, 1, 801), np.linspace(0, 1, 801), indexing="ij")
    inside, weight = x**2 + r**2 < 1, r
    chord = np.sqrt(np.maximum(1 - r**2, 0))
    for ray, path in (((1, 0, 0), 2 * chord), ((-1, 0, 0), 2 * (x + chord))):
        wanted = (weight * np.exp(-1.5 * path))[inside].sum() / weight[inside].sum()
        assert abs(transmission(body, ray) / wanted - 1) < 2e-2  # 600 faces leave it a percent larger


def test_it_dims_the_spots_alone_and_turns_with_the_crystal() -> None:
    body = jb.ConvexAbsorption.box((1e-4, 2e-4, 3e-4), 3000.0)
    water = jb.AmorphousBackground.water(1e-5)
    scan = jb.Scan((90.0,), (0, 0, 1))
    bare = cases.experiment(scan=scan)
    dim = cases.crystal(absorption=body)
    found = np.asarray(jb.simulate(cases.experiment(scan=scan, crystal=dim, background=water)))
    alone = np.asarray(jb.simulate(with_fields(bare, background=water))) - np.asarray(jb.simulate(bare))
    turned = jb.ConvexAbsorption.box((2e-4, 1e-4, 3e-4), 3000.0)  # by 90° about z
    dimmed = np.asarray(jb.simulate(with_fields(bare, absorbers=(turned,))))
    assert relative(found, dimmed + alone) < 1e-2  # other points fill the turned box
    middle = np.asarray(jb.simulate(bare))
    assert 0.5 < dimmed.sum() / middle.sum() < 0.6  # exp(−0.6) straight through 0.2 mm


def test_it_is_taken_at_every_turn() -> None:
    """A thin plate, at nine angles of 90°, and evenly: the mean of what each angle has."""
    plate = jb.ConvexAbsorption.box((2e-5, 4e-4, 1e-4), 8000.0)
    crystal, angles = cases.crystal(absorption=plate), tuple(11.25 * np.arange(9))
    found = np.asarray(jb.simulate(cases.experiment(crystal=crystal, scan=jb.Scan(angles, (0, 0, 1)))))
    each = [np.asarray(jb.simulate(cases.experiment(crystal=crystal, scan=jb.Scan((a,), (0, 0, 1))))) for a in angles]
    assert relative(found, np.mean(each, axis=0)) < 1e-6
    even = cases.experiment(crystal=crystal, scan=jb.Scan.continuous(0.0, 90.0, (0, 0, 1)))
    assert len(jb.components(even)) == 18


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([[1.0, 0, 0], [-1.0, 0, 0]], [1e-4, 1e-4], 10.0), "close"),
        (([[1.0, 0, 0]], [1e-4, 1e-4], 10.0), "distances"),
        (([[2.0, 0, 0]], [1e-4], 10.0), "length 1"),
        ((np.vstack([np.eye(3), -np.eye(3)]), np.full(6, -1e-4), 10.0), "positive"),
        ((np.vstack([np.eye(3), -np.eye(3)]), np.full(6, 1e-4), -10.0), "attenuation"),
    ],
)
def test_what_cannot_be_is_refused(arguments, says) -> None:
    with pytest.raises(ValueError, match=says):
        jb.ConvexAbsorption(*arguments)
