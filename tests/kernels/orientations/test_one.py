"""The innermost sum in tiles and float32, against the textbook formula in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import directions_of, in_float64
from scipy.spatial.transform import Rotation

from jaxbragg_kernels import hkl, reference
from jaxbragg_kernels.crystal import Crystal
from jaxbragg_kernels.orientations.one import Choices, scanned_sum
from jaxbragg_kernels.rays import Rays
from jaxbragg_kernels.shapes import SHAPES

BEAM = jnp.asarray([1.0, 0.0, 0.0])


def tiles(slow=64, fast=64, pixel=1.72e-4, distance=0.23127, corner=(0.0, 0.0)):
    """Positions of pixel centres in tiles of 4 × 4 [tile, pixel, 3]."""
    s, f = np.meshgrid((np.arange(slow) + 0.5) * pixel, (np.arange(fast) + 0.5) * pixel, indexing="ij")
    position = np.stack([np.full_like(s, distance), corner[0] - s, corner[1] + f], axis=-1)
    position = position.reshape(slow // 4, 4, fast // 4, 4, 3).transpose(0, 2, 1, 3, 4)
    return jnp.asarray(position.reshape(-1, 16, 3))


def crystal(orientations, cells, dtype, box=None, minimum=(0, 0, 0), default=100.0):
    box = np.zeros((0, 0, 0)) if box is None else box
    cells = np.asarray(cells, float)
    return Crystal(
        orientations=jnp.asarray(orientations),
        n_cells=jnp.asarray(cells, dtype),
        metric=jnp.asarray([*cells**2, 0, 0, 0], dtype),
        table=hkl.make_table(jnp.asarray(box, dtype), minimum, jnp.asarray(default)),
        default=jnp.asarray(default),
    )


def draw(position, crystal, wavelength, dtype, shape="square", unroll=4):
    rays = Rays(BEAM, jnp.asarray(wavelength), directions_of(position, dtype))
    return jax.jit(scanned_sum, static_argnames="choices")(crystal, rays, Choices(SHAPES[shape], unroll=unroll))


def textbook(position, orientations, cells, wavelength, box, minimum, default=100.0):
    cells = jnp.asarray(cells, float)
    one = jax.jit(reference.intensity, static_argnames="minimum")
    total = sum(
        one(position, jnp.asarray(cell), cells, BEAM, wavelength, jnp.asarray(box), minimum, jnp.asarray(default))
        for cell in orientations
    )
    return np.asarray(total) / float(cells.prod()) ** 2


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("most_cells", "bound"), [(20, 1e-6), (50, 2e-6)])
@in_float64
def test_random_crystals_agree_with_the_textbook_formula(seed, most_cells, bound):
    # On a spot's flank an error ε of h is one of 2πNε of the intensity; ε is some 3e-8. The worst of
    # 30 crystals was 8e-7 with up to 20 cells, 1.5e-6 with up to 50.
    rng = np.random.default_rng(seed)
    vectors = rng.uniform(30, 120, 3)[:, None] * (np.eye(3) + rng.uniform(-0.25, 0.25, (3, 3)))
    orientations = vectors @ Rotation.random(3, rng=rng).as_matrix().transpose(0, 2, 1)
    cells = rng.integers(1, most_cells + 1, 3)
    box, minimum, wavelength = rng.uniform(1, 200, (15, 15, 15)), (-7, -8, -6), rng.uniform(0.8, 1.6)
    position = tiles(corner=rng.uniform(-0.05, 0.05, 2))
    wanted = textbook(position, orientations, cells, wavelength, box, minimum)
    for dtype, most in (("float32", bound), ("float64", 1e-10)):
        found = draw(position, crystal(orientations, cells, dtype, box, minimum), wavelength, dtype)
        assert found.dtype == dtype
        assert np.abs(np.asarray(found, np.float64) - wanted).max() < most * wanted.max()


def large_cell():
    """200 220 250 74 82 68 turned by 13, 27 and 41 degrees about x, y and z."""
    a, b, c = 200.0, 220.0, 250.0
    (ca, cb, cg), (sa, _, _) = (f(np.radians([74.0, 82.0, 68.0])) for f in (np.cos, np.sin))
    volume = np.sqrt(1 - ca**2 - cb**2 - cg**2 + 2 * ca * cb * cg)
    rows = np.array([[a * volume / sa, a * (cg - ca * cb) / sa, a * cb], [0, b * sa, b * ca], [0, 0, c]])
    return rows @ Rotation.from_euler("xyz", [13, 27, 41], degrees=True).as_matrix().T


# The 64 × 64 pixels about the beam, and two pieces far from it, where h reaches 100.
@pytest.mark.parametrize("corner", [(0.0055, -0.0055), (0.05, 0.159), (-0.149, 0.0)])
@in_float64
def test_a_thousand_cells_along_each_axis(corner):
    # Where no pixel meets a Bragg point the sum is that of a few flanks: 2πN · 6e-8 at most. Of 30 such pieces the
    # median was 5e-5; 8 were beyond 1e-4.
    position, orientations = tiles(corner=corner), large_cell()[None]
    wanted = textbook(position, orientations, (1000,) * 3, 0.9768, np.zeros((0, 0, 0)), (0, 0, 0))
    found = np.asarray(draw(position, crystal(orientations, (1000,) * 3, "float32"), 0.9768, "float32"), np.float64)
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] >= 0.99999
    assert abs(found.sum() / wanted.sum() - 1) < 2 * np.pi * 1000 * 6e-8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("shape", "peak"), [("square", 1.0), ("round", np.pi / 6), ("gauss", 1.0), ("tophat", 1.0)])
@in_float64
def test_forward_scattering_is_f000_at_the_peak(shape, peak, dtype):
    # All 16 pixels of the tile at the beam spot: index (0, 0, 0) exactly, in every orientation.
    position = jnp.broadcast_to(jnp.asarray([0.1, 0.0, 0.0]), (1, 16, 3))
    box = np.arange(27.0).reshape(3, 3, 3)
    orientations = np.stack([large_cell(), large_cell()[[1, 2, 0]]])
    made = crystal(orientations, (10, 20, 30), dtype, box, (-1, -1, -1))
    found = draw(position, made, 1.0, dtype, shape)
    np.testing.assert_allclose(found, 2 * 13.0**2 * peak, rtol=1e-6)


@pytest.mark.parametrize("unroll", [1, 2, 3, 7, 100])
@in_float64
def test_unroll_changes_nothing(unroll):
    orientations = large_cell() @ Rotation.random(7, rng=1).as_matrix().transpose(0, 2, 1)
    position = tiles(16, 16)
    made = crystal(orientations, (5, 6, 7), "float64")
    np.testing.assert_allclose(
        draw(position, made, 1.0, "float64", unroll=unroll), draw(position, made, 1.0, "float64", unroll=4), rtol=1e-12
    )


@in_float64
def test_the_textbook_formula_at_a_bragg_point_is_n_squared():
    # Backscattering off a cubic cell of λ/2: q = −2/λ along x is the reflection (−1, 0, 0).
    position = jnp.asarray([[-0.1, 0.0, 0.0]])
    found = reference.intensity(
        position,
        0.5 * jnp.eye(3),
        jnp.asarray([3.0, 4.0, 5.0]),
        BEAM,
        jnp.asarray(1.0),
        jnp.full((1, 1, 1), 7.0),
        (-1, 0, 0),
        jnp.asarray(0.0),
    )
    np.testing.assert_allclose(found, (7.0 * 60) ** 2, rtol=1e-12)
