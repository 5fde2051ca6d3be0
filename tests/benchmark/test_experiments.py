from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from cases import relative

from benchmarks.cases import CASES, Case
from benchmarks.experiments import experiment_of, flags_of, options_of, stacked, stills_of, truth_region
from jaxbragg import Options, read_experiment, simulate


def small(**changes) -> Case:
    return replace(CASES["yardstick"].shrunk(), **{"pixels": (20, 24), **changes})  # type: ignore[type-var]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"table": False, "domains": 1},
        {"lattice": "lysozyme", "pixel_size": 172e-6, "distance": 0.23127, "table": False},
        {"wavelengths": 3, "shape": "gauss", "table": False},
        {"phi_steps": 4, "shape": "tophat", "cells": (5, 5, 5), "options": (("oversample", 2),)},
        {"shape": "round", "options": (("interpolation", "tricubic"),)},
    ],
)
def test_flags_say_what_the_experiment_is(tmp_path: Path, changes):
    case = small(**changes)
    experiment, options = read_experiment([*flags_of(case, tmp_path), "--precision", "float64"])
    wanted = simulate(experiment_of(case), options_of(case, "float64"))
    found = simulate(experiment, options)
    assert np.asarray(wanted).max() > 0
    assert relative(found, wanted) < 1e-9


@pytest.mark.parametrize(
    ("changes", "reason"), [({"panels": 2}, "one panel"), ({"options": (("unroll", 8),)}, "Options.unroll")]
)
def test_what_the_c_program_cannot_draw(tmp_path: Path, changes, reason):
    with pytest.raises(ValueError, match=reason):
        flags_of(small(**changes), tmp_path)


def test_an_option_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match=r"no Options\(nonsense=1\)"):
        options_of(small(options=(("nonsense", 1),)))


def test_stills_differ_in_their_misset_alone():
    stills = stills_of(small(stills=3))
    batch = stacked(stills)
    assert batch.crystal.misset.shape == (3, 3)
    with jax.enable_x64(True):
        np.testing.assert_array_equal(batch.crystal.misset[2], stills[2].crystal.misset)
    assert len({float(np.asarray(simulate(still)).sum()) for still in stills}) == 3


@pytest.mark.parametrize(("most", "pixels"), [(1e9, None), (480 * 100 * 10, 4800), (1.0, 4096)])
def test_the_truth_of_a_large_case_is_a_region_about_its_middle(most, pixels):
    region = truth_region(small(pixels=(200, 240), domains=100), most)
    if pixels is None:
        assert region is None
        return
    assert region is not None
    left, right, top, bottom = region
    assert (right - left + 1) * (bottom - top + 1) == pytest.approx(pixels, rel=0.05)
    assert abs((left + right + 1) / 2 - 120) <= 1
    Options(roi=region)
