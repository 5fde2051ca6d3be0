"""What is left out is below the bound, in random cases of every shape; and derivatives of what is left in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import directions_of, in_float64
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from jaxbragg_kernels import hkl
from jaxbragg_kernels.crystal import Crystal
from jaxbragg_kernels.orientations import sum_over_orientations
from jaxbragg_kernels.orientations.bounds import extents, near_test
from jaxbragg_kernels.orientations.every import sum_over_every
from jaxbragg_kernels.orientations.lists import place_of_bit
from jaxbragg_kernels.orientations.near import share_and_sum, sum_over_near
from jaxbragg_kernels.orientations.one import Choices, indices, lattice_factor
from jaxbragg_kernels.rays import Rays
from jaxbragg_kernels.shapes import SHAPES as NAMED

BEAM = jnp.asarray([1.0, 0.0, 0.0])
SHAPES = ("gauss", "tophat")  # those that have a radius


def random_case(seed, dtype="float64", tiles=48, count=40, pixel=None):
    """A random crystal, random orientations, and tiles of random size, tilt and place."""
    rng = np.random.default_rng(seed)
    vectors = rng.uniform(20, 150, 3)[:, None] * (np.eye(3) + rng.uniform(-0.3, 0.3, (3, 3)))
    turns = Rotation.random(count, rng=rng).as_matrix()
    cells = rng.uniform(1, 60, 3)
    mixed = rng.uniform(-0.4, 0.4, 3) * (rng.random() < 0.5)  # half of them with off-diagonal elements
    metric = [*cells**2, *mixed * np.array([cells[0] * cells[1], cells[0] * cells[2], cells[1] * cells[2]])]
    pixel = pixel or 10 ** rng.uniform(-4.5, -2.5)
    grid = np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0), indexing="ij"), -1).reshape(16, 2) * pixel
    sides = Rotation.random(tiles, rng=rng).as_matrix()[:, :2]
    corner = rng.uniform([0.1, -0.1, -0.1], [0.3, 0.1, 0.1], (tiles, 3))
    position = corner[:, None] + np.einsum("pi,tij->tpj", grid, sides)
    crystal = Crystal(
        jnp.asarray(np.einsum("oij,kj->oki", turns, vectors)),
        jnp.asarray(cells, dtype),
        jnp.asarray(metric, dtype),
        hkl.make_table(jnp.zeros((0, 0, 0), dtype), (0, 0, 0), jnp.asarray(1.0, dtype)),
        jnp.asarray(1.0, dtype),
    )
    return crystal, Rays(BEAM, jnp.asarray(rng.uniform(0.7, 2.0)), directions_of(jnp.asarray(position), dtype))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(st.integers(0, 10**6), st.sampled_from([1e-1, 1e-3, 1e-6, 1e-12]))
def test_no_tile_is_left_out_in_which_a_pixel_reaches_the_bound(shape, dtype, seed, least):
    with jax.enable_x64(True):
        crystal, rays = random_case(seed, dtype)
        nears, brightest = _jitted[shape](crystal, rays, jnp.asarray(least))
        for near in nears:
            # float32 rounds δ by some 1e-7, and N δ of the brightest pixel by 1e-5.
            left_out = np.asarray(brightest)[~np.asarray(near)]
            assert left_out.max(initial=0.0) <= least * (1.001 if dtype == "float32" else 1)


def _nears(crystal, rays, least, shape):
    def brightest(cell):
        _, offsets, _ = indices(cell, crystal, rays, NAMED[shape])
        return lattice_factor(offsets, crystal, NAMED[shape]).max(axis=1)

    nears = []
    for flat in (False, True):
        test = near_test(extents(rays, flat=flat), crystal.metric, NAMED[shape].radius(least))
        prepared = test.prepare(crystal.orientations)
        nears.append(_asked(test, prepared)(prepared))
        nears.append(
            jax.vmap(lambda one, test=test: _asked(test, one)(jax.tree.map(lambda x: x[None], one))[0])(prepared)
        )
    return nears, jax.vmap(brightest)(crystal.orientations)


def _asked(test, among):
    always, near = test.among(among)
    return lambda some: always | jax.vmap(near)(some)


_jitted = {shape: jax.jit(lambda *a, shape=shape: _nears(*a, shape)) for shape in SHAPES}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@in_float64
def test_the_axes_of_a_tile_are_at_right_angles_whichever_way_it_is_seen(dtype):
    # Seen from the front, at random, with rows end on, columns end on, and all pixels in one place.
    slow, fast = np.divmod(np.arange(16.0), 4)
    sides = [([0, 1, 0], [0, 0, 1]), ([0, 1, 0], [1, 0, 0]), ([1, 0, 0], [0, 1, 0]), ([0, 0, 0], [0, 0, 0])]
    sides += [tuple(Rotation.random(rng=i).as_matrix()[:2]) for i in range(20)]
    grid = [1e-3 * (slow[:, None] * np.asarray(down) + fast[:, None] * np.asarray(across)) for down, across in sides]
    middle = np.array([0.1, 0.0, 0.0])
    position = np.stack([tile - tile.mean(axis=0) + middle for tile in grid])
    rays = Rays(BEAM, jnp.asarray(1.3), directions_of(jnp.asarray(position), dtype))
    for flat in (False, True):
        tiles = extents(rays, flat=flat)
        axes = np.asarray(tiles.axes, float)
        right_angles = np.tile(np.eye(3), (len(sides), 1, 1))
        np.testing.assert_allclose(np.einsum("ict,jct->tij", axes, axes), right_angles, atol=2e-5)
        _assert_bounded(tiles, rays)


def _assert_bounded(tiles, rays):
    steps = np.asarray(rays.directions.step, float) / float(rays.wavelength)
    along = np.abs(np.einsum("ict,ctp->itp", np.asarray(tiles.axes, float), steps))
    assert (along.max(axis=-1) <= np.asarray(tiles.widths, float) * (1 + 1e-5)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(st.integers(0, 10**6), st.floats(-3, 2))
def test_the_corners_of_a_flat_tile_bound_it_even_where_it_is_larger_than_its_distance(dtype, seed, size):
    with jax.enable_x64(True):
        rng = np.random.default_rng(seed)
        grid = (
            np.stack(np.meshgrid(np.arange(-1.5, 2), np.arange(-1.5, 2), indexing="ij"), -1).reshape(16, 2) * 10**size
        )
        sides = Rotation.random(30, rng=rng).as_matrix()[:, :2]
        middles = rng.normal(size=(30, 1, 3))
        directions = directions_of(jnp.asarray(middles + np.einsum("pi,tij->tpj", grid, sides)), dtype)
        rays = Rays(BEAM, jnp.asarray(1.3), directions)
        _assert_bounded(extents(rays, flat=True), rays)


@in_float64
def test_corners_bound_a_tile_nearly_as_closely_as_all_of_its_pixels():
    _, rays = random_case(1, pixel=1e-4)
    every, corners = (extents(rays, flat=flat) for flat in (False, True))
    np.testing.assert_allclose(corners.widths, every.widths, rtol=0.02, atol=1e-5)


@pytest.mark.parametrize("shape", ["gauss", "tophat"])
@in_float64
def test_the_bound_leaves_out_most_of_what_can_be_left_out(shape):
    # Else it would be right and useless: at most three times the tiles that have a bright pixel are kept.
    kept = bright = 0
    for seed in range(20):
        crystal, rays = random_case(seed, pixel=5e-5)
        crystal = crystal._replace(metric=jnp.asarray([400.0, 400, 400, 0, 0, 0]))
        (_, every, _, corners), brightest = _jitted[shape](crystal, rays, jnp.asarray(1e-6))
        kept = kept + np.array([np.asarray(near).sum() for near in (every, corners)])
        bright = bright + (np.asarray(brightest) >= 1e-6).sum()
    assert bright > 0
    assert (bright <= kept).all()
    assert (kept < 3 * bright).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [1, 31, 33, 150])
@in_float64
def test_the_sum_is_that_of_all_orientations_less_what_is_below_the_bound(shape, count):
    crystal, rays = random_case(7, count=count)
    # In wavelengths, as the listed ones: in ångströms indices would be rounded in another order.
    scaled = crystal._replace(orientations=crystal.orientations / rays.wavelength)
    choices = Choices(NAMED[shape])
    wanted = np.asarray(sum_over_every(scaled, rays._replace(wavelength=jnp.ones(())), choices))
    near = jax.jit(sum_over_near, static_argnames="choices")
    for least in (1e-9, 1e-2):
        found = np.asarray(near(crystal, rays, jnp.asarray(least), choices))
        assert (found <= wanted * (1 + 1e-12) + 1e-14).all()
        assert (wanted - found).max() <= count * least


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4), st.data())
def test_the_place_of_a_bit_is_found_by_its_rank(words, data):
    places = [32 * i + bit for i, word in enumerate(words) for bit in range(32) if word >> bit & 1]
    if not places:
        return
    rank = data.draw(st.integers(0, len(places) - 1))
    entry = [jnp.asarray([word], jnp.uint32) for word in words]
    assert int(place_of_bit(entry, jnp.asarray([rank]), 32)[0]) == places[rank]


@pytest.mark.slow
@in_float64
def test_derivatives_are_those_of_all_orientations_in_both_modes():
    crystal, rays = random_case(3, count=9, tiles=20)
    # So little that nothing bright is left out.
    threshold, choices = jnp.asarray(1e-14), Choices(NAMED["gauss"])
    weight = jnp.asarray(np.random.default_rng(0).random((20, 16)))

    def listed(orientations, metric, n_cells, wavelength):
        some = crystal._replace(orientations=orientations, metric=metric, n_cells=n_cells)
        return sum_over_near(some, rays._replace(wavelength=wavelength), threshold, choices)

    def every(orientations, metric, n_cells, wavelength):
        some = crystal._replace(orientations=orientations, metric=metric, n_cells=n_cells)
        return sum_over_every(some, rays._replace(wavelength=wavelength), choices)

    at = (crystal.orientations, crystal.metric, crystal.n_cells, rays.wavelength)
    wanted, found = (
        jax.jit(jax.grad(lambda *a, f=f: (f(*a) * weight).sum(), argnums=(0, 1, 2, 3)))(*at) for f in (every, listed)
    )
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-8, atol=1e-9 * np.abs(one).max())
    change = jnp.asarray(np.random.default_rng(1).normal(size=at[0].shape)) * 1e-3
    wanted, found = (jax.jvp(lambda o, f=f: f(o, *at[1:]), at[:1], (change,))[1] for f in (every, listed))
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-9 * np.abs(wanted).max())


@pytest.mark.parametrize(("pixel", "listed"), [(1e-4, True), (3e-3, False)])
@in_float64
def test_where_much_is_near_everything_is_drawn_with_the_same_result(pixel, listed):
    crystal, rays = random_case(11, count=16)
    # Mosaic domains, as they are meant: a list is made for some at a time, and the more alike they are, the shorter.
    turns = Rotation.from_rotvec(0.003 * np.random.default_rng(5).normal(size=(16, 3))).as_matrix()
    domains = crystal.orientations[:1] @ turns
    crystal = crystal._replace(metric=jnp.asarray([900.0, 900, 900, 0, 0, 0]), orientations=domains)
    grid = np.stack(np.meshgrid(np.arange(40.0), np.arange(40.0), indexing="ij"), -1) * pixel + 0.05
    position = np.concatenate([np.full((40, 40, 1), 0.1), grid], axis=-1)
    position = position.reshape(10, 4, 10, 4, 3).transpose(0, 2, 1, 3, 4).reshape(100, 16, 3)
    rays = rays._replace(directions=directions_of(jnp.asarray(position), "float64"))
    threshold, choices = jnp.asarray(1e-12), Choices(NAMED["gauss"])
    share, _ = share_and_sum(crystal, rays, threshold, choices)
    assert (float(share) < 0.2) == listed
    draw = jax.jit(lambda threshold: sum_over_orientations(crystal, rays, threshold, choices))
    wanted = sum_over_every(crystal, rays, choices)
    assert wanted.max() > 0.1
    np.testing.assert_allclose(draw(threshold), wanted, rtol=0, atol=16e-12)
