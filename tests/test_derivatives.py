"""Derivatives of the image by every real number: the bounds of docs/derivatives.md, and finite where formulas are 0/0.

The experiments and what is compared are those of `benchmarks/derivatives.py`, here along one random direction of each
parameter.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import in_float64
from jax.test_util import check_grads

import jaxbragg as jb
from benchmarks import derivatives as script

CASES = script.cases()
ZERO = {
    "F": {"crystal.fudge", "crystal.shear"},
    "M": {"beam.wavelength", "beam.direction"},
    "S": {"beam.wavelength", "beam.direction"},
    "P": {"beam.wavelength"},  # lines have their own
    "R": {
        *("beam.sources.weights", "structure_factors.default"),
        # They change how readings vary, or begin where there is none.
        *(f"response.steps[8].{name}" for name in ("gains", "noises", "pedestals", "thresholds")),
        *("response.steps[3].spread", "response.steps[10].spread", "response.steps[12].limit"),
    },
    "T": {"beam.sources.weights", "beam.profile.widths"},  # normalized, of a single source; an edge has no derivative
    "X": {"beam.sources.weights", "structure_factors.default"},
}


@pytest.mark.parametrize(
    "letter", [pytest.param(k, marks=[pytest.mark.slow] if case.slow else []) for k, case in CASES.items()]
)
def test_both_modes_differences_and_precisions_agree(letter):
    rows = script.measure(CASES[letter], every_element=False)
    for row in rows:
        for key, bound in script.BOUNDS.items():
            assert getattr(row, key) <= bound, (row, key)
    assert {row.name for row in rows if row.size == 0} == ZERO.get(letter, set())


def test_every_kind_of_leaf_is_in_some_case():
    # A new leaf of a model that no case holds would go untested.
    held = {type(node) for case in CASES.values() for node in nodes(case.experiment)}
    models = {value for name in dir(jb) if isinstance(value := getattr(jb, name), type)}
    wanted = {m for m in models if issubclass(m, eqx.Module) and not getattr(m, "__abstractmethods__", None)}
    assert wanted <= held | {jb.PixelTrace}


def nodes(node):
    """All modules of a tree."""
    if isinstance(node, eqx.Module):
        yield node
        for name in node.__dataclass_fields__:
            yield from nodes(getattr(node, name))
    elif isinstance(node, tuple):
        for item in node:
            yield from nodes(item)


@pytest.mark.slow
@in_float64
def test_check_grads_in_both_modes():
    drawn = script.drawing(CASES["M"])  # compiles fastest
    start = {name: value for name, value in drawn.start.items() if value.size}
    image = jax.jit(drawn.image, static_argnums=1)
    peak = float(jnp.abs(image(start, "float64")).max())
    typical = {name: script.typical_change(name, value) for name, value in start.items()}

    def scaled(changes):
        return image({name: start[name] + 0.01 * typical[name] * changes[name] for name in start}, "float64") / peak

    still = {name: jnp.zeros_like(value) for name, value in start.items()}
    check_grads(scaled, (still,), order=1, modes=("fwd", "rev"), atol=1e-5, rtol=1e-5, eps=1e-3)


# Where formulas are 0/0 ----------------------------------------------------------------------------------------------

SIZE = 2.0**-10
REST = [("round", "float64"), *((shape, p) for shape in ("gauss", "tophat") for p in ("mixed", "float64"))]


def exact_panel(towards, fast, slow, **arguments):
    """Nine by nine pixels; the middle one is exactly that way, all numbers powers of two."""
    towards, fast, slow = (np.array(v, float) for v in (towards, fast, slow))
    return jb.FlatPanel((9, 9), SIZE, 0.125 * towards - 4.5 * SIZE * (fast + slow), fast, slow, **arguments)


def exact_experiment(shape, cells, **beam):
    """Four panels: the pixel in the middle of each has exact indices h, k, l at λ = 1 Å, halves and whole numbers.

    Forward (0, 0, 0), along y (−6.5, 7, 0), along z (−6.5, 0, 7.5), backward (−13, 0, 0). Another φ turns the crystal
    by 180° about x: the same, with other signs.
    """
    panels = [
        exact_panel((1, 0, 0), (0, 0, 1), (0, -1, 0)),
        exact_panel((0, 1, 0), (0, 0, 1), (1, 0, 0)),
        exact_panel((0, 0, 1), (0, 1, 0), (-1, 0, 0)),
        exact_panel((-1, 0, 0), (0, 0, 1), (0, 1, 0), mask=np.eye(9) == 0),
    ]
    return jb.Experiment(
        beam=jb.Beam(1.0, polarization=0.3, **beam),
        crystal=jb.Crystal((6.5, 7.0, 7.5, 90, 90, 90), cells=cells, shape=shape, mosaic=jb.CapMosaic(0.0, 2)),
        detector=jb.MultiPanel(panels),
        structure_factors=jb.StructureFactors(np.full((2, 2, 2), 3.0), (-1, 0, 0), 2.0),
        scan=jb.Scan((0.0, 180.0), (1.0, 0.0, 0.0)),
        background=jb.AmorphousBackground(1e3, (0.0, 0.3), (2.0, 1.0)),
    )


@in_float64
def test_the_exact_experiment_is_exact():
    made = exact_experiment("square", (7, 6, 5))
    at = [np.asarray(panel.position(0, 4.5, 4.5)) / 0.125 for panel in made.detector.panels]
    indices = [np.asarray(made.crystal.vectors()) @ (d - np.array([1.0, 0, 0])) for d in at]
    # cos 90° is 6e-17 in float64: the zero index of the third panel is 4e-16.
    np.testing.assert_allclose(indices, [[0, 0, 0], [-6.5, 7, 0], [-6.5, 0, 7.5], [-13, 0, 0]], rtol=0, atol=5e-16)


@partial(jax.jit, static_argnums=1)
def both_modes(experiment, options):
    """The image, its change when every leaf changes, and the gradient of its sum."""
    real, rest = eqx.partition(experiment, eqx.is_inexact_array)

    def image(leaves):
        return jb.simulate(eqx.combine(leaves, rest), options)

    ones = jax.tree.map(jnp.ones_like, real)
    value, tangent = jax.jvp(image, (real,), (ones,))
    return value, tangent, jax.grad(lambda leaves: image(leaves).sum())(real)


def all_finite(tree):
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize(
    ("shape", "precision"),
    [
        ("square", "mixed"),
        ("square", "float64"),
        ("round", "mixed"),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in REST),
    ],
)
@in_float64
def test_finite_at_exact_bragg_points_half_integers_one_cell_and_no_fluence(shape, precision):
    options = jb.Options(precision=precision, unroll=1)
    # All of one compilation: many cells, one cell, real numbers of them, an odd number along every axis, a matrix of
    # them; no photons.
    many = [(7, 6, 5), (1, 1, 1), (2.5, 1.5, 0.5), (1001, 1001, 1001)]
    for cells in many if shape == "square" else [*many, (7, 6, 5, 1, -2, 0.5)]:
        made = exact_experiment(shape, cells)
        image, tangent, gradient = both_modes(made, options)
        assert all_finite((image, tangent, gradient)), cells
        # The middle of the forward panel: on the beam and on a Bragg point, in closed form.
        peak = float(made.crystal.volume()) * (0.723601254558268 if shape == "round" else 1.0)
        wanted = (SIZE / 0.125) ** 2 * (9.0 * peak**2 + 1e3 * 4.0)
        np.testing.assert_allclose(image[0, 4, 4], wanted, rtol=1e-5)
    dark, tangent, gradient = both_modes(exact_experiment(shape, (7, 6, 5), fluence=0.0), options)
    assert not np.asarray(dark).any()
    assert all_finite((tangent, gradient))
    assert float(gradient.beam.fluence) > 0
    assert not np.asarray(gradient.crystal.misset).any()


@pytest.mark.parametrize("shape", ["square", "gauss"])
@in_float64
def test_masked_pixels_have_no_derivative_and_change_no_other(shape):
    options = jb.Options(precision="float64", unroll=1)
    masked = exact_experiment(shape, (7, 6, 5))
    _, tangent, _ = both_modes(masked, options)
    whole = eqx.tree_at(lambda e: e.detector.panels[3].mask, masked, np.ones((1, 9, 9), bool))
    _, unmasked, _ = both_modes(whole, options)
    np.testing.assert_array_equal(tangent, np.where(np.asarray(masked.detector.mask), unmasked, 0.0))
    assert np.asarray(unmasked)[3][np.eye(9) == 1].all()
