"""Every shape that can be simulated has its flag, and knows what the C program's formula says of it."""

import numpy as np
import pytest
from effects import setup

from jaxbragg.cli.build.shapes import SHAPES
from jaxbragg.cli.flag_table import find_flag
from jaxbragg_kernels.shapes import SHAPES as KNOWN


def test_each_shape_has_one_flag_of_the_table() -> None:
    assert sorted(shape.name for shape in SHAPES.values()) == sorted(KNOWN)
    for name in SHAPES:
        flag = find_flag(f"-{name}")
        assert flag is not None
        assert flag.name == name


@pytest.mark.parametrize("flag", SHAPES)
def test_fudge_is_named_where_the_formula_has_none(flag: str) -> None:
    """F_latt of square spots has no fudge."""
    warnings = setup(f"-{flag} -fudge 2").notes.warnings
    assert bool(warnings) is (SHAPES[flag].name == "square")
    assert np.asarray(setup(f"-{flag} -fudge 2").experiment.crystal.fudge) == 2
