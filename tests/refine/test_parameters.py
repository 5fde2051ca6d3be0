"""What may be free, and what is said of what may not."""

import pytest

from jaxbragg.refine import Parameter, cell_parameters


def test_bounds_default_to_none_but_for_numbers_of_cells():
    assert (Parameter("crystal.cell.a").lower, Parameter("crystal.cell.a").upper) == (-float("inf"), float("inf"))
    assert Parameter("crystal.cells[0]").lower == 0.0
    assert Parameter("crystal.shear[0]").lower == -float("inf")
    assert Parameter(("crystal.cells[0]", "crystal.cells[1]")).lower == 0.0
    assert Parameter("crystal.cells[0]", bounds=(None, 20)).lower == -float("inf")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": ()}, "`path` must be a path or a tuple of paths"),
        ({"path": (1, 2)}, "`path` must be a path or a tuple of paths"),
        ({"path": "crystal.cell.a", "scale": -1.0}, "`scale` must be positive, but is -1"),
        ({"path": "crystal.cell.a", "bounds": (1.0,)}, "`bounds` must be a lowest and a highest value"),
        ({"path": "crystal.cell.a", "bounds": (2.0, 1.0)}, "`bounds` must ascend"),
        ({"path": "crystal.cell.a", "prior": (55.0,)}, "`prior` must be a value and its uncertainty"),
        ({"path": "crystal.cell.a", "prior": (55.0, 0.0)}, "`prior` must be positive"),
    ],
)
def test_what_cannot_be_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Parameter(**arguments)


@pytest.mark.parametrize(
    ("system", "free"),  # International Tables A, table 2.1.1.1
    [
        ("triclinic", 6),
        ("monoclinic", 4),
        ("orthorhombic", 3),
        ("tetragonal", 2),
        ("hexagonal", 2),
        ("rhombohedral", 2),
        ("cubic", 1),
    ],
)
def test_a_crystal_system_has_its_number_of_cell_parameters(system, free):
    assert len(cell_parameters(system)) == free


def test_a_rhombohedral_cell_ties_lengths_and_angles():
    lengths, angles = cell_parameters("rhombohedral", scale=0.2)
    assert lengths.paths == ("crystal.cell.a", "crystal.cell.b", "crystal.cell.c")
    assert angles.paths == ("crystal.cell.alpha", "crystal.cell.beta", "crystal.cell.gamma")
    assert lengths.scale == angles.scale == 0.2


def test_an_unknown_system_is_an_error():
    with pytest.raises(ValueError, match=r"`system` must be one of 'triclinic', .*, but is 'quasi'"):
        cell_parameters("quasi")
