"""CrystFEL's streams: crystals as they stand there."""

import numpy as np
import pytest

from jaxbragg.io import FileError
from jaxbragg.io.stream import read_stream_vectors

CRYSTAL = """\
--- Begin crystal
Cell parameters 4.00000 5.00000 6.00000 nm, 90.00000 90.00000 90.00000 deg
astar = {a}0.2500000 +0.0000000 +0.0000000 nm^-1
bstar = +0.0000000 +0.2000000 +0.0000000 nm^-1
cstar = +0.0000000 +0.0000000 +0.1666667 nm^-1
--- End crystal
"""


def test_cells_are_in_angstrom_and_in_order(tmp_path) -> None:
    path = tmp_path / "x.stream"
    path.write_text("CrystFEL stream format 2.3\n" + CRYSTAL.format(a="+") + "other\n" + CRYSTAL.format(a="-"))
    found = read_stream_vectors(path)
    assert found.shape == (2, 3, 3)
    np.testing.assert_allclose(found[0], np.diag([40.0, 50.0, 60.0]), atol=1e-4)
    np.testing.assert_allclose(found[1], np.diag([-40.0, 50.0, 60.0]), atol=1e-4)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("nothing\n", "found none"),
        (CRYSTAL.format(a="+").replace("bstar", "b_star"), "line 5: expected astar and bstar"),
        (CRYSTAL.format(a="+").replace("+0.1666667", "x"), "line 5: expected three numbers"),
        (CRYSTAL.format(a="+").replace("+0.1666667", "0"), "span no cell"),
        (CRYSTAL.format(a="+").replace("+0.1666667", "nan"), "span no cell"),
    ],
)
def test_broken_ones_are_named(content, says, tmp_path) -> None:
    path = tmp_path / "x.stream"
    path.write_text(content)
    with pytest.raises(FileError, match=says):
        read_stream_vectors(path)
