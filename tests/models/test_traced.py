"""What may be traced when a model is made, and what says by name that it may not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxbragg as jb

CELL = (40, 45, 55, 90, 90, 90)
PANEL = dict(pixels=(8, 8), pixel_size=1e-3, origin=(0.1, 0.004, -0.004), fast_axis=(0, 0, 1), slow_axis=(0, -1, 0))
REFUSED = {
    "size": (lambda x: jb.Crystal(CELL, size=x).cells, 1e-6),
    "size of three": (lambda x: jb.Crystal(CELL, size=[x, 1e-6, x]).cells, 1e-6),
    "cell with a size": (lambda x: jb.Crystal((x, 45, 55, 90, 90, 90), size=1e-6).cells, 40.0),
    "vectors": (lambda x: jb.Crystal.from_vectors(x).cells, 40 * np.eye(3)),
    "hkl": (lambda x: jb.StructureFactors.from_arrays(x, [1.0]).values, np.ones((1, 3))),
    "amplitudes": (lambda x: jb.StructureFactors.from_arrays([[1, 0, 0]], x).values, np.ones(1)),
    "default of reflections": (lambda x: jb.StructureFactors.from_arrays([[1, 0, 0]], [1.0], x).values, 1.0),
    "minimum": (lambda x: jb.StructureFactors(np.ones((2, 2, 2)), x).values, np.zeros(3, int)),
    "mask": (lambda x: jb.FlatPanel(**PANEL, mask=x).mask, np.ones((8, 8))),
    "seed": (lambda x: jb.CapMosaic(1.0, 3, x).axes, 3),
    "domains": (lambda x: jb.CapMosaic(1.0, x).axes, 3),
    "layers": (lambda x: jb.Sensor(1e-3, 1e-3, x).attenuation, 3),
    "steps": (lambda x: jb.Scan.from_range(0.0, 1.0, x).angles, 3),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_to_be_known_says_its_name(name):
    make, value = REFUSED[name]
    with pytest.raises(
        ValueError, match=f"Argument `{name.split()[0]}` must be (known when a model is made|a whole number)"
    ):
        jax.jit(make)(value)


def test_a_grid_of_sources_may_be_traced():
    def rays(angle, ratio):
        return jb.RelativeSources.grid([0.0, angle], [angle, 0.0], [1.0, ratio])

    with jax.enable_x64(True):
        traced, known = jax.jit(rays)(1e-3, 1.01), rays(1e-3, 1.01)
        for one, other in zip(jax.tree.leaves(traced), jax.tree.leaves(known), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-15)
    np.testing.assert_allclose(known.horizontal, [0, 0, 1e-3, 1e-3])
    np.testing.assert_allclose(known.wavelength_ratios, [1, 1.01, 1, 1.01])
    assert jnp.issubdtype(traced.weights.dtype, jnp.floating)
