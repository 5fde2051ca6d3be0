"""Background scatter."""

import numpy as np
import pytest

from jaxbragg.models.background import AmorphousBackground


def test_a_cube_of_water():
    # 10 µm cubed is 1e-15 m³, a nanogram: 1e-9/18 mol.
    water = AmorphousBackground.water(1e-5)
    np.testing.assert_allclose(water.molecules, 1e-9 / 18 * 6.02214179e23, rtol=1e-12)
    np.testing.assert_array_equal(water.factor, [2.57])


def test_no_water_is_none():
    assert float(AmorphousBackground.water(0.0).molecules) == 0.0


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: AmorphousBackground(-1.0), "molecules"),
        (lambda: AmorphousBackground(float("nan")), "molecules"),
        (lambda: AmorphousBackground(1.0, (), ()), "stol"),
        (lambda: AmorphousBackground(1.0, (0.0, 0.2, 0.1), (1, 2, 3)), "stol"),
        (lambda: AmorphousBackground(1.0, (0.0, 0.0), (1, 2)), "stol"),
        (lambda: AmorphousBackground(1.0, (0.0, 0.1), (1, 2, 3)), "factor"),
        (lambda: AmorphousBackground.water(-1e-6), "thickness"),
    ],
)
def test_impossible_values_are_named(make, name):
    with pytest.raises(ValueError, match=f"Argument `{name}` must"):
        make()
