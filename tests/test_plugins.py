"""What may be plugged in, as CONTRIBUTING shows it: one class each, from outside; simulated, differentiated, fitted."""

import ast
import re
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import crystal, experiment, in_float64, panel, relative, textbook_image
from jaxtyping import Array, Float

import jaxbragg as jb
from jaxbragg import refine
from jaxbragg.cli import main
from jaxbragg.refine.likelihood import LIKELIHOODS
from jaxbragg_kernels.shapes import AbstractShape, RadialShape

DOUBLE = jb.Options(precision="float64")
DETECTOR = panel((24, 24), 1.3e-3)


@dataclass(frozen=True)
class Lorentzian(RadialShape):
    def of_radius_squared(self, radius_squared):
        return 1.0 / (1.0 + radius_squared)

    def radius(self, threshold):
        return jnp.sqrt(jnp.maximum(1.0 / threshold - 1.0, 0.0))


@dataclass(frozen=True)
class CosineSquared(AbstractShape):
    """Of Δh, Δk, Δl and N with nothing but the two methods that a shape must have."""

    def size(self, n_cells, metric):
        return n_cells

    def intensity(self, offsets, size):
        h, k, l = (jnp.cos(jnp.pi * delta) ** 2 for delta in offsets.delta)
        return h * k * l / size[0]


class Ring(jb.AbstractBackground):
    strength: Float[Array, ""]

    def scattering(self, rays):
        stol = rays.scattering_length() / 2
        return self.strength.astype(stol.dtype) * jnp.exp(-((stol - 0.13) ** 2) / 2e-3)


class TwoDomains(jb.AbstractMosaic):
    """The mean orientation, and one at some angle about x."""

    angle: Float[Array, ""]

    def rotations(self):
        with jax.enable_x64(True):
            cos, sin, zero = jnp.cos(self.angle), jnp.sin(self.angle), jnp.zeros_like(self.angle)
            one = zero + 1.0
            rows = ((one, zero, zero), (zero, cos, -sin), (zero, sin, cos))
            return jnp.stack([jnp.eye(3, dtype=one.dtype), jnp.stack([jnp.stack(row) for row in rows])])


class Smeared(jb.AbstractStructureFactors):
    """A table times exp(-B s²/4) of a cubic cell."""

    values: Float[Array, "h k l"]
    b_factor: Float[Array, ""]
    default: Float[Array, ""]
    minimum: tuple[int, int, int] = eqx.field(static=True)

    def amplitudes(self):
        indices = [low + jnp.arange(n) for low, n in zip(self.minimum, self.values.shape, strict=True)]
        h, k, l = jnp.meshgrid(*indices, indexing="ij")
        return self.values * jnp.exp(-self.b_factor * (h**2 + k**2 + l**2) / 50.0**2 / 4)


class Laplace(refine.AbstractLikelihood):
    """Counts that scatter by a Laplace distribution of some width."""

    width: float = eqx.field(static=True)

    def deviance(self, model, counts):
        return 2 * jnp.abs(counts - model) / self.width

    def information(self, model):
        return jnp.full_like(model, 1 / self.width**2)

    def variance(self, model):
        return jnp.full_like(model, 2 * self.width**2)


class TwoColours(jb.AbstractSources):
    """The beam's wavelength, and one longer by some share, with half the weight."""

    share: Float[Array, ""]

    def rays(self, direction, polarization_axis, wavelength):
        ratios = jnp.stack([jnp.ones_like(self.share), 1.0 + self.share])
        return jnp.stack([direction, direction]), wavelength * ratios, jnp.asarray([1.0, 0.5], ratios.dtype)


def leaf(value):
    with jax.enable_x64(True):
        return jnp.asarray(value, "float64")


@in_float64
def lorentzian_of_the_formula(made):
    """1/(1 + |N Δh|²) of every pixel, plainly."""
    vectors, panel = np.asarray(made.crystal.vectors()), made.detector
    fast, slow = (size * (np.arange(24) + 0.5)[:, None] for size in np.asarray(panel.pixel_size))
    position = (slow * np.asarray(panel.slow_axis))[:, None] + (fast * np.asarray(panel.fast_axis))[None]
    position = position + np.asarray(panel.origin)
    unit = position / np.linalg.norm(position, axis=-1, keepdims=True)
    index = (unit - [1, 0, 0]) @ vectors.T / float(made.beam.wavelength)
    away = (index - np.round(index)) * np.asarray(made.crystal.cells)
    return 1.0 / (1.0 + (away**2).sum(axis=-1))


def test_a_spot_shape_of_ones_own_is_that_of_its_formula():
    flat = jb.StructureFactors(default=100.0)
    made = experiment(crystal=crystal(shape=Lorentzian()), detector=DETECTOR, structure_factors=flat)
    one = experiment(crystal=crystal(cells=(1, 1, 1)), detector=DETECTOR, structure_factors=flat)
    # Square spots of one cell are 1 everywhere: what is left of their image is the rest of the physics.
    rest = textbook_image(one, DOUBLE)
    wanted = rest * lorentzian_of_the_formula(made) * (7 * 6 * 5) ** 2
    assert relative(jb.simulate(made, DOUBLE), wanted) < 1e-10
    assert relative(jb.simulate(made), wanted) < 1e-5
    # Given as an option it is the same.
    found = jb.simulate(one, replace(DOUBLE, shape=Lorentzian()))
    assert relative(found, rest * lorentzian_of_the_formula(one)) < 1e-10


def test_tiles_that_such_spots_do_not_reach_are_left_out_within_the_bound():
    mosaic = crystal(shape=Lorentzian(), cells=(300, 300, 300), mosaic=jb.CapMosaic(0.2, 12))
    made = experiment(crystal=mosaic, detector=panel((64, 64), 2e-4))
    every = np.asarray(jb.simulate(made, replace(DOUBLE, skip_below=0.0)))
    # Tails as long as a Lorentzian's leave nothing out below a percent or so.
    some = np.asarray(jb.simulate(made, replace(DOUBLE, skip_below=0.3)))
    assert (some == 0).mean() > 0.5
    assert 0 < np.abs(some - every).max() < 0.3 * every.max()


@pytest.mark.parametrize("shape", [Lorentzian(), CosineSquared()])
def test_derivatives_of_shapes_of_ones_own_agree_with_differences(shape):
    made = experiment(crystal=crystal(shape=shape), detector=panel((8, 8), 1.3e-3))
    weight = np.linspace(0.5, 1.5, 64).reshape(8, 8)

    def total(values):
        moved = eqx.tree_at(lambda e: (e.crystal.misset, e.crystal.cells), made, (values[:3], values[3:]))
        return (jb.simulate(moved, DOUBLE) * weight).sum()

    with jax.enable_x64(True):
        at = jnp.asarray([10.0, -20.0, 30.0, 7.0, 6.0, 5.0])
        reverse, forward = jax.jit(jax.grad(total))(at), jax.jit(jax.jacfwd(total))(at)
        along = jnp.asarray([0.3, -0.2, 0.1, 0.5, 0.4, -0.3])
        steps = [total(at + sign * 1e-5 * along) for sign in (1, -1)]
    np.testing.assert_allclose(reverse, forward, rtol=1e-9)
    slope = np.asarray(forward) @ np.asarray(along)
    np.testing.assert_allclose(slope, (float(steps[0]) - float(steps[1])) / 2e-5, rtol=1e-6)


def test_backgrounds_of_any_kind_are_added():
    plain, water, ring = experiment(), jb.AmorphousBackground(1e6, [0.0, 0.5], [2.0, 1.0]), Ring(leaf(3e6))
    images = [
        np.asarray(jb.simulate(replace(plain, background=background), DOUBLE))
        for background in (None, water, ring, [water, ring])
    ]
    np.testing.assert_allclose(images[3] - images[0], images[1] + images[2] - 2 * images[0], rtol=1e-9)
    # The ring is what a background of points of the same function is.
    stol = np.linspace(0.0, 1.0, 4001)
    points = jb.AmorphousBackground(3e6, stol, np.exp(-((stol - 0.13) ** 2) / 4e-3))
    assert relative(images[2], jb.simulate(replace(plain, background=points), DOUBLE)) < 1e-4


def test_mosaic_and_sources_of_ones_own_are_those_of_their_lists():
    made = experiment(beam=jb.Beam(1.1, sources=TwoColours(leaf(0.01))), crystal=crystal(mosaic=TwoDomains(leaf(0.02))))
    cos, sin = np.cos(0.02), np.sin(0.02)
    matrices = [np.eye(3), [[1, 0, 0], [0, cos, -sin], [0, sin, cos]]]
    sources = jb.AbsoluteSources([[1, 0, 0], [1, 0, 0]], [1.1, 1.111], [1.0, 0.5])
    listed = experiment(beam=jb.Beam(1.1, sources=sources), crystal=crystal(mosaic=jb.RotationList(matrices)))
    assert relative(jb.simulate(made, DOUBLE), jb.simulate(listed, DOUBLE)) < 1e-12


@pytest.mark.filterwarnings("ignore::jaxbragg.refine.FitWarning")  # an image without noise
def test_values_of_all_of_them_are_refined():
    true = experiment(
        crystal=crystal(shape=Lorentzian(), mosaic=TwoDomains(leaf(0.03))),
        detector=DETECTOR,
        background=[Ring(leaf(3e6)), jb.AmorphousBackground(1e6)],
    )
    data = np.asarray(jb.simulate(true, DOUBLE))
    start = eqx.tree_at(lambda e: (e.background[0].strength, e.crystal.mosaic.angle), true, (leaf(2.5e6), leaf(0.0302)))
    free = ["background[0].strength", "crystal.mosaic.angle"]
    result = refine.fit(refine.Problem(start, free, data, DOUBLE))
    assert float(result.experiment.background[0].strength) == pytest.approx(3e6, rel=1e-3)
    assert float(result.experiment.crystal.mosaic.angle) == pytest.approx(0.03, rel=1e-3)


def test_structure_factors_of_ones_own():
    table = np.random.default_rng(0).uniform(50, 100, (9, 9, 9))
    own = Smeared(leaf(table), leaf(20.0), leaf(0.0), (-4, -4, -4))
    h, k, l = np.mgrid[-4:5, -4:5, -4:5]
    plain = jb.StructureFactors(table * np.exp(-20.0 * (h**2 + k**2 + l**2) / 50.0**2 / 4), (-4, -4, -4))
    parts = {"crystal": jb.Crystal((50, 50, 50, 90, 90, 90), misset=(10, 20, 30), cells=6), "detector": DETECTOR}
    made = experiment(structure_factors=own, **parts)
    wanted = np.asarray(jb.simulate(experiment(structure_factors=plain, **parts), DOUBLE))
    assert relative(jb.simulate(made, DOUBLE), wanted) < 1e-12

    def total(b_factor):
        return jb.simulate(eqx.tree_at(lambda e: e.structure_factors.b_factor, made, b_factor), DOUBLE).sum()

    with jax.enable_x64(True):
        slope = float(jax.grad(total)(leaf(20.0)))
        assert slope == pytest.approx(float(total(leaf(20.01)) - total(leaf(19.99))) / 0.02, rel=1e-6)
    scaled = eqx.tree_at(lambda e: e.beam.fluence, made, leaf(1e4 / wanted.max() * float(made.beam.fluence)))
    counts = np.random.default_rng(1).poisson(np.asarray(jb.simulate(scaled), float))
    start = eqx.tree_at(lambda e: e.structure_factors.b_factor, scaled, leaf(10.0))
    found = refine.fit(refine.Problem(start, ["structure_factors.b_factor"], counts))
    assert abs(found.values["structure_factors.b_factor"] - 20) < 4 * found.uncertainties["structure_factors.b_factor"]


def test_a_likelihood_of_ones_own():
    """Its best constant is the median, and the median's standard uncertainty is width/√n."""
    counts = np.random.default_rng(0).laplace(1000.0, 5.0, (24, 24))
    dark = experiment(structure_factors=jb.StructureFactors(default=0.0), detector=DETECTOR)
    constant = refine.Parameter("image.constant", start=1003.0)
    found = refine.fit(refine.Problem(dark, [constant], counts, likelihood=Laplace(5.0)))
    # The objective has a corner at every count: a step ends near the middle one, not on it.
    assert found.values["image.constant"] == pytest.approx(np.median(counts), abs=0.5 * 5 / 24)
    assert found.uncertainties["image.constant"] == pytest.approx(5 / 24, rel=1e-6)


def test_a_likelihood_of_ones_own_has_a_name_for_the_command(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(LIKELIHOODS, "laplace", Laplace)
    np.save(tmp_path / "counts.npy", np.random.default_rng(0).laplace(100.0, 5.0, (16, 16)).astype(np.float32))
    flags = (
        "-cell 40 40 55 90 90 90 -N 5 -default_F 1e-9 -lambda 1 -distance 100 -detpixels 16 -pixel 0.1 -oversample 1"
    )
    config = tmp_path / "refine.toml"
    for likelihood, status in (("width = 5.0", 0), ("width = 5.0\nfloor = 1", 2), ("", 2)):
        config.write_text(
            f'[experiment]\nflags = "{flags}"\n[[images]]\nfile = "counts.npy"\noffset = 0\n'
            f'[[parameters]]\npath = "image.constant"\nstart = 100.5\n[likelihood]\nkind = "laplace"\n{likelihood}\n'
            '[fit]\nsolver = "lm"\n[output]\nfigures = false\n'
        )
        assert main(["refine", str(config), "--noprogress"]) in ((0, 3) if status == 0 else (2,))
    err = capsys.readouterr().err
    assert "floor: kind = 'laplace' does not take it, but width" in err
    assert "[likelihood]: width is missing: kind = 'laplace' needs it" in err


# What CONTRIBUTING shows ---------------------------------------------------------------------------------------------


def shown_classes() -> dict[str, type]:
    """The classes of CONTRIBUTING.md, each made of its text and the usual imports."""
    names = {"jb": jb, "jnp": jnp, "eqx": eqx, "refine": refine, "dataclass": dataclass, "Array": Array, "Float": Float}
    names["RadialShape"] = RadialShape
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.M):
        if "class " in block:
            tree = ast.parse(textwrap.dedent(block))
            tree.body = [part for part in tree.body if isinstance(part, ast.ClassDef)]
            exec(compile(tree, "CONTRIBUTING.md", "exec"), names)
    return {name: kind for name, kind in names.items() if isinstance(kind, type) and kind.__module__ == "builtins"}


def test_the_classes_that_contributing_shows_work():
    shown = shown_classes()
    assert set(shown) == {"Lorentzian", "Ring", "Pair", "Laplace", "Offset"}
    shifted = jb.Response([jb.Counting(), shown["Offset"](leaf(3.0))])
    assert np.asarray(shifted.expected(np.full((2, 2), 5.0)).mean).tolist() == [[8.0, 8.0], [8.0, 8.0]]
    assert (np.asarray(shifted.drawn(np.full((2, 2), 5.0), 0)) >= 3.0).all()
    made = experiment(
        crystal=crystal(shape=shown["Lorentzian"](), mosaic=shown["Pair"](leaf(0.03))),
        background=shown["Ring"](leaf(3e6)),
        detector=DETECTOR,
    )
    same = experiment(
        crystal=crystal(shape=Lorentzian(), mosaic=TwoDomains(leaf(0.03))),
        background=Ring(leaf(3e6)),
        detector=DETECTOR,
    )
    wanted = np.asarray(jb.simulate(same, DOUBLE))
    found = np.asarray(jb.simulate(made, DOUBLE))
    # Their rings are of other widths.
    assert 0 < np.abs(found - wanted).max() < wanted.max()
    bragg = [np.asarray(jb.simulate(replace(each, background=None), DOUBLE)) for each in (made, same)]
    assert relative(*bragg) < 1e-12
    model, counts = jnp.asarray([3.0, 4.0]), jnp.asarray([5.0, 1.0])
    shown_one, mine = shown["Laplace"](2.0), Laplace(2.0)
    for method in ("deviance", "slope"):
        np.testing.assert_array_equal(getattr(shown_one, method)(model, counts), getattr(mine, method)(model, counts))
