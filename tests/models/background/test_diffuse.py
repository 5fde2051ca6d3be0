"""Liquid-like motions: against lattices whose atoms are displaced together, summed atom by atom."""

import jax
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg_kernels.numerics import numerics

CELL = (10.0, 11.0, 13.0, 90.0, 90.0, 90.0)
SIGMA, GAMMA = 0.4, 6.0


def made(background, pixels=32, **parts):
    half = pixels * 1e-3 / 2
    return jb.Experiment(
        beam=jb.Beam(1.0, fluence=1e28), crystal=jb.Crystal(CELL, misset=(10, 20, 30)),
        detector=jb.FlatPanel((pixels, pixels), 1e-3, (0.06, half + 0.012, -half), (0, 0, 1), (0, -1, 0)),
        structure_factors=jb.StructureFactors(default=0.0), background=background, **parts,
    )  # fmt: skip


def test_it_is_that_of_lattices_whose_atoms_are_displaced_together():
    """One point of 10 electrons a cell: their mean intensity is a sum over pairs, less that of the mean, to 2 %."""
    cells, factor = 12, 10.0
    vectors = np.asarray(jb.Crystal(CELL, misset=(10, 20, 30)).vectors())
    values = np.full((21, 21, 21), factor)
    with numerics():
        motions = jb.LiquidLikeMotions(vectors, values, (-10, -10, -10), cells**3, SIGMA, GAMMA, reach=2)
    options = jb.Options(precision="float64", polarization=False)
    electron = made(None)
    photons = np.asarray(jb.simulate(made(motions), options))

    class Unit(jb.AbstractBackground):
        def scattering(self, rays):
            return jax.numpy.ones_like(rays.directions.unit[0])

    found = photons / np.asarray(jb.simulate(made(Unit()), options))
    steps = np.stack(np.meshgrid(*[np.arange(-cells + 1, cells)] * 3, indexing="ij"), -1).reshape(-1, 3)
    between = steps @ vectors
    together = np.exp(-np.linalg.norm(between, axis=1) / GAMMA)
    panel = electron.detector
    for slow, fast in ((3, 5), (16, 16), (20, 9), (30, 28), (8, 25), (12, 20)):
        place = (
            np.asarray(panel.origin)
            + (fast + 0.5) * 1e-3 * np.array([0, 0, 1])
            + (slow + 0.5) * 1e-3 * np.array([0, -1, 0])
        )
        s = place / np.linalg.norm(place) - np.array([1.0, 0, 0])
        square = 4 * np.pi**2 * (s @ s) * SIGMA**2
        waves = np.cos(2 * np.pi * between @ s)
        # ⟨exp(i q (u − u′))⟩ = exp(−q²σ² (1 − C)), less exp(−q²σ²), to first order in C as the model has it.
        exact = factor**2 * np.exp(-square) * (waves * square * together).sum() * cells**3
        assert found[slow, fast] == pytest.approx(exact, rel=0.02)


def test_without_displacements_there_is_none_and_it_is_symmetric():
    values = np.random.default_rng(0).uniform(10, 50, (9, 9, 9))
    values = 0.5 * (values + values[::-1, ::-1, ::-1])
    crystal = jb.Crystal(CELL, cells=8)
    factors = jb.StructureFactors(values, (-4, -4, -4))
    assert not np.asarray(jb.simulate(made(jb.LiquidLikeMotions.of(crystal, factors, 0.0)))).any()
    motions = jb.LiquidLikeMotions.of(crystal, factors)
    assert float(motions.cells) == 512.0
    image = np.asarray(jb.simulate(made(motions)))
    assert image.min() > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sigma": -1.0}, "`sigma` must not be negative"),
        ({"gamma": np.nan}, "`gamma` must be finite"),
        ({"vectors": np.ones((3, 3))}, "`vectors` must span a cell"),
        ({"values": np.zeros((0, 1, 1))}, "`values` must hold at least one index"),
        ({"reach": -1}, "`reach` must be a whole number of at least 0"),
    ],
)
def test_what_cannot_be_is_named(changes, message):
    given = {"vectors": 10 * np.eye(3), "values": np.ones((1, 1, 1)), "minimum": (0, 0, 0), "cells": 1.0}
    with pytest.raises(ValueError, match=message):
        jb.LiquidLikeMotions(**(given | changes))
