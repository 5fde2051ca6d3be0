"""All photons of a reflection that passes the sphere, against the integral in closed form, which no width changes."""

from dataclasses import replace

import numpy as np
import pytest
from gaussian_cases import EXACT

import jaxbragg as jb
from jaxbragg.units import THOMSON_AREA
from jaxbragg_kernels import rotation, scaling
from jaxbragg_kernels.numerics import numerics

GAUSS = (np.pi * 0.63 / 2) ** 1.5  # of |F_latt|² over a reciprocal cell, in units of N
WIDTH = 4.0


def alone(**widths):
    """3 4 5 in the middle of a rotation by 4°, on fine pixels."""
    values = np.zeros((17, 17, 21))
    values[8 + 3, 8 + 4, 10 + 5] = 100.0
    origin = np.array([0.1, 0.01377, 0.00732]) + 4e-5 * np.array([0, 48, -64])
    crystal = jb.Crystal(
        (40.0, 40, 55, 90, 90, 90), misset=(11.0, 22.0, 33.0), cells=40, shape="gauss",
        mosaic=jb.GaussianMosaic(widths.get("mosaic", 1e-3)), cell_spread=widths.get("cells"),
    )  # fmt: skip
    return jb.Experiment(
        beam=jb.Beam(1.0, fluence=1e28, polarization=0.5, sources=jb.GaussianSources(widths.get("bandwidth", 0.0))),
        crystal=crystal, scan=jb.Scan.continuous(25.74 - WIDTH / 2, WIDTH),
        detector=jb.FlatPanel((96, 128), 4e-5, origin, (0, 0, 1), (0, -1, 0)),
        structure_factors=jb.StructureFactors(values, (-8, -8, -10)),
    )  # fmt: skip


@pytest.mark.parametrize(
    "widths", [{}, {"mosaic": 0.05}, {"bandwidth": 1e-3, "mosaic": 0.03}, {"cells": jb.CellSpread(5e-4)}],
    ids=["none", "mosaic", "bandwidth", "cells"],
)  # fmt: skip
def test_the_sum_over_a_whole_spot_is_its_integral(widths):
    """r_e² Φ P |F|² λ² ∫|F_latt|² / (V |v·n| Δφ), with v = u × G and n along the ray, where it is on the sphere."""
    made = alone(**widths)
    photons = float(
        np.asarray(jb.simulate(made, replace(EXACT, method="spots", skip_below=1e-9, oversample=3)), float).sum()
    )
    vectors, beam, spindle = np.asarray(made.crystal.vectors()), np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    volume = abs(np.linalg.det(vectors))
    at_zero = np.array([3, 4, 5]) @ np.linalg.inv(vectors).T
    with numerics():
        angles = np.radians(np.linspace(25.0, 26.5, 20_001))
        turned = np.asarray(rotation.axis_angle(np.broadcast_to(spindle, (angles.size, 3)), angles)) @ at_zero
    off = abs(2 * turned @ beam + (turned**2).sum(axis=1))
    place = turned[off.argmin()]
    ray = beam + place
    ray /= np.linalg.norm(ray)
    with numerics():
        polarized = float(scaling.polarization(tuple(np.asarray(x) for x in ray), beam, spindle, np.asarray(0.5)))
    speed = abs(np.cross(spindle, place) @ ray)
    wanted = THOMSON_AREA * 1e28 * polarized * 100.0**2 * GAUSS * 40**3 / (volume * speed * np.radians(WIDTH))
    assert photons == pytest.approx(wanted, rel=1e-4)
