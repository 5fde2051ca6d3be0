"""Structure factors as a dense box."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxbragg.models.structure_factors import StructureFactors

indices = st.tuples(st.integers(-6, 6), st.integers(-6, 6), st.integers(-6, 6))


@given(st.lists(st.tuples(indices, st.floats(0, 1000)), min_size=1, max_size=40), st.floats(0, 10))
def test_the_box_holds_the_last_of_each_index_and_the_default_between(reflections, default):
    hkl, amplitudes = zip(*reflections, strict=True)
    made = StructureFactors.from_arrays(hkl, amplitudes, default)
    listed = dict(zip(hkl, amplitudes, strict=True))
    low = np.array(hkl).min(axis=0)
    assert made.minimum == tuple(low)
    assert made.values.shape == tuple(np.array(hkl).max(axis=0) - low + 1)
    for place in np.ndindex(*made.values.shape):
        index = tuple(int(x) for x in np.array(place) + low)
        assert float(made.values[place]) == listed.get(index, default)


def test_without_a_table_there_is_only_the_default():
    made = StructureFactors(default=7)
    assert not made.has_table
    assert float(made.default) == 7
    assert StructureFactors(np.ones((1, 1, 1))).has_table


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: StructureFactors(np.zeros((2, 2))), "values"),
        (lambda: StructureFactors(np.full((1, 1, 1), np.nan)), "values"),
        (lambda: StructureFactors(default=float("inf")), "default"),
        (lambda: StructureFactors(np.zeros((1, 1, 1)), (0, 0)), "minimum"),
        (lambda: StructureFactors.from_arrays(np.zeros((0, 3), int), []), "hkl"),
        (lambda: StructureFactors.from_arrays([[1, 2]], [1.0]), "hkl"),
        (lambda: StructureFactors.from_arrays([[1, 2, 3]], [1.0, 2.0]), "amplitudes"),
    ],
)
def test_impossible_values_are_named(make, name):
    with pytest.raises(ValueError, match=f"Argument `{name}` must"):
        make()


def test_a_box_too_large_to_look_up_is_refused_before_it_is_made():
    far = [[-1000, -1000, -1000], [1000, 1000, 1000]]
    with pytest.raises(ValueError, match="h -1000 … 1000, k -1000 … 1000, l -1000 … 1000"):
        StructureFactors.from_arrays(far, [1.0, 2.0])


def test_the_padded_box_must_fit_too():
    # 32767 × 65537 × 1 is just below 2³¹, but the look-up walks a box with one more layer all round it.
    far = [[0, 0, 0], [32766, 65536, 0]]
    with pytest.raises(ValueError, match="more than can be looked up"):
        StructureFactors.from_arrays(far, [1.0, 2.0])
