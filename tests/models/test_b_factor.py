"""B factors: of each reflection by its formula, of atoms by gemmi, in all ways of computing an image; derivatives."""

from dataclasses import replace

import equinox as eqx
import gemmi
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gaussian_cases import EXACT, FACTORS, gaussian

import jaxbragg as jb
from jaxbragg_kernels.numerics import numerics

CELL = (40.0, 45.0, 55.0, 75.0, 85.0, 95.0)
SIX = (20.0, 30.0, 10.0, 3.0, -4.0, 5.0)


def crystal(b_factor=None, **more):
    return jb.Crystal(CELL, misset=(11, 22, 33), cells=8, shape="gauss", b_factor=b_factor, **more)


@pytest.mark.parametrize("b_factor", [25.0, SIX])
def test_each_reflection_is_multiplied_by_its_formula(b_factor):
    """gemmi's cell has a along x; ours has a* there, so its vectors are turned before the matrix is applied."""
    found = np.asarray(crystal(b_factor).damping((-2, -3, -4), (5, 7, 9)))
    cell = gemmi.UnitCell(*CELL)
    orth = np.array(cell.orth.mat.tolist())  # columns a, b, c
    stars = np.linalg.inv(orth)  # rows a*, b*, c*
    x = stars[0] / np.linalg.norm(stars[0])
    z = orth[:, 2] / np.linalg.norm(orth[:, 2])
    axes = np.array([x, np.cross(z, x), z])
    six = np.array([b_factor] * 3 + [0] * 3 if np.ndim(b_factor) == 0 else b_factor)
    matrix = np.array([[six[0], six[3], six[5]], [six[3], six[1], six[4]], [six[5], six[4], six[2]]])
    for h, k, l in ((0, 0, 0), (1, 2, 3), (-2, 3, 4), (2, -3, -4), (0, 0, 1)):
        g = axes @ (h * stars[0] + k * stars[1] + l * stars[2])
        assert found[h + 2, k + 3, l + 4] == pytest.approx(np.exp(-0.25 * g @ matrix @ g), rel=1e-12)
        if np.ndim(b_factor) == 0:
            assert found[h + 2, k + 3, l + 4] == pytest.approx(
                np.exp(-25.0 * cell.calculate_1_d2([h, k, l]) / 4), rel=1e-12
            )


def test_of_all_atoms_of_a_structure_it_is_that_of_the_crystal():
    structure = gemmi.read_structure("examples/protein.pdb")
    cell = structure.cell.parameters
    parts = {"beam": jb.Beam(1.0, fluence=1e28), "scan": jb.Scan()}

    def image(factors, **more):
        made = jb.Crystal(cell, misset=(11, 22, 33), cells=8, shape="gauss", **more)
        return np.asarray(jb.simulate(gaussian(crystal=made, structure_factors=factors, **parts), EXACT))

    of_atoms = image(jb.StructureFactors.from_model(structure, 2.5, b_factor=30.0))
    of_crystal = image(jb.StructureFactors.from_model(structure, 2.5), b_factor=30.0)
    np.testing.assert_allclose(of_crystal, of_atoms, rtol=1e-6, atol=1e-9 * of_atoms.max())
    assert of_atoms.sum() < 0.8 * image(jb.StructureFactors.from_model(structure, 2.5)).sum()


@pytest.mark.parametrize("way", ["samples", "spots", "tricubic", "batch", "together"])
def test_every_way_of_computing_an_image_has_it(way):
    """As a table that is multiplied beforehand."""
    made = gaussian(crystal=crystal(SIX))
    factors = np.asarray(FACTORS.values) * np.asarray(made.crystal.damping(FACTORS.minimum, FACTORS.values.shape))
    plain = gaussian(crystal=crystal(), structure_factors=jb.StructureFactors(factors, FACTORS.minimum))
    options = replace(EXACT, method="spots" if way == "spots" else "samples")
    if way == "tricubic":
        options = replace(options, interpolation="tricubic", skip_below=0.0)
    if way == "batch":
        other = eqx.tree_at(lambda e: e.crystal.b_factor, made, 2 * np.array(SIX))
        found = np.asarray(jb.simulate_batch([made, other], options))
        np.testing.assert_allclose(found[1], jb.simulate(other, options), rtol=1e-12)
        found = found[0]
    elif way == "together":
        found = np.asarray(jb.simulate_together([made, made], options)) / 2
    else:
        found = np.asarray(jb.simulate(made, options))
    wanted = np.asarray(jb.simulate(plain, options))
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12 * wanted.max())
    assert wanted.max() > 0


def test_of_a_batch_of_cells_each_has_its_own():
    made = [
        gaussian(crystal=jb.Crystal((a, 45, 55, 90, 90, 90), cells=8, shape="gauss", b_factor=80.0)) for a in (40, 44)
    ]
    options = replace(EXACT, method="samples")
    for found, each in zip(jb.simulate_batch(made, options), made, strict=True):
        np.testing.assert_allclose(found, jb.simulate(each, options), rtol=1e-9)


def test_derivatives_agree():
    """Forward, reverse, and differences."""
    made, options = gaussian(crystal=crystal(SIX)), replace(EXACT, method="samples")
    with numerics():

        def total(b_factor):
            image = jb.simulate(eqx.tree_at(lambda e: e.crystal.b_factor, made, b_factor), options)
            return jnp.log1p(image).sum()

        at = jnp.asarray(SIX)
        reverse, forward = jax.grad(total)(at), jax.jacfwd(total)(at)
        step = 1e-3 * np.eye(6)
        numeric = np.array([(total(at + s) - total(at - s)) / 2e-3 for s in step])
    np.testing.assert_allclose(forward, reverse, rtol=1e-9)
    np.testing.assert_allclose(reverse, numeric, rtol=1e-5)
    assert (np.asarray(reverse)[:3] < 0).all()


def test_it_is_found_by_a_fit():
    from jaxbragg import refine

    made = gaussian(crystal=crystal(20.0), beam=jb.Beam(1.0, fluence=3e27))
    image = np.asarray(jb.simulate(made, EXACT))
    start = eqx.tree_at(lambda e: e.crystal.b_factor, made, np.array([10.0]))
    counts = np.random.default_rng(0).poisson(image)
    result = refine.fit(refine.Problem(start, ["crystal.b_factor", "image.scale"], counts, EXACT))
    value, sigma = (each["crystal.b_factor[0]"] for each in (result.values, result.uncertainties))
    assert abs(value - 20.0) < 3 * sigma
    assert sigma < 5.0


def test_what_cannot_be_is_named():
    with pytest.raises(ValueError, match="`b_factor` must be one number or six"):
        crystal((1.0, 2.0))
    with pytest.raises(ValueError, match="`b_factor` must be finite"):
        crystal(np.inf)
    with pytest.raises(ValueError, match="default 0 where the crystal has a `b_factor`"):
        gaussian(crystal=crystal(1.0), structure_factors=jb.StructureFactors(default=10.0))
