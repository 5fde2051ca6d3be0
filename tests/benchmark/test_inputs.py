import numpy as np

from benchmarks.inputs import write_lysozyme
from jaxbragg.io import read_hkl, read_matrix
from jaxbragg.models.unit_cell import cell_parameters


def test_the_made_up_crystal_is_lysozyme(tmp_path):
    write_lysozyme(str(tmp_path / "a.hkl"), str(tmp_path / "a.mat"))
    vectors = np.linalg.inv(read_matrix(tmp_path / "a.mat") / 0.9768)
    np.testing.assert_allclose(cell_parameters(vectors), (27.1, 31.3, 33.8, 88.0, 108.0, 112.1), rtol=1e-9)
    assert len(read_hkl(tmp_path / "a.hkl")[0]) == 45 * 53 * 57
