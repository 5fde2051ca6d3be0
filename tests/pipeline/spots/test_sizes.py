"""Lengths of lists: long enough for all that is seen, and what is too short says so."""

from dataclasses import replace

import equinox as eqx
import numpy as np
import pytest
from cases import relative
from gaussian_cases import EXACT, gaussian

import jaxbragg as jb
from jaxbragg.pipeline.settings import make_settings
from jaxbragg.pipeline.spots.drawing import pairs_at_once
from jaxbragg.pipeline.spots.limits import TooManySpots
from jaxbragg.pipeline.spots.lists import sizes_for


@pytest.mark.slow
def test_indices_beyond_those_that_are_looked_at_make_the_image_nan():
    """A cell that grows under jit: nothing is missing in silence."""
    start, factors = gaussian(), jb.StructureFactors(default=10.0)
    start = eqx.tree_at(lambda e: e.structure_factors, start, factors)
    options = jb.spot_options(start, EXACT, margin=1.5)
    for length, there in ((43.0, True), (60.0, False)):
        made = eqx.tree_at(lambda e: e.crystal.cell.a, start, np.asarray(length))
        long = options.spots._replace(near=10000, events=10000, pairs=100000)
        image = np.asarray(jb.simulate(made, replace(options, spots=long)))
        assert np.isfinite(image).all() == there
        if there:
            assert relative(image, jb.simulate(made, EXACT)) < 1e-9


def test_lengths_serve_each_experiment_and_stay_below_the_most():
    large = jb.FlatPanel((96, 128), 5e-4, (0.1, 0.024, -0.032), (0, 0, 1), (0, -1, 0))
    several = [gaussian(mosaic=spread, detector=large) for spread in (0.5, 0.1)]
    settings = make_settings(several[0], replace(EXACT, method="spots", tile=4), warns=False)
    both, alone = sizes_for(several, settings, 1.2), sizes_for(several[:1], settings, 1.2)
    assert both == alone
    assert sizes_for(several[1:], settings, 1.2).pairs < both.pairs
    assert sizes_for(several, settings, 1.2, most=both) == both
    for less in (both._replace(pairs=both.pairs - 1), both._replace(limits=(1, 1, 1))):
        with pytest.raises(TooManySpots, match="must need lists of at most"):
            sizes_for(several, settings, 1.2, most=less)


def test_a_memory_limit_that_lists_exceed_is_named_and_small_blocks_change_nothing():
    made = gaussian()
    options = replace(EXACT, method="spots")
    with pytest.raises(TooManySpots, match=r"their list needs .* MiB, and it may have 1 MiB"):
        jb.simulate(made, replace(options, memory_limit=1 << 20))
    image = np.asarray(jb.simulate(made, options))
    for more in ({"memory_limit": 1 << 23}, {"block_pixels": 800}):
        settings = make_settings(made, replace(options, tile=4, **more), warns=False)
        assert pairs_at_once(settings) < (1 << 13)
        assert relative(jb.simulate(made, replace(options, **more)), image) < 1e-12
